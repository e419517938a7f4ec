"""Load torch on a thread after the first paint, without freezing the window.

An import holds the GIL inside `dlopen`; a ctypes call does not, so the big libraries
are opened that way first. The collector and long switch intervals are the other stalls.
"""

import ctypes
import gc
import importlib
import importlib.util
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)


def load_engine(threads: int, done: Callable[[str], None]) -> threading.Thread:
    """Import torch and the engines on a new thread.

    Args:
        threads: for torch to train with; 0 decides by the number of cores.
        done: called on that thread with "" or, when something is missing, the traceback.
    """
    thread = threading.Thread(target=_load, args=(threads, done), name="loading")
    thread.start()
    return thread


def _load(threads: int, done: Callable[[str], None]) -> None:
    interval = sys.getswitchinterval()
    gc.disable()
    sys.setswitchinterval(0.0005)
    error = ""
    try:
        _open_libraries()
        _import_all(threads)
    except Exception:  # noqa: BLE001 - a broken installation is shown in the window
        error = traceback.format_exc()
        log.error("Loading torch failed\n%s", error)
    finally:
        sys.setswitchinterval(interval)
        gc.freeze()  # a full collection with torch loaded holds the GIL for 200 ms
        gc.enable()
    done(error)


def _open_libraries() -> None:
    """Open the large shared libraries by a call that releases the GIL; Linux only."""
    if sys.platform != "linux":
        return
    system = ctypes.CDLL(None)
    system.dlopen.argtypes, system.dlopen.restype = [ctypes.c_char_p, ctypes.c_int], ctypes.c_void_p
    for package, name, mode in (
        ("torch", "lib/libtorch_global_deps.so", os.RTLD_NOW | os.RTLD_GLOBAL),
        ("torch", "lib/libtorch_cuda.so", os.RTLD_NOW | os.RTLD_GLOBAL),
        ("torch", "lib/libtorch_python.so", os.RTLD_NOW),
        ("cv2", "cv2.abi3.so", os.RTLD_NOW),
    ):
        found = importlib.util.find_spec(package)
        if found is not None and found.origin is not None:
            path = Path(found.origin).parent / name
            if path.exists():
                system.dlopen(str(path).encode(), mode)


# Modules that the pages need when they are first shown; imported here, not on the GUI's thread.
PAGES_NEED = ("pyqtgraph", "ui.forms", "ui.pages.experiment", "ui.pages.runs", "ui.pages.data")


def _import_all(threads: int) -> None:
    for module in PAGES_NEED:
        importlib.import_module(module)
    import torch

    from workbench.environment import training_threads

    torch.set_num_threads(training_threads(threads))
    import openTSNE.affinity  # noqa: F401 - a second of imports at the first map otherwise

    import workbench.training  # noqa: F401 - the registries are filled by it

    # The first optimiser imports about 900 modules; better here than at Start.
    torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], fused=True)
