"""What is known about a slide, and where each value came from."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from bachview.core.geometry import Region
from bachview.core.pixel_size import Origin, PixelSize
from bachview.core.units import length_text
from bachview.slide.reader import SlideMetadata
from bachview.ui.look.widgets import dialog_column, heading, plain

Row = tuple[str, str, str]

_ORIGINS = {
    Origin.FILE: "stated by the file",
    Origin.USER: "stated by you",
    Origin.UNKNOWN: "not stated",
}


def metadata_rows(
    metadata: SlideMetadata, pixel_size: PixelSize, *, icc_applied: bool
) -> tuple[Row, ...]:
    """Rows of the dialog: (property, value, origin)."""
    size = metadata.pyramid.size
    from_file = _ORIGINS[Origin.FILE]
    rows: list[Row] = [
        ("File", metadata.path.name, str(metadata.path.parent)),
        ("Format", metadata.format_name, "detected by the reader"),
        ("Vendor", metadata.vendor or "–", from_file if metadata.vendor else "not stated"),
        ("Size", f"{size.width:,} × {size.height:,} px", from_file),
    ]
    if metadata.stack.text:
        rows.append(("Pictures", metadata.stack.text, from_file))
    bounds = metadata.pyramid.bounds
    if bounds != metadata.pyramid.extent:
        rows.append(
            (
                "Scanned area",
                _region_text(bounds),
                from_file,
            )
        )
    rows += _pixel_size_rows(metadata, pixel_size)
    power = metadata.objective_power
    rows.append(
        (
            "Objective",
            f"{power:g}x" if power else "–",
            "stated by the file, not used" if power else "not stated",
        )
    )
    for level in metadata.pyramid.levels:
        rows.append(
            (
                f"Level {level.index}",
                f"{level.width:,} × {level.height:,} px",
                f"downsample {level.downsample:.5g}",
            )
        )
    if metadata.icc_profile is None:
        rows.append(("Colour profile", "none", "not stated"))
    else:
        state = "applied" if icc_applied else "not applied (View menu)"
        rows.append(
            ("Colour profile", f"ICC, {len(metadata.icc_profile):,} bytes; {state}", from_file)
        )
    images = len(metadata.associated_images)
    rows.append(
        (
            "Further images",
            f"{images}, hidden" if images else "none",
            "File → Label and overview images" if images else "",
        )
    )
    rows.append(("Fingerprint", metadata.fingerprint, "hash of the content"))
    return tuple(rows)


def _region_text(region: Region) -> str:
    place = f"{region.x:,.0f}, {region.y:,.0f}"
    return f"{region.width:,.0f} × {region.height:,.0f} px at {place}"


def _pixel_size_rows(metadata: SlideMetadata, pixel_size: PixelSize) -> list[Row]:
    if pixel_size.mpp_x is None or pixel_size.mpp_y is None:
        return [("Pixel size", "unknown", _ORIGINS[Origin.UNKNOWN])]
    origin = _ORIGINS[pixel_size.origin]
    if not pixel_size.is_plausible:
        origin += "; implausible, not used"
    rows = [("Pixel size", f"{pixel_size.mpp_x:.5g} × {pixel_size.mpp_y:.5g} µm", origin)]
    if pixel_size.is_plausible:
        size = metadata.pyramid.size
        width, height = size.width * pixel_size.mpp_x, size.height * pixel_size.mpp_y
        extent = f"{length_text(width)} × {length_text(height)}"
        rows.append(("Extent", extent, f"from size and pixel size{pixel_size.remark}"))
    of_file = metadata.pixel_size
    if pixel_size.origin is Origin.USER and of_file.origin is Origin.FILE:
        rows.append(("Pixel size in the file", of_file.text, "stated by the file; not used"))
    return rows


class InformationDialog(QDialog):
    """A table of `metadata_rows`."""

    def __init__(self, rows: tuple[Row, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Slide information")
        table = QTableWidget(len(rows), 3, self)
        table.setHorizontalHeaderLabels(["", "Value", "Origin"])
        table.verticalHeader().hide()
        table.setShowGrid(False)
        table.setWordWrap(True)
        table.setAlternatingRowColors(True)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        for number, row in enumerate(rows):
            for column, text in enumerate(row):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                item.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
                table.setItem(number, column, item)
        header = table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
        table.resizeRowsToContents()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        column_box = dialog_column(self)
        column_box.addWidget(plain(heading(rows[0][1], self)))
        column_box.addWidget(table, 1)
        column_box.addWidget(buttons)
        self.resize(760, 460)
