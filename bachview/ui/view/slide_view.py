"""The widget that shows a slide and lets the user navigate it."""

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QChildEvent, QEvent, QKeyCombination, QPointF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFocusEvent,
    QHideEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QGestureEvent, QWidget

from bachview.core.classes import ClassSet
from bachview.core.geometry import Point, Region
from bachview.core.patches import PatchGrid
from bachview.core.pixel_size import PixelSize
from bachview.core.predictions import Prediction
from bachview.core.pyramid import TileKey
from bachview.core.uncertainty import Thresholds
from bachview.marks.corrected_cells import CorrectedCells
from bachview.slide.reader import SlideReader
from bachview.slide.tiles.cache import TileCache
from bachview.slide.tiles.display_tiles import ColourTransform
from bachview.ui.bridge import UNDISTURBED
from bachview.ui.look.spacing import NEAR
from bachview.ui.view.annotation_drawing import AnnotationDrawing
from bachview.ui.view.changed_cells import ChangedCells
from bachview.ui.view.correction_source import CorrectionSource
from bachview.ui.view.cursor_watch import CursorWatch
from bachview.ui.view.minimap import Minimap
from bachview.ui.view.navigable_view import NavigableView
from bachview.ui.view.overlay_source import OverlaySource
from bachview.ui.view.painting import (
    Layer,
    Pixels,
    ViewPlane,
    image_of,
    paint_layers,
    snapped,
)
from bachview.ui.view.painting_activation import (
    ActivationKey,
    KeyText,
    Outside,
    paint_activation,
)
from bachview.ui.view.painting_decor import paint_counted, paint_field
from bachview.ui.view.painting_grid import grid_layer, paint_grid_width
from bachview.ui.view.read_out import AnglePlate, ReadOut, height_at_bottom
from bachview.ui.view.slide_picture import SlidePicture
from bachview.ui.view.view_input import ViewInput
from bachview.viewing.activation import ActivationMap
from bachview.viewing.frames import compose_frame
from bachview.viewing.overlay import OverlayStyle
from bachview.viewing.viewport import Viewport

#: Colour outside the slide, (red, green, blue): neither glass nor tissue.
LIGHT_SURROUND, DARK_SURROUND = (206, 206, 210), (34, 34, 36)


class SlideView(NavigableView):
    """Shows one slide. GUI thread.

    Does not read the slide itself; `close_slide` ends all threads, after which the owner of the
    reader closes it.

    Signals
    -------
    viewportChanged, overviewChanged, fittedChanged : as in `NavigableView`.
    cursorMoved(Point | None) : another level-0 point is under the cursor, as the cursor or the view
        has moved; None when there is none.
    pointClicked(Point) : a click without a drag.
    partFailed(str) : a part could not be read; emitted once for a slide, and again after a retry.
        The text says that the slide's file has changed, or is empty.
    partsRetried : what could not be read is tried again.
    menuRequested(QPointF) : a menu is wanted at this place of the widget, by mouse or keyboard.
    """

    cursorMoved = Signal(object)
    pointClicked = Signal(object)
    partFailed = Signal(str)
    partsRetried = Signal()
    menuRequested = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.input = ViewInput(self)
        self.input.clicked.connect(self.pointClicked)
        self.input.overlayHeld.connect(lambda on: self.flip_overlay(on=on))
        self.cursor_watch = CursorWatch(self)
        self.cursor_watch.moved.connect(self.cursorMoved)
        self._picture: SlidePicture | None = None
        self._overlay = OverlaySource(self.update)
        self.annotations = AnnotationDrawing(self.update)
        self._corrections = CorrectionSource()
        self._changed = ChangedCells()
        self._failure_said: str | None = None
        self.read_out = ReadOut()
        self._objective_power: float | None = None
        self._field: Region | None = None
        self._cell: Region | None = None
        self._counted: Region | None = None
        self._has_grid = False
        self._activation: ActivationMap | None = None
        self._activation_key = ActivationKey()
        self._key_text: KeyText | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.grabGesture(Qt.GestureType.PinchGesture)
        self.setMinimumSize(64, 64)
        self.minimap = Minimap(self, self.cached_tile, self._overlay.overview)
        self.angle = AnglePlate(self)
        self.viewportChanged.connect(self.angle.place)

    # -- the slide -----------------------------------------------------------------------

    def set_slide(
        self,
        reader: SlideReader,
        cache: TileCache,
        pixel_size: PixelSize,
        *,
        transform: ColourTransform | None = None,
        viewport: Viewport | None = None,
        is_fitted: bool = False,
    ) -> None:
        """Show an open slide, in place of any other.

        Parameters
        ----------
        reader : still owned by the caller, who closes it after `close_slide`.
        cache : shared by all views.
        transform : colour transform of the tiles.
        viewport : initial viewport (its size is adapted); the whole slide if None.
        is_fitted : the whole slide is shown and stays fitted; of `viewport`, only the rotation.
        """
        self.close_slide(0)  # tiles still being read for the previous slide are dropped
        self._failure_said = None
        self._pixel_size = self._overlay.pixel_size = pixel_size
        self.annotations.set_pixel_size(pixel_size)
        self._objective_power = reader.metadata.objective_power
        self._picture = SlidePicture(
            reader,
            cache,
            self.update,
            self.overviewChanged.emit,
            self._on_failed_tile,
            transform=transform,
            background=self._surround(),
        )
        self._pyramid = self._picture.pyramid
        if viewport is None or is_fitted:
            self.fit()
            self.set_rotation(0.0 if viewport is None else viewport.rotation_deg)
        else:
            self.set_viewport(viewport)
        self.overviewChanged.emit()

    def set_pixel_size(self, pixel_size: PixelSize) -> None:
        """Use another pixel size from now on."""
        self._pixel_size = self._overlay.pixel_size = pixel_size
        self.annotations.set_pixel_size(pixel_size)
        self.update()

    def close_slide(self, timeout_s: float = 2.0) -> bool:
        """Show no slide and end the threads; the reader can be closed afterwards.

        Returns
        -------
        Whether all threads ended in time. One that did not will end after its current tile.
        """
        self.motion.stop()
        self.input.end_tool()
        picture, self._picture = self._picture, None
        self._viewport = self._pyramid = None
        self._set_fitted(on=True)
        self.angle.place(None)
        ended = self._overlay.close(timeout_s / 3)
        ended = self.annotations.close(timeout_s / 3) and ended
        self._overlay.set_prediction(None, None)
        self._corrections = CorrectionSource()
        self._changed = ChangedCells()
        self._field = self._cell = self._counted = None
        self.expect_activation_map(None)
        self.flip_overlay(on=False)
        self.cursor_watch.look_soon()
        self.update()
        self.overviewChanged.emit()
        return ended if picture is None else picture.close(timeout_s / 3) and ended

    def retry_failed(self) -> None:
        """Try to read again the parts that could not be read."""
        self._failure_said = None
        self.partsRetried.emit()
        if self._picture is not None:
            self._picture.retry_failed()

    @property
    def has_damage(self) -> bool:
        """Whether a part could not be read since the slide was opened, or read again."""
        return self._failure_said is not None

    def _on_failed_tile(self, change: str) -> None:
        if change != self._failure_said:  # a changed file is reported even after a damaged part
            self._failure_said = change
            self.partFailed.emit(change)

    def cached_tile(self, key: TileKey) -> Pixels | None:
        """A display tile if it is in memory, (512, 512, 4) uint8 BGRX; nothing is read."""
        return None if self._picture is None else self._picture.tile(key)

    def picture_of(self, viewport: Viewport) -> Pixels | None:
        """The tissue alone, of tiles in memory, (H, W, 4) uint8 BGRX; None without a slide."""
        picture = self._picture
        if picture is None:
            return None
        frame = compose_frame(viewport, picture.pyramid, picture.tile)
        return None if frame is None else frame.image

    def picture_below_annotations(self) -> QImage | None:
        """What is shown without the annotations and without scale bar; None without a slide.

        Of tiles in memory, device px of the view.
        """
        if self._viewport is None:
            return None
        exact, x, y = snapped(self._viewport)
        pixels = self.picture_of(exact)
        if pixels is None:
            return None
        image = image_of(pixels).copy()
        window = (x, y, x + image.width(), y + image.height())
        layers = self._layers_below(self._viewport)
        paint_layers(image, ViewPlane.of(exact), (x, y), layers, window)
        image.setDevicePixelRatio(self._viewport.pixel_ratio)
        painter = QPainter(image)
        self._paint_below(painter, self._viewport)
        self._paint_plates(painter, self._viewport)
        painter.end()
        return image

    @property
    def is_settled(self) -> bool:
        """Whether the picture on the screen is finished and sharp."""
        picture, viewport = self._picture, self._viewport
        return (
            picture is not None
            and viewport is not None
            and picture.is_settled_at(viewport)
            # Other ones may be there, or be on their way, before the next paint asks for them.
            and picture.layers == self._layers(viewport)
            and self._overlay.is_settled
            and self.annotations.is_settled
            and not (self.minimap.isVisible() and self.minimap.is_overlay_waiting)
        )

    @property
    def has_blank(self) -> bool:
        """Whether nothing can be shown yet for some visible part of the slide."""
        return self._picture is not None and self._picture.has_blank

    @property
    def cursor_point(self) -> Point | None:
        """Level-0 point under the cursor, as `cursorMoved` reported it last."""
        return self.cursor_watch.point

    # -- what is drawn over it -----------------------------------------------------------

    @property
    def prediction(self) -> Prediction | None:
        """The one whose cells are coloured."""
        return self._overlay.prediction

    def set_prediction(self, prediction: Prediction | None, thresholds: Thresholds | None) -> None:
        """Colour the cells of a prediction, which may grow; see `refresh_overlay`."""
        self._overlay.set_prediction(prediction, thresholds)
        self.minimap.renew_overlay(is_asked_for=True)
        self.update()

    def set_corrections(self, corrected: CorrectedCells | None, classes: ClassSet) -> None:
        """Stripe the cells that the reader has corrected, over whatever the model says of them."""
        self._corrections.set_corrected(corrected, classes)
        self.update()

    def set_changed(self, cells: npt.NDArray[np.bool_] | None, grid: PatchGrid | None) -> None:
        """Outline the cells of a grid that another model gives another class; None for none.

        `cells` : (rows, columns) bool, never changed afterwards.
        """
        if self._changed.set_cells(cells, grid):
            self.update()

    @property
    def changed_cells(self) -> npt.NDArray[np.bool_] | None:
        """(rows, columns) bool, the cells that are outlined; None for none."""
        return self._changed.cells

    def set_overlay_style(self, style: OverlayStyle) -> None:
        self._overlay.style = style
        self.minimap.renew_overlay(is_asked_for=True)
        self.update()

    @property
    def overlay_style(self) -> OverlayStyle:
        """How the prediction is drawn."""
        return self._overlay.style

    def flip_overlay(self, *, on: bool) -> None:
        """Hide the prediction for a look at the tissue, or show it if its style hides it.

        Activation map, field and cell are hidden as long.
        """
        if on != self._overlay.is_flipped:
            self._overlay.is_flipped = on
            self.update()

    def refresh_overlay(self) -> None:
        """Show what has been added to the prediction. Cheap; may be called often."""
        self.minimap.renew_overlay()
        self.update()

    def set_field(self, field: Region | None, cell: Region | None = None) -> None:
        """Outline what the models saw, and in it the cell that the answer is of, level-0 px."""
        if (field, cell) != (self._field, self._cell):
            self._field, self._cell = field, cell
            self.update()

    def set_counted(self, region: Region | None) -> None:
        """Outline the region that figures beside the slide are of, level-0 px; None for no line."""
        if region != self._counted:
            self._counted = region
            self.update()

    def set_grid(self, *, on: bool) -> None:
        """Draw a grid in round lengths over the slide, or none."""
        if on != self._has_grid:
            self._has_grid = on
            self.update()

    def expect_activation_map(self, class_name: str | None, *, is_delayed: bool = False) -> None:
        """Show the key of the map that will come, and no map meanwhile.

        `class_name` : of the cell that it will be of; None for no map and no key.
        """
        text = None if class_name is None else KeyText(class_name, is_delayed)
        if self._activation is not None or text != self._key_text:
            self._activation, self._key_text = None, text
            self.update()

    @property
    def activation_key(self) -> KeyText | None:
        """What the key of the activation map says; None without one."""
        return self._key_text

    @property
    def activation_region(self) -> Region | None:
        """The field whose activation map is drawn."""
        return None if self._activation is None else self._activation.region

    def set_activation_map(self, found: ActivationMap) -> None:
        """Draw a class activation map in its field, in place of the prediction, with its key."""
        self._activation, self._key_text = found, KeyText(found.class_name)
        self.update()

    # -- painting ------------------------------------------------------------------------

    def _surround(self) -> tuple[int, int, int]:
        is_dark = self.palette().color(QPalette.ColorRole.Window).lightness() < 128
        return DARK_SURROUND if is_dark else LIGHT_SURROUND

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the canvas, device px to device px, and what is on top of it."""
        painter = QPainter(self)
        try:
            picture, viewport = self._picture, self._viewport
            if picture is None or viewport is None:
                painter.fillRect(self.rect(), QColor(*self._surround()))
                return
            picture.set_layers(self._layers(viewport))
            painter.setWorldTransform(_device_pixels(painter))
            picture.paint(painter, viewport)
            painter.resetTransform()
            self._paint_decor(painter, viewport)
        finally:
            painter.end()

    def _layers(self, viewport: Viewport) -> tuple[Layer, ...]:
        return self._layers_below(viewport) + self.annotations.layers(viewport)

    @property
    def _shows_grid(self) -> bool:
        """Not while the key is held for a look at what lies below."""
        return self._has_grid and not self._overlay.is_flipped

    def _layers_below(self, viewport: Viewport) -> tuple[Layer, ...]:
        layers = self._overlay.layers(viewport)
        style = self._overlay.style
        # A key held for a look at the tissue hides both.
        if style.show_corrections and not (self._overlay.is_flipped and style.is_shown):
            layers += self._corrections.layers(viewport)
        if not (self._overlay.is_flipped and style.is_shown):
            layers += self._changed.layers(viewport)
        if self._activation is not None and not self._overlay.is_flipped:
            region = self._activation.region
            layers = tuple(Outside(layer, region) for layer in layers)
        if self._shows_grid and self._pyramid is not None:
            layers += (grid_layer(viewport, self._pyramid.bounds, self._pixel_size),)
        return layers

    def _paint_decor(self, painter: QPainter, viewport: Viewport) -> None:
        self._paint_below(painter, viewport)
        self.annotations.paint(painter, viewport)
        if self.input.tool is not None:
            painter.save()
            self.input.tool.paint(painter, viewport)
            painter.restore()
        self.read_out.paint(painter, viewport, self._pixel_size, self._objective_power)
        self._paint_plates(painter, viewport)

    def _paint_below(self, painter: QPainter, viewport: Viewport) -> None:
        """What lies over the tissue and below the annotations."""
        is_bare = self._overlay.is_flipped  # the key is held for a look at what lies below
        if self._activation is not None and not is_bare:
            paint_activation(painter, viewport, self._activation)
        if self._counted is not None:
            paint_counted(painter, viewport, self._counted)
        if self._field is not None and not is_bare:
            paint_field(painter, viewport, self._field, self._cell)

    def _paint_plates(self, painter: QPainter, viewport: Viewport) -> None:
        """How wide the grid is, and what the greys of the activation map mean."""
        if self._shows_grid and self._pyramid is not None:
            paint_grid_width(painter, viewport, self._pyramid.bounds, self._pixel_size)
        if self._key_text is not None and not self._overlay.is_flipped:
            below = height_at_bottom(is_rotated=bool(viewport.rotation_deg)) + NEAR
            self._activation_key.paint(painter, viewport, self._key_text, below)

    # -- events --------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the centre and the downsample, or stay fitted."""
        super().resizeEvent(event)
        self._adapt()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._picture is not None:
            self._picture.set_background(self._surround())

    def event(self, event: QEvent) -> bool:
        """Handle every event of the view without yielding to the workers."""
        with UNDISTURBED:
            return self._handle(event)

    def _handle(self, event: QEvent) -> bool:
        if self._viewport is not None:
            if isinstance(event, QNativeGestureEvent) and self.input.native_gesture(event):
                return True
            if isinstance(event, QGestureEvent) and self.input.gesture(event):
                return True
            if event.type() == QEvent.Type.DevicePixelRatioChange:
                self._adapt()
            self.cursor_watch.note(event)
            if (
                isinstance(event, QKeyEvent)
                and event.type() == QEvent.Type.ShortcutOverride
                and self.input.wants_key(event)
            ):
                event.accept()
                return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.setAccepted(self._viewport is not None and self.input.press(event))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag, and report the cursor position."""
        if self._viewport is None:
            return
        self.input.move(event)
        self.cursor_watch.at(event.position(), is_dragging=self.input.is_dragging)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a drag or a click."""
        event.setAccepted(self._viewport is not None and self.input.release(event))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        event.setAccepted(self._viewport is not None and self.input.double_click(event))

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self._viewport is not None:
            self.input.wheel(event)
            event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for a menu: under the mouse, or by the keyboard where the cursor is."""
        if self._viewport is None:
            event.ignore()
            return
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            self._ask_for_menu()
        elif not self.input.takes_right_button():
            self._ask_for_menu(QPointF(event.pos()))

    def _ask_for_menu(self, at: QPointF | None = None) -> None:
        self.motion.stop()
        if at is None:
            at = self.cursor_on_slide
        self.menuRequested.emit(QPointF(self.rect().center()) if at is None else at)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move by keys; pass other keys on to the window."""
        shift_f10 = QKeyCombination(Qt.KeyboardModifier.ShiftModifier, Qt.Key.Key_F10)
        if self._viewport is None:
            super().keyPressEvent(event)
        elif event.keyCombination() == shift_f10:  # not every system makes it a menu key itself
            self._ask_for_menu()
        elif not self.input.key(event):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """End what lasts while a key is held."""
        if not self.input.key_released(event):
            super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """A key that is released elsewhere is not held here any more."""
        super().focusOutEvent(event)
        self.flip_overlay(on=False)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.flip_overlay(on=False)

    def leaveEvent(self, event: QEvent) -> None:
        """Report that the cursor has left."""
        super().leaveEvent(event)
        self.input.leave()
        self.cursor_watch.leave()

    def childEvent(self, event: QChildEvent) -> None:
        """Watch what is laid on the view."""
        super().childEvent(event)
        # Not when it is added: then its constructor has not ended.
        if event.type() == QEvent.Type.ChildPolished:
            self.cursor_watch.follow(event.child())


def _device_pixels(painter: QPainter) -> QTransform:
    """World transform that maps the painter's px to whole device px of the screen.

    A widget at a fractional position (pixel ratio 1.25) starts at the nearest device px, as every
    picture drawn there must to stay crisp.
    """
    device = painter.deviceTransform()
    shift_x, shift_y = round(device.dx()) - device.dx(), round(device.dy()) - device.dy()
    ratio_x, ratio_y = device.m11(), device.m22()
    return QTransform(1 / ratio_x, 0, 0, 1 / ratio_y, shift_x / ratio_x, shift_y / ratio_y)
