"""The panel's place beside the slide."""

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QDockWidget, QMainWindow, QWidget


class PanelDock(QDockWidget):
    """Is away while no slide is open, and comes back as the user left it. GUI thread only.

    Signals
    -------
    wantedChanged(bool) : whether the user wants to see the panel beside a slide.
    """

    wantedChanged = Signal(bool)

    def __init__(self, panel: QWidget, window: QMainWindow) -> None:
        super().__init__("Panel", window)
        self._has_slide = True
        self._is_wanted = True
        self.setObjectName("dock-panel")
        self.setFeatures(QDockWidget.DockWidgetFeature.DockWidgetClosable)
        self.setTitleBarWidget(QWidget(self))  # none: the sections have their own
        self.setWidget(panel)
        self.toggleViewAction().toggled.connect(self._on_toggled)

    @property
    def is_wanted(self) -> bool:
        return self._is_wanted

    def want(self, on: bool) -> None:
        """Show or hide the panel, now or as soon as there is a slide."""
        self._is_wanted = on
        self.setVisible(on and self._has_slide)

    def take_layout(self) -> None:
        """Want what the layout shows that has just been restored."""
        self._is_wanted = not self.isHidden()

    def follow(self, *, has_slide: bool) -> None:
        """A slide has come to the front, or there is none any more."""
        if has_slide == self._has_slide:
            return
        self._has_slide = has_slide
        self.setVisible(has_slide and self._is_wanted and not self.window().isFullScreen())

    @contextmanager
    def as_wanted(self) -> Iterator[None]:
        """Meanwhile a layout that is saved has the panel as the user wants it, slide or not."""
        if self._has_slide:
            yield
            return
        with QSignalBlocker(self.toggleViewAction()):
            self.setVisible(self._is_wanted)
            yield
            self.hide()

    def _on_toggled(self, on: bool) -> None:
        """Full screen, or a layout that was restored, has shown or hidden it."""
        if self._has_slide or on:
            self._is_wanted = on
            self.wantedChanged.emit(on)
        if on and not self._has_slide:
            self.hide()
