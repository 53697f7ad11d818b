"""The View menu, and the dialogs of the File and Help menus."""

from dataclasses import replace

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QInputDialog, QMainWindow

from bachview.ui.dialogs.about import AboutDialog
from bachview.ui.dialogs.associated_images import AssociatedImagesDialog
from bachview.ui.dialogs.information_dialog import InformationDialog, metadata_rows
from bachview.ui.dialogs.modal import ask, show
from bachview.ui.dialogs.self_test_dialog import SelfTestDialog
from bachview.ui.dialogs.shortcuts_dialog import ShortcutsDialog
from bachview.ui.dialogs.user_guide_dialog import UserGuideDialog
from bachview.ui.panels.cursor_panel import CursorPanel
from bachview.ui.panels.overlay_panel import OverlayPanel
from bachview.ui.session.bundles import BundleSelector
from bachview.ui.session.services import Services
from bachview.ui.window.actions import Actions
from bachview.ui.window.panel_controller import PanelController


class ViewCommands(QObject):
    """Commands for the current view. GUI thread only."""

    def __init__(
        self,
        window: QMainWindow,
        actions: Actions,
        overlay: OverlayPanel,
        cursor: CursorPanel,
        binder: PanelController,
        selector: BundleSelector,
        services: Services,
    ) -> None:
        super().__init__(window)
        self._window, self._actions, self._binder = window, actions, binder
        self._selector, self._services = selector, services
        self._overlay, self._settings = overlay, services.settings
        settings = services.settings.now
        actions["colours"].setChecked(settings.colour_management)
        actions["kinetic"].setChecked(settings.kinetic_pan)
        actions["minimap"].setChecked(settings.minimap)
        actions["overlay"].setChecked(True)
        for name, slot in (
            ("fit", lambda: self._on_view("fit")),
            ("rotate_left", lambda: self._rotate(-90)),
            ("rotate_right", lambda: self._rotate(90)),
            ("rotate_reset", self._upright),
            ("rotate_free", self._rotate_free),
            ("retry", lambda: self._on_view("retry_failed")),
            ("more_opaque", lambda: overlay.change_opacity(0.1)),
            ("less_opaque", lambda: overlay.change_opacity(-0.1)),
            ("information", self._information),
            ("associated", self._associated),
            ("user_guide", lambda: show(UserGuideDialog(window))),
            ("keyboard", lambda: show(ShortcutsDialog(actions.shortcuts, window))),
            ("self_test", lambda: show(SelfTestDialog(services, window))),
            ("about", self._about),
            ("pixel_size", self._correct_pixel_size),
        ):
            actions[name].triggered.connect(lambda _=False, act=slot: act())
        for action in actions.magnifications:
            times = float(action.data())
            action.triggered.connect(lambda _=False, t=times: self._magnify(t))
        actions["full_screen"].toggled.connect(self._full_screen)
        actions["kinetic"].toggled.connect(self._set_kinetic)
        actions["minimap"].toggled.connect(self._set_minimap)
        actions["colours"].toggled.connect(self._set_colours)
        actions["ruler"].toggled.connect(self._set_ruler)
        binder.rulerModeChanged.connect(actions["ruler"].setChecked)
        actions["overlay"].toggled.connect(overlay.set_overlay_shown)
        overlay.styleChanged.connect(
            lambda _: actions["overlay"].setChecked(overlay.is_overlay_shown)
        )
        actions["map"].toggled.connect(cursor.set_wants_map)
        cursor.activationMapToggled.connect(actions["map"].setChecked)

    def _correct_pixel_size(self) -> None:
        page = self._binder.page
        stated = page.document.pixel_size if page else None
        # Otherwise the banner is already shown.
        if page is not None and stated is not None and stated.is_plausible and stated.mpp_x:
            page.banner.ask_again(stated.mpp_x)

    def _about(self) -> None:
        page = self._binder.page
        bundle = self._selector.of(page.document.path if page else None)
        show(AboutDialog(bundle, self._window))

    def _on_view(self, name: str) -> None:
        if self._binder.page is not None:
            getattr(self._binder.page.view, name)()

    def _magnify(self, times: float) -> None:
        if self._binder.page is not None:
            self._binder.page.view.zoom_to_magnification(times)

    def _rotate(self, deg: float) -> None:
        if self._binder.page is not None:
            self._binder.page.view.rotate_by(deg)

    def _upright(self) -> None:
        if self._binder.page is not None:
            self._binder.page.view.set_rotation(0)

    def _rotate_free(self) -> None:
        page = self._binder.page
        viewport = page.view.viewport if page else None
        if page is None or viewport is None:
            return
        dialog = QInputDialog(page)
        dialog.setWindowTitle("Rotation")
        dialog.setInputMode(QInputDialog.InputMode.DoubleInput)
        dialog.setLabelText("Angle in degrees, clockwise:")
        dialog.setDoubleDecimals(1)
        dialog.setDoubleRange(-360, 360)
        dialog.setDoubleValue(round(viewport.rotation_deg, 1))
        view = page.view
        dialog.doubleValueChanged.connect(view.set_rotation)  # applied at once
        dialog.rejected.connect(lambda: view.set_rotation(viewport.rotation_deg))
        ask(dialog)

    def _full_screen(self, on: bool) -> None:  # a Qt slot
        # Not showFullScreen, which forgets that the window was maximised.
        state, full = self._window.windowState(), Qt.WindowState.WindowFullScreen
        self._window.setWindowState(state | full if on else state & ~full)

    def _set_kinetic(self, on: bool) -> None:  # a Qt slot
        self._settings.now = replace(self._settings.now, kinetic_pan=on)
        if self._binder.page is not None:
            self._binder.page.view.input.kinetic_pan = on

    def _set_minimap(self, on: bool) -> None:  # a Qt slot
        self._settings.now = replace(self._settings.now, minimap=on)
        if self._binder.page is not None:
            self._binder.page.minimap.set_wanted(on=on)

    def _set_colours(self, on: bool) -> None:  # a Qt slot
        self._settings.now = replace(self._settings.now, colour_management=on)
        if self._binder.page is not None:
            self._binder.page.set_managed_colours(on=on)

    def _set_ruler(self, on: bool) -> None:  # a Qt slot
        if self._binder.page is not None:
            self._binder.page.view.set_ruler_mode(on=on)

    def adapt_to_page(self) -> None:
        """Apply the settings of all views to the page that has just come to the front."""
        page = self._binder.page
        self._actions["colours"].setEnabled(page is not None and page.document.has_profile)
        self._actions["associated"].setEnabled(
            page is not None and bool(page.document.metadata.associated_images)
        )
        # A pixel size stated by the file is not corrected.
        self._actions["pixel_size"].setEnabled(
            page is not None and not page.document.metadata.pixel_size.is_plausible
        )
        if page is None:
            self._actions["ruler"].setChecked(False)
            return
        page.set_managed_colours(on=self._actions["colours"].isChecked())
        page.minimap.set_wanted(on=self._actions["minimap"].isChecked())
        page.view.input.kinetic_pan = self._actions["kinetic"].isChecked()
        self._actions["ruler"].setChecked(page.view.ruler_mode)

    def _information(self) -> None:
        page = self._binder.page
        if page is None:
            return
        document = page.document
        rows = metadata_rows(
            document.metadata,
            document.pixel_size,
            icc_applied=self._actions["colours"].isChecked() and document.has_profile,
        )
        show(InformationDialog(rows, self._window))

    def _associated(self) -> None:
        page = self._binder.page
        if page is not None:
            show(
                AssociatedImagesDialog(
                    page.document.reader, self._services.bridge, self._services.io, self._window
                )
            )
