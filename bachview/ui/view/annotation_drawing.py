"""The annotations that a view shows: as a layer of its picture, and over it what is edited."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from PySide6.QtCore import QPointF, QRectF, QSizeF
from PySide6.QtGui import QImage, QPainter, QTransform

from bachview.core.geometry import Point
from bachview.core.pixel_size import PixelSize
from bachview.marks.annotation import Annotation
from bachview.marks.index import AnnotationIndex
from bachview.marks.working_set import Change
from bachview.ui.view.annotation_labels import Label, LabelLayer
from bachview.ui.view.annotation_maker import Wanted
from bachview.ui.view.annotation_source import AnnotationSource
from bachview.ui.view.annotation_units import level_of, units_of
from bachview.ui.view.lifted_picture import LiftedPicture
from bachview.ui.view.painting import Layer
from bachview.ui.view.painting_annotations import Rgb, Unit, paint_units
from bachview.viewing.viewport import Viewport

#: As many selected annotations are drawn over the picture; more are drawn in it, or while they are
#: dragged as a picture of their own.
_MOST_OVER = 40
#: As many changed ones are drawn over the picture until they are in it.
_MOST_NEWS = 200

#: Nothing is moved.
_IN_PLACE = QTransform()


class AnnotationDrawing:
    """The annotations of one view. GUI thread; the owner closes it.

    Most are in a layer that is made off the GUI thread. What has just been changed, what is
    selected and what is being dragged is drawn over it in each frame.

    Attributes
    ----------
    index : finds annotations by place.
    """

    def __init__(self, on_change: Callable[[], object]) -> None:
        """`on_change` : called when the view should be painted again."""
        self.index = AnnotationIndex()
        self._on_change = on_change
        self._annotations: Mapping[str, Annotation] = {}
        self._source: AnnotationSource | None = None
        self._selected: frozenset[str] = frozenset()
        self._lifted: frozenset[str] = frozenset()
        self._live: tuple[Annotation, ...] = ()
        self._move = _IN_PLACE
        self._many_live = LiftedPicture()
        #: Changed ones by id, each with the number of the change.
        self._news: dict[str, tuple[int, Annotation]] = {}
        self._over: tuple[tuple[object, ...], tuple[Unit, ...]] = ((), ())
        self._news_units: tuple[tuple[object, ...], tuple[Unit, ...]] = ((), ())
        #: Texts of a layer, and those of them that are near what is selected.
        self._near: tuple[object, tuple[object, ...], tuple[Label, ...]] = (None, (), ())
        self._stamps: dict[tuple[Rgb, bool], QImage] = {}
        self._shown_of: tuple[object, ...] = ()
        self._shown: tuple[Layer, ...] = ()
        self._pixel_size = PixelSize.unknown()
        self._has_values = True

    # -- what is shown -------------------------------------------------------------------

    def set_annotations(self, annotations: Mapping[str, Annotation]) -> None:
        """Show other annotations from now on; the mapping follows what `change` is told."""
        self.close(0)
        self.index = AnnotationIndex(annotations.values())
        self._annotations = annotations
        self._news.clear()
        self._selected = self._lifted = frozenset()
        self._live = ()
        self._many_live.forget()
        self._tell((each.id, each) for each in annotations.values())
        self._on_change()

    def change(self, changes: Iterable[Change]) -> None:
        """Show what has been changed in the mapping."""
        news: dict[str, Annotation | None] = {}
        for change in changes:
            mark = change.mark
            if isinstance(mark, Annotation):
                after = change.after
                news[mark.id] = after if isinstance(after, Annotation) else None
        if not news:
            return
        for name, annotation in news.items():
            if annotation is None:
                self.index.remove(name)
            else:
                self.index.put(annotation)
        number = self._tell(news.items())
        if len(news) > _MOST_NEWS:
            self._news.clear()
        else:
            for name, annotation in news.items():
                if annotation is None or annotation.is_hidden:
                    self._news.pop(name, None)
                else:
                    self._news[name] = number, annotation
        self._on_change()

    def set_selected(self, ids: frozenset[str]) -> None:
        """Draw these as selected."""
        if ids != self._selected:
            self._selected = ids
            self._on_change()

    def set_pixel_size(self, pixel_size: PixelSize) -> None:
        """Measure by this pixel size."""
        self._pixel_size = pixel_size

    def set_values_shown(self, *, on: bool) -> None:
        """Let measured values and names stand at all shapes that are large enough, or not.

        At what is selected they always stand.
        """
        if on != self._has_values:
            self._has_values = on
            self._on_change()

    @property
    def has_values(self) -> bool:
        """Whether measured values stand at all shapes that are large enough."""
        return self._has_values

    def _tell(self, news: Iterable[tuple[str, Annotation | None]]) -> int:
        told = [
            (name, None if each is None or each.is_hidden or name in self._lifted else each)
            for name, each in news
        ]
        if self._source is None:
            if not any(each is not None for _, each in told):
                return 0
            self._source = AnnotationSource(self._on_change)
        return self._source.change(told)

    # -- dragging ------------------------------------------------------------------------

    @property
    def lifted(self) -> frozenset[str]:
        """Ids of those that are being dragged."""
        return self._lifted

    def lift(self, annotations: Sequence[Annotation]) -> None:
        """Draw these over the picture, as `show_moved` or `show` says, until `drop`."""
        self._lifted = frozenset(each.id for each in annotations)
        self._live = tuple(annotations)
        self._move = _IN_PLACE
        self._tell((each.id, each) for each in annotations)
        self._on_change()

    def show_moved(self, move: QTransform) -> None:
        """Draw the lifted ones moved, level-0 px to level-0 px."""
        self._move = move
        self._on_change()

    def show(self, annotations: Sequence[Annotation]) -> None:
        """Draw these in place of the lifted ones."""
        self._live = tuple(annotations)
        self._move = _IN_PLACE
        self._on_change()

    def drop(self) -> None:
        """Draw all annotations as they are."""
        lifted, self._lifted = self._lifted, frozenset()
        self._live, self._move = (), _IN_PLACE
        self._many_live.forget()
        back = {name: self._annotations.get(name) for name in lifted}
        number = self._tell(back.items())
        if len(back) <= _MOST_NEWS:
            shown = ((name, each) for name, each in back.items() if each and not each.is_hidden)
            self._news.update((name, (number, each)) for name, each in shown)
        self._on_change()

    # -- drawing -------------------------------------------------------------------------

    @property
    def is_settled(self) -> bool:
        """Whether nothing is being made."""
        return self._source is None or self._source.is_idle

    def layers(self, viewport: Viewport) -> tuple[Layer, ...]:
        """Layers that draw the annotations of a view, as far as they are made by now."""
        source = self._source
        if source is None:
            return ()
        many = self._selected if len(self._selected) > _MOST_OVER else frozenset()
        valued = None if self._has_values else self._selected
        source.want(Wanted(viewport, many, self._pixel_size, valued))
        layer = source.layer
        if layer is None:
            return ()
        key = layer, viewport.device_downsample
        if key != self._shown_of:
            self._shown_of = key
            if layer.px_l0 != viewport.device_downsample:
                layer = replace(layer, px_l0=viewport.device_downsample)
            texts = LabelLayer.of(layer.labels, layer.px_l0)
            self._shown = (layer, texts) if layer.labels else (layer,)
        return self._shown

    def paint(self, painter: QPainter, viewport: Viewport) -> None:
        """Draw what is not in the layers, in device-independent px of the view."""
        source = self._source
        if source is None:
            return
        if self._news:
            shown = source.number
            self._news = {name: news for name, news in self._news.items() if news[0] > shown}
        if not self._news and not self._selected and not self._live:
            return
        level = level_of(viewport)
        transform = QTransform(*viewport.vp_from_l0_affine)
        ratio = viewport.pixel_ratio
        painter.save()
        news = [
            each
            for name, (_, each) in self._news.items()
            if name not in self._lifted and name not in self._selected
        ]
        if news:
            self._news_units = self._made(self._news_units, news, level, ratio, frozenset())
            paint_units(painter, self._news_units[1], transform, 1 / ratio, ratio, self._stamps)
        live = list(self._live)
        if len(live) > _MOST_OVER:
            self._many_live.paint(painter, self._live, viewport, self._move, self._stamps)
            live = []
        over = live
        if len(self._selected) <= _MOST_OVER:
            selected = (self._annotations.get(name) for name in self._selected - self._lifted)
            over = [*(each for each in selected if each and not each.is_hidden), *live]
        if over:
            self._over = self._made(self._over, over, level, ratio, self._selected)
            still = len(over) - len(live)
            units = self._over[1]
            paint_units(painter, units[:still], transform, 1 / ratio, ratio, self._stamps)
            moved = self._move * transform
            paint_units(painter, units[still:], moved, 1 / ratio, ratio, self._stamps)
            if still and source.layer is not None:
                boxes = [_box_of(each, transform) for each in over[:still]]
                for label in self._labels_near(source.layer.labels, over[:still], level):
                    place = _place_of(label, viewport)
                    # The lines of what is selected would cross the text.
                    if any(box.intersects(place) for box in boxes):
                        painter.drawImage(place, label.plate)
        painter.restore()

    def _labels_near(
        self, labels: tuple[Label, ...], annotations: Sequence[Annotation], level: int
    ) -> tuple[Label, ...]:
        """Those that may touch annotations at a level; found once, not in each frame."""
        content = (level, *map(id, annotations))
        if self._near[0] is not labels or self._near[1][: len(content)] != content:
            boxes = [each.bounds for each in annotations]
            near = tuple(
                each for each in labels if any(_may_touch(each, box, level) for box in boxes)
            )
            self._near = labels, (*content, tuple(annotations)), near
        return self._near[2]

    def _made(
        self,
        before: tuple[tuple[object, ...], tuple[Unit, ...]],
        annotations: Sequence[Annotation],
        level: int,
        ratio: float,
        selected: frozenset[str],
    ) -> tuple[tuple[object, ...], tuple[Unit, ...]]:
        """One unit for each annotation; those of before if they are the same."""
        content = (level, ratio, selected, *map(id, annotations))
        if before[0][: len(content)] == content:
            return before
        units = units_of(annotations, level, ratio, selected, self._stamps)
        return (*content, tuple(annotations)), units  # kept, so that no other has the same id

    def close(self, timeout_s: float = 1.0) -> bool:
        """Show none and end the thread; False if it did not end in time."""
        source, self._source = self._source, None
        self._annotations = {}
        self.index = AnnotationIndex()
        self._news.clear()
        self._selected = self._lifted = frozenset()
        self._live = ()
        self._many_live.forget()
        self._shown_of, self._shown = (), ()
        return source is None or source.close(timeout_s)


def _place_of(label: Label, viewport: Viewport) -> QRectF:
    """Of its plate in the view, on whole device px, so that the text stays crisp."""
    ratio = viewport.pixel_ratio
    x, y = viewport.vp_from_l0(Point(label.x, label.y))
    at = QPointF(round(x * ratio + label.right) / ratio, round(y * ratio + label.down) / ratio)
    return QRectF(at, QSizeF(label.plate.size() / ratio))


def _may_touch(label: Label, box: tuple[float, float, float, float], level: int) -> bool:
    """Whether a text, turned in any way, may lie on a box in level-0 px."""
    width, height = label.plate.width(), label.plate.height()
    reach = 2**0.5 * math.ldexp(abs(label.right) + abs(label.down) + width + height, level)
    left, top, right, bottom = box
    is_beside = left - reach <= label.x <= right + reach
    return is_beside and top - reach <= label.y <= bottom + reach


def _box_of(annotation: Annotation, transform: QTransform) -> QRectF:
    """In the view."""
    left, top, right, bottom = annotation.bounds
    return transform.mapRect(QRectF(left, top, right - left, bottom - top))
