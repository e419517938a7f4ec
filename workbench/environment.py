"""What a run's numbers depend on besides its spec: versions, processor, threads."""

import os
import platform
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

# Each of these, changed alone, was measured to change the last bits of a CPU run.
DECISIVE = ("torch", "processor", "cpu_capability", "threads", "mkldnn", "device", "machine")


def fingerprint(device: str) -> dict[str, Any]:
    """What decides the bits of a run on `device`; plain values."""
    import torch

    facts: dict[str, Any] = {
        "python": platform.python_version(),
        "system": platform.platform(),
        "machine": platform.machine(),
        "processor": processor(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "mkldnn": torch.backends.mkldnn.is_available(),
        "device": device,
    }
    for package in ("torch", "torchvision", "numpy", "opencv-python", "PySide6-Essentials"):
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            facts[package] = ""
    if device == "cuda":
        facts["device"] = torch.cuda.get_device_name()
        facts["cuda"] = torch.version.cuda
        facts["cudnn"] = torch.backends.cudnn.version()
    return facts


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Sentences on what changed between two fingerprints that can change the numbers."""
    return [
        f"{name} was {before[name]} and is {now[name]}"
        for name in DECISIVE
        if name in before and before[name] != now.get(name)
    ]


def processor() -> str:
    """The processor's model name, as far as the system tells it."""
    if sys.platform == "linux":
        try:
            with open("/proc/cpuinfo", encoding="utf-8") as lines:
                for line in lines:
                    if line.startswith("model name"):
                        return line.partition(":")[2].strip()
        except OSError:
            pass
    return platform.processor() or platform.machine()


def qt_refusal(python: tuple[int, ...] = sys.version_info[:2]) -> str:
    """Why the window can't open with the installed Qt, in one sentence, or empty.

    PySide6 6.12 loses references to None and True on Python before 3.12, where they are
    counted, and aborts the process after about 500 signals.
    """
    for package in ("PySide6-Essentials", "PySide6"):
        try:
            installed = version(package)
        except PackageNotFoundError:
            continue
        if python < (3, 12) and installed.split(".")[:2] == ["6", "12"]:
            return (
                f"{package} {installed} aborts on Python {python[0]}.{python[1]}: install one "
                f"below 6.12 with `pip install '{package}<6.12'`, or use Python 3.12 or 3.13."
            )
        return ""
    return "The window needs Qt: `pip install 'PySide6-Essentials<6.12'` brings it."


def training_threads(wanted: int = 0) -> int:
    """Threads for torch: `wanted`, or all cores, less one for the window where there are many."""
    cores = os.cpu_count() or 1
    return min(wanted, cores) if wanted > 0 else (cores - 1 if cores > 2 else cores)


def keep_freed_memory() -> None:
    """Let glibc keep large freed blocks; mapping them anew costs a CPU step about 10 %."""
    if sys.platform != "linux":
        return
    import ctypes

    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return  # not glibc
    trim_threshold, top_pad, mmap_threshold = -1, -2, -3
    mallopt(mmap_threshold, 1 << 30)
    mallopt(trim_threshold, (1 << 31) - 1)
    mallopt(top_pad, 64 << 20)
