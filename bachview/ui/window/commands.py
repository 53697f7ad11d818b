"""What the user can choose in menus, on the tool bar and by keys."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from bachview.ui.look.icons import icon
from bachview.ui.look.theme import Theme

NO_SLIDE = "Off, because no slide is open"
_WORDS, _KEYS, _DELETES = "words", "keys", "deletes"


class Command(QAction):
    """One command: text, tool tip, shortcuts, icon. Made by `Commands`.

    Attributes
    ----------
    tip : what it does, in a sentence.
    needs_slide : disabled while no slide is open.
    drawing : name of its icon; empty for none.
    """

    def __init__(
        self,
        text: str,
        tip: str,
        keys: tuple[str, ...],
        drawing: str,
        *,
        needs_slide: bool,
        parent: QWidget,
    ) -> None:
        super().__init__(text, parent)
        self.tip = tip
        self.needs_slide = needs_slide
        self.drawing = drawing
        self.setShortcuts([QKeySequence(key) for key in keys])
        self._why_not = ""
        self.describe(tip)
        self.setStatusTip("")

    def describe(self, tip: str) -> None:
        """Say in a sentence what it does now."""
        keys = self.shortcuts()
        self.tip = tip
        self._usual_tip = f"{tip} ({key_text(keys[0])})" if keys else tip
        self.setToolTip(self._why_not or self._usual_tip)

    def allow(self, on: bool, why_not: str) -> None:
        """Enable it, or disable it with a tool tip that says why."""
        self._why_not = "" if on else why_not
        self.setEnabled(on)
        self.setToolTip(self._why_not or self._usual_tip)


class Commands:
    """Makes the commands of a window, and knows them all. GUI thread only.

    Each command is made in one place with all that belongs to it, and is an attribute of the
    object that acts on it; menus and tool bar are put together from those.
    """

    def __init__(self, window: QWidget, theme: Theme) -> None:
        self._window = window
        self._theme = theme
        self._all: list[Command] = []
        theme.changed.connect(self._tint)

    def make(
        self,
        text: str,
        tip: str,
        act: Callable[[], object],
        *keys: str,
        icon: str = "",
        needs_slide: bool = True,
    ) -> Command:
        """A command that is done when it is chosen.

        Parameters
        ----------
        act : what it does.
        keys : shortcuts; the first stands in the menu.
        icon : name of an icon in `resources/icons`.
        """
        command = self._made(text, tip, keys, icon, needs_slide=needs_slide)
        command.triggered.connect(lambda _=False: act())
        return command

    def make_switch(
        self,
        text: str,
        tip: str,
        turn: Callable[[bool], Any],
        *keys: str,
        is_on: bool = False,
        icon: str = "",
        needs_slide: bool = True,
    ) -> Command:
        """A command that is on or off.

        Parameters
        ----------
        turn : called with the new state, whoever changed it.
        is_on : the state at first; `turn` is not called for it.
        """
        command = self._made(text, tip, keys, icon, needs_slide=needs_slide)
        command.setCheckable(True)
        command.setChecked(is_on)
        command.toggled.connect(turn)
        return command

    def _made(
        self, text: str, tip: str, keys: tuple[str, ...], drawing: str, *, needs_slide: bool
    ) -> Command:
        window = self._window
        command = Command(text, tip, keys, drawing, needs_slide=needs_slide, parent=window)
        window.addAction(command)  # its shortcut works also where no menu shows it
        self._all.append(command)
        self.draw(command, drawing)
        return command

    def draw(self, command: Command, drawing: str) -> None:
        """Give a command this icon, in the colours of the theme."""
        command.drawing = drawing
        if drawing:
            command.setIcon(icon(drawing, self._theme.colors))

    def _tint(self) -> None:
        for command in self._all:
            self.draw(command, command.drawing)

    def enable_for_slide(self, *, is_open: bool) -> None:
        """Enable or disable the commands that need a slide."""
        for command in self._all:
            if command.needs_slide:
                command.allow(is_open, NO_SLIDE)

    @property
    def all(self) -> tuple[Command, ...]:
        """Every command, in the order in which they were made."""
        return tuple(self._all)


def call(words: str, *actions: QAction, keys: str = "", deletes: bool = False) -> None:
    """Say what actions do where they stand alone, outside their menu: in the list of all commands.

    Parameters
    ----------
    words : ``{}`` in it is the action's text, which may change.
    keys : what does the same on the slide, where it is no shortcut of the action.
    deletes : something of the reader's is gone afterwards.
    """
    for action in actions:
        action.setProperty(_WORDS, words)
        action.setProperty(_KEYS, keys)
        action.setProperty(_DELETES, deletes)


def words_of(action: QAction) -> str:
    """What an action does, also to who does not see its menu."""
    text = plain(action.text())
    return str(action.property(_WORDS) or "{}").replace("{}", text)


def keys_of(action: QAction) -> tuple[str, ...]:
    """All keys of an action, as the system writes them."""
    other = action.property(_KEYS)
    return (*map(key_text, action.shortcuts()), *([other] if other else []))


def deletes(action: QAction) -> bool:
    """Whether something of the reader's is gone afterwards."""
    return bool(action.property(_DELETES))


def plain(text: str) -> str:
    """A text of a menu without the marks of its letters."""
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&").rstrip("…")


def shortcuts_of(bar: QMenuBar) -> dict[str, list[tuple[str, str]]]:
    """(keys, meaning) of the commands that have shortcuts, by the title of their menu."""
    found: dict[str, list[tuple[str, str]]] = {}
    only_direct = Qt.FindChildOption.FindDirectChildrenOnly
    for menu in bar.findChildren(QMenu, options=only_direct):
        commands = [
            action
            for each in (menu, *menu.findChildren(QMenu))
            for action in each.actions()
            if isinstance(action, Command) and action.shortcuts()
        ]
        if commands:
            found[menu.title().replace("&", "")] = [
                (", ".join(key_text(key) for key in command.shortcuts()), command.tip)
                for command in dict.fromkeys(commands)
            ]
    return found


def key_text(keys: QKeySequence) -> str:
    """A shortcut as the system writes it."""
    return keys.toString(QKeySequence.SequenceFormat.NativeText)
