"""PySide keeps the wrapper of an object that Qt has deleted, and another may answer to it.

`QLayout.itemAt()` is the known case: Qt deletes the item, its address is used again, and the
next object at that address answers through the stale wrapper, or the process dies. So no
code of the window asks Qt for an object that Qt owns and deletes by itself: it keeps its
own list of what it has made. `takeAt()` does not crash: Qt gives the item
up, though nobody frees it.
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
    "sender": "bind what the slot needs with a lambda",
    "selectedItems": "ask the selection model for rows",
    "currentItem": "ask for the current row",
    "itemDelegate": "keep the delegate that you have set",
    "childAt": "map the point yourself",
}

_ROUNDS = """
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication, QDialog, QTableWidget, QTableWidgetItem, QWidget
from bachview.ui.message_bar import MessageBar, Offer
from bachview.ui.theme import Theme, ThemeChoice

application = QApplication(["rounds", "-style", "Fusion"])
window = QWidget()
bar = MessageBar(Theme(application, ThemeChoice.LIGHT), window)
for turn in range(300):
    for number in range(5):
        bar.problem(f"{turn} {number}", Offer("Again", lambda: None) if number % 2 else None)
        bar.notice(f"{turn} {number} done")
    assert len(bar.texts) == 3, bar.texts
    bar.clear()
    assert bar.texts == ()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    dialog = QDialog(window)
    table = QTableWidget(12, 2, dialog)
    for row in range(12):
        for column in range(2):
            table.setItem(row, column, QTableWidgetItem("text"))
    for row in range(12):
        for column in range(2):
            assert type(table.item(row, column)) is QTableWidgetItem
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


def test_messages_and_dialogs_can_come_and_go_for_long() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(_ROUNDS)],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.stdout.strip() == "fine", done.stderr
