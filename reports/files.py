"""Files of a folder that somebody else may have filled: read with an end, written there and nowhere else.

What is read must be a regular file of bounded size with lines of bounded length, so that no device, pipe or endless
file is waited for. What is written replaces whatever has its name, a link too, and follows none. A folder that a file
names lies inside the folder of that file.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

OBJECT_BYTES = 64 * 1024 * 1024
HISTORY_BYTES = 2 * 1024 * 1024 * 1024
LINE_BYTES = 8 * 1024 * 1024


def open_regular(path: Path, most: int) -> BinaryIO:
    """Open a regular file of at most `most` bytes for reading. Raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    about = os.fstat(descriptor)
    if stat.S_ISREG(about.st_mode) and about.st_size <= most:
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    why = f"it has more than {most} bytes" if stat.S_ISREG(about.st_mode) else "it is no regular file"
    raise OSError(errno.EINVAL, why, str(path))


def read(path: Path, most: int = OBJECT_BYTES) -> bytes:
    """Read a whole file. Raises `OSError`."""
    with open_regular(path, most) as file:
        return file.read(most)


def lines(path: Path, most: int = HISTORY_BYTES) -> Iterator[bytes]:
    """Iterate over a file's lines. Raises `OSError`."""
    with open_regular(path, most) as file:
        while line := file.readline(LINE_BYTES + 1):
            if len(line) > LINE_BYTES:
                raise OSError(errno.EINVAL, f"a line has more than {LINE_BYTES} bytes", str(path))
            yield line


def write(path: Path, text: str) -> None:
    """Write a file in the place of whatever has its name. Raises `OSError`."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    beside.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(beside, flags, 0o666), "wb") as file:
            file.write(text.encode("utf-8", "replace"))
        os.replace(beside, path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def inside(folder: Path, name: object) -> Path | None:
    """Return the folder that `name` is, below `folder`; None for one that is elsewhere, or goes there by links."""
    if not isinstance(name, str) or "\0" in name:
        return None
    whole = folder.resolve()
    found = (whole / name).resolve()
    return found if found != whole and found.is_relative_to(whole) else None
