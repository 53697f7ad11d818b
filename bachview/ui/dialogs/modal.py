"""Opening dialogs, where they fit on the screen, without an event loop of their own.

``QDialog.exec`` runs one: the caller would wait in the middle of a handler while slides open, tabs
close and the program may quit, and then continue with objects that no longer exist.
"""

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog

from bachview.ui.look.on_screen import fit_dialog
from bachview.ui.session.settings import SettingsFile


def show(dialog: QDialog, settings: SettingsFile | None = None) -> None:
    """Open without blocking: the user can keep working in the window.

    Parameters
    ----------
    settings : where the size that the user gives it is kept, for dialogs of its class; None for
        dialogs whose content decides.
    """
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    if settings is not None:
        _remember_size(dialog, settings)
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


def _remember_size(dialog: QDialog, settings: SettingsFile) -> None:
    name = type(dialog).__name__
    kept = settings.now.dialog_sizes.get(name)
    if kept is not None:
        dialog.resize(*kept)

    def save() -> None:
        size = dialog.size()
        if size != shown:
            now = settings.now
            sizes = {**now.dialog_sizes, name: (size.width(), size.height())}
            settings.now = replace(now, dialog_sizes=sizes)

    dialog.finished.connect(save)
    fit_dialog(dialog)
    shown = dialog.size()
