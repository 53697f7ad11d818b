"""The view as a picture, copied and saved."""

from pathlib import Path

import numpy as np
import pytest
import shapely
from PySide6.QtGui import QGuiApplication, QImage
from pytestqt.qtbot import QtBot

from bachview.marks.annotation import Annotation, Kind
from bachview.marks.working_set import added
from bachview.ui.session.run_status import RunState
from bachview.ui.view.painting import pixels_of
from bachview.ui.view.slide_view import SlideView
from bachview.ui.window.main_window import MainWindow
from bachview.viewing.overlay import Drawing, OverlayStyle
from tests.support.slide_views import Pixels, shown
from tests.support.slides import gradient, write_pyramid
from tests.support.windows import LONG_MS, open_window, page_of, pink_slide, wait_for

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def pixels(image: QImage) -> Pixels:
    return pixels_of(image.convertToFormat(QImage.Format.Format_RGB32))[..., :3].copy()


def test_the_view_is_copied_and_saved_with_its_legend(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, pink_slide(tmp_path / "a.tiff"))
        view, commands = page.view, window.picture_commands
        clipboard = QGuiApplication.clipboard()
        clipboard.clear()

        def copied() -> Pixels:
            clipboard.clear()
            commands.copy.trigger()
            qtbot.waitUntil(lambda: not clipboard.image().isNull(), timeout=LONG_MS)
            return pixels(clipboard.image())

        plain = copied()
        # Without colours nothing has to be explained.
        assert plain.shape[:2] == (view.height(), view.width())
        seen = shown(view)
        same = slice(100, 400), slice(50, 300)
        np.testing.assert_array_equal(plain[same], seen[same])
        corner = slice(view.height() - 50, view.height()), slice(0, 200)
        np.testing.assert_array_equal(plain[corner], seen[corner])  # the scale bar

        window.classify_commands.whole_slide.trigger()
        wait_for(qtbot, page, RunState.DONE)
        view.set_overlay_style(OverlayStyle(opacity=1.0, drawing=Drawing.TINT))
        coloured = copied()
        assert coloured.shape[0] > view.height() + 30
        legend = coloured[view.height() :]
        assert page.document.prediction is not None
        for each in page.document.prediction.classes:
            assert (legend == np.array(each.color[::-1])).all(axis=-1).any(), each.name
        assert (coloured[same] != plain[same]).any()

        # Corrections are explained where they are seen.
        assert page.correcting.relabel([(0, 0)], 1)
        assert not np.array_equal(copied()[view.height() :], legend)
        hidden = OverlayStyle(opacity=1.0, drawing=Drawing.TINT, show_corrections=False)
        view.set_overlay_style(hidden)
        np.testing.assert_array_equal(copied()[view.height() :], legend)
        page.document.marks.undo()

        def saved(name: str) -> bytes:
            path = tmp_path / "out" / name
            path.parent.mkdir(exist_ok=True)
            commands.write(path)
            qtbot.waitUntil(
                lambda: any(str(path) in text for text in window.messages.texts), timeout=LONG_MS
            )
            return path.read_bytes()

        saved("picture.png")
        path = tmp_path / "out" / "picture.png"
        np.testing.assert_array_equal(pixels(QImage(str(path))), coloured)
        commands.write(tmp_path / "none" / "picture.png")
        qtbot.waitUntil(lambda: any("none" in text for text in window.messages.texts))
        clipboard.clear()

        # Annotations are lines, and the rest is a picture.
        shape = shapely.Polygon([(500, 500), (1500, 500), (1000, 1500)])
        page.document.marks.apply(added("draw", (Annotation.drawn(Kind.AREA, shape),)))
        view.rotate_by(37)
        svg = save(qtbot, window, tmp_path / "picture.svg").read_text("utf-8")
        assert "<image" in svg
        assert save(qtbot, window, tmp_path / "picture.pdf").read_bytes().startswith(b"%PDF")
        page.document.marks.undo()
        bare = save(qtbot, window, tmp_path / "bare.svg").read_text("utf-8")
        assert svg.count("<path") - bare.count("<path") == 2  # the line and its halo
        assert "a.tiff" not in svg
        # What else is drawn over the tissue is in all kinds of pictures.
        qtbot.waitUntil(lambda: view.is_settled, timeout=LONG_MS)
        without, plain = view.picture_below_annotations(), shown(view)
        window.view_commands.grid.trigger()
        qtbot.waitUntil(lambda: view.is_settled, timeout=LONG_MS)
        with_grid, seen = view.picture_below_annotations(), shown(view)
        assert without is not None
        assert with_grid is not None
        middle = slice(150, view.height() - 150), slice(150, view.width() - 150)
        is_grid = (seen != plain).any(axis=-1)[middle]
        assert is_grid.any()
        drawn = (pixels(with_grid) != pixels(without)).any(axis=-1)[middle]
        np.testing.assert_array_equal(drawn, is_grid)


def save(qtbot: QtBot, window: MainWindow, path: Path) -> Path:
    window.picture_commands.write(path)
    qtbot.waitUntil(
        lambda: any(str(path) in text for text in window.messages.texts), timeout=LONG_MS
    )
    return path


def test_the_picture_is_of_the_slide_that_it_was_asked_of(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, write_pyramid(tmp_path / "b.tiff", gradient(900, 900)))
        other = page_of(qtbot, window, pink_slide(tmp_path / "a.tiff"))
        window.tabs.setCurrentWidget(page)
        qtbot.waitUntil(lambda: page.view.is_settled, timeout=LONG_MS)
        before = shown(page.view)
        clipboard = QGuiApplication.clipboard()
        clipboard.clear()
        monkeypatch.setattr(SlideView, "is_settled", property(lambda _: False))
        window.picture_commands.copy.trigger()
        window.tabs.setCurrentWidget(other)
        qtbot.waitUntil(lambda: not clipboard.image().isNull())
        middle = slice(300, 400), slice(300, 400)
        np.testing.assert_array_equal(pixels(clipboard.image())[middle], before[middle])
