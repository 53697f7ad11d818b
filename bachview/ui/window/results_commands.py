"""What can be done with saved results: resume them, list them, clear them, do them again."""

from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from bachview.core.cell_state import JUDGED
from bachview.core.geometry import Region
from bachview.core.scope import scope_text
from bachview.core.units import count_text, whole_percent_text
from bachview.errors import BachviewError
from bachview.ui.dialogs import modal
from bachview.ui.dialogs.question_dialog import QuestionDialog
from bachview.ui.dialogs.results_dialog import ResultsDialog
from bachview.ui.session.bundles import BundleSelector
from bachview.ui.session.results_listing import ListedResults, list_results, local_time
from bachview.ui.session.services import Services
from bachview.ui.window.classify_commands import ClassifyCommands
from bachview.ui.window.commands import Commands, call
from bachview.ui.window.messages import Messages, Offer
from bachview.ui.window.page_dialogs import PageDialogs
from bachview.ui.window.slide_page import SlidePage
from bachview.ui.window.tabs import SlideTabs

_FOR_GOOD = (
    "This cannot be undone; the slide, what you have marked on it and exported files are not "
    "touched."
)


class ResultsCommands(QObject):
    """Offers and commands for the saved results of open slides. GUI thread only."""

    def __init__(
        self,
        window: QWidget,
        commands: Commands,
        tabs: SlideTabs,
        classify: ClassifyCommands,
        selector: BundleSelector,
        messages: Messages,
        services: Services,
    ) -> None:
        super().__init__(window)
        self._tabs, self._classify, self._messages = tabs, classify, messages
        self._selector, self._services = selector, services
        #: The message with an offer that is shown for a slide.
        self._offered: dict[SlidePage, str] = {}
        self._dialogs = PageDialogs[ResultsDialog]()
        self.results = commands.make(
            "&Results…",
            "List the saved results of the slide and their runs; show, clear or redo them",
            self._show_current,
        )
        call("Saved results of the slide", self.results)
        classify.nothingLeft.connect(self._say_finished)

    def follow(self, page: SlidePage) -> None:
        """Offer what can be done with the slide's results when they are found."""
        # What was offered is outdated as soon as anything happens to the slide's results.
        page.document.run.statusChanged.connect(lambda _: self._withdraw(page))
        page.document.interrupted.connect(lambda: self._offer_resume(page))
        page.document.othersFound.connect(lambda others: self._say_others(page, others))

    def unfollow(self, page: SlidePage) -> None:
        """The slide is being closed: nothing is offered for it any more."""
        self._withdraw(page)

    def _offer(self, page: SlidePage, text: str, offer: Offer) -> None:
        self._withdraw(page)
        self._offered[page] = text
        self._messages.notice(text, offer)

    def _withdraw(self, page: SlidePage) -> None:
        if page in self._offered:
            self._messages.withdraw(self._offered.pop(page))

    def _say_others(self, page: SlidePage, others: str) -> None:
        self._offer(
            page,
            f"{page.document.title} has only results of {others}, which are not shown.",
            Offer("Results…", lambda: self.show(page)),
        )

    # -- a run that was killed -------------------------------------------------------------

    def _offer_resume(self, page: SlidePage) -> None:
        document = page.document
        progress, region = document.run.status.progress, document.asked_region
        of, it = document.title, "it"
        if region is not None:
            scope = scope_text(region, document.pixel_size)
            of, it = f"{scope[0].lower()}{scope[1:]} of {of}", "that region"
        share = progress.done / progress.total if progress and progress.total else 0.0
        self._offer(
            page,
            f"The classification of {of} was interrupted when {whole_percent_text(share)} of {it} "
            "was done, which is kept.",
            Offer("Resume", lambda: self._resume(page, region)),
        )

    def _resume(self, page: SlidePage, region: Region | None) -> None:
        if page in self._tabs.pages:  # the slide may have been closed since
            self._tabs.setCurrentWidget(page)
            self._classify.classify(region, page=page)

    # -- once more -------------------------------------------------------------------------

    def _say_finished(self, page: SlidePage, region: Region | None) -> None:
        document = page.document
        model = document.bundle.name if document.bundle else ""
        # Named, as the message stays when another slide comes to the front.
        of = document.title if region is None else f"this region of {document.title}"
        when = local_time(document.updated).partition(" ")[0]
        failed = document.failed_in(region)
        unread = f" ({count_text(failed)} cells could not be read)" if failed else ""
        self._offer(
            page,
            f"All tissue of {of} was classified with {model}{unread}: nothing is left to do. The "
            f"results of the slide were last changed on {when}.",
            Offer("Classify again…", lambda: self.ask_again(page, region)),
        )

    def ask_again(self, page: SlidePage, region: Region | None = None) -> None:
        """Ask whether to delete the results that are shown and to classify anew."""
        document = page.document
        if page not in self._tabs.pages or document.grid_id is None or document.bundle is None:
            return
        grid_id, prediction = document.grid_id, document.prediction
        count = sum(map(prediction.count, JUDGED)) if prediction is not None else 0
        anew = "classifies the slide anew"
        if region is not None:
            anew = "classifies only this region anew"
        question = QuestionDialog(
            "Classify again",
            f"This deletes all answers of {document.bundle.name} about {document.title} "
            f"({count_text(count)} cells of the whole slide) and {anew}. {_FOR_GOOD}",
            "Delete and classify",
            "Keep them",
            page,
        )
        question.accepted.connect(
            lambda: document.clear(grid_id, lambda: self._classify.classify(region, page=page))
        )
        modal.ask(question)

    # -- the list --------------------------------------------------------------------------

    def _show_current(self) -> None:
        if self._tabs.page is not None:
            self.show(self._tabs.page)

    def show(self, page: SlidePage) -> None:
        """List the saved results of a slide."""
        if page not in self._tabs.pages:  # the slide may have been closed since
            return
        if self._dialogs.bring_to_front(page):
            return
        document = page.document
        dialog = ResultsDialog(document.title, page)
        self._dialogs.add(page, dialog, lambda: self._services.bridge.forget((self, page)))
        document.run.statusChanged.connect(dialog.follow_run)
        document.predictionChanged.connect(dialog.outdated)
        dialog.outdated.connect(partial(self._list, page))
        dialog.showRequested.connect(lambda listed: self._selector.choose(listed.choice))
        dialog.exportRequested.connect(lambda listed: self._export(page, listed))
        dialog.clearRequested.connect(lambda listed: self._ask_clear(page, listed))
        dialog.againRequested.connect(lambda _: self.ask_again(page))
        dialog.follow_run(document.run.status)
        dialog.follow_marks(document.marks)
        self._list(page)
        modal.show(dialog, self._services.settings)

    def _list(self, page: SlidePage) -> None:
        """Read the results in the io lane, for the dialog that shows them."""
        if self._dialogs.of(page) is None:
            return
        document, selector = page.document, self._selector
        results, metadata, pixel_size = document.results, document.metadata, document.pixel_size
        in_use = selector.of(document.path)

        def on_done(listed: tuple[ListedResults, ...]) -> None:
            dialog = self._dialogs.of(page)
            if dialog is not None:
                dialog.show_results(listed, document.grid_id)

        def on_error(error: BachviewError) -> None:
            dialog = self._dialogs.of(page)
            if dialog is not None:
                dialog.show_unreadable()
            self._messages.problem(str(error))

        future = self._services.io.submit(
            lambda token: list_results(results, metadata, pixel_size, in_use, token)
        )
        self._services.bridge.watch(future, on_done, on_error, topic=(self, page))

    def _export(self, page: SlidePage, listed: ListedResults) -> None:
        if listed.grid.record.grid_id == page.document.grid_id:
            self._classify.ask_export(page)
        elif listed.export_source is not None:
            self._classify.exports.ask_of(page, listed.export_source)

    def _ask_clear(self, page: SlidePage, listed: ListedResults) -> None:
        record, document = listed.grid.record, page.document
        elsewhere = (
            " Another window or program is classifying the slide with it now; its run would end."
            if listed.grid.is_running
            else ""
        )
        question = QuestionDialog(
            "Clear results",
            f"This deletes the answers of {record.key.bundle_name} about {document.title} "
            f"({count_text(record.done)} cells) and the log of their runs.{elsewhere} {_FOR_GOOD}",
            "Delete",
            "Keep them",
            page,
        )
        question.accepted.connect(lambda: document.clear(record.grid_id, lambda: self._list(page)))
        modal.ask(question)
