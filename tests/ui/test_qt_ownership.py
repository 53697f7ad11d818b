"""PySide keeps the wrapper of an object that Qt has deleted, and another may answer to it.

`QLayout.itemAt()` is the known case: Qt deletes the item, its address is used again, and the
next object at that address answers through the stale wrapper, or the process dies. So no
code of the window asks Qt for an object that Qt owns and deletes by itself: it keeps its
own list of what it has made. `takeAt()` does not crash, but nobody frees the item that it gives.
"""

import ast
import subprocess
import sys
import textwrap
from pathlib import Path

import bachview.ui

#: What returns a wrapper of an object that Qt deletes without telling Python.
_FORBIDDEN = {
    "itemAt": "keep your own list of the widgets in the layout",
    "itemAtPosition": "keep your own list of the widgets in the layout",
    "takeAt": "keep your own list of the widgets in the layout, and delete those",
    "sender": "bind what the slot needs with a lambda",
    "selectedItems": "ask the selection model for rows",
    "currentItem": "ask for the current row",
    "itemFromIndex": "ask the index for its data",
    "findItems": "ask the model for indexes",
    "horizontalHeaderItem": "ask the model for header data",
    "verticalHeaderItem": "ask the model for header data",
    "itemDelegate": "keep the delegate that you have set",
    "childAt": "map the point yourself",
}
#: The ways into an event loop within a handler; the application's own is run once.
_NESTED = {"exec", "exec_"}

_ROUNDS = """
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication, QTableWidget, QTableWidgetItem, QWidget
from bachview.ui.window.messages import Messages, Offer
from bachview.ui.window.toasts import Toasts
from bachview.ui.dialogs.shortcuts_dialog import ShortcutsDialog
from bachview.ui.look.theme import Theme, ThemeChoice

application = QApplication(["rounds", "-style", "Fusion"])
window = QWidget()
bar = Messages(window)
toasts = Toasts(bar, Theme(application, ThemeChoice.LIGHT), window, window.rect)
for turn in range(300):
    for number in range(5):
        offers = [Offer("Again", lambda: None)] * (number % 2)
        bar.problem(f"{turn} {number}", *offers)
        bar.notice(f"{turn} {number} done")
    assert len(bar.texts) == 10, bar.texts
    assert len(toasts.shown) <= 3
    bar.clear()
    assert bar.texts == ()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    for dialog in (
        ShortcutsDialog({"File": (("Ctrl+O", "Open"),)}, window),
    ):
        table = dialog.findChild(QTableWidget)
        for row in range(table.rowCount()):
            assert type(table.item(row, 0)) is QTableWidgetItem
        dialog.show()
        application.processEvents()
        dialog.close()
        dialog.deleteLater()
    del dialog, table
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    application.processEvents()
print("fine")
"""


def _calls(folder: Path) -> list[tuple[str, str]]:
    return [
        (node.func.attr, f"{path.name}:{node.lineno}")
        for path in sorted(folder.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]


def test_nothing_of_qt_is_asked_for_that_qt_may_have_deleted() -> None:
    calls = _calls(Path(next(iter(bachview.ui.__path__))))
    found = [
        f"{place}: {name}(): {_FORBIDDEN[name]}" for name, place in calls if name in _FORBIDDEN
    ]
    assert not found, "\n".join(found)


def test_no_handler_runs_an_event_loop_of_its_own() -> None:
    calls = _calls(Path(next(iter(bachview.ui.__path__))))
    found = [place for name, place in calls if name in _NESTED]
    # That of the window, and that of the box which is shown in its place.
    assert [place.partition(":")[0] for place in found] == ["app.py"] * 2, found


def test_what_is_put_off_names_the_object_that_it_is_put_off_for() -> None:
    """Without one, Qt calls the function even after the widget that it is of has been deleted."""
    found = [
        f"{path.name}:{node.lineno}"
        for path in sorted(Path(next(iter(bachview.ui.__path__))).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "singleShot"
        and len(node.args) < len(("delay", "object", "function"))
    ]
    assert not found, "\n".join(found)


def test_messages_and_dialogs_can_come_and_go_for_long() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(_ROUNDS)],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.stdout.strip() == "fine", done.stderr
