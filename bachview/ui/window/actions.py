"""One table of all actions of the window: text, shortcut and icon."""

from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from bachview.export.formats import nouns
from bachview.ui.look.icons import icon
from bachview.ui.look.theme import Theme

#: Magnifications that have buttons; the number keys follow the same order.
MAGNIFICATIONS = (1.25, 2.5, 5.0, 10.0, 20.0, 40.0)


@dataclass(frozen=True, slots=True)
class Spec:
    """Text, shortcut and icon of an action.

    Attributes
    ----------
    needs_slide : disabled while no slide is open.
    """

    text: str
    tip: str
    shortcuts: tuple[str, ...] = ()
    icon: str = ""
    checkable: bool = False
    needs_slide: bool = True


SPECS: dict[str, Spec] = {
    "open": Spec("&Open…", "Open slide files", ("Ctrl+O",), "open", needs_slide=False),
    "open_folder": Spec(
        "Open &folder (DICOM)…",
        "Open a folder of DICOM files as one slide",
        ("Ctrl+Shift+O",),
        "folder",
        needs_slide=False,
    ),
    "close_tab": Spec("&Close slide", "Close the current slide", ("Ctrl+W",), "close"),
    "quit": Spec("&Quit", "Close all slides and quit", ("Ctrl+Q",), needs_slide=False),
    "information": Spec("Slide &information…", "Details of this slide", ("Ctrl+I",), "info"),
    "associated": Spec(
        "&Label and overview images…",
        "Show the label, macro and barcode images; asks first, as they may show patient names",
        ("Ctrl+L",),
        "image",
    ),
    "fit": Spec("&Fit to window", "Show the whole slide", ("Ctrl+0",), "fit"),
    "rotate_left": Spec("Rotate &left", "Rotate by 90° to the left", ("Ctrl+[",), "rotate-left"),
    "rotate_right": Spec(
        "Rotate &right", "Rotate by 90° to the right", ("Ctrl+]",), "rotate-right"
    ),
    "rotate_free": Spec("Rotate by &angle…", "Rotate to any angle (or drag with Shift)"),
    "rotate_reset": Spec("&Upright", "Reset the rotation", ("Ctrl+U",)),
    "full_screen": Spec(
        "F&ull screen",
        "Use the whole screen",
        ("F11",),
        "fullscreen",
        checkable=True,
        needs_slide=False,
    ),
    "panels": Spec(
        "Show &panels", "Show or hide all panels", ("F9",), checkable=True, needs_slide=False
    ),
    "ruler": Spec(
        "&Measure a length", "Draw a line to measure a length", ("M",), "ruler", checkable=True
    ),
    "pixel_size": Spec(
        "Correct the pixel si&ze…", "Replace the value that was typed or measured before"
    ),
    "colours": Spec(
        "&Colour management",
        "Apply the colour profile (ICC) that the scanner wrote into the slide",
        checkable=True,
    ),
    "kinetic": Spec(
        "&Kinetic pan",
        "Let the slide keep gliding after a flick",
        checkable=True,
        needs_slide=False,
    ),
    "minimap": Spec(
        "M&inimap",
        "Show an overview of the slide in the corner",
        ("N",),
        checkable=True,
        needs_slide=False,
    ),
    "retry": Spec("Re&ad damaged parts again", "Retry parts that could not be read", ("F5",)),
    "overlay": Spec(
        "Show &overlay", "Show or hide the prediction", ("O",), "overlay", checkable=True
    ),
    "map": Spec(
        "Class &activation map",
        "Show which parts of the field under the cursor contributed to its class",
        ("C",),
        "heat",
        checkable=True,
    ),
    "more_opaque": Spec("Overlay &more opaque", "Make the overlay more opaque", ("]",)),
    "less_opaque": Spec("Overlay &less opaque", "Make the overlay more transparent", ("[",)),
    "classify": Spec(
        "Classify &whole slide",
        "Classify the slide, the visible part first",
        ("Ctrl+R",),
        "classify",
    ),
    "classify_visible": Spec(
        "Classify &visible region",
        "Classify the visible part of the slide",
        ("Ctrl+Shift+R",),
        "region",
    ),
    "classify_drawn": Spec(
        "&Draw a region to classify", "Drag a rectangle and classify it", ("Ctrl+D",)
    ),
    "classify_typed": Spec("&Type a region to classify…", "Enter the region as numbers"),
    "retry_failed": Spec(
        "Classify &failed patches again", "Retry patches that could not be read in earlier runs"
    ),
    "pause": Spec("&Pause", "Pause the run; nothing is lost", ("Ctrl+P",), "pause"),
    "cancel": Spec("&Cancel", "Stop; finished patches are kept", ("Ctrl+.",), "stop"),
    "export": Spec("&Export results…", f"Write {nouns()}", ("Ctrl+E",), "export"),
    "choose_bundle": Spec("&Open model…", "Use a model from a file", needs_slide=False),
    "next_tab": Spec("&Next slide", "Go to the next tab", ("Ctrl+Tab", "Ctrl+PgDown")),
    "previous_tab": Spec(
        "&Previous slide", "Go to the previous tab", ("Ctrl+Shift+Tab", "Ctrl+PgUp")
    ),
    "user_guide": Spec(
        "&User guide", "How to use the program; available offline", ("F1",), needs_slide=False
    ),
    "keyboard": Spec("&Keyboard and mouse", "All shortcuts", ("Shift+F1",), needs_slide=False),
    "self_test": Spec(
        "&Self-test…",
        "Check that this computer displays and classifies correctly",
        needs_slide=False,
    ),
    "about": Spec("&About bachview", "Version, purpose, model in use", needs_slide=False),
}


class Actions:
    """The actions by name, with icons tinted for the theme. GUI thread only."""

    def __init__(self, parent: QWidget, theme: Theme) -> None:
        self._theme = theme
        self._by_name = {name: _made(spec, parent) for name, spec in SPECS.items()}
        self._icons = {name: spec.icon for name, spec in SPECS.items() if spec.icon}
        self.magnifications = [self._magnification(times, parent) for times in MAGNIFICATIONS]
        theme.changed.connect(self._tint)
        self._tint()

    def __getitem__(self, name: str) -> QAction:
        return self._by_name[name]

    def _magnification(self, times: float, parent: QWidget) -> QAction:
        key = MAGNIFICATIONS.index(times) + 1
        action = QAction(f"{times:g}x", parent)
        action.setToolTip(f"Magnify {times:g} times ({key})")
        action.setData(times)
        return action

    def show_icon(self, name: str, drawing: str) -> None:
        """Change the icon of an action."""
        if self._icons.get(name) != drawing:
            self._icons[name] = drawing
            self._by_name[name].setIcon(icon(drawing, self._theme.colors))

    def _tint(self) -> None:
        for name, drawing in self._icons.items():
            self._by_name[name].setIcon(icon(drawing, self._theme.colors))

    def enable_for_slide(self, *, is_open: bool) -> None:
        """Enable or disable the actions that need a slide."""
        for name, spec in SPECS.items():
            if spec.needs_slide:
                self._by_name[name].setEnabled(is_open)
        for action in self.magnifications:
            action.setEnabled(is_open)

    @property
    def shortcuts(self) -> tuple[tuple[str, str], ...]:
        """(keys, meaning) of every action with a shortcut, for the help."""
        return tuple(
            (
                ", ".join(
                    QKeySequence(s).toString(QKeySequence.SequenceFormat.NativeText)
                    for s in spec.shortcuts
                ),
                spec.tip,
            )
            for spec in SPECS.values()
            if spec.shortcuts
        )


def _made(spec: Spec, parent: QWidget) -> QAction:
    action = QAction(spec.text, parent)
    action.setCheckable(spec.checkable)
    keys = [QKeySequence(text) for text in spec.shortcuts]
    action.setShortcuts(keys)
    first = keys[0].toString(QKeySequence.SequenceFormat.NativeText) if keys else ""
    action.setToolTip(f"{spec.tip} ({first})" if first else spec.tip)
    action.setStatusTip("")
    parent.addAction(action)
    return action
