"""The folder that a user points to: the knob, its checks, and a fingerprint to notice changes."""

import hashlib
import os
from typing import Annotated

from pydantic import Field

from engines.data.source import DataError, Progress, silent

MOST_FILES = 2_000_000  # below a folder of pictures

Folder = Annotated[
    str,
    Field(description="The folder to read from.", json_schema_extra={"widget": "folder"}),
]


def chosen_folder(folder: str) -> str:
    """The absolute real path of `folder`, with ~ for the home folder.

    Raises:
        DataError: nothing is chosen, or it is no folder that can be read.
    """
    if not folder.strip():
        raise DataError("folder: none is chosen yet; choose a folder")
    path = os.path.realpath(os.path.expanduser(folder))
    if not os.path.isdir(path):
        raise DataError(f"folder: {folder} is no folder; choose one that exists")
    if not os.access(path, os.R_OK | os.X_OK):
        raise DataError(f"folder: {folder} may not be read; change its permissions")
    return path


def shown(path: str) -> str:
    """`path` as text for a person: bytes that are no UTF-8 and control characters as �."""
    text = os.fsencode(path).decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def folder_stamp(folder: str, progress: Progress = silent) -> str:
    """Hex digest over every file's path, size and time of change below `folder`; "" for "".

    Contents aren't read and links aren't followed: 50,000 files take a fraction of a second.
    A folder that doesn't exist has the stamp of an empty one; reading it tells the user.

    Raises:
        DataError: more than `MOST_FILES` files, so hardly a folder of pictures.
    """
    if not folder:
        return ""
    digest, seen = hashlib.blake2b(digest_size=16), 0
    for parent, folders, files in os.walk(os.path.expanduser(folder)):
        folders.sort()
        seen += len(files)
        if seen > MOST_FILES:
            raise DataError(
                f"folder: {folder} holds more than {MOST_FILES:,} files; choose the folder "
                "of the pictures only"
            )
        progress(0, 0, f"Looking at the folder: {seen:,} files")
        for name in sorted(files):
            path = os.path.join(parent, name)
            try:
                status = os.lstat(path)
            except OSError:  # gone since it was listed: its absence is part of the stamp
                continue
            digest.update(os.fsencode(path))
            digest.update(f"|{status.st_size}|{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
