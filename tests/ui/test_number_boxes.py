"""Every field of the window that takes a number reads it the same in every country."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QInputDialog, QSpinBox, QWidget
from pytestqt.qtbot import QtBot

import bachview.ui
from bachview.core.pixel_size import PixelSize
from bachview.ui.look.number_edit import NumberEdit
from bachview.ui.window.main_window import MainWindow
from tests.support.windows import open_window, page_of, pink_slide

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)

LOCALES = ("de_DE", "en_US", "fr_CH", "ar_EG", "fa_IR", "hi_IN")


@pytest.fixture(params=LOCALES)
def locale(request: pytest.FixtureRequest) -> Iterator[str]:
    before = QLocale()
    QLocale.setDefault(QLocale(request.param))
    yield request.param
    QLocale.setDefault(before)


def boxes_of(widget: QWidget | None) -> list[NumberEdit]:
    assert widget is not None
    # These would follow the locale of the country.
    for box in widget.findChildren(QAbstractSpinBox):
        assert isinstance(box, QSpinBox)
        assert box.locale() == QLocale.c()
    assert not isinstance(widget, QInputDialog)
    return widget.findChildren(NumberEdit)


def test_every_box_reads_points_and_commas_alike(qtbot: QtBot, tmp_path: Path, locale: str) -> None:
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, pink_slide(tmp_path / "a.tiff"))
        page.banner.show_pixel_size(PixelSize.unknown())
        found = boxes_of(window)
        commands: tuple[Callable[[MainWindow], object], ...] = (
            lambda window: window.view_commands.rotate_by_angle.trigger(),
            lambda window: window.classify_commands.typed_region.trigger(),
        )
        for trigger in commands:
            trigger(window)
            dialog = QApplication.activeModalWidget()
            found += boxes_of(dialog)
            for box in boxes_of(dialog):
                check(box)
            assert dialog is not None
            dialog.close()
        assert len(found) >= 7
        for box in boxes_of(page.banner):
            check(box)


def check(box: NumberEdit) -> None:
    if box._is_whole:
        readings = {"12": 12.0, "0,25": None, "0.25": None, "1e1": None, "١٢": None}
    else:
        high = box._high
        readings = {"7.25": 7.25, "7,25": 7.25, "7.25 µm": None, "1e-1": None, "٧٫٢٥": None}
        readings |= {"1.000,5": None, "1,000.5": None, f"{high * 10:.0f}": None}
    for text, value in readings.items():
        box.clear()
        box.insert(text)
        assert box.value == value, text
        assert bool(box.complaint) == (value is None), text


def test_no_other_kind_of_number_box_is_made_anywhere() -> None:
    for path in Path(bachview.ui.__file__).parent.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for other in ("DoubleSpinBox", "QInputDialog", "DoubleValidator"):
            assert other not in text, path
        assert text.count("= QSpinBox(") == text.count("setLocale(QLocale.c())"), path
