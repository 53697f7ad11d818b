"""The list of annotations: order, groups, words to find, and small steps where little changes."""

import random
from collections.abc import Callable

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from bachview.core.pixel_size import PixelSize
from bachview.marks.annotation import Annotation, AnnotationClass, Frame, Kind
from bachview.marks.working_set import WorkingSet, added, changed, deleted
from bachview.ui.look.theme import Theme, ThemeChoice
from bachview.ui.panels.annotation_list import AnnotationList
from bachview.ui.panels.annotation_model import AnnotationModel
from bachview.ui.panels.annotation_rows import Arrangement, Column, Group, Values, arranged

BENIGN = AnnotationClass("Benign", (0, 150, 0))
INVASIVE = AnnotationClass("Invasive", (200, 0, 0))
MITOSES = AnnotationClass("Mitoses", (0, 0, 200))
UM = PixelSize.typed(0.5)


def square(side: float, of: AnnotationClass | None = None, **values: object) -> Annotation:
    frame = Frame(500, 500, side, side)
    return Annotation.drawn(Kind.RECTANGLE, frame, of).with_changes(**values)


def some() -> WorkingSet:
    line = shapely.LineString([(0, 0), (300, 400)])
    points = shapely.MultiPoint([(1, 1), (2, 2), (3, 3)])
    return WorkingSet(
        [
            square(2000, INVASIVE, name="front"),
            square(100, BENIGN, note="Ask again"),
            Annotation.drawn(Kind.LINE, line),
            Annotation.drawn(Kind.POINTS, points, MITOSES),
            square(400, INVASIVE, is_locked=True),
        ]
    )


def texts(model: AnnotationModel, column: Column = Column.NAME) -> list[str]:
    return [str(model.index(row, column).data()) for row in range(model.rowCount())]


def model_of(marks: WorkingSet) -> AnnotationModel:
    model = AnnotationModel()
    model.show_annotations(marks.annotations, UM)
    marks.listen(model.take)
    return model


def test_columns_order_and_words(qtbot: QtBot) -> None:
    model = model_of(some())
    assert texts(model) == ["front", "Rectangle", "Line", "Count", "Rectangle"]
    assert texts(model, Column.VALUE) == ["1 mm²", "0.0025 mm²", "250 µm", "3", "0.04 mm²"]
    assert texts(model, Column.CLASS) == ["Invasive", "Benign", "", "Mitoses", "Invasive"]
    model.arrange(Arrangement(column=Column.VALUE))
    assert texts(model, Column.VALUE) == ["0.0025 mm²", "0.04 mm²", "1 mm²", "250 µm", "3"]
    model.arrange(Arrangement(column=Column.NAME, is_descending=True))
    assert texts(model)[-2:] == ["front", "Count"]
    model.arrange(Arrangement(words=("inva", "fro")))
    assert texts(model, Column.VALUE) == ["1 mm²"]
    model.arrange(Arrangement(words=("again",)))
    assert texts(model, Column.NOTE) == ["Ask again"]
    assert (model.listed, model.total) == (1, 5)


def test_groups_have_counts_and_fold(qtbot: QtBot) -> None:
    model = model_of(some())
    model.arrange(Arrangement(is_grouped=True, order=("Benign", "Invasive")))
    assert texts(model) == [
        *("Benign", "Rectangle"),
        *("Invasive", "front", "Rectangle"),
        *("Mitoses", "Count"),
        *("Unclassified", "Line"),
    ]
    assert texts(model, Column.VALUE)[:3:2] == ["1", "2"]
    model.fold("Invasive", on=True)
    assert texts(model)[2:4] == ["Invasive", "Mitoses"]
    assert model.listed == 5
    group = model.rows[2]
    assert isinstance(group, Group)
    assert len(model.annotations_of(group.members)) == 2


def steps_of(model: AnnotationModel) -> list[str]:
    """What the model tells its views from now on."""
    told: list[str] = []
    model.modelReset.connect(lambda: told.append("reset"))
    model.rowsInserted.connect(lambda _, first, last: told.append(f"+{first}"))
    model.rowsRemoved.connect(lambda _, first, last: told.append(f"-{first}"))
    model.dataChanged.connect(lambda first, last: told.append(f"={first.row()}"))
    return told


def test_a_single_change_is_a_single_step(qtbot: QtBot) -> None:
    marks = some()
    model = model_of(marks)
    model.arrange(Arrangement(is_grouped=True, column=Column.NAME, order=("Benign", "Invasive")))
    told = steps_of(model)
    front = next(each for each in marks.annotations.values() if each.name == "front")
    marks.apply(changed("note", [(front, front.with_changes(note="seen"))]))
    assert told == ["=3"]
    told.clear()
    marks.apply(deleted("delete", [marks.annotations[front.id]]))
    assert told == ["-3", "=2"]  # and the count of its group
    told.clear()
    marks.undo()
    assert told == ["+3", "=2"]
    told.clear()
    now = marks.annotations[front.id]
    marks.apply(changed("rename", [(now, now.with_changes(name="zone"))]))
    assert told == ["-3", "+4", "=2"]
    told.clear()
    marks.apply(added("import", [square(side) for side in range(1, 200)]))
    assert told == ["reset"]
    assert model.listed == 204


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.sampled_from([None, *Column]), st.booleans())
def test_steps_lead_to_the_same_rows_as_listing_anew(
    qapp: object, seed: int, is_grouped: bool, column: Column | None, is_descending: bool
) -> None:
    choice = random.Random(seed)
    marks = some()
    model = model_of(marks)
    how = Arrangement(("r",), column, is_descending, is_grouped, ("Benign", "Invasive"))
    model.arrange(how)
    for _ in range(12):
        present = list(marks.annotations.values())
        one = choice.choice(present) if present else None
        kind = choice.randrange(5)
        if kind == 0 or one is None:
            marks.apply(
                added("add", [square(choice.uniform(1, 999), choice.choice([BENIGN, None]))])
            )
        elif kind == 1:
            marks.apply(deleted("delete", [one]))
        elif kind == 2:
            marks.apply(changed("x", [(one, one.with_changes(name=choice.choice("abrz")))]))
        elif kind == 3:
            of = choice.choice([BENIGN, INVASIVE, MITOSES, None])
            marks.apply(changed("x", [(one, one.with_changes(annotation_class=of))]))
        else:
            marks.undo()
        wanted, listed = arranged(marks.annotations.values(), how, Values(UM))
        assert list(model.rows) == wanted
        assert model.listed == listed


@pytest.mark.parametrize("is_locked", [True, False])
def test_a_name_is_typed_in_the_list_unless_it_is_locked(qtbot: QtBot, is_locked: bool) -> None:
    marks = WorkingSet([square(10, is_locked=is_locked)])
    model = model_of(marks)
    index = model.index(0, Column.NAME)
    assert bool(model.flags(index) & Qt.ItemFlag.ItemIsEditable) is not is_locked
    renamed: list[str] = []
    model.renamed.connect(lambda _, text: renamed.append(text))
    model.setData(index, "  margin ")
    assert renamed == ["margin"]


def test_what_is_drawn_asks_for_the_rows_that_are_seen_only(
    qtbot: QtBot, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is done with thousands of rows, the view asks for some tens of them."""
    asked = 0
    plain_flags = AnnotationModel.flags

    def counted(model: AnnotationModel, index: QModelIndex) -> Qt.ItemFlag:
        nonlocal asked
        asked += 1
        return plain_flags(model, index)

    monkeypatch.setattr(AnnotationModel, "flags", counted)
    theme = Theme(qapp, ThemeChoice.LIGHT)
    holder = QWidget()
    qtbot.addWidget(holder)
    listed = AnnotationList(theme, holder)
    holder.resize(320, 400)
    listed.resize(320, 400)
    holder.show()
    marks = WorkingSet([square(side) for side in range(1, 3001)])
    listed.rows.show_annotations(marks.annotations, UM)
    marks.listen(listed.take)
    first = next(iter(marks.annotations.values()))
    steps: list[Callable[[], object]] = [
        lambda: listed.show_selected(frozenset(marks.annotations)),
        lambda: marks.apply(changed("note", [(first, first.with_changes(note="n"))])),
        lambda: listed.find_text("rect"),
        lambda: listed.group(on=True),
        lambda: marks.apply(deleted("delete", [marks.annotations[first.id]])),
    ]
    for step in steps:
        step()
        QApplication.processEvents()
    assert 0 < asked < 1000
    theme.deleteLater()


def test_name_class_and_value_are_read_at_any_width(qtbot: QtBot, qapp: QApplication) -> None:
    theme = Theme(qapp, ThemeChoice.DARK)
    holder = QWidget()
    qtbot.addWidget(holder)
    listed = AnnotationList(theme, holder)
    holder.show()
    pictures = {}
    for width in (265, 700):
        for name in ("Benign", "Follicle"):  # in the same colour
            one = square(400, AnnotationClass(name, BENIGN.color), name="front", note="Ask again")
            holder.resize(width, 200)
            listed.resize(width, 200)
            listed.rows.show_annotations(WorkingSet([one]).annotations, UM)
            value = listed.visualRect(listed.rows.index(0, Column.VALUE))
            assert value.right() <= listed.viewport().width()
            tip = listed.rows.index(0, Column.NAME).data(Qt.ItemDataRole.ToolTipRole)
            assert tip == f"front\n{name} · rectangle\n0.04 mm²\nAsk again"
            listed.setFocus(Qt.FocusReason.NoFocusReason)
            pictures[width, name] = listed.viewport().grab().toImage()
        assert pictures[width, "Benign"] != pictures[width, "Follicle"]
        assert listed.has_details is (width < 700)
    height = listed.rowHeight(0)
    holder.resize(265, 200)
    listed.resize(265, 200)
    assert listed.rowHeight(0) >= height + listed.fontMetrics().height() // 2
    listed.group(on=True)  # the row of the group says it
    assert listed.rowHeight(0) == height
    theme.deleteLater()
