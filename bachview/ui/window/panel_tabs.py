"""What the panel beside the slide shows: the result, or the annotations."""

from dataclasses import replace

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QStackedWidget, QTabBar, QVBoxLayout, QWidget

from bachview.ui.panels.annotations_panel import AnnotationsPanel
from bachview.ui.panels.side_panel import SidePanel
from bachview.ui.session.settings import SettingsFile


class PanelTabs(QWidget):
    """Two tabs, as both together need more height than most screens have. GUI thread only.

    Attributes
    ----------
    bar : the tabs; the second is the annotations'.
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

    def show_annotations(self) -> None:
        """Show the second tab."""
        self.bar.setCurrentIndex(1)

    def _show(self, index: int) -> None:
        self._stack.setCurrentIndex(index)
        self._settings.now = replace(self._settings.now, panel_annotations=index == 1)
