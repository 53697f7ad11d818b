"""The annotations of a slide as rows of a table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)

from bachview.core.pixel_size import PixelSize
from bachview.core.units import count_text
from bachview.marks.annotation import Annotation
from bachview.marks.measures import measures_text
from bachview.marks.working_set import Change
from bachview.ui.panels.annotation_rows import (
    Arrangement,
    Column,
    Group,
    Row,
    Values,
    arranged,
    class_name,
    detail_of,
    kind_of,
    name_of,
    steps,
)

#: The annotation or group of a row.
ROW = Qt.ItemDataRole.UserRole
#: More changes at once than these show the list anew: an import, or an undo of one.
_FEW = 50

_Index = QModelIndex | QPersistentModelIndex
_NO_INDEX = QModelIndex()
_TITLES = {
    Column.SHOWN: "",
    Column.LOCKED: "",
    Column.NAME: "Name",
    Column.VALUE: "Value",
    Column.CLASS: "Class",
    Column.KIND: "Kind",
    Column.NOTE: "Note",
}
_TIPS = {
    Column.SHOWN: "Whether it is drawn: click to hide it, or to show it",
    Column.LOCKED: "Whether it is locked: click to lock it, or to unlock it",
    Column.VALUE: "Area, length, angle or count",
}


class AnnotationModel(QAbstractTableModel):
    """Rows of annotations, and of their classes where they are grouped. GUI thread only.

    One table rather than a tree: a tree lays out all its rows after each change, which takes 0.2 s
    at 10,000, a table only those that are seen.

    Signals
    -------
    renamed(Annotation, str) : the reader has typed another name.
    """

    renamed = Signal(object, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: Mapping[str, Annotation] = {}
        self._how = Arrangement()
        self._values = Values(PixelSize.unknown())
        self._rows: list[Row] = []
        self._places: dict[str, int] | None = None
        self._listed = 0

    # -- what is listed ------------------------------------------------------------------

    @property
    def arrangement(self) -> Arrangement:
        return self._how

    @property
    def rows(self) -> Sequence[Row]:
        return self._rows

    @property
    def listed(self) -> int:
        """How many annotations have the words, in folded groups too."""
        return self._listed

    @property
    def total(self) -> int:
        """How many annotations there are."""
        return len(self._all)

    def show_annotations(self, annotations: Mapping[str, Annotation], size: PixelSize) -> None:
        """List these; the mapping follows the changes that `take` is told of."""
        self._all, self._values = annotations, Values(size)
        self.list_anew()

    def arrange(self, how: Arrangement) -> None:
        """List them in another way."""
        if how != self._how:
            self._how = how
            self.list_anew()

    def fold(self, name: str, *, on: bool) -> None:
        """Hide the annotations of a group, or show them."""
        folded = self._how.folded | {name} if on else self._how.folded - {name}
        self.arrange(replace(self._how, folded=folded))

    def take(self, changes: Iterable[Change]) -> bool:
        """Show what has changed; whether the rows that have not are still the same for a view."""
        ours = [each for each in changes if isinstance(each.mark, Annotation)]
        if len(ours) > _FEW:
            self.list_anew()
            return False
        if ours:
            after, self._listed = arranged(self._all.values(), self._how, self._values)
            if not self._replace_in_place(after):
                self._move(after)
        return True

    def list_anew(self) -> None:
        """Show whatever has changed."""
        self.beginResetModel()
        self._rows, self._listed = arranged(self._all.values(), self._how, self._values)
        self._places = None
        self.endResetModel()

    def _replace_in_place(self, after: list[Row]) -> bool:
        """Show rows that have others' values but the same places."""
        if len(after) != len(self._rows):
            return False
        changed = _different(self._rows, after)
        if any(not _is_same(self._rows[n], after[n]) for n in changed):
            return False
        self._rows = after
        for row in changed:
            self._tell(row)
        return True

    def _move(self, after: list[Row]) -> None:
        removed, inserted = steps(self._rows, after)
        self._places = None
        for row in removed:
            self.beginRemoveRows(_NO_INDEX, row, row)
            del self._rows[row]
            self.endRemoveRows()
        for row in inserted:
            self.beginInsertRows(_NO_INDEX, row, row)
            self._rows.insert(row, after[row])
            self.endInsertRows()
        self._places = None
        others = _different(self._rows, after)  # counts of groups
        self._rows = after
        for row in others:
            self._tell(row)

    def _tell(self, row: int) -> None:
        self.dataChanged.emit(self.index(row, 0), self.index(row, len(Column) - 1))

    def places_of(self, ids: Iterable[str]) -> list[int]:
        """Rows of annotations that are listed, from top to bottom."""
        if self._places is None:
            rows = enumerate(self._rows)
            self._places = {row.id: n for n, row in rows if isinstance(row, Annotation)}
        return sorted(self._places[each] for each in ids if each in self._places)

    def annotations_of(self, ids: Iterable[str]) -> tuple[Annotation, ...]:
        """The annotations with these ids."""
        return tuple(self._all[each] for each in ids if each in self._all)

    # -- for the view --------------------------------------------------------------------

    def rowCount(self, parent: _Index = _NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = _NO_INDEX) -> int:
        return 0 if parent.isValid() else len(Column)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _TITLES[Column(section)]
        return _TIPS.get(Column(section)) if role == Qt.ItemDataRole.ToolTipRole else None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        row = self._rows[index.row()]
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemNeverHasChildren
        if isinstance(row, Group):
            return flags
        if index.column() == Column.NAME and not row.is_locked:
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags | Qt.ItemFlag.ItemIsSelectable

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row, column = self._rows[index.row()], Column(index.column())
        if role == ROW:
            return row
        if role == Qt.ItemDataRole.EditRole and isinstance(row, Annotation):
            return row.name if column is Column.NAME else None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, column)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            if column <= Column.LOCKED:
                return _TIPS.get(column)
            if column is Column.NAME and isinstance(row, Annotation):
                return self._whole(row)
            return self._text(row, column)
        return None

    def _text(self, row: Row, column: Column) -> str:
        if isinstance(row, Group):
            texts = {Column.NAME: row.title, Column.VALUE: count_text(len(row.members))}
            return texts.get(column, "")
        if column is Column.NAME:
            return name_of(row)
        if column is Column.VALUE:
            return measures_text(self._values.of(row))
        if column is Column.CLASS:
            return class_name(row)
        if column is Column.KIND:
            return kind_of(row)
        return row.note.replace("\n", " ") if column is Column.NOTE else ""

    def _whole(self, row: Annotation) -> str:
        """All that is listed of it, for a row with no room for that."""
        parts = name_of(row), detail_of(row), measures_text(self._values.of(row))
        note = "" if row.note == parts[0] else row.note
        return "\n".join(part for part in (*parts, note) if part)

    def setData(self, index: _Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        row = self._rows[index.row()]
        if role != Qt.ItemDataRole.EditRole or not isinstance(row, Annotation):
            return False
        text = str(value).strip()
        if text != row.name:
            self.renamed.emit(row, text)
        return True


def _is_same(one: Row, other: Row) -> bool:
    """Whether two rows are of the same annotation or group."""
    if isinstance(one, Group) or isinstance(other, Group):
        both = isinstance(one, Group) and isinstance(other, Group)
        return both and one.name == other.name
    return one.id == other.id


def _different(before: Sequence[Row], after: Sequence[Row]) -> list[int]:
    pairs = enumerate(zip(before, after, strict=True))
    return [
        n
        for n, (one, other) in pairs
        if one is not other and not (isinstance(one, Group) and one == other)
    ]
