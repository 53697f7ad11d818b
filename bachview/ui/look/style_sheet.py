"""The style sheet: shapes and spacing only; every colour comes from the theme."""

import dataclasses
from typing import TYPE_CHECKING

from bachview.config import resource_folder

if TYPE_CHECKING:
    from bachview.ui.look.theme import Colors


class StyleSheetTemplate:
    """A Qt style sheet with ``@name`` in the place of each colour of the theme."""

    def __init__(self, text: str) -> None:
        self._text = text

    def filled(self, colors: "Colors") -> str:
        """The sheet in these colours."""
        text = self._text
        # Longest names first: @accent is the start of @accent_text.
        for field in sorted(dataclasses.fields(colors), key=lambda f: -len(f.name)):
            text = text.replace(f"@{field.name}", getattr(colors, field.name))
        # Qt wants forward slashes also on Windows.
        return text.replace("@icons", (resource_folder() / "icons").as_posix())


STYLE_SHEET = StyleSheetTemplate("""
QMainWindow::separator { background: @border; width: 1px; height: 1px; }
QMainWindow::separator:hover { background: @accent; }

QMenuBar { background: @window; padding: 2px 4px; }
QMenuBar::item { padding: 4px 9px; border-radius: 4px; background: transparent; }
QMenuBar::item:selected { background: @hover; color: @text; }
QMenu { background: @raised; border: 1px solid @border; padding: 5px; }
QMenu::item { padding: 5px 28px 5px 10px; border-radius: 4px; }
QMenu::item:selected { background: @accent; color: @accent_text; }
QMenu::item:disabled { color: @disabled; background: transparent; }
QMenu::separator { height: 1px; background: @border; margin: 5px 8px; }
QMenu::icon { margin-left: 6px; padding: 2px; }
QMenu::icon:checked { background: @hover; border: 1px solid @accent; border-radius: 4px; }
QMenu::indicator { margin-left: 6px; }
QMenu::indicator:exclusive { width: 13px; height: 13px; }

QToolBar { background: @window; border: none; border-bottom: 1px solid @border;
           padding: 2px 8px; spacing: 2px; }
QToolBar::separator { background: @border; width: 1px; margin: 5px 6px; }
QToolBar QToolButton { border: 1px solid transparent; border-radius: 5px; padding: 4px 7px;
                       color: @text; }
QToolBar QToolButton:hover { background: @hover; }
QToolBar QToolButton:focus { border-color: @accent; }
QToolBar QToolButton:checked, QToolBar QToolButton:pressed { background: @hover;
                       border-color: @border; }
QToolBar QToolButton:disabled { color: @disabled; }
QToolBar QToolButton#primary { background: @accent; color: @accent_text; font-weight: 600;
                       padding: 4px 22px 4px 10px; }
QToolBar QToolButton#primary:hover { background: @accent_hover; }
QToolBar QToolButton#primary:disabled { background: @hover; color: @disabled; }
QToolBar QToolButton#primary::menu-button { border: none; border-left: 1px solid @accent_text;
                       width: 17px; margin: 5px 0; }

QToolBar QToolButton#qt_toolbar_ext_button { background: @hover; padding: 0;
                       qproperty-icon: url("@icons/more-@variant.svg"); }

QTabWidget::pane { border: none; }
QTabBar { qproperty-drawBase: 0; background: @window; }
QTabBar::tab { background: @window; color: @muted; padding: 6px 12px; border: none;
               border-bottom: 2px solid transparent; min-width: 90px; max-width: 260px; }
QTabBar::tab:selected { color: @text; background: @base; border-bottom: 2px solid @accent; }
QTabBar::tab:hover:!selected { color: @text; background: @hover; }
QTabBar::tab:focus { color: @accent; }

QDockWidget { font-weight: 600; }
QDockWidget::title { background: @window; padding: 6px 10px; border-bottom: 1px solid @border; }
QDockWidget > QWidget { font-weight: 400; }
QScrollArea#panel { background: @window; border: none; }
QScrollArea#panel > QWidget > QWidget { background: @window; }

QScrollBar:vertical { background: transparent; width: 9px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 9px; margin: 0; }
QScrollBar::handle { background: @border; border-radius: 4px; min-height: 26px; min-width: 26px;
                     margin: 1px; }
QScrollBar::handle:hover { background: @disabled; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QStatusBar { background: @window; border-top: 1px solid @border; }
QStatusBar::item { border: none; }
QStatusBar QLabel { color: @muted; padding: 1px 6px; }

QPushButton { background: @raised; border: 1px solid @border; border-radius: 5px;
              padding: 5px 14px; min-height: 18px; }
QPushButton:hover { background: @hover; }
QPushButton:focus { border-color: @accent; }
QPushButton:pressed { background: @border; }
QPushButton:disabled { color: @disabled; }
QPushButton:default, QPushButton#primary { background: @accent; color: @accent_text;
              border-color: @accent; }
QPushButton:default:hover, QPushButton#primary:hover { background: @accent_hover; }
QPushButton:default:disabled, QPushButton#primary:disabled { background: @hover;
              color: @disabled; border-color: @border; }
QPushButton#link { background: transparent; border: 1px solid transparent; color: @accent;
              padding: 2px 4px; text-align: left; }
QPushButton#link:hover { text-decoration: underline; }
QPushButton#link:focus { border-color: @accent; }

QTabBar QToolButton#tabClose { border: none; border-radius: 3px; padding: 1px; margin-left: 4px; }
QTabBar QToolButton#tabClose:hover { background: @border; }

QCheckBox { spacing: 7px; }
QCheckBox::indicator, QMenu::indicator:non-exclusive { width: 13px; height: 13px;
               border: 1px solid @disabled; border-radius: 3px; background: @base; }
QCheckBox::indicator:hover, QCheckBox::indicator:focus { border-color: @accent; }
QCheckBox:focus { color: @accent; }
QCheckBox::indicator:checked, QMenu::indicator:non-exclusive:checked { background: @accent;
               border-color: @accent; image: url("@icons/tick-@variant.svg"); }
QCheckBox::indicator:disabled { border-color: @border; background: @window; }
QCheckBox#explained::indicator { border-color: transparent; background: transparent; image: none; }

QComboBox { background: @raised; border: 1px solid @border; border-radius: 5px;
               padding: 3px 8px; min-height: 16px; combobox-popup: 0; }
QComboBox:hover { background: @hover; }
QComboBox:focus { border-color: @accent; }
QComboBox::drop-down { border: none; width: 20px; }
QComboBox::down-arrow { image: url("@icons/arrow-@variant.svg"); width: 13px; height: 13px; }
QComboBox QAbstractItemView { background: @raised; border: 1px solid @border; padding: 3px;
               selection-background-color: @accent; selection-color: @accent_text; }
QComboBox QAbstractItemView::item { padding: 3px 5px; }
QComboBox QAbstractItemView::item:selected { background: @accent; color: @accent_text; }

QAbstractSpinBox { min-height: 24px; }
QLineEdit { min-height: 24px; padding: 0 4px; }

QDialogButtonBox { dialogbuttonbox-buttons-have-icons: 0; }

QProgressBar { background: @hover; border: none; border-radius: 3px; max-height: 6px;
               min-height: 6px; }
QProgressBar::chunk { background: @accent; border-radius: 3px; }

QSlider::groove:horizontal { height: 4px; background: @border; border-radius: 2px; }
QSlider::sub-page:horizontal { background: @accent; border-radius: 2px; }
QSlider::handle:horizontal { width: 14px; height: 14px; margin: -5px 0; border-radius: 7px;
               background: @raised; border: 2px solid @accent; }
QSlider::handle:horizontal:focus { background: @accent; }
QSlider::groove:horizontal:disabled, QSlider::sub-page:horizontal:disabled { background: @hover; }
QSlider::handle:horizontal:disabled { border-color: @disabled; }

QTableWidget, QTreeWidget, QListWidget { background: @base; border: 1px solid @border;
               border-radius: 5px; gridline-color: @border; }
QTableWidget::item { padding: 2px 5px; }
QHeaderView::section { background: @window; color: @muted; border: none;
               border-bottom: 1px solid @border; padding: 4px 6px; }

QToolTip { background: @raised; color: @text; border: 1px solid @border; padding: 5px 7px; }

QLabel#title { font-size: 20pt; font-weight: 600; }
QLabel#heading { font-size: 11pt; font-weight: 600; }
QLabel#muted { color: @muted; }
QFrame#line { background: @border; max-height: 1px; min-height: 1px; border: none; }
QFrame#card { background: @raised; border: 1px solid @border; border-radius: 8px; }
QFrame#notice { background: @notice; border: none; border-bottom: 1px solid @border; }
QFrame#notice QLabel { color: @notice_text; }
QFrame#problem { background: @problem; border: none; border-bottom: 1px solid @border; }
QFrame#problem QLabel { color: @problem_text; }
QWidget#startPage { background: @base; }
""")
