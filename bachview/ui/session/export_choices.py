"""What was chosen of the files in the last export, as it is remembered."""

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from bachview.export.formats import FORMATS, ExportFormat, usual_kinds
from bachview.export.options import (
    USUAL_LONGEST_PX,
    Compression,
    ExportOptions,
    Objects,
    PictureSize,
)
from bachview.viewing.style import OverlayStyle
from bachview.viewing.viewport import Viewport

#: Level-0 px per px of the pyramidal TIFF, px of a picture per px of the screen.
STEPS, ZOOMS = (1, 2, 4, 8), (1, 2, 4)
#: Px of a picture's longest side, and its magnification, that can be typed.
LONGEST_PX, MAGNIFICATIONS = (16, 100_000), (0.01, 200.0)


class SizeBy(StrEnum):
    """What decides how large the picture is."""

    LONGEST = "longest"
    MAGNIFICATION = "magnification"
    SCREEN = "screen"


@dataclass(frozen=True, slots=True)
class ExportChoices:
    """What to write, without place and part of the slide.

    Attributes
    ----------
    kinds : keys of `FORMATS`; None for the usual ones.
    cells, without_class : of GeoJSON.
    size_by, longest_px, magnification, zoom : of the picture.
    step : level-0 px per px of the pyramidal TIFF.
    lossless : whether its compression is.
    """

    kinds: tuple[str, ...] | None = None
    cells: bool = False
    without_class: bool = True
    size_by: SizeBy = SizeBy.LONGEST
    longest_px: int = USUAL_LONGEST_PX
    magnification: float = 10.0
    zoom: int = 1
    step: int = 1
    lossless: bool = False

    @classmethod
    def of_text(cls, text: str) -> "ExportChoices":
        """What `text` says; what it does not say, or wrongly, is as usual."""
        try:
            said = json.loads(text)
        except (ValueError, RecursionError):
            return cls()
        found = cls()
        for name, value in said.items() if isinstance(said, dict) else ():
            if (read := _read(name, value)) is not None:
                found = replace(found, **{name: read})
        return found

    @property
    def text(self) -> str:
        return json.dumps(asdict(self))

    @property
    def chosen_kinds(self) -> tuple[ExportFormat, ...]:
        if self.kinds is None:
            return usual_kinds()
        return tuple(kind for kind in FORMATS if kind.key in self.kinds)

    def options(self, view: Viewport | None, style: OverlayStyle | None) -> ExportOptions:
        """What is written.

        Parameters
        ----------
        view : what a picture as on the screen shows; None if there is none.
        style : of the overlay on the screen, which a picture as on the screen has too.
        """
        as_on_screen = self.size_by is SizeBy.SCREEN and view is not None
        size = PictureSize(self.longest_px)
        if self.size_by is SizeBy.MAGNIFICATION:
            size = PictureSize(magnification=self.magnification)
        return ExportOptions(
            Objects.CELLS if self.cells else Objects.REGIONS,
            without_class=self.without_class,
            size=size,
            view=view if as_on_screen else None,
            zoom=self.zoom,
            full=PictureSize(step=self.step),
            compression=Compression.DEFLATE if self.lossless else Compression.JPEG,
            style=style if as_on_screen else None,
        )


def _read(name: str, value: Any) -> Any:
    """The value of a field; None if there is no such field or it cannot have it."""
    if name == "kinds":
        is_list = isinstance(value, list) and all(isinstance(key, str) for key in value)
        return tuple(value) if is_list else None
    if name in ("cells", "without_class", "lossless"):
        return value if isinstance(value, bool) else None
    if name == "size_by":
        return next((by for by in SizeBy if by.value == value), None)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    numbers: dict[str, Collection[int]] = {
        "zoom": ZOOMS,
        "step": STEPS,
        "longest_px": range(LONGEST_PX[0], LONGEST_PX[1] + 1),
    }
    if name in numbers:
        return int(value) if value in numbers[name] else None
    is_known = name == "magnification" and MAGNIFICATIONS[0] <= value <= MAGNIFICATIONS[1]
    return float(value) if is_known else None
