"""What a model that was taught says of a slide, on the slide and in the panel."""

from PySide6.QtCore import QObject, Signal

from bachview.core.units import count_text
from bachview.ui.panels.lesson_panel import LessonPanel, Shown
from bachview.ui.session.teaching import Teaching
from bachview.ui.view.scope_chip import ChipText
from bachview.ui.window.slide_page import SlidePage


class LessonView(QObject):
    """Shows one lesson of one page until it is kept or discarded. GUI thread only.

    Attributes
    ----------
    page, panel : of the slide that was taught on; the panel is for the place beside it.

    Signals
    -------
    ended : it was kept or discarded; the slide shows the present model again.
    """

    ended = Signal()

    def __init__(self, page: SlidePage, teaching: Teaching) -> None:
        super().__init__(page)
        self.page, self._teaching = page, teaching
        teaching.setParent(self)
        self.panel = LessonPanel(teaching)
        self.panel.hide()
        self.panel.shownChanged.connect(self._show)
        self.panel.discarded.connect(self._discard)
        teaching.kept.connect(lambda _: self._end())
        page.document.predictionChanged.connect(self._on_prediction)
        self._show()

    def _on_prediction(self) -> None:
        """The slide may show another model's answers, with which nothing was compared."""
        self.panel.renew()
        self._show()

    def _show(self) -> None:
        page, teaching, shown = self.page, self._teaching, self.panel.shown
        after, taught, document = teaching.after, teaching.taught, self.page.document
        if after is None or taught is None:
            return
        limits = taught.manifest.uncertainty_thresholds
        text = self._chip_text()
        page.show_beside(on=shown is Shown.BOTH)
        if page.beside is not None:
            page.beside.show_prediction(after, limits, text)
        page.chip.show_instead(text if shown is Shown.NEW else None)
        is_new = shown is Shown.NEW
        wanted = after if is_new else document.prediction
        if page.view.prediction is wanted:
            page.view.refresh_overlay()
        else:
            page.view.set_prediction(wanted, limits if is_new else document.thresholds)
        moved = teaching.moved
        if moved is not None and self.panel.has_outlines:
            page.set_changed(moved.cells, after.grid)
        else:
            page.set_changed(None, None)

    def _chip_text(self) -> ChipText:
        """What is true of the colours of the new model."""
        teaching = self._teaching
        done, total = count_text(teaching.compared), count_text(teaching.to_compare)
        scope = f"New model, not kept · {done} of {total} cells judged"
        about = "how often it is right elsewhere was not measured"
        details = f"{scope}\nTaught on {teaching.bundle.name}; {about}."
        return ChipText(scope, f"taught on {teaching.bundle.name}", "not measured", "", details)

    def _discard(self) -> None:
        self._teaching.cancel()
        self._end()

    def _end(self) -> None:
        page = self.page
        page.document.predictionChanged.disconnect(self._on_prediction)
        page.show_beside(on=False)
        page.chip.show_instead(None)
        page.set_changed(None, None)
        document = page.document
        if page.view.prediction is not document.prediction:
            page.view.set_prediction(document.prediction, document.thresholds)
        self.ended.emit()
        self.panel.deleteLater()
        self.deleteLater()

    def let_go(self) -> None:
        """The slide is being closed: stop, and touch it no more."""
        self.page.document.predictionChanged.disconnect(self._on_prediction)
        self._teaching.cancel()
        self.panel.deleteLater()
