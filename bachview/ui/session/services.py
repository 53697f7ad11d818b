"""Services that all slides of the window share."""

import time
from dataclasses import dataclass

from bachview.config import user_folders
from bachview.jobs.lanes import Lane
from bachview.slide.tiles.cache import TileCache
from bachview.ui.bridge import Bridge
from bachview.ui.look.theme import Theme
from bachview.ui.session.annotation_classes import AnnotationClasses
from bachview.ui.session.ensemble_service import EnsembleService
from bachview.ui.session.load_marker import LoadMarker
from bachview.ui.session.settings import SettingsFile
from bachview.ui.view.tools.base import ToolSizes


@dataclass(frozen=True, slots=True)
class Services:
    """Lanes, cache, settings; created by the application, closed by the window.

    Attributes
    ----------
    io : opening, reading results, hashing.
    exports : writing files of results, which may take long.
    service : the inference lane with the loaded ensemble.
    marker : of a bundle that is being loaded.
    warms_up : load the ensemble as soon as a slide is open, before it is needed.
    annotation_classes, tool_sizes : what new annotations are of, and drawn with.
    """

    settings: SettingsFile
    theme: Theme
    bridge: Bridge
    cache: TileCache
    io: Lane
    exports: Lane
    service: EnsembleService
    marker: LoadMarker
    warms_up: bool
    annotation_classes: AnnotationClasses
    tool_sizes: ToolSizes

    @classmethod
    def start(cls, settings: SettingsFile, theme: Theme, *, warms_up: bool = True) -> "Services":
        """Create everything that is not given. GUI thread."""
        cache = TileCache(settings.now.cache_bytes)
        io, exports = Lane("io", threads=2), Lane("exports", low_priority=True)
        marker = LoadMarker(user_folders().config)
        return cls(
            settings,
            theme,
            Bridge(),
            cache,
            io,
            exports,
            EnsembleService(marker),
            marker,
            warms_up,
            AnnotationClasses(settings),
            ToolSizes(settings.now.brush_px, settings.now.wand_tolerance),
        )

    def close(self, timeout_s: float) -> bool:
        """End the lanes; False if a job did not end in time."""
        deadline = time.monotonic() + timeout_s
        self.bridge.close()
        lanes = (self.io, self.exports, *self.service.lanes)
        for lane in lanes:  # ask all to stop before waiting for the first
            lane.close(0)
        ended = [lane.close(max(0.0, deadline - time.monotonic())) for lane in lanes]
        if all(ended):
            self.service.free()
        else:  # the process is ended on purpose, perhaps while a bundle is being loaded
            self.marker.clear()
        return all(ended)
