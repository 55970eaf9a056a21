"""Where a command leaves what it made: tried before anything is run, so that no run is lost to a wrong path."""

from __future__ import annotations

import os
from pathlib import Path

from interlock.scenarios.refused import UNTOLD, Refused, cause


def check_folder(option: str, folder: Path) -> None:
    """Make a folder, and raise `Refused` where nothing can be written in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = "it is a file" if isinstance(error, FileExistsError) else cause(error)
        raise Refused(f"{option}: {folder} cannot be made: {why}") from None
    if not os.access(folder, os.W_OK):
        raise Refused(f"{option}: {folder} cannot be written to")


def check_file(option: str, file: Path | None) -> None:
    """Make a file's folder, and raise `Refused` where the file cannot be opened for writing. It is left as it is."""
    if file is None:
        return
    check_folder(option, file.parent)
    new = not os.path.lexists(file)
    try:
        with file.open("a"):
            pass
        if new:
            file.unlink()
    except OSError as error:
        raise Refused(f"{option}: {file} cannot be written: {cause(error)}") from None


def write(option: str, file: Path, text: str) -> None:
    """Write a file in UTF-8, its folder too. Raises `Refused` (exit code 3), which names the option."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    except OSError as error:
        raise Refused(f"{option}: {file} cannot be written: {cause(error)}", UNTOLD) from None
