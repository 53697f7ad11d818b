"""Dialogs that stay open beside a slide: one of a kind for each."""

from collections.abc import Callable
from typing import Generic, TypeVar

from PySide6.QtWidgets import QDialog

from bachview.ui.window.slide_page import SlidePage

D = TypeVar("D", bound=QDialog)


class PageDialogs(Generic[D]):
    """Knows the open ones by their slides' pages. GUI thread only."""

    def __init__(self) -> None:
        self._open: dict[SlidePage, D] = {}

    def of(self, page: SlidePage) -> D | None:
        """The open one; None without one."""
        return self._open.get(page)

    def bring_to_front(self, page: SlidePage) -> bool:
        """Show the open one; False without one."""
        dialog = self._open.get(page)
        if dialog is None:
            return False
        dialog.raise_()
        dialog.activateWindow()
        return True

    def add(self, page: SlidePage, dialog: D, on_gone: Callable[[], object] | None = None) -> None:
        """Know a dialog until it is closed, by the user or with its slide.

        Parameters
        ----------
        on_gone : called then, once or twice.
        """

        def forget() -> None:
            self._open.pop(page, None)
            if on_gone is not None:
                on_gone()

        self._open[page] = dialog
        dialog.finished.connect(forget)
        dialog.destroyed.connect(forget)
