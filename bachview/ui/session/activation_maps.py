"""The class activation map of the cell under the cursor, computed on request."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, QTimer, Signal

from bachview.core.geometry import Region
from bachview.errors import BachviewError
from bachview.jobs.tokens import CancelToken
from bachview.ui.session.document import Document
from bachview.ui.session.ensemble_service import EnsembleChoice
from bachview.ui.session.services import Services
from bachview.viewing.activation import ActivationMap, within

if TYPE_CHECKING:
    from bachview.models.ensemble import Explanation

#: How long the cursor must rest before a map is requested: sweeping over a slide requests none.
_REST_MS = 90
#: A map that has not come by then is said to be on its way: the model may have to be loaded first.
_DELAYED_MS = 700


class ActivationMaps(QObject):
    """The latest request wins: a new cell cancels the previous request. GUI thread only.

    Signals
    -------
    found(ActivationMap) : of the cell's class.
    failed(str) : why there is none.
    delayed : the map that is wanted takes its time.
    """

    found = Signal(object)
    delayed = Signal()
    failed = Signal(str)

    def __init__(
        self, services: Services, is_moving: Callable[[], bool], parent: QObject | None = None
    ) -> None:
        """`is_moving` : whether the slide moves below the cursor; no map is computed meanwhile."""
        super().__init__(parent)
        self._services = services
        self._is_moving = is_moving
        self._token = CancelToken()
        self._wanted: tuple[Document, tuple[int, int], str] | None = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._rest.timeout.connect(self._ask)
        self._delay = QTimer(self, singleShot=True, interval=_DELAYED_MS)
        self._delay.timeout.connect(self.delayed)

    def want(self, document: Document, cell: tuple[int, int], device: str) -> None:
        """Request the map of this cell of the document's prediction."""
        self.forget()
        self._wanted = document, cell, device
        self._rest.start()
        self._delay.start()

    def forget(self) -> None:
        """Cancel any request."""
        self._rest.stop()
        self._delay.stop()
        self._token.cancel()
        self._wanted = None
        self._services.bridge.next_generation(self)

    def _ask(self) -> None:
        if self._wanted is None:
            return
        if self._is_moving():
            self._rest.start()
            return
        document, (row, column), device = self._wanted
        prediction, bundle = document.prediction, document.bundle
        if prediction is None or bundle is None:
            return
        patch_result = prediction.patch_result(row, column)
        if patch_result is None:
            return
        field: Region = prediction.field(row, column)
        top = int(patch_result.probabilities.argmax())
        class_name = prediction.classes[top].name
        window = prediction.grid.window(field, row, column)
        reader, pixel_size = document.reader, document.pixel_size
        transform = document.transform(managed=document.is_run_managed)

        def read() -> npt.NDArray[np.uint8]:
            from bachview.slide.patches import PatchReader

            return PatchReader(reader, pixel_size, bundle.geometry, transform).read(field)

        def on_done(explanation: "Explanation") -> None:
            self._delay.stop()
            values = within(explanation.mean_map[..., top], window)
            self.found.emit(ActivationMap(values, field, class_name))

        def on_error(error: BachviewError) -> None:
            self._delay.stop()
            self.failed.emit(str(error))

        self._token = CancelToken()
        choice = EnsembleChoice(bundle.path, bundle.sha256, device)
        future = self._services.service.explain(choice, read, self._token)
        self._services.bridge.watch(future, on_done, on_error, topic=self)
