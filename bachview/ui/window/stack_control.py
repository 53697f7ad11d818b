"""Chooses among the focal planes, time points and images of a slide; hidden where there is one."""

from functools import partial

from PySide6.QtCore import QLocale, QObject, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSpinBox, QWidget

from bachview.core.stack import SINGLE, Choice, Stack
from bachview.core.units import count_text
from bachview.ui.look.spacing import NEAR
from bachview.ui.window.commands import Commands

_KINDS = (("image", "Image"), ("plane", "Focal plane"), ("time_point", "Time point"))

_TIPS = {
    "image": "Which of the images in this file is shown",
    "plane": "Which focal plane is shown (Alt+Up, Alt+Down)",
    "time_point": "Which time point is shown (Alt+Right, Alt+Left)",
}
_STEPS = (
    ("plane", 1, "Alt+Up", "Next &focal plane", "Show the next focal plane"),
    ("plane", -1, "Alt+Down", "Previous f&ocal plane", "Show the focal plane before"),
    ("time_point", 1, "Alt+Right", "Next &time point", "Show the next time point"),
    ("time_point", -1, "Alt+Left", "Previous t&ime point", "Show the time point before"),
)


class StackControl(QWidget):
    """One field for each kind of which the slide has several, e.g. ``Focal plane 2 of 3``.

    Signals
    -------
    chosen(Choice) : the user wants to see this picture.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(NEAR)
        self.fields: dict[str, QSpinBox] = {}
        for kind, name in _KINDS:
            field = QSpinBox(self)
            field.setLocale(QLocale.c())  # digits alike in every country, as in `NumberEdit`
            field.setPrefix(f"{name} ")
            field.setAccessibleName(name)
            field.setToolTip(_TIPS[kind])
            field.setKeyboardTracking(False)  # 1 is not wanted on the way to 12
            field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            field.valueChanged.connect(self._on_value)
            row.addWidget(field)
            self.fields[kind] = field
        self.show_stack(SINGLE)

    def show_stack(self, stack: Stack) -> None:
        """Show what is shown; tells nobody."""
        for kind, field in self.fields.items():
            count = getattr(stack, f"{kind}s")
            field.blockSignals(True)
            field.setRange(1, count)
            field.setValue(getattr(stack, kind))
            field.setSuffix(f" of {count_text(count)}")
            field.lineEdit().deselect()  # a step selects the number
            field.blockSignals(False)
            field.setVisible(count > 1)
        self.setVisible(not stack.is_single)

    def _on_value(self) -> None:
        self.chosen.emit(Choice(**{kind: field.value() for kind, field in self.fields.items()}))


class StackCommands(QObject):
    """Commands that step through planes and time points by key. GUI thread only."""

    def __init__(self, commands: Commands, control: StackControl) -> None:
        super().__init__(control)
        self._control = control
        self.steps = [
            commands.make(text, tip, partial(self._step, kind, by), key)
            for kind, by, key, text, tip in _STEPS
        ]

    def _step(self, kind: str, by: int) -> None:
        self._control.fields[kind].stepBy(by)

    def adapt_to(self, stack: Stack | None) -> None:
        """Show what is chosen of the slide in front, None without one, and what there is to."""
        self._control.show_stack(stack or SINGLE)
        if stack is None:
            return  # all commands for slides are off
        for (kind, *_), step in zip(_STEPS, self.steps, strict=True):
            name = "focal plane" if kind == "plane" else "time point"
            step.allow(getattr(stack, f"{kind}s") > 1, f"Off, because this slide has one {name}")
