"""A disk under one process that fails and loses its power on demand: `disk.c`, compiled when it is needed."""

from __future__ import annotations

import mmap
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOURCE = Path(__file__).with_name("disk.c")
INTS = struct.Struct("4i")


class NoCompiler(Exception):
    """There is no C compiler, or it does not make a library that can be put under a process."""


class Disk:
    """The disk under every process that is started with `environment`. Its files are in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        library, control = folder / "disk.so", folder / "disk.control"
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler is None:
            raise NoCompiler("there is no C compiler, so no disk can be made to fail")
        command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
        made = subprocess.run(command, capture_output=True, text=True)
        if made.returncode:
            raise NoCompiler(f"{compiler} does not compile {SOURCE.name}: {made.stderr.strip().splitlines()[0]}")
        control.write_bytes(bytes(INTS.size))
        with open(control, "r+b") as file:
            self._control = mmap.mmap(file.fileno(), INTS.size)
        self.environment = {"LD_PRELOAD": str(library), "INTERLOCK_DISK": str(control)}

    @property
    def failed(self) -> int:
        """Count the writes and flushes that failed so far."""
        _, _, writes, flushes = INTS.unpack(self._control)
        return int(writes + flushes)

    @contextmanager
    def failing(self, *, write: int = 0, flush: int = 0) -> Iterator[None]:
        """Let every write, or every flush, fail with an errno."""
        self._control[:8] = struct.pack("2i", write, flush)
        try:
            yield
        finally:
            self._control[:8] = bytes(8)

    def cut_power(self) -> None:
        """Leave on it what had reached the platter. Whoever wrote must be dead."""
        for dirty in self.folder.glob("*.dirty"):
            dirty.write_bytes(bytes(dirty.stat().st_size))
            path = dirty.with_suffix("")
            platter = Path(f"{path}.platter")
            if platter.exists():
                shutil.copyfile(platter, path)
            else:
                path.unlink(missing_ok=True)
