"""How the window opens its dialogs: none runs an event loop of its own.

``QDialog.exec`` would: the caller waits in the middle of a handler while slides arrive, tabs
close and the program may be asked to end, and then goes on with what is no more.
"""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog


def show(dialog: QDialog) -> None:
    """Open without blocking: the run goes on, and so does everything else."""
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.show()


def ask(dialog: QDialog) -> None:
    """Open before the window, which takes no input until it is answered.

    The answer comes by the signals of the dialog, which goes by itself afterwards. Its parent
    is what the question is about: where that is closed, the question goes with it.
    """
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()
