"""Opening dialogs, where they fit on the screen, without an event loop of their own.

``QDialog.exec`` runs one: the caller would wait in the middle of a handler while slides open, tabs
close and the program may quit, and then continue with objects that no longer exist.
"""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog

from bachview.ui.look.on_screen import fit_dialog


def show(dialog: QDialog) -> None:
    """Open without blocking: the user can keep working in the window."""
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    fit_dialog(dialog)
    dialog.show()


def ask(dialog: QDialog) -> None:
    """Open in front of the window, which takes no input until the dialog is answered.

    The answer arrives by the signals of the dialog, which deletes itself afterwards. Its parent is
    the object that the question is about: when that is closed, the dialog closes with it.
    """
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    fit_dialog(dialog)
    dialog.open()
