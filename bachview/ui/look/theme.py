"""Light and dark: colours, palette and style sheet, following the system while it runs."""

import re
from dataclasses import asdict, dataclass
from enum import StrEnum

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory

from bachview.config import resource_folder
from bachview.ui.look.spacing import measures

_USUAL_PT = 10.0


class ThemeChoice(StrEnum):
    """The user's choice of theme."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Colors:
    """The colours of one theme, as ``#rrggbb``; `variant` names it in file names.

    Contrast (WCAG 2.2, level AA) is at least 4.5:1 between a text and each ground that it stands
    on, and 3:1 between `outline` or `accent`, which show where a control is and what has the
    focus, and the grounds of controls. `disabled` keeps 3:1 too, although nothing asks for it;
    `border` only separates and decorates.
    """

    variant: str
    window: str
    base: str
    raised: str
    border: str
    outline: str
    text: str
    muted: str
    disabled: str
    accent: str
    accent_hover: str
    accent_text: str
    hover: str
    selected: str
    notice: str
    notice_text: str
    problem: str
    problem_text: str


LIGHT = Colors(
    variant="light",
    window="#f3f4f6",
    base="#ffffff",
    raised="#ffffff",
    border="#d0d5dc",
    outline="#7b8491",
    text="#1b2129",
    muted="#545e6b",
    disabled="#7b8491",
    accent="#0b63b6",
    accent_hover="#09549b",
    accent_text="#ffffff",
    hover="#e4e8ee",
    selected="#d6e6f7",
    notice="#fff3d0",
    notice_text="#513c00",
    problem="#fde3e1",
    problem_text="#7a1710",
)

DARK = Colors(
    variant="dark",
    window="#1f2329",
    base="#171a1f",
    raised="#2a2f37",
    border="#3c434d",
    outline="#7d8794",
    text="#e7eaee",
    muted="#a5afbb",
    disabled="#7d8794",
    accent="#5aa9f5",
    accent_hover="#7dbcf8",
    accent_text="#0b1a29",
    hover="#323943",
    selected="#24405c",
    notice="#43381a",
    notice_text="#ffe6a3",
    problem="#4a2422",
    problem_text="#ffcfca",
)


def palette_of(colors: Colors) -> QPalette:
    """Qt's palette for `colors`."""
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    palette = QPalette()
    for target, color in {
        role.Window: colors.window,
        role.WindowText: colors.text,
        role.Base: colors.base,
        role.AlternateBase: colors.window,
        role.Text: colors.text,
        role.Button: colors.raised,
        role.ButtonText: colors.text,
        role.BrightText: colors.problem_text,
        role.Light: colors.raised,
        role.Midlight: colors.hover,
        role.Mid: colors.border,
        role.Dark: colors.border,
        role.Highlight: colors.accent,
        role.HighlightedText: colors.accent_text,
        role.ToolTipBase: colors.raised,
        role.ToolTipText: colors.text,
        role.PlaceholderText: colors.muted,
        role.Link: colors.accent,
        role.LinkVisited: colors.accent,
        role.Accent: colors.accent,
    }.items():
        palette.setColor(target, QColor(color))
    for target in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(group.Disabled, target, QColor(colors.disabled))
    palette.setColor(group.Disabled, role.Highlight, QColor(colors.border))
    return palette


def style_sheet_of(colors: Colors, font_pt: float = _USUAL_PT) -> str:
    """The style sheet of `resources/look/style.qss` in these colours.

    Raises
    ------
    KeyError
        The sheet names a colour or measure that there is not.
    """
    # Qt wants forward slashes also on Windows.
    icons = {"icons": (resource_folder() / "icons").as_posix()}
    values = asdict(colors) | measures(font_pt) | icons
    sheet = (resource_folder() / "look" / "style.qss").read_text(encoding="utf-8")
    return re.sub(r"@(\w+)", lambda name: values[name[1]], sheet)


class Theme(QObject):
    """Applies the theme chosen by the user or the system's.

    Signals
    -------
    changed : the colours have changed; icons must be tinted again.
    """

    changed = Signal()

    def __init__(self, application: QApplication, choice: ThemeChoice) -> None:
        super().__init__(application)
        self._application = application
        self._choice = choice
        self._colors: Colors | None = None
        # Negative where the system gives it in px.
        size = application.font().pointSizeF()
        self._font_pt = size if size > 0 else _USUAL_PT
        # One style on every system: the palette and the style sheet are made for it.
        application.setStyle(QStyleFactory.create("Fusion"))
        application.styleHints().colorSchemeChanged.connect(self._apply)
        self._apply()

    @property
    def choice(self) -> ThemeChoice:
        return self._choice

    @property
    def colors(self) -> Colors:
        return self._colors or LIGHT

    @property
    def is_dark(self) -> bool:
        return self.colors is DARK

    def choose(self, choice: ThemeChoice) -> None:
        """Follow the system, or stay light or dark."""
        self._choice = choice
        self._apply()

    def _apply(self) -> None:
        scheme = self._application.styleHints().colorScheme()
        dark = self._choice is ThemeChoice.DARK or (
            self._choice is ThemeChoice.SYSTEM and scheme == Qt.ColorScheme.Dark
        )
        wanted = DARK if dark else LIGHT
        if wanted is self._colors:
            return
        self._colors = wanted
        self._application.setPalette(palette_of(wanted))
        self._application.setStyleSheet(style_sheet_of(wanted, self._font_pt))
        self.changed.emit()
