"""Sets up what the program needs, once: system libraries, .venv, packages. Standard library only.

    python3 .ci/setup.py window|headless|tests

A stamp in .venv names what was set up for; while it fits, nothing is done and the
network isn't touched. Prints what to do when only an administrator can do it.
"""

import ctypes
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"

# What Qt's xcb plugin and OpenCV load (by ldd), and the package of Debian and Ubuntu it is in.
LIBRARIES = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
}


STRONGER = {
    "headless": ("headless", "window", "tests"),
    "window": ("window", "tests"),
    "tests": ("tests",),
}


class CannotSetUp(Exception):
    """Something only the user can do; the message says what."""


def main(need: str) -> int:
    """Set up for "window", "headless" or "tests"; returns the exit code."""
    wanted = stamp()
    try:
        if not any(is_stamped(enough, wanted) for enough in STRONGER[need]):
            install_system_packages(missing_packages(need), must=need != "headless")
            install_python_packages("[dev]" if need == "tests" else "")
            stamp_file(need).write_text(wanted, encoding="utf-8")
    except CannotSetUp as error:
        say(str(error))
        return 1
    except subprocess.CalledProcessError as error:
        say(f"{' '.join(map(str, error.cmd))} ended with code {error.returncode}; see above.")
        return 1
    return 0


def stamp() -> str:
    """What decides whether an environment still fits."""
    project = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    return f"{project} {sys.version_info[0]}.{sys.version_info[1]} {ROOT}"


def stamp_file(need: str) -> Path:
    """Where it is written that everything was set up for `need`."""
    return VENV / f"ready-for-{need}"


def is_stamped(need: str, wanted: str) -> bool:
    """Whether `need` was set up before, and nothing that matters has changed since."""
    try:
        said = stamp_file(need).read_text(encoding="utf-8")
    except OSError:
        return False
    return said == wanted and python_of_venv().exists()


def missing_packages(need: str) -> list[str]:
    """Debian packages of the shared libraries that can't be loaded; elsewhere than Linux none."""
    if sys.platform != "linux":
        return []
    missing = [package for library, package in LIBRARIES.items() if not loads(library)]
    if need == "tests":  # xvfb-run needs xauth, which Debian's xvfb only recommends
        tools = (("Xvfb", "xvfb"), ("xauth", "xauth"))
        missing += [package for tool, package in tools if shutil.which(tool) is None]
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        missing.append(f"python{sys.version_info[0]}.{sys.version_info[1]}-venv")
    return missing


def loads(library: str) -> bool:
    """Whether a shared library is there."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def install_system_packages(packages: list[str], *, must: bool) -> None:
    """Install Debian packages as root; otherwise say who must install what.

    Raises:
        CannotSetUp: they are needed, and we may not install them.
    """
    if not packages:
        return
    names = " ".join(packages)
    if shutil.which("apt-get") is None:
        say(f"Missing here, by the names that Debian gives them: {names}")
        return
    if os.geteuid() == 0:
        say(f"Installing system packages: {names}")
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        run(["apt-get", "update", "-q"], env=quiet)
        run(["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages], env=quiet)
        return
    words = f"System packages are missing. As an administrator: sudo apt-get install {names}"
    if must or any(package.endswith("-venv") for package in packages):
        raise CannotSetUp(words)
    say(words)


def install_python_packages(extra: str) -> None:
    """Make .venv where there is none that fits, and install the program with its packages."""
    python = python_of_venv()
    if not python.exists() or not same_python(python):
        say(f"Making {VENV} with Python {sys.version_info[0]}.{sys.version_info[1]}")
        run([sys.executable, "-m", "venv", "--clear", str(VENV)])
    say("Installing the Python packages; torch alone is gigabytes, so the first time takes minutes")
    run([str(python), "-m", "pip", "install", "--editable", f"{ROOT}{extra}"])


def python_of_venv() -> Path:
    """The interpreter in .venv."""
    return VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def same_python(python: Path) -> bool:
    """Whether .venv runs and has this Python's version."""
    code = "import sys; print(*sys.version_info[:2])"
    answer = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=False)
    return answer.stdout.split() == [str(part) for part in sys.version_info[:2]]


def run(command: list[str], **options: object) -> None:
    """Run a command, all it says on stderr; raises CalledProcessError when it fails."""
    subprocess.run(command, check=True, stdout=sys.stderr, **options)  # type: ignore[call-overload]


def say(words: str) -> None:
    """A line for people, on stderr: stdout belongs to the command that follows."""
    sys.stderr.write(words + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
