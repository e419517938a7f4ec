"""The window: shows what `workbench` holds and sends commands to it."""

import os

# With PyQt5 or PyQt6 also installed, pyqtgraph and qtpy would choose those.
os.environ["QT_API"] = "pyside6"
os.environ["PYQTGRAPH_QT_LIB"] = "PySide6"
os.environ["PYTEST_QT_API"] = "pyside6"
