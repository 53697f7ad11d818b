"""What the faults are put into: a drawn chart, a phantom, an ensemble out of order."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from bachview.core.pixel_size import PixelSize
from bachview.core.pyramid import TileKey
from bachview.inference.plan import Plan, make_plan
from bachview.jobs.tokens import CancelToken
from bachview.models.engines.base import EngineInfo
from bachview.models.ensemble import Ensemble, EnsembleOutput
from bachview.selftest.chart import Chart
from bachview.selftest.runs import Classified, classify_slide
from bachview.slide.opening import open_slide
from bachview.slide.reader import SlideReader
from bachview.slide.tiles.display_tiles import read_display_tile

Pixels = npt.NDArray[np.uint8]


class Swapped(Ensemble):
    """An ensemble whose columns are in another order than its classes."""

    def __init__(
        self, ensemble: Ensemble, members: slice = slice(None), *, is_whole: bool = True
    ) -> None:
        self.bundle = ensemble.bundle
        self._ensemble = ensemble
        self._members = members
        self._is_whole = is_whole

    @property
    def info(self) -> EngineInfo:
        return self._ensemble.info

    @property
    def batch_size(self) -> int:
        return self._ensemble.batch_size

    def predict(
        self,
        patches: Pixels,
        token: CancelToken | None = None,
        asked: npt.NDArray[np.bool_] | None = None,
    ) -> EnsembleOutput:
        answer = self._ensemble.predict(patches, token, asked)
        members, order = answer.members.copy(), [1, 0, 2, 3]
        members[:, self._members] = members[:, self._members][..., order]
        whole = answer.probabilities[:, order] if self._is_whole else answer.probabilities
        return EnsembleOutput(members, whole)


def classified(
    path: Path, ensemble: Ensemble, results: Path, mpp: float | None = None
) -> Classified:
    def planned(reader: SlideReader) -> Plan:
        pixel_size = PixelSize.typed(mpp) if mpp else reader.metadata.pixel_size
        return make_plan(reader.metadata, pixel_size, ensemble.bundle)

    return classify_slide(path, ensemble, planned, results)


class Drawn:
    """An open chart with its tiles."""

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        self.reader = open_slide(chart.path)
        self.pyramid = self.reader.metadata.pyramid
        self._tiles: dict[TileKey, Pixels] = {}

    def tile(self, key: TileKey) -> Pixels:
        if key not in self._tiles:
            self._tiles[key] = read_display_tile(self.reader, key)
        return self._tiles[key]
