"""What is known about a slide, and where each value came from."""

import re
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QWidget

from bachview.core.geometry import Region
from bachview.core.pixel_size import Origin, PixelSize
from bachview.core.units import (
    count_text,
    length_text,
    magnification_text,
    pixels_text,
    significant_text,
)
from bachview.file_names import printable
from bachview.slide.reader import SlideMetadata
from bachview.ui.dialogs.layout import LaidOutDialog
from bachview.ui.look.spacing import APART, EDGE, NEAR, TIGHT
from bachview.ui.look.widgets import WrappedLabel, heading, line, plain, scrolled

Row = tuple[str, str, str]
Group = tuple[str, tuple[Row, ...]]

#: Where a long text may go on in the next line.
_BREAKS = re.compile(r"([/\\_]|\S{16})(?=\S)")

_ORIGINS = {
    Origin.FILE: "stated by the file",
    Origin.USER: "stated by you",
    Origin.UNKNOWN: "not stated",
}


def metadata_groups(
    metadata: SlideMetadata, pixel_size: PixelSize, *, icc_applied: bool
) -> tuple[Group, ...]:
    """What the dialog says, in groups of (property, value, origin)."""
    size = metadata.pyramid.size
    from_file = _ORIGINS[Origin.FILE]
    images = len(metadata.associated_images)
    file: list[Row] = [
        ("Name", metadata.path.name, ""),
        ("Folder", str(metadata.path.parent), ""),
        ("Format", metadata.format_name, "detected by the reader"),
        ("Vendor", metadata.vendor or "–", from_file if metadata.vendor else "not stated"),
        ("Fingerprint", metadata.fingerprint, "hash of the content"),
        ("Further images", f"{images}, hidden" if images else "none", ""),
    ]
    scan: list[Row] = [("Size", pixels_text(size.width, size.height), from_file)]
    if metadata.stack.text:
        scan.append(("Pictures", metadata.stack.text, from_file))
    bounds = metadata.pyramid.bounds
    if bounds != metadata.pyramid.extent:
        scan.append(("Scanned area", _region_text(bounds), from_file))
    scan += _pixel_size_rows(metadata, pixel_size)
    power = metadata.objective_power
    scan.append(
        (
            "Objective",
            magnification_text(power) if power else "–",
            "stated by the file, not used" if power else "not stated",
        )
    )
    if metadata.icc_profile is None:
        scan.append(("Colour profile", "none", "not stated"))
    else:
        state = "applied" if icc_applied else "not applied (View menu)"
        scan.append(
            (
                "Colour profile",
                f"ICC, {count_text(len(metadata.icc_profile))} bytes; {state}",
                from_file,
            )
        )
    levels = tuple(
        (
            f"Level {level.index}",
            pixels_text(level.width, level.height),
            f"downsample {significant_text(level.downsample, 5)}",
        )
        for level in metadata.pyramid.levels
    )
    return ("Scan", tuple(scan)), ("Stored levels", levels), ("File", tuple(file))


def _region_text(region: Region) -> str:
    place = f"{count_text(region.x)}, {count_text(region.y)}"
    return f"{pixels_text(region.width, region.height)} at {place}"


def _pixel_size_rows(metadata: SlideMetadata, pixel_size: PixelSize) -> list[Row]:
    if pixel_size.mpp_x is None or pixel_size.mpp_y is None:
        return [("Pixel size", "unknown", _ORIGINS[Origin.UNKNOWN])]
    origin = _ORIGINS[pixel_size.origin]
    if not pixel_size.is_plausible:
        origin += "; implausible, not used"
    sides = (significant_text(side, 5) for side in (pixel_size.mpp_x, pixel_size.mpp_y))
    rows = [("Pixel size", f"{' × '.join(sides)} µm", origin)]
    if pixel_size.is_plausible:
        size = metadata.pyramid.size
        width, height = size.width * pixel_size.mpp_x, size.height * pixel_size.mpp_y
        extent = f"{length_text(width)} × {length_text(height)}"
        rows.append(("Extent", extent, f"from size and pixel size{pixel_size.remark}"))
    of_file = metadata.pixel_size
    if pixel_size.origin is Origin.USER and of_file.origin is Origin.FILE:
        rows.append(("Pixel size in the file", of_file.text, "stated by the file; not used"))
    return rows


class InformationDialog(LaidOutDialog):
    """The groups of `metadata_groups` under their titles; values can be selected and copied.

    Signals
    -------
    imagesRequested : the label and overview images are wanted, which another dialog asks about.
    """

    imagesRequested = Signal()

    def __init__(
        self, name: str, groups: Sequence[Group], parent: QWidget | None = None, *, images: int = 0
    ) -> None:
        """`images` : how many further images the file has; their content is not shown here."""
        super().__init__("Slide information", parent, title=printable(name), size=(720, 560))
        page = QWidget(self)
        grid = QGridLayout(page)
        grid.setContentsMargins(0, 0, NEAR, 0)
        grid.setHorizontalSpacing(EDGE)
        grid.setVerticalSpacing(TIGHT)
        grid.setColumnStretch(1, 3)
        grid.setColumnStretch(2, 2)
        self._lines: list[str] = []
        for title, rows in groups:
            self._add_group(grid, page, title, rows)
        grid.setRowStretch(grid.rowCount(), 1)
        self.content.addWidget(scrolled(page), 1)
        self.add_close()
        self.copy_button = self.add_action("Copy", "Copy all of this as text")
        self.copy_button.clicked.connect(self._copy)
        self.images_button = self.add_action(
            "Label and overview images…", "Asks before it shows them"
        )
        self.images_button.clicked.connect(self.imagesRequested)
        self.images_button.setVisible(images > 0)

    def _add_group(self, grid: QGridLayout, page: QWidget, title: str, rows: Sequence[Row]) -> None:
        place = grid.rowCount()
        if self._lines:
            grid.setRowMinimumHeight(place, APART)
            self._lines.append("")
        grid.addWidget(heading(title, page), place + 1, 0, 1, 3)
        grid.addWidget(line(page), place + 2, 0, 1, 3)
        self._lines.append(title)
        for number, (name, value, origin) in enumerate(rows, place + 3):
            for column, text in enumerate((name, value, origin)):
                label = plain(WrappedLabel("", page))
                shown = printable(text)
                breakable = _BREAKS.sub("\\1\u200b", shown)  # a path or a hash has no spaces
                label.setText(breakable)
                label.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
                if column != 1:
                    label.setObjectName("muted")
                elif breakable == shown:
                    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
                grid.addWidget(label, number, column)
            self._lines.append("\t".join((name, value, origin)))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(self._lines))
