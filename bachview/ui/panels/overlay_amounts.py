"""Amounts of a prediction for the rows of the legend."""

from bachview.core.cell_state import CellState
from bachview.core.pixel_size import PixelSize
from bachview.core.predictions import Prediction
from bachview.core.summary import Part, cell_areas_mm2, summarize
from bachview.core.uncertainty import Thresholds
from bachview.ui.panels.legend import Amount, LegendKey


def amounts_of(
    prediction: Prediction, pixel_size: PixelSize, thresholds: Thresholds
) -> dict[LegendKey, Amount]:
    """Area and share of the tissue for each class and state; empty without a pixel size."""
    if not pixel_size.is_plausible:
        return {}
    summary = summarize(prediction, pixel_size, thresholds)
    amounts: dict[LegendKey, Amount] = {
        tissue_class: _amount(part.part)
        for tissue_class, part in zip(prediction.classes, summary.classes, strict=True)
    }
    amounts[CellState.UNCERTAIN] = _amount(summary.uncertain)
    amounts[CellState.PENDING] = _amount(summary.pending)
    amounts[CellState.FAILED] = _amount(summary.failed)
    glass = prediction.states == CellState.NO_TISSUE
    areas = cell_areas_mm2(prediction.grid, pixel_size)
    amounts[CellState.NO_TISSUE] = Amount(float(areas[glass].sum()), None)
    return amounts


def _amount(part: Part) -> Amount:
    return Amount(part.area_mm2, part.share)
