"""The one stylesheet of the window, filled from the tokens; lengths in `sp` grow with the text."""

import re
from dataclasses import asdict
from pathlib import Path
from string import Template

from ui.tokens import Tokens, channels, mixed

ARROWS = Path(__file__).resolve().parent.parent / "resources" / "icons"


def stylesheet(tokens: Tokens, scale: float) -> str:
    """The sheet for one theme; `scale` (0.8 to 1.5) multiplies every `sp` length."""
    sheet = Template(_SHEET).substitute(
        {name: value for name, value in asdict(tokens).items() if isinstance(value, str)},
        hover=_veil(tokens.text, 0.06),
        pressed=_veil(tokens.text, 0.12),
        # Towards black: lighter than this, white words on it fall below 4.5:1 in the dark theme.
        fill_hover=mixed(tokens.fill, "#000000", 0.06),
        fill_pressed=mixed(tokens.fill, "#000000", 0.12),
        thumb=_veil(tokens.text, 0.24),
        thumb_hover=_veil(tokens.text, 0.4),
        icons=(ARROWS / ("dark" if tokens.dark else "light")).as_posix(),
    )
    return re.sub(r"\b(\d+)sp\b", lambda length: f"{round(int(length[1]) * scale)}px", sheet)


def _veil(colour: str, share: float) -> str:
    """`colour` at `share` of opacity, to lie over any ground."""
    return f"rgba({', '.join(map(str, channels(colour)))}, {round(255 * share)})"


_SHEET = """
QToolTip { background: $raised; color: $text; border: 1px solid $border; padding: 5px 7px;
    font-size: 12sp; font-weight: 400; }
QWidget[ground="window"] { background: $window; }
QWidget[ground="surface"] { background: $surface; }
QWidget[ground="raised"] { background: $raised; }
QWidget[ground="card"] { background: $raised; border: 1px solid $border; border-radius: 8px; }
QWidget[ground="popup"] { background: $surface; border: 1px solid $border; border-radius: 8px; }
QWidget[ground="banner"] { background: $warnsoft; border-radius: 8px; }
QWidget[ground="chip"] { background: $raised; border-radius: 12sp; }
QWidget[ground="pill"] { background: $soft; border-radius: 12sp; }
QWidget[ground="line"] { background: $border; }

QLabel { background: transparent; }
QLabel[role="page"] { font-size: 22sp; font-weight: 600; }
QLabel[role="key"] { font-size: 18sp; font-weight: 600; }
QLabel[role="run"] { font-size: 15sp; font-weight: 600; }
QLabel[role="section"] { font-size: 14sp; font-weight: 600; }
QLabel[role="strong"] { font-size: 13sp; font-weight: 600; }
QLabel[role="control"] { font-size: 13sp; font-weight: 500; }
QLabel[role="body"] { font-size: 13sp; font-weight: 400; }
QLabel[role="why"] { font-size: 12sp; font-weight: 400; }
QLabel[role="label"] { font-size: 12sp; font-weight: 500; }
QLabel[role="caption"] { font-size: 11sp; font-weight: 500; }
QLabel[role="mono"] { font-family: "JetBrains Mono"; font-size: 13sp; }
QLabel[tone="text"] { color: $text; }
QLabel[tone="muted"] { color: $muted; }
QLabel[tone="accent"] { color: $accent; }
QLabel[tone="success"] { color: $success; }
QLabel[tone="warn"] { color: $warn; }
QLabel[tone="danger"] { color: $danger; }
QLabel:disabled { color: $strong; }

QPushButton { background: transparent; color: $text; border: 1px solid $border; border-radius: 6px;
    padding: 0 12px; min-height: 30sp; font-size: 13sp; font-weight: 500; outline: 0; }
QPushButton:hover { background: $hover; }
QPushButton:pressed { background: $pressed; }
QPushButton:checked { background: $soft; color: $accent; }
QPushButton:disabled { color: $strong; background: transparent; }
QPushButton::menu-indicator { image: none; width: 0; }
QPushButton[kind="primary"] { background: $fill; border-color: $fill; color: $on_fill;
    font-weight: 600; }
QPushButton[kind="primary"]:hover { background: $fill_hover; border-color: $fill_hover; }
QPushButton[kind="primary"]:pressed { background: $fill_pressed; border-color: $fill_pressed; }
QPushButton[kind="primary"]:disabled { background: $raised; border-color: $raised;
    color: $strong; }
QPushButton[kind="ghost"] { border-color: transparent; color: $muted; padding: 0 8px; }
QPushButton[kind="ghost"]:hover { color: $text; }
QPushButton[kind="ghost"]:disabled { color: $strong; }
QPushButton[kind="link"] { border-color: transparent; color: $accent; padding: 0;
    min-height: 26sp; }
QPushButton[kind="link"]:checked { background: transparent; }
QPushButton[kind="ghost"]:checked { background: transparent; color: $text; }
QPushButton[kind="link"]:hover, QPushButton[kind="link"]:pressed { background: transparent;
    text-decoration: underline; }
QPushButton[kind="link"]:disabled { color: $strong; text-decoration: none; }
QPushButton[kind="danger"] { color: $danger; }
QPushButton[kind="danger"]:disabled { color: $strong; }
QToolButton { background: transparent; color: $muted; border: none; border-radius: 6px;
    padding: 0; font-size: 13sp; font-weight: 500; outline: 0; }
QToolButton:hover { background: $hover; color: $text; }
QToolButton:pressed { background: $pressed; }
QToolButton:checked { background: $soft; color: $accent; }
QToolButton:disabled { color: $strong; }
QToolButton::menu-indicator { image: none; width: 0; }
QToolButton[kind="icon"] { min-width: 28px; min-height: 28px; max-width: 28px; max-height: 28px; }
QToolButton[kind="dot"] { min-width: 12px; max-width: 12px; min-height: 14sp; max-height: 14sp; }
QToolButton[kind="rail"] { border-radius: 8px; padding: 7px 0 5px 0; font-size: 11sp;
    font-weight: 600; }

QLineEdit, QComboBox, QAbstractSpinBox, QPlainTextEdit, QTextEdit { background: $surface;
    color: $text; border: 1px solid $strong; border-radius: 6px; font-size: 13sp; font-weight: 500;
    selection-background-color: $fill; selection-color: $on_fill; }
QComboBox { padding: 0 9px; min-height: 30sp; }
QLineEdit, QAbstractSpinBox { padding: 0 7px; min-height: 30sp; }
QLineEdit[role="palette"] { background: transparent; border: none; font-size: 15sp; }
QPlainTextEdit, QTextEdit { padding: 6px; font-weight: 400; }
QPlainTextEdit[role="mono"] { font-family: "JetBrains Mono"; font-size: 12sp; background: $window;
    border-color: $border; }
QLineEdit:focus, QComboBox:focus, QComboBox:on, QAbstractSpinBox:focus, QPlainTextEdit:focus,
QTextEdit:focus { border-color: $accent; }
QLineEdit:disabled, QComboBox:disabled, QAbstractSpinBox:disabled, QPlainTextEdit:disabled {
    color: $strong; border-color: $border; background: transparent; }
QLineEdit[invalid="true"], QComboBox[invalid="true"] { border-color: $danger; }
QLineEdit[frozen="true"], QComboBox[frozen="true"] { background: $raised; color: $text;
    border-color: $raised; }
QComboBox::drop-down { border: none; width: 26sp; }
QComboBox::down-arrow { image: url($icons/caret-down.svg); width: 12sp; height: 12sp; }
QComboBox[frozen="true"]::drop-down { width: 0; }
QComboBox[frozen="true"]::down-arrow { image: none; }
QComboBox { combobox-popup: 0; }
QComboBox QAbstractItemView { background: $raised; color: $text; border: 1px solid $border;
    padding: 4px; outline: 0; selection-background-color: $soft; selection-color: $text; }
QComboBox QAbstractItemView::item { min-height: 28sp; padding: 0 6px; border: none; }
QComboBox QAbstractItemView::item:disabled { color: $strong; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { width: 0; border: none; }

QCheckBox, QRadioButton { background: transparent; color: $text; spacing: 8px; min-height: 28sp;
    font-size: 13sp; font-weight: 500; outline: 0; }
QCheckBox:disabled, QRadioButton:disabled { color: $strong; }
QCheckBox[frozen="true"] { color: $text; }
QCheckBox::indicator, QRadioButton::indicator { width: 16sp; height: 16sp; background: $surface;
    border: 1px solid $strong; }
QCheckBox::indicator { border-radius: 4px; }
QRadioButton::indicator { border-radius: 8sp; }
QCheckBox::indicator:hover, QRadioButton::indicator:hover { border-color: $accent; }
QCheckBox::indicator:checked { background: $fill; border-color: $fill;
    image: url($icons/check.svg); }
QRadioButton::indicator:checked { background: $fill; border-color: $fill;
    image: url($icons/dot.svg); }
QCheckBox::indicator:disabled, QRadioButton::indicator:disabled { background: $raised;
    border-color: $border; }
QCheckBox::indicator:checked:disabled { image: url($icons/check-muted.svg); }

QTabWidget::pane { border: none; }
QTabBar { background: transparent; border: none; qproperty-drawBase: 0; }
QTabBar::tab { background: transparent; color: $muted; border: none;
    border-bottom: 2px solid transparent; padding: 0 4px; margin: 0 8px; min-height: 36sp;
    font-size: 13sp; font-weight: 500; }
QTabBar::tab:hover { color: $text; }
QTabBar::tab:selected { color: $text; border-bottom-color: $accent; }
QTabBar::tab:disabled { color: $strong; }

QAbstractItemView { background: $surface; color: $text; border: none; outline: 0;
    gridline-color: transparent; selection-background-color: $soft; selection-color: $text; }
QTableView::item, QTreeView::item { border: none; border-bottom: 1px solid $border;
    padding: 0 8px; }
QTableView::item:selected, QTreeView::item:selected, QListView::item:selected {
    background: $soft; color: $text; }
QTableView::item:hover:!selected, QTreeView::item:hover:!selected,
QListView::item:hover:!selected { background: $hover; }
QHeaderView { background: $surface; border: none; }
QHeaderView::section { background: $surface; color: $muted; border: none;
    border-bottom: 1px solid $strong; padding: 0 11px; min-height: 34sp; font-size: 13sp;
    font-weight: 500; }
QTableCornerButton::section { background: $surface; border: none; }

QScrollArea, QScrollArea > QWidget#qt_scrollarea_viewport { background: transparent;
    border: none; }
QScrollBar { background: transparent; border: none; margin: 0; }
QScrollBar:vertical { width: 12px; }
QScrollBar:horizontal { height: 12px; }
QScrollBar::handle { background: $thumb; border-radius: 4px; margin: 2px; }
QScrollBar::handle:hover { background: $thumb_hover; }
QScrollBar::handle:vertical { min-height: 32px; }
QScrollBar::handle:horizontal { min-width: 32px; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; border: none; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QSplitter::handle { background: $border; }
QSplitter::handle:hover { background: $accent; }

QMenu { background: $raised; color: $text; border: 1px solid $border; padding: 4px;
    font-size: 13sp; }
QMenu::item { padding: 6px 24px 6px 12px; border-radius: 4px; }
QMenu::item:selected { background: $pressed; }
QMenu::item:disabled { color: $strong; background: transparent; }
QMenu::separator { height: 1px; background: $border; margin: 4px 8px; }

QProgressBar { background: $border; border: none; border-radius: 2px; min-height: 4px;
    max-height: 4px; }
QProgressBar::chunk { background: $accent; border-radius: 2px; }
QSlider { min-height: 28px; background: transparent; }
QSlider::groove:horizontal { height: 4px; background: $border; border-radius: 2px; }
QSlider::sub-page:horizontal { background: $accent; border-radius: 2px; }
QSlider::handle:horizontal { background: $text; width: 14px; height: 14px; margin: -5px 0;
    border-radius: 7px; }
QSlider::handle:horizontal:disabled, QSlider::sub-page:horizontal:disabled { background: $strong; }

QStatusBar { background: $surface; color: $muted; border-top: 1px solid $border;
    min-height: 27sp; font-size: 12sp; font-weight: 500; }
QStatusBar::item { border: none; }
QDialog, QMessageBox, QMainWindow { background: $window; }
"""
