"""Keeps the ensemble loaded between runs, and shares it between runs and the cursor."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from bachview.errors import UsageError
from bachview.jobs.lanes import Lane
from bachview.jobs.tokens import CancelToken
from bachview.ui.session.load_marker import LoadMarker

if TYPE_CHECKING:
    from bachview.models.ensemble import Ensemble, Explanation

T = TypeVar("T")
RGB = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class EnsembleChoice:
    """What to load.

    Attributes
    ----------
    path : of the bundle.
    sha256 : of its content: a bundle replaced under the same path is loaded again.
    device : as requested, e.g. ``AUTO``.
    """

    path: Path
    sha256: str
    device: str


class EnsembleService:
    """Runs, one at a time, in the inference lane, and explanations in a second lane.

    Any thread may submit. The owner closes the lanes, then calls `free`.

    Attributes
    ----------
    on_ready : called on a lane with what is loaded, each time it is requested.
    """

    def __init__(self, marker: LoadMarker | None = None) -> None:
        """With a marker, the next start knows of a crash while loading."""
        self._marker = marker
        self._runs = Lane("inference", low_priority=True)
        self._explanations = Lane("explain", low_priority=True)
        self._lock = threading.Lock()  # held while one is loaded or explains
        self._loaded: tuple[EnsembleChoice, Ensemble] | None = None
        self._pending: set[Future[Any]] = set()
        self.on_ready: Callable[[EnsembleChoice], object] = lambda choice: None

    @property
    def has_runs(self) -> bool:
        """Whether a run is active or queued."""
        return bool(self._pending)

    def submit(
        self,
        choice: EnsembleChoice,
        job: "Callable[[Ensemble, CancelToken], T]",
        token: CancelToken,
        *,
        on_turn: Callable[[], None],
    ) -> "Future[T]":
        """Queue a run; `on_turn` is called on the lane when the run's turn has come."""

        def run(token: CancelToken) -> T:
            token.check()
            on_turn()
            ensemble = self._ready(choice, token)
            token.check()
            return job(ensemble, token)

        future = self._runs.submit(run, token)
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        return future

    def warm_up(self, choice: EnsembleChoice) -> "Future[None]":
        """Load the ensemble while idle, so that a run starts at once."""

        def load(token: CancelToken) -> None:
            token.check()
            self._ready(choice, token)

        return self._runs.submit(load)

    def explain(
        self, choice: EnsembleChoice, read: Callable[[], RGB], token: CancelToken
    ) -> "Future[Explanation]":
        """Queue an explanation of the patch that `read` returns.

        Loads the bundle if necessary, unless a run uses another one.
        """

        def run(token: CancelToken) -> "Explanation":
            token.check()
            patch = read()
            token.check()
            with self._lock:
                if self._loaded is None:
                    self._load(choice, token)
                loaded = self._loaded
                if loaded is None or loaded[0].sha256 != choice.sha256:
                    raise UsageError(
                        "The activation map needs the model of this result, but a different one is "
                        "loaded: choose it in the Classify menu."
                    )
                token.check()
                return loaded[1].explain(patch)

        return self._explanations.submit(run, token)

    def _ready(self, choice: EnsembleChoice, token: CancelToken) -> "Ensemble":
        with self._lock:
            if self._loaded is not None:
                kept, ensemble = self._loaded
                if kept == choice:
                    self.on_ready(choice)
                    return ensemble
                self._loaded = None
                ensemble.close()
            return self._load(choice, token)

    def _load(self, choice: EnsembleChoice, token: CancelToken) -> "Ensemble":
        """Load; the lock must be held and nothing be loaded."""
        # Imported here: OpenVINO and scikit-learn are not needed to open the viewer.
        from bachview.models.loading import load_ensemble

        mark = nullcontext() if self._marker is None else self._marker.during(choice.path)
        with mark:
            ensemble = load_ensemble(choice.path, device=choice.device, token=token)
        self._loaded = choice, ensemble
        self.on_ready(choice)
        return ensemble

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The lanes, to be closed by the owner; see `free`."""
        return self._runs, self._explanations

    def free(self) -> None:
        """Free the ensemble; only after both lanes have ended."""
        if self._loaded is not None:
            self._loaded[1].close()
            self._loaded = None
