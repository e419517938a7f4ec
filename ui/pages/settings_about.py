"""What the program is made of, on the Settings page."""

from PySide6.QtWidgets import QGridLayout

from ui.pages.settings_reading import licences, versions
from ui.pages.settings_rows import Section, open_path
from ui.widgets import PlainLabel, link, muted


def about_section() -> Section:
    """Versions, and the licences of what ships with the program."""
    section, grid = Section("About"), QGridLayout()
    grid.setHorizontalSpacing(24)
    grid.setVerticalSpacing(4)
    grid.setColumnStretch(1, 1)
    for row, (name, number) in enumerate(versions()):
        grid.addWidget(muted(name), row, 0)
        grid.addWidget(PlainLabel(number, "why"), row, 1)
    section.box.addLayout(grid)
    opened = []
    for name, path in licences():
        button = link(name)
        button.setAccessibleName(f"Licence of {name}")
        button.clicked.connect(lambda _=False, path=path: open_path(path))
        opened.append(button)
    if opened:
        section.add("Licences of what ships with it", *opened)
    return section
