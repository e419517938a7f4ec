"""The only importer of OpenCV: without its windows and its traces in the environment.

Importing cv2 points Qt's variables at the Qt 5 inside its wheel, for us and for every child
process, and `cv2.imshow` would start that second Qt in a process that already runs ours.
"""

import os
from typing import Any, NoReturn

MAX_PIXELS = 2**26  # 64 Mpx: what an image's header may claim before decoding is refused

_RESTORED = (
    "QT_QPA_PLATFORM_PLUGIN_PATH",
    "QT_QPA_FONTDIR",
    "LD_LIBRARY_PATH",
    "OPENCV_IO_MAX_IMAGE_PIXELS",
)
_before = {name: os.environ.get(name) for name in _RESTORED}
os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(MAX_PIXELS)  # read once, while cv2 loads

import cv2  # noqa: E402

for _name, _value in _before.items():
    if _value is None:
        os.environ.pop(_name, None)
    else:
        os.environ[_name] = _value


cv2.utils.logging.setLogLevel(
    cv2.utils.logging.LOG_LEVEL_SILENT
)  # damaged files are reported by name where they are read


def _no_window(*_arguments: Any, **_named: Any) -> NoReturn:
    raise RuntimeError("OpenCV's windows are off here; show images with Qt")


for _name in (
    "imshow",
    "namedWindow",
    "startWindowThread",
    "createTrackbar",
    "selectROI",
    "selectROIs",
    "waitKey",
    "waitKeyEx",
    "pollKey",
):
    setattr(cv2, _name, _no_window)

__all__ = ["MAX_PIXELS", "cv2"]
