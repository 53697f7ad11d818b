"""What the panel beside the slide shows: the result, the annotations, or a new model."""

from dataclasses import replace

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QStackedWidget, QTabBar, QVBoxLayout, QWidget

from bachview.ui.panels.annotations_panel import AnnotationsPanel
from bachview.ui.panels.side_panel import SidePanel
from bachview.ui.session.settings import SettingsFile

#: Place of the tab of a new model.
_LESSON = 2


class PanelTabs(QWidget):
    """Tabs, as all together need more height than most screens have. GUI thread only.

    Attributes
    ----------
    bar : the tabs; the second is the annotations', a third is there while a model was taught.
    """

    def __init__(
        self,
        result: SidePanel,
        annotations: AnnotationsPanel,
        settings: SettingsFile,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._settings, self._result = settings, result
        self._lesson: QWidget | None = None
        self._stack = QStackedWidget(self)
        self._stack.addWidget(result)
        self._stack.addWidget(annotations)
        self.bar = QTabBar(self)
        self.bar.setObjectName("panelTabs")
        self.bar.setExpanding(True)
        self.bar.setAccessibleName("What the panel shows")
        for title in (result.result.title, "Annotations"):
            self.bar.addTab(title)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addWidget(self._stack, 1)
        self.bar.currentChanged.connect(self._show)
        self.bar.setCurrentIndex(int(settings.now.panel_annotations))

    def sizeHint(self) -> QSize:
        """As wide as the result wants to be."""
        hint = self._result.sizeHint()
        return QSize(hint.width(), hint.height() + self.bar.sizeHint().height())

    def show_result(self) -> None:
        """Show the first tab."""
        self.bar.setCurrentIndex(0)

    @property
    def lesson(self) -> QWidget | None:
        """What the third tab shows; None without one."""
        return self._lesson

    def show_annotations(self) -> None:
        """Show the second tab."""
        self.bar.setCurrentIndex(1)

    def show_lesson(self, panel: QWidget | None, *, in_front: bool = False) -> None:
        """Have a third tab for a model that was taught; None for no such tab.

        Parameters
        ----------
        panel : owned by the caller, who lets go of it before it is deleted.
        in_front : show it at once.
        """
        before, self._lesson = self._lesson, panel
        if before is not panel and before is not None:
            if self.bar.currentIndex() == _LESSON:
                self.bar.setCurrentIndex(0)
            self.bar.removeTab(_LESSON)
            self._stack.removeWidget(before)
            before.hide()
        if panel is not None and before is not panel:
            self._stack.addWidget(panel)
            self.bar.addTab("New model")
        if panel is not None and in_front:
            self.bar.setCurrentIndex(_LESSON)

    def _show(self, index: int) -> None:
        self._stack.setCurrentIndex(index)
        if index == _LESSON:
            return
        self._settings.now = replace(self._settings.now, panel_annotations=index == 1)
