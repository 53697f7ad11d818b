"""Amounts of a prediction for the rows of the legend: of the slide or a part of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bachview.core.cell_state import CellState
from bachview.core.pixel_size import PixelSize
from bachview.core.predictions import Prediction
from bachview.core.scope import WHOLE_SLIDE, coverage_text, scope_text
from bachview.core.summary import Part, Summary, cell_areas_mm2
from bachview.ui.panels.legend import Amount, LegendKey


class AmountsOf(StrEnum):
    """What the areas of the legend are of."""

    SLIDE = "slide"
    VIEW = "view"
    REGION = "region"

    @property
    def shown(self) -> str:
        return _TITLES[self]


_TITLES = {
    AmountsOf.SLIDE: WHOLE_SLIDE,
    AmountsOf.VIEW: "What is visible",
    AmountsOf.REGION: "Region last classified",
}


@dataclass(frozen=True, slots=True)
class Amounts:
    """What the legend shows.

    Attributes
    ----------
    rows : area and share of each row; empty while they are not known.
    coverage : what they are of, and how much of its tissue was judged.
    """

    rows: Mapping[LegendKey, Amount]
    coverage: str


#: Without a prediction.
NO_AMOUNTS = Amounts({}, "")
#: Those of the last view would be taken for those of this one.
MOVING = Amounts({}, "Counted again as soon as the view rests.")


def amounts_of(summary: Summary, prediction: Prediction, pixel_size: PixelSize) -> Amounts:
    """Area and share of the tissue for each class and state.

    Parameters
    ----------
    summary : of the prediction, or of a region of it.
    pixel_size : plausible.
    """
    rows: dict[LegendKey, Amount] = {
        tissue_class: _amount(part.part)
        for tissue_class, part in zip(prediction.classes, summary.classes, strict=True)
    }
    rows |= {state: _amount(part) for state, part in summary.without_class}
    glass = prediction.states == CellState.NO_TISSUE
    areas = cell_areas_mm2(prediction.grid, pixel_size, summary.region)
    rows[CellState.NO_TISSUE] = Amount(float(areas[glass].sum()), None)
    where = scope_text(summary.region, pixel_size)
    return Amounts(rows, f"{where}: {coverage_text(summary)}")


def _amount(part: Part) -> Amount:
    return Amount(part.area_mm2, part.share)
