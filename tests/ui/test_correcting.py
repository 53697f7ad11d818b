"""A reader corrects cells with keys, menu, tool and annotations; all of it is undone and kept."""

from pathlib import Path

import pytest
import shapely
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from bachview.core.geometry import Region
from bachview.marks.annotation import Annotation, AnnotationClass, Kind
from bachview.marks.formats.table import format_to_write
from bachview.marks.working_set import added, changed
from bachview.ui.dialogs.agreement_dialog import AgreementDialog
from bachview.ui.session.run_status import RunState
from bachview.ui.view.tools.correct import CorrectTool
from bachview.ui.window.annotation_obstacles import NOTHING_SELECTED
from bachview.ui.window.correct_commands import NO_CORRECTIONS
from bachview.ui.window.slide_page import SlidePage
from tests.support.windows import LONG_MS, open_window, page_of, pink_slide, wait_for

# The offscreen platform says so whenever a window with a least size is shown.
pytestmark = pytest.mark.qt_log_ignore(r"propagateSizeHints|raise\(\)", extend=True)

PART = Region(0, 0, 512, 512)


def on_screen(page: SlidePage, row: int, column: int) -> QPointF:
    """Middle of a cell on the view."""
    grid, viewport = page.correcting.grid, page.view.viewport
    assert grid is not None
    assert viewport is not None
    return QPointF(*viewport.vp_from_l0(grid.cell(row, column).center))


def said(page: SlidePage) -> dict[tuple[int, int], int]:
    found = page.correcting.corrected
    assert found is not None
    pairs = zip(map(tuple, found.cells.tolist()), found.labels.tolist(), strict=True)
    return dict(pairs)


def drag(page: SlidePage, *places: QPointF, shift: bool = False, alt: bool = False) -> None:
    view, none = page.view, Qt.KeyboardModifier.NoModifier
    held = Qt.KeyboardModifier.ShiftModifier if shift else none
    held = held | (Qt.KeyboardModifier.AltModifier if alt else none)
    left, points = Qt.MouseButton.LeftButton, [place.toPoint() for place in places]
    QTest.mousePress(view, left, held, points[0])
    for point in points[1:]:
        QTest.mouseMove(view, point)
    QTest.mouseRelease(view, left, held, points[-1])


def test_cells_are_corrected_counted_compared_and_kept(qtbot: QtBot, tmp_path: Path) -> None:
    path = pink_slide(tmp_path / "a.tiff")
    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        commands, marks, view = window.correct_commands, page.document.marks, page.view
        assert not commands.tool.isEnabled()  # nothing is classified
        page.regionDrawn.emit(PART)
        wait_for(qtbot, page, RunState.DONE)
        prediction = page.document.prediction
        assert prediction is not None
        assert [each.text()[3:] for each in commands.classes if each.isVisible()] == [
            one.name for one in prediction.classes
        ]
        line = window.panel.result.corrections
        assert line.isHidden()

        for command in (commands.remove, commands.table, commands.dataset):
            assert command.toolTip() == NO_CORRECTIONS
        # The cell where a menu was opened, as the one under the cursor.
        view.anchor = on_screen(page, 1, 2)
        commands.classes[2].trigger()
        assert said(page) == {(1, 2): 2}
        assert line.text.startswith("1 cell corrected: ")
        commands.classes[3].trigger()
        commands.remove.trigger()
        assert said(page) == {}
        for expected in ({(1, 2): 3}, {(1, 2): 2}, {}):
            marks.undo()
            assert said(page) == expected
        view.release_anchor()

        # The tool: a stroke, a lasso, and what takes back.
        commands.tool.trigger()
        assert isinstance(view.input.tool, CorrectTool)
        commands.classes[1].trigger()  # of the tool
        assert said(page) == {}
        drag(page, on_screen(page, 0, 0), on_screen(page, 0, 3))
        assert said(page) == dict.fromkeys([(0, 0), (0, 1), (0, 2), (0, 3)], 1)
        corners = [on_screen(page, *cell) for cell in ((1, 0), (1, 2), (3, 2), (3, 0))]
        outer = [corners[0] + QPointF(-2, -2), corners[1] + QPointF(2, -2)]
        drag(page, *outer, corners[2] + QPointF(2, 2), corners[3] + QPointF(-2, 2), shift=True)
        assert {cell for cell in said(page) if cell[0]} >= {(2, 1)}
        count = len(said(page))
        drag(page, on_screen(page, 0, 1), on_screen(page, 0, 2), alt=True)
        assert len(said(page)) == count - 2
        marks.undo()
        assert len(said(page)) == count
        QTest.keyClick(view, Qt.Key.Key_Escape)
        assert page.view.input.tool is None
        assert not commands.tool.isChecked()
        # It does not go along to another slide, and nothing else does in its place.
        window.tool_commands.choose("brush")
        commands.tool.trigger()
        another = page_of(qtbot, window, pink_slide(tmp_path / "b.tiff"))
        assert another.view.input.tool is None
        window.close_page(another)
        assert page.view.input.tool is None

        # The cells of an annotation get its class; one without a class of the model does nothing.
        cell = prediction.grid.cell(3, 3)
        shape = shapely.box(cell.x, cell.y, cell.right, cell.bottom)
        drawn = Annotation.drawn(Kind.AREA, shape, AnnotationClass("Invasive", (9, 9, 9)))
        other = Annotation.drawn(Kind.AREA, shape, AnnotationClass("Artefact", (9, 9, 9)))
        marks.apply(added("draw", [drawn, other]))
        assert commands.by_annotations.toolTip() == NOTHING_SELECTED
        marks.selection.set([other.id])
        commands.by_annotations.trigger()
        assert any("Select annotations" in text for text in window.messages.texts)
        marks.selection.set([drawn.id, other.id])
        commands.by_annotations.trigger()
        assert said(page)[3, 3] == 3

        # Of two that overlap the smaller one counts, and both are one step.
        before, grid = said(page), prediction.grid
        inner = shapely.box(0, 0, grid.stride_x, grid.stride_y)
        around = shapely.box(0, 0, 2 * grid.stride_x, 2 * grid.stride_y)
        normal = Annotation.drawn(Kind.AREA, inner, AnnotationClass("Normal", (0, 0, 0)))
        in_situ = Annotation.drawn(Kind.AREA, around, AnnotationClass("In situ", (0, 0, 0)))
        assert page.correcting.relabel_by([normal, in_situ]) == 4
        expected = {(0, 0): 0, (0, 1): 2, (1, 0): 2, (1, 1): 2}
        assert expected.items() <= said(page).items()
        assert marks.working_set.undo_text == "correct the cells of 2 annotations"
        marks.undo()
        assert said(page) == before

        # What the model says inside the one that is selected, as it says it: of its own cells.
        inside = window.annotations.properties.inside
        assert inside.isHidden()  # two are selected
        marks.selection.set([drawn.id])
        qtbot.waitUntil(lambda: not inside.isHidden())
        (row,) = inside.rows.values()
        assert row[1] == "100.0 %"
        assert inside.note.startswith("All of the annotation judged by Self-test")
        whole = drawn.with_changes(shape=shapely.box(-cell.width, 0, cell.width, cell.height))
        marks.apply(changed("change", [(drawn, whole)]))
        qtbot.waitUntil(lambda: "Outside of the classified region" in inside.rows)
        assert inside.rows["Outside of the classified region"][1] == "50.0 %"
        marks.undo()
        # The table of measured values says so, too; other formats come back as they were.
        for name in ("a.csv", "a.geojson"):
            kind = format_to_write(tmp_path / name)
            window.annotation_files.write(page, tmp_path / name, kind, [drawn])
        qtbot.waitUntil(
            lambda: sum("1 annotation was written" in text for text in window.messages.texts) == 2,
            timeout=LONG_MS,
        )
        names, values = (tmp_path / "a.csv").read_text("utf-8").splitlines()
        measured = dict(zip(names.split(","), values.split(","), strict=True))
        assert float(measured["Model: judged %"]) == pytest.approx(100)
        assert "Model: " not in (tmp_path / "a.geojson").read_text("utf-8")

        # Counted, compared, read out, and hidden.
        agreement = page.correcting.agreement
        assert agreement is not None
        assert line.text == f"{agreement.text}."
        commands.table.trigger()
        (dialog,) = window.findChildren(AgreementDialog)
        texts = [dialog.table.item(dialog.table.rowCount() - 1, n) for n in range(1, 6)]
        counts = [int(item.text()) for item in texts if item is not None]
        assert counts[-1] == sum(counts[:-1]) == len(said(page))
        header = dialog.table.horizontalHeaderItem(3)
        assert header is not None
        assert header.text() == "You: In situ"
        QTest.mouseMove(view, on_screen(page, 3, 3).toPoint())
        qtbot.waitUntil(
            lambda: window.panel.at_cursor.statement.startswith("Reader: Invasive; model: "),
            timeout=LONG_MS,
        )
        viewport = view.viewport
        assert viewport is not None
        (layer,) = view._corrections.layers(viewport)
        assert layer in view._layers(viewport)
        commands.shown.trigger()
        assert layer not in view._layers(viewport)
        assert window.panel.overlay.style_now.show_corrections is False
        commands.shown.trigger()
        kept = said(page)

        # As a data set, beside the window's work.
        bundle, folder = page.document.bundle, tmp_path / "set"
        assert bundle is not None
        commands.exports.write(page.document, page.correcting, bundle, folder)
        qtbot.waitUntil(
            lambda: any("Written to" in text for text in window.messages.texts), timeout=LONG_MS
        )
        assert 0 < len(list(folder.glob("Photos/*/*.tif"))) <= len(kept)
        commands.exports.write(page.document, page.correcting, bundle, tmp_path)
        qtbot.waitUntil(
            lambda: any("choose another folder" in text for text in window.messages.texts),
            timeout=LONG_MS,
        )
        qtbot.waitUntil(lambda: marks.is_saved)

    with open_window(qtbot) as window:
        page = page_of(qtbot, window, path)
        wait_for(qtbot, page, RunState.DONE)
        qtbot.waitUntil(lambda: said(page) == kept, timeout=LONG_MS)
        # Clearing the results leaves them on the slide.
        grid_id = page.document.grid_id
        assert grid_id is not None
        page.document.clear(grid_id, lambda: None)
        qtbot.waitUntil(lambda: page.document.prediction is None, timeout=LONG_MS)
        assert said(page) == kept
        assert page.correcting.agreement is None
        assert page.correcting.relabel([(0, 0)], 0) == 0
