import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


def run_child(code: str, *before: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("QT_", "OPENCV"))
    }
    return subprocess.run(
        [*before, sys.executable, "-c", code],
        cwd=ROOT,
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_that_importing_opencv_leaves_the_environment_as_it_was():
    code = """
import os
before = dict(os.environ)
import engines.opencv
assert dict(os.environ) == before, set(os.environ.items()) ^ set(before.items())
"""
    plain = run_child(code)
    assert plain.returncode == 0, plain.stderr
    own = run_child(code, QT_QPA_FONTDIR="/mine", OPENCV_IO_MAX_IMAGE_PIXELS="5")
    assert own.returncode == 0, own.stderr


def test_that_opencv_windows_raise():
    from engines.opencv import cv2

    with pytest.raises(RuntimeError, match="show images with Qt"):
        cv2.imshow("window", np.zeros((2, 2), np.uint8))
    with pytest.raises(RuntimeError, match="show images with Qt"):
        cv2.namedWindow("window")


def test_that_only_the_wrapper_imports_cv2():
    files = [ROOT / "main.py"] + [
        path for part in ("engines", "workbench", "ui") for path in (ROOT / part).rglob("*.py")
    ]
    importers = set()
    for path in filter(Path.exists, files):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            if any(name.split(".")[0] == "cv2" for name in names):
                importers.add(path.relative_to(ROOT).as_posix())
    assert importers == {"engines/opencv.py"}


@pytest.mark.skipif(
    not (shutil.which("xvfb-run") and shutil.which("xauth")),
    reason="xvfb-run and xauth are not installed",
)
def test_that_a_window_opens_under_x11_after_opencv():
    code = """
from engines.opencv import cv2
from PySide6.QtWidgets import QApplication, QLabel
app = QApplication([])
label = QLabel("seen")
label.show()
app.processEvents()
assert app.platformName() == "xcb" and label.isVisible()
print("shown")
"""
    child = run_child(code, "xvfb-run", "-a", QT_QPA_PLATFORM="xcb")
    assert child.returncode == 0, child.stderr
    assert "shown" in child.stdout
