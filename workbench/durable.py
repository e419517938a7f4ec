"""Files that survive a crash: written whole under another name, synced, then put in place."""

import contextlib
import errno
import hashlib
import os
import secrets
import sys
import time
from collections.abc import Iterator
from pathlib import Path

TEMPORARY = ".tmp-"
LOCK_TRIES, LOCK_PAUSE = 10, 0.02  # somebody who only asks `is_locked` holds it for an instant


def atomic_write(path: Path, content: bytes) -> str:
    """Write `content` to `path` so that a reader sees the old file or the new one, never half.

    Returns:
        SHA-256 of the content, hex.

    Raises:
        OSError: no space, no right; the old file is untouched.
    """
    temporary = path.with_name(f".{path.name}{TEMPORARY}{os.getpid()}-{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            _reserve(file.fileno(), len(content))
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    return hashlib.sha256(content).hexdigest()


def _reserve(descriptor: int, size: int) -> None:
    """Let a full disk say so now and not half-way, where the file system can."""
    if hasattr(os, "posix_fallocate") and size:
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise


def digest_of(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sweep(folder: Path) -> None:
    """Remove what a crash in the middle of `atomic_write` left in `folder`."""
    for stray in folder.glob(f".*{TEMPORARY}*"):
        stray.unlink(missing_ok=True)


class Locked(OSError):
    """Another process holds the lock; the message says which."""


@contextlib.contextmanager
def lock(path: Path, what: str) -> Iterator[None]:
    """Hold the lock file at `path` as long as the block runs; the system frees it at a crash.

    Raises:
        Locked: another process, or another place in this one, holds it.
    """
    with path.open("a+b") as file:
        if not _lock_soon(file.fileno()):
            file.seek(0)
            holder = file.read(200).decode(errors="replace").strip() or "another program"
            raise Locked(f"{what} is in use by {holder}")
        file.truncate(0)
        file.write(f"process {os.getpid()}".encode())
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
            _unlock(file.fileno())


def is_locked(path: Path) -> bool:
    """Whether some living process holds the lock file at `path`."""
    if not path.exists():
        return False
    with path.open("a+b") as file:
        if _try_lock(file.fileno()):
            _unlock(file.fileno())
            return False
        return True


def _lock_soon(descriptor: int) -> bool:
    for tries_left in reversed(range(LOCK_TRIES)):
        if _try_lock(descriptor):
            return True
        if tries_left:
            time.sleep(LOCK_PAUSE)
    return False


# Windows locks bytes, and others can't read those: lock one far behind the text.
_FAR = 1 << 30

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

    def _sync_folder(folder: Path) -> None:
        """Windows has no such thing."""

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)

    def _sync_folder(folder: Path) -> None:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
