"""The window as a whole, through what the user can reach: open, look, close."""

import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from bachview.config import user_folders
from bachview.core.geometry import Point, Size
from bachview.core.pixel_size import Origin, PixelSize
from bachview.file_names import printable
from bachview.models.bundle.installed import resolve_bundle
from bachview.ui.dialogs.associated_images import AssociatedImagesDialog
from bachview.ui.dialogs.information_dialog import metadata_groups
from bachview.ui.dialogs.question_dialog import QuestionDialog
from bachview.ui.dialogs.self_test_dialog import SelfTestDialog
from bachview.ui.session.bundles import read_summary
from bachview.ui.session.run_status import RunState
from bachview.ui.window.model_notice import ModelNotice
from bachview.viewing.viewport import Viewport, fit
from tests.support.bundles import edit_manifest, unpacked
from tests.support.real_data import shared_file
from tests.support.slides import gradient, write_pyramid
from tests.support.windows import LONG_MS, open_window, page_of, pink_slide, wait_for

# The offscreen platform says so whenever a window with a least size is shown.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def test_two_slides_in_tabs_share_one_cache(qtbot: QtBot, tmp_path: Path) -> None:
    first = write_pyramid(tmp_path / "Größe.tiff", gradient(1500, 1000))
    second = write_pyramid(tmp_path / "日本 語.tiff", gradient(900, 1200))
    with open_window(qtbot) as window:
        one, two = page_of(qtbot, window, first), page_of(qtbot, window, second)
        assert window.tabs.page is two
        qtbot.waitUntil(lambda: two.view.is_settled, timeout=LONG_MS)
        window.tabs.setCurrentWidget(one)
        qtbot.waitUntil(lambda: one.view.is_settled, timeout=LONG_MS)
        assert window.services.cache.size_bytes > 0
        assert window.windowTitle().startswith("Größe.tiff")
        window.open_slides([first])  # again: no third tab
        assert len(window.tabs.pages) == 2
        window.close_page(one)
        assert window.tabs.pages == [two]
        assert window.recent.paths == (second, first)


def test_closing_a_slide_waits_for_no_thread(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, write_pyramid(tmp_path / "a.tiff", gradient(1500, 1500)))
        waits: list[float | None] = []
        join = threading.Thread.join

        def noted(thread: threading.Thread, timeout: float | None = None) -> None:
            if threading.current_thread() is threading.main_thread():
                waits.append(timeout)
            join(thread, timeout)

        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "join", noted)
            page.view.set_slide(
                page.document.reader, window.services.cache, page.document.pixel_size
            )
            window.close_page(page)
        assert set(waits) <= {0.0}


def test_a_closed_slide_gives_its_memory_back_to_the_system(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_back = threading.Event()
    monkeypatch.setattr("bachview.ui.session.document.give_back_memory", given_back.set)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, write_pyramid(tmp_path / "a.tiff", gradient(900, 900)))
        qtbot.waitUntil(lambda: page.view.is_settled, timeout=LONG_MS)
        window.close_page(page)
        qtbot.waitUntil(given_back.is_set, timeout=LONG_MS)
        assert window.services.cache.size_bytes == 0


@pytest.mark.parametrize("name", ["empty.svs", "missing.svs", "folder", "text.tiff"])
def test_a_bad_file_gets_a_sentence_and_the_others_go_on(
    qtbot: QtBot, tmp_path: Path, name: str
) -> None:
    good = write_pyramid(tmp_path / "good.tiff", gradient(800, 800))
    bad = tmp_path / name
    if name == "folder":
        bad.mkdir()
    elif name == "text.tiff":
        bad.write_text("this is no slide", encoding="utf-8")
    elif name == "empty.svs":
        bad.touch()
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, good)
        window.messages.clear()
        with qtbot.waitSignal(window.opener.failed, timeout=LONG_MS):
            window.open_slides([bad])
        assert any(name in text for text in window.messages.texts)
        assert window.tabs.pages == [page]
        assert bad not in window.recent.paths


@pytest.mark.parametrize("name", ["unopenable.tiff", "sm_image_jpegls.dcm"])
def test_a_file_that_cannot_be_opened_is_named_in_a_message(qtbot: QtBot, name: str) -> None:
    bad = shared_file(f"bad/{name}")
    with open_window(qtbot) as window:
        with qtbot.waitSignal(window.opener.failed, timeout=LONG_MS):
            window.open_slides([bad])
        assert any(name in text for text in window.messages.texts)


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("dropped.tiff", b"dropped.tiff"),
        ("50%#1.tiff", b"50%25%231.tiff"),
        ("a#b.tiff", b"a#b.tiff"),
        ("gr\udcf6\udcdfe.tiff", b"gr%F6%DFe.tiff"),
    ],
)
def test_files_can_be_dropped(qtbot: QtBot, tmp_path: Path, name: str, address: bytes) -> None:
    path = write_pyramid(tmp_path / "plain.tiff", gradient(700, 700)).rename(tmp_path / name)
    with open_window(qtbot) as window:
        data = QMimeData()
        data.setUrls([QUrl.fromEncoded(b"file://" + bytes(tmp_path) + b"/" + address)])
        event = QDropEvent(
            QPointF(100, 100),
            Qt.DropAction.CopyAction,
            data,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        window.dropEvent(event)
        qtbot.waitUntil(lambda: window.tabs.page_of(path) is not None, timeout=LONG_MS)
        assert printable(name) in window.windowTitle()


def test_a_bundle_among_opened_files_is_chosen(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    slide = write_pyramid(tmp_path / "a.tiff", gradient(700, 700))
    bundle = shutil.copyfile(resolve_bundle("selftest"), tmp_path / "lab.BACHMODEL")
    with open_window(qtbot) as window:
        window.open_files([Path("lab.BACHMODEL"), Path("a.tiff")])
        qtbot.waitUntil(lambda: window.tabs.page_of(slide) is not None, timeout=LONG_MS)

        def is_chosen() -> bool:
            current = window.selector.current
            return current is not None and current.choice == str(bundle)

        qtbot.waitUntil(is_chosen, timeout=LONG_MS)
        assert len(window.tabs.pages) == 1


def test_the_position_is_remembered_for_the_slide_not_its_name(
    qtbot: QtBot, tmp_path: Path
) -> None:
    path = write_pyramid(tmp_path / "a.tiff", gradient(3000, 2000))
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        page.view.zoom_to_magnification(20)
        page.view.center_on(Point(900, 700))
        page.view.set_rotation(30)
    moved = path.rename(tmp_path / "b.tiff")
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, moved)
        viewport = page.view.viewport
        assert viewport is not None
        assert viewport.center.distance_to(Point(900, 700)) < 1e-6
        assert viewport.rotation_deg == 30
        assert window.status.texts[2] == "20x"
        page.view.fit()
    with open_window(qtbot) as window:
        view = page_of(qtbot, window, moved).view
        assert view.viewport is not None
        assert view.is_fitted
        assert view.viewport.rotation_deg == 30
        window.view_commands.panel.trigger()
        QApplication.processEvents()
        assert view.pyramid is not None
        assert view.viewport == fit(view.pyramid, view.viewport.size, rotation_deg=30)


def test_the_magnification_is_remembered_across_screens(qtbot: QtBot, tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "a.tiff", gradient(3000, 2000))
    with open_window(qtbot) as window:
        document = page_of(qtbot, window, path).document
        shown = Viewport(Point(900, 700), 2.0, Size(800, 600), pixel_ratio=2.0)
        document.remember(shown)  # as on a screen of twice the density
        memory = window.services.settings.now.slides.get(document.metadata.fingerprint)
        assert memory is not None
        assert memory.device_downsample == 1.0
    # Closing the window has remembered the fitted view; the dense screen was the last one.
    with open_window(qtbot) as window:
        settings = window.services.settings
        settings.now = settings.now.with_slide(document.metadata.fingerprint, memory)
        viewport = page_of(qtbot, window, path).view.viewport
        assert viewport is not None
        assert viewport.device_downsample == pytest.approx(1.0)


def test_a_slide_that_cannot_be_read_in_parts_is_reported_once(qtbot: QtBot) -> None:
    path = shared_file("bad/unreadable.svs")
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)

        def told() -> list[str]:
            return [text for text in window.messages.texts if "cannot be read" in text]

        qtbot.waitUntil(lambda: bool(told()), timeout=LONG_MS)
        assert "unreadable.svs" in told()[0]
        window.messages.clear()
        page.view.zoom_by(2)
        qtbot.waitUntil(lambda: page.view.is_settled, timeout=LONG_MS)
        assert not told()
        window.view_commands.retry_failed.trigger()
        qtbot.waitUntil(lambda: bool(told()), timeout=LONG_MS)


def test_the_notice_of_an_untrained_model_is_whole_in_a_narrow_window(qtbot: QtBot) -> None:
    notice = ModelNotice()
    qtbot.addWidget(notice)
    notice.show_model(read_summary("selftest"))
    notice.resize(1200, notice.sizeHint().height())
    QApplication.processEvents()
    one_line = notice.minimumSizeHint().height()
    notice.resize(300, 40)
    QApplication.processEvents()
    assert notice.minimumSizeHint().height() > one_line


def test_an_implausible_pixel_size_is_asked_for_and_remembered(
    qtbot: QtBot, tmp_path: Path
) -> None:
    path = write_pyramid(tmp_path / "a.tiff", gradient(900, 900), mpp=352.78)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        assert not page.banner.isHidden()
        window.classify_commands.whole_slide.trigger()
        assert page.document.run.status.state is RunState.IDLE
        assert "pixel size" in window.classify_commands.whole_slide.toolTip()
        page.banner.calibrated.emit(PixelSize.typed(0.5))
        question = QApplication.activeModalWidget()  # as it contradicts the file
        assert isinstance(question, QuestionDialog)
        question.accept()
        assert page.banner.isHidden()
        assert page.document.pixel_size.origin is Origin.USER
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        assert page.banner.isHidden()
        assert page.document.pixel_size == PixelSize.typed(0.5)


def test_menus_act_on_the_slide_on_the_screen(qtbot: QtBot, tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "a.tiff", gradient(3000, 2000))
    with open_window(qtbot) as window:
        view = window.view_commands
        assert not view.fit.isEnabled()
        page = page_of(qtbot, window, path)
        assert view.fit.isEnabled()
        assert view.fit.isChecked()
        view.magnifications[3].trigger()
        assert window.status.texts[2] == "10x"
        assert view.magnifications[3].isChecked()
        assert not view.fit.isChecked()
        view.rotate_right.trigger()
        assert page.view.viewport is not None
        assert page.view.viewport.rotation_deg == 90
        view.upright.trigger()
        assert page.view.viewport.rotation_deg == 0
        view.panel.trigger()
        assert window.dock.isHidden()
        view.panel.trigger()


def test_every_action_has_a_tool_tip_and_no_shortcut_twice(qtbot: QtBot) -> None:
    with open_window(qtbot) as window:
        actions = [a for a in window.actions() if a.text()]
        assert len(actions) > 20
        assert all(action.toolTip() for action in actions)
        keys = [key.toString() for action in actions for key in action.shortcuts()]
        assert len(keys) == len(set(keys))


def test_dialogs_open_and_go_with_the_window(qtbot: QtBot, tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "a.tiff", gradient(600, 600))
    with open_window(qtbot) as window:
        page_of(qtbot, window, path)
        other = window.window_commands
        for command in (
            window.file_commands.information,
            other.user_guide,
            other.keyboard,
            other.about,
        ):
            command.trigger()


def test_the_information_says_where_values_come_from(qtbot: QtBot, tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "a.tiff", gradient(600, 600))
    with open_window(qtbot) as window:
        document = page_of(qtbot, window, path).document
        rows = {
            row[0]: row
            for _, group in metadata_groups(
                document.metadata, document.pixel_size, icc_applied=False
            )
            for row in group
        }
        assert rows["Pixel size"][1:] == ("0.5 × 0.5 µm", "stated by the file")
        assert rows["Objective"][2] == "not stated"


def test_label_images_are_hidden_until_asked_for(qtbot: QtBot, tmp_path: Path) -> None:
    real = shared_file("slides/CMU-1-Small-Region.svs")
    path = Path(shutil.copy(real, tmp_path / "copy.svs"))
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        dialog = AssociatedImagesDialog(
            page.document.reader, window.services.bridge, window.services.io, window
        )
        dialog.show()
        assert not dialog.are_shown
        assert dialog.image is None
        dialog.show_images()
        qtbot.waitUntil(lambda: dialog.image is not None, timeout=LONG_MS)
        dialog.close()


def test_a_damaged_settings_file_does_not_keep_the_window_shut(qtbot: QtBot) -> None:
    folder = user_folders().config
    folder.mkdir(parents=True)
    (folder / "bachview.ini").write_bytes(b"\x00\x01[window\nstate=@ByteArray(rubbish)\nx=1e99")
    with open_window(qtbot) as window:
        assert window.isVisible()


def test_a_bundle_that_is_gone_gives_way_to_the_built_in_one(qtbot: QtBot, tmp_path: Path) -> None:
    with open_window(qtbot) as window:
        settings = window.services.settings
        settings.now = replace(settings.now, bundle=str(tmp_path / "gone.bachmodel"))
        window.selector.current = None
        window.selector.restore()
        qtbot.waitUntil(lambda: window.selector.current is not None, timeout=LONG_MS)
        assert any("gone.bachmodel" in text for text in window.messages.texts)


def test_the_demo_slide_is_classified_by_the_bundle_that_it_was_drawn_for(
    qtbot: QtBot, tmp_path: Path
) -> None:
    own = str(unpacked(tmp_path / "own"))
    edit_manifest(Path(own), lambda document: document.update(name="Own"))
    demo = user_folders().cache / "demo-1.tiff"
    demo.parent.mkdir(parents=True)
    pink_slide(demo)
    with open_window(qtbot) as window:
        window.selector.choose(own)
        page = page_of(qtbot, window, pink_slide(tmp_path / "a.tiff"))
        qtbot.waitUntil(lambda: window.selector.of(None) is not None, timeout=LONG_MS)
        qtbot.waitUntil(lambda: not window.selector.is_loading, timeout=LONG_MS)
        window.open_slides([page.document.path], classify=True)
        wait_for(qtbot, page, RunState.DONE)

        window.open_slides([demo], classify=True)
        qtbot.waitUntil(lambda: window.tabs.page_of(demo) is not None, timeout=LONG_MS)
        shown = window.tabs.page_of(demo)
        assert shown is not None
        wait_for(qtbot, shown, RunState.DONE)
        for judged, choice in ((shown, "selftest"), (page, own)):
            assert judged.document.run.status.state is RunState.DONE
            assert judged.document.bundle is not None
            assert judged.document.bundle.choice == choice
        assert window.services.settings.now.bundle == own


def test_a_slide_that_vanishes_is_closed_without_harm(qtbot: QtBot, tmp_path: Path) -> None:
    path = pink_slide(tmp_path / "a.tiff")
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        path.unlink()
        page.view.zoom_to_magnification(20)
        qtbot.waitUntil(lambda: page.view.is_settled, timeout=LONG_MS)


@pytest.mark.slow
def test_the_self_test_passes_in_the_window(qtbot: QtBot) -> None:
    with open_window(qtbot) as window:
        dialog = SelfTestDialog(window.services, window)
        dialog.show()
        qtbot.waitUntil(lambda: bool(dialog.checks), timeout=100_000)
        assert len(dialog.checks) > 4
        assert all(check.ok for check in dialog.checks), dialog.checks
        dialog.close()


def test_a_long_message_is_not_cut_off(qtbot: QtBot) -> None:
    with open_window(qtbot) as window:
        window.messages.clear()
        window.messages.problem("This file cannot be opened for a reason that is told. " * 8)
        message = window.toasts.shown[-1]
        label = next(w for w in message.findChildren(QLabel) if w.text().startswith("This"))
        qtbot.waitUntil(lambda: label.height() >= label.heightForWidth(label.width()))
        assert label.height() > 2 * label.fontMetrics().lineSpacing()


def test_a_slide_that_is_overwritten_is_said_to_have_changed(qtbot: QtBot, tmp_path: Path) -> None:
    path, other = pink_slide(tmp_path / "a.tiff"), pink_slide(tmp_path / "b.tiff", side=1024)
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        qtbot.waitUntil(lambda: page.view.is_settled, timeout=LONG_MS)
        path.write_bytes(other.read_bytes())
        page.view.zoom_to_magnification(20)
        qtbot.waitUntil(
            lambda: any("a.tiff has changed" in text for text in window.messages.texts),
            timeout=LONG_MS,
        )
