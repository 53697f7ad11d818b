"""Amounts of a prediction for the rows of the legend."""

from bachview.core.pixel_size import PixelSize
from bachview.core.predictions import PatchState, Prediction
from bachview.core.summary import Part, cell_areas_mm2, summarize
from bachview.core.uncertainty import Thresholds
from bachview.ui.panels.legend import Amount, CellKind, LegendKey


def amounts_of(
    prediction: Prediction, pixel_size: PixelSize, thresholds: Thresholds
) -> dict[LegendKey, Amount]:
    """Area and share of the tissue for each class and state; empty without a pixel size."""
    if not pixel_size.is_plausible:
        return {}
    summary = summarize(prediction, pixel_size, thresholds)
    amounts: dict[LegendKey, Amount] = {
        index: _amount(part.part) for index, part in enumerate(summary.classes)
    }
    amounts[CellKind.UNCERTAIN] = _amount(summary.uncertain)
    amounts[CellKind.PENDING] = _amount(summary.pending)
    amounts[CellKind.FAILED] = _amount(summary.failed)
    glass = prediction.states == PatchState.NO_TISSUE
    areas = cell_areas_mm2(prediction.grid, pixel_size)
    amounts[CellKind.NO_TISSUE] = Amount(float(areas[glass].sum()), None)
    return amounts


def _amount(part: Part) -> Amount:
    return Amount(part.area_mm2, part.share)
