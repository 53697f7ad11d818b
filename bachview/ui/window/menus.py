"""Menu bar and tool bar, made from the actions."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QDockWidget, QMainWindow, QMenu, QToolBar, QToolButton

from bachview.ui.look.theme import Theme, ThemeChoice
from bachview.ui.window.actions import Actions

_THEMES = (
    (ThemeChoice.SYSTEM, "Follow the &system"),
    (ThemeChoice.LIGHT, "&Light"),
    (ThemeChoice.DARK, "&Dark"),
)


class Menus:
    """The window's menus; those that are filled later are attributes.

    Attributes
    ----------
    recent, bundles, devices : filled by their owners.
    """

    def __init__(
        self, window: QMainWindow, actions: Actions, docks: list[QDockWidget], theme: Theme
    ) -> None:
        bar = window.menuBar()
        file = bar.addMenu("&File")
        _fill(file, actions, "open", "open_folder")
        self.recent = file.addMenu("Open &recent")
        _fill(file, actions, None, "information", "associated", "export", None, "close_tab", "quit")

        view = bar.addMenu("&View")
        zoom = view.addMenu("&Magnification")
        zoom.addActions(actions.magnifications)
        _fill(view, actions, "fit")
        turn = view.addMenu("&Rotation")
        _fill(turn, actions, "rotate_left", "rotate_right", "rotate_free", None, "rotate_reset")
        _fill(view, actions, None, "overlay", "map", "more_opaque", "less_opaque")
        _fill(
            view,
            actions,
            None,
            "ruler",
            "pixel_size",
            "minimap",
            "colours",
            "kinetic",
            "retry",
            None,
        )
        panels = view.addMenu("&Panels")
        for dock in docks:
            panels.addAction(dock.toggleViewAction())
        panels.addSeparator()
        panels.addAction(actions["panels"])
        self._add_themes(view.addMenu("&Theme"), theme, window)
        _fill(view, actions, "full_screen", None, "next_tab", "previous_tab")

        classify = bar.addMenu("&Classify")
        _fill(classify, actions, "classify", "classify_visible", "classify_drawn")
        _fill(classify, actions, "classify_typed", "retry_failed", None, "pause", "cancel", None)
        self.bundles = classify.addMenu("&Model")
        self.devices = classify.addMenu("&Device")
        _fill(classify, actions, None, "export")

        help_menu = bar.addMenu("&Help")
        _fill(help_menu, actions, "user_guide", "keyboard", "self_test", None, "about")
        for menu in bar.findChildren(QMenu):
            menu.setToolTipsVisible(True)

    def _add_themes(self, menu: QMenu, theme: Theme, window: QMainWindow) -> None:
        group = QActionGroup(window)
        for choice, text in _THEMES:
            action = menu.addAction(text)
            action.setCheckable(True)
            action.setChecked(theme.choice is choice)
            action.setData(choice.value)
            group.addAction(action)
        group.triggered.connect(lambda action: theme.choose(ThemeChoice(action.data())))


def make_tool_bar(window: QMainWindow, actions: Actions) -> QToolBar:
    """Create the tool bar: open, zoom, rotate, show, classify."""
    bar = QToolBar("Tools", window)
    bar.setObjectName("tools")
    bar.setMovable(False)
    bar.setIconSize(QSize(20, 20))
    bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
    for name in ("open", None, "fit"):
        _put(bar, None if name is None else actions[name])
    bar.addActions(actions.magnifications)
    for name in (None, "rotate_left", "rotate_right", None, "ruler", "overlay", "map", None):
        _put(bar, None if name is None else actions[name])
    classify = QToolButton(bar)
    classify.setObjectName("primary")
    classify.setDefaultAction(actions["classify"])
    classify.setText("Classify")
    actions["classify"].setIconText("Classify")
    classify.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
    classify.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
    menu = QMenu(classify)
    for name in ("classify", "classify_visible", "classify_drawn", "classify_typed"):
        menu.addAction(actions[name])
    classify.setMenu(menu)
    bar.addWidget(classify)
    for name in ("pause", "cancel", None, "export"):
        _put(bar, None if name is None else actions[name])
    for button in bar.findChildren(QToolButton):
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        if not button.accessibleName():
            button.setAccessibleName(button.text().replace("&", ""))
    window.addToolBar(bar)
    return bar


def _put(bar: QToolBar, action: QAction | None) -> None:
    if action is None:
        bar.addSeparator()
    else:
        bar.addAction(action)


def _fill(menu: QMenu, actions: Actions, *names: str | None) -> None:
    for name in names:
        if name is None:
            menu.addSeparator()
        else:
            menu.addAction(actions[name])
