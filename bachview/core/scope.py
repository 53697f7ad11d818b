"""What a figure is of, in words: the slide or a region, and how much of its tissue was judged.

The same words stand on the screen and in every file, so that neither can be misread.
"""

from dataclasses import dataclass
from typing import Any

from bachview.core.geometry import Region
from bachview.core.pixel_size import PixelSize
from bachview.core.summary import Summary
from bachview.core.units import length_text, percent_text, whole_percent_text
from bachview.file_names import printable

WHOLE_SLIDE = "Whole slide"
NO_TISSUE = "no tissue recognised as H&E"


def scope_text(region: Region | None, pixel_size: PixelSize) -> str:
    """E.g. ``Whole slide``, ``Region 1,200 × 800 px at 100, 50 (600 µm × 400 µm)``.

    Parameters
    ----------
    region : level-0 px; None for the whole slide.
    pixel_size : of level 0; without one there are no um.
    """
    if region is None:
        return WHOLE_SLIDE
    size = f"{region.width:,.0f} × {region.height:,.0f} px"
    text = f"Region {size} at {region.x:,.0f}, {region.y:,.0f}"
    if pixel_size.um_per_px is None:
        return text
    mpp_x, mpp_y = pixel_size.um_per_px
    return f"{text} ({length_text(region.width * mpp_x)} × {length_text(region.height * mpp_y)})"


def coverage_text(summary: Summary) -> str:
    """E.g. ``37 % of its tissue judged, 12 cells failed to read``; of what the summary is of."""
    if summary.region is not None and summary.region.is_empty:
        return "nothing was looked at here"
    share = summary.judged_share
    if share is None:
        return NO_TISSUE
    parts = [f"{'all' if share == 1 else _percent(share)} of its tissue judged"]
    if summary.pending.patches:
        parts.append(f"{_cells(summary.pending.patches)} not yet classified")
    if summary.outside.patches:
        parts.append(f"{_cells(summary.outside.patches)} outside the training material")
    if summary.failed.patches:
        parts.append(f"{_cells(summary.failed.patches)} failed to read")
    return ", ".join(parts)


def classified_text(done: int, failed: int, total: int) -> str:
    """E.g. ``37 of 100 cells (37 %), 2 failed to read``.

    Parameters
    ----------
    done, failed, total : cells classified, cells that could not be read, all with tissue.
    """
    if not total:
        return NO_TISSUE
    text = f"{done:,} of {_cells(total)} ({whole_percent_text(done / total)})"
    return f"{text}, {failed:,} failed to read" if failed else text


def warning_text(warnings: tuple[str, ...]) -> str:
    """E.g. ``Classified although: 64 % of the slide is …``; empty if nothing was found."""
    return f"Classified although: {_in_one_line(' '.join(warnings))}" if warnings else ""


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count:,} cells"


def _percent(share: float) -> str:
    """Whole per cent, where that is not all or nothing."""
    return f"{100 * share:.0f} %" if 0.01 <= share <= 0.99 else percent_text(share)


@dataclass(frozen=True, slots=True)
class Statement:
    """What a result is of and how far it may be trusted: one line, the same wherever it stands.

    Attributes
    ----------
    summary : of the slide or the region that is spoken of.
    pixel_size : of level 0, and whose word it is.
    model : its name.
    measured : one sentence on how often it was right; empty if that is unknown.
    warnings : what spoke against classifying the slide, one sentence each; None if it was not
        checked.
    slide_name : the file's name; None where names are not to be told.
    picture : which of several in the file was judged (`core.stack.Stack.shown_text`); empty if
        there is one.
    contradiction : how the stated pixel size differs from that of the file, one sentence
        (`core.pixel_size.contradiction_text`); empty if it does not.
    """

    summary: Summary
    pixel_size: PixelSize
    model: str
    measured: str = ""
    warnings: tuple[str, ...] | None = ()
    slide_name: str | None = None
    contradiction: str = ""
    picture: str = ""

    @property
    def region(self) -> Region | None:
        """Level-0 px, as far as it was scanned; None for the whole slide."""
        return self.summary.region

    @property
    def facts(self) -> str:
        """The line without the warning."""
        facts = [
            _in_one_line(self.slide_name or ""),
            self.picture.capitalize(),
            scope_text(self.region, self.pixel_size),
            coverage_text(self.summary),
            f"Model {_in_one_line(self.model)}",
            _in_one_line(self.measured).rstrip("."),
            f"{self.pixel_size.text} per pixel{self.pixel_size.remark}",
            self.contradiction.rstrip("."),
            "Not checked before classification" if self.warnings is None else "",
        ]
        return " · ".join(fact for fact in facts if fact)

    @property
    def warning(self) -> str:
        """E.g. ``Classified although: 64 % of the slide is …``; empty if nothing was found."""
        return warning_text(self.warnings or ())

    @property
    def line(self) -> str:
        """Everything, without line breaks."""
        return f"{self.facts} · {self.warning}" if self.warning else self.facts

    def to_document(self) -> dict[str, Any]:
        """The line, and the same as plain values for JSON."""
        summary, region, size = self.summary, self.region, self.pixel_size
        in_px = None if region is None else list(region)
        in_um = None
        if in_px is not None and size.mpp_x is not None and size.mpp_y is not None:
            steps = (size.mpp_x, size.mpp_y, size.mpp_x, size.mpp_y)
            in_um = [px * mpp for px, mpp in zip(in_px, steps, strict=True)]
        return {
            "statement": self.line,
            "scope": {
                "what": "slide" if region is None else "region",
                "picture": self.picture,
                "region_px": in_px,
                "region_um": in_um,
                "tissue_mm2": summary.tissue_mm2,
                "judged_share": summary.judged_share,
                "pending": summary.pending.patches,
                "failed": summary.failed.patches,
                "outside": summary.outside.patches,
            },
            "measured": self.measured,
            "warnings": None if self.warnings is None else list(self.warnings),
        }


def _in_one_line(text: str) -> str:
    """With a replacement for what cannot be shown: names of files may hold line breaks."""
    return "".join(
        c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}"
        for c in printable(text)
    )
