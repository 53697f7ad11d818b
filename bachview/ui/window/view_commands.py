"""The View menu."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMainWindow

from bachview.core.units import magnification_text, significant_text
from bachview.ui.dialogs.angle_dialog import AngleDialog
from bachview.ui.dialogs.modal import ask
from bachview.ui.panels.side_panel import SidePanel
from bachview.ui.session.settings import SettingsFile
from bachview.ui.view.slide_view import SlideView
from bachview.ui.view.view_input import KEY_MAGNIFICATIONS, KEY_ZOOM
from bachview.ui.window.commands import Commands, call
from bachview.ui.window.full_screen import FullScreen
from bachview.ui.window.panel_controller import PanelController
from bachview.ui.window.panel_dock import PanelDock
from bachview.ui.window.slide_page import SlidePage
from bachview.ui.window.view_marks import ViewMarks, at_downsample, at_magnification

#: Pixels of the slide on one of the screen; these need no pixel size.
_DOWNSAMPLES = (1, 2)


class ViewCommands(QObject):
    """Commands for the current view, and for what the window shows. GUI thread only."""

    def __init__(
        self,
        window: QMainWindow,
        commands: Commands,
        dock: PanelDock,
        panel: SidePanel,
        controller: PanelController,
        full_screen: FullScreen,
        settings: SettingsFile,
    ) -> None:
        super().__init__(window)
        self._controller, self._settings = controller, settings
        make, make_switch, stored = commands.make, commands.make_switch, settings.now
        self.magnifications = [
            make(
                magnification_text(times),
                f"Magnify {significant_text(times)} times ({key}: at the cursor)",
                partial(self._magnify, times),
            )
            for key, times in enumerate(KEY_MAGNIFICATIONS, 1)
        ]
        self.downsamples = [
            make(
                f"1:{downsample}",
                f"Show {downsample} × {downsample} pixels of the slide on each of the screen"
                if downsample > 1
                else "Show each pixel of the slide on one of the screen",
                partial(self._show_downsample, downsample),
                f"Ctrl+{downsample}",
            )
            for downsample in _DOWNSAMPLES
        ]
        call("Magnification {}", *self.downsamples)
        for key, command in enumerate(self.magnifications, 1):
            call("Magnification {}", command, keys=str(key))
        self.zoom_in = make(
            "Zoom &in", "Zoom in at the middle of the view", partial(self._zoom, KEY_ZOOM)
        )
        self.zoom_out = make(
            "Zoom &out", "Zoom out at the middle of the view", partial(self._zoom, 1 / KEY_ZOOM)
        )
        call("{}", self.zoom_in, keys="+")
        call("{}", self.zoom_out, keys="−")
        self.fit = make(
            "&Fit to window",
            "Show the whole slide, and keep it whole until you zoom or move",
            partial(self._on_view, SlideView.fit),
            "Ctrl+0",
            icon="fit",
        )
        call("{}", self.fit, keys="Home")
        self.rotate_left = make(
            "Rotate &left",
            "Rotate by 90° to the left",
            partial(self._rotate, -90),
            "Ctrl+[",
            icon="rotate-left",
        )
        self.rotate_right = make(
            "Rotate &right",
            "Rotate by 90° to the right",
            partial(self._rotate, 90),
            "Ctrl+]",
            icon="rotate-right",
        )
        self.rotate_by_angle = make(
            "Rotate by &angle…", "Rotate to any angle (or drag with Shift)", self._ask_angle
        )
        self.upright = make(
            "&Upright",
            "Reset the rotation",
            partial(self._on_view, lambda view: view.set_rotation(0)),
            "Ctrl+U",
        )
        call("Set the slide upright", self.upright)
        self.full_screen = make_switch(
            "F&ull screen",
            "Show the slide alone, on the whole screen; Escape leaves it too",
            full_screen.set_on,
            "F11",
            icon="fullscreen",
            needs_slide=False,
        )
        self.panel = make_switch(
            "Show &panel",
            "Show or hide the panel beside the slide",
            dock.want,
            "F9",
            is_on=True,
            icon="panel",
        )
        self.tools = make_switch(
            "Show &tools",
            "Show or hide the tools for annotations beside the slide",
            self._set_tools,
            "F7",
            is_on=stored.tools,
            needs_slide=False,
        )
        self.correct_pixel_size = make(
            "Correct the pixel si&ze…",
            "Replace the value that the file or you stated",
            self._correct_pixel_size,
        )
        self.colour_management = make_switch(
            "&Colour management",
            "Apply the colour profile (ICC) that the scanner wrote into the slide",
            self._set_colour_management,
            is_on=stored.colour_management,
        )
        self.kinetic_pan = make_switch(
            "&Kinetic pan",
            "Let the slide keep gliding after a flick",
            self._set_kinetic_pan,
            is_on=stored.kinetic_pan,
            needs_slide=False,
        )
        self.minimap = make_switch(
            "M&inimap",
            "Show an overview of the slide in the corner",
            self._set_minimap,
            "N",
            is_on=stored.minimap,
            needs_slide=False,
        )
        self.annotation_values = make_switch(
            "Measured &values at annotations",
            "Show area, length, angle or count at all annotations, not only at the selected",
            self._set_annotation_values,
            is_on=stored.annotation_values,
        )
        self.grid = make_switch(
            "&Grid",
            "Draw a grid in round lengths over the slide",
            self._set_grid,
            "G",
            is_on=stored.grid,
            needs_slide=False,
        )
        self.retry_failed = make(
            "Re&ad damaged parts again",
            "Retry parts that could not be read",
            partial(self._on_view, SlideView.retry_failed),
            "F5",
        )
        self.overlay = make_switch(
            "Show &overlay",
            "Show or hide the prediction",
            panel.overlay.set_overlay_shown,
            "O",
            is_on=True,
            icon="overlay",
        )
        self.activation_map = make_switch(
            "Class &activation map",
            "Show which parts of the field under the cursor contributed to its class",
            panel.at_cursor.set_wants_map,
            "C",
            icon="heat",
        )
        self.more_opaque = make(
            "Overlay &more opaque",
            "Make the overlay more opaque",
            lambda: panel.overlay.change_opacity(0.1),
            "]",
        )
        self.less_opaque = make(
            "Overlay &less opaque",
            "Make the overlay more transparent",
            lambda: panel.overlay.change_opacity(-0.1),
            "[",
        )
        self._marks = ViewMarks(
            {
                self.fit: lambda view: view.is_fitted,
                **dict(
                    zip(self.magnifications, map(at_magnification, KEY_MAGNIFICATIONS), strict=True)
                ),
                **dict(zip(self.downsamples, map(at_downsample, _DOWNSAMPLES), strict=True)),
            },
            self,
        )
        for each in (self.magnifications, self.downsamples):
            group = QActionGroup(self)  # one at most, and menus show that
            group.setExclusionPolicy(QActionGroup.ExclusionPolicy.ExclusiveOptional)
            for command in each:
                group.addAction(command)
        panel.overlay.styleChanged.connect(
            lambda _: self.overlay.setChecked(panel.overlay.is_overlay_shown)
        )
        panel.at_cursor.activationMapToggled.connect(self.activation_map.setChecked)

    def adapt_to(self, page: SlidePage | None) -> None:
        """Apply the settings of all views to the page that has just come to the front."""
        self._marks.follow(None if page is None else page.view)
        if page is None:
            return
        page.set_managed_colours(on=self.colour_management.isChecked())
        page.minimap.set_wanted(on=self.minimap.isChecked())
        page.view.input.kinetic_pan = self.kinetic_pan.isChecked()
        page.view.annotations.set_values_shown(on=self.annotation_values.isChecked())
        page.view.set_grid(on=self.grid.isChecked())

    @property
    def _page(self) -> SlidePage | None:
        return self._controller.page

    def _on_view(self, act: Callable[[SlideView], object]) -> None:
        if self._page is not None:
            act(self._page.view)

    def _magnify(self, times: float) -> None:
        self._on_view(lambda view: view.zoom_to_magnification(times, view.anchor))

    def _zoom(self, factor: float) -> None:
        self._on_view(lambda view: view.motion.zoom(factor, view.width() / 2, view.height() / 2))

    def _show_downsample(self, downsample: float) -> None:
        self._on_view(lambda view: view.zoom_to_downsample(downsample, view.anchor))

    def _rotate(self, deg: float) -> None:
        self._on_view(lambda view: view.rotate_by(deg))

    def _correct_pixel_size(self) -> None:
        page = self._page
        if page is None:
            return
        known = page.document.pixel_size
        if known.is_plausible:
            page.banner.ask_again(known, page.document.metadata.pixel_size)
        else:
            page.banner.ask_now()  # it is already shown

    def _ask_angle(self) -> None:
        page = self._page
        viewport = page.view.viewport if page else None
        if page is None or viewport is None:
            return
        dialog = AngleDialog(viewport.rotation_deg, page)
        view = page.view
        dialog.typed.connect(view.set_rotation)
        dialog.rejected.connect(lambda: view.set_rotation(viewport.rotation_deg))
        ask(dialog)

    # -- switches, called by Qt ----------------------------------------------------------

    def _set_kinetic_pan(self, on: bool) -> None:
        self._settings.now = replace(self._settings.now, kinetic_pan=on)
        if self._page is not None:
            self._page.view.input.kinetic_pan = on

    def _set_annotation_values(self, on: bool) -> None:
        self._settings.now = replace(self._settings.now, annotation_values=on)
        if self._page is not None:
            self._page.view.annotations.set_values_shown(on=on)

    def _set_grid(self, on: bool) -> None:
        self._settings.now = replace(self._settings.now, grid=on)
        if self._page is not None:
            self._page.view.set_grid(on=on)

    def _set_minimap(self, on: bool) -> None:
        self._settings.now = replace(self._settings.now, minimap=on)
        if self._page is not None:
            self._page.minimap.set_wanted(on=on)

    def _set_tools(self, on: bool) -> None:
        self._settings.now = replace(self._settings.now, tools=on)

    def _set_colour_management(self, on: bool) -> None:
        self._settings.now = replace(self._settings.now, colour_management=on)
        if self._page is not None:
            self._page.set_managed_colours(on=on)
