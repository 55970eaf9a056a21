"""What a published figure was measured on: the machine, what holds the logs, and the versions of what ran."""

from __future__ import annotations

import os
import platform
import tempfile
from importlib.metadata import version
from pathlib import Path


def machine(*stores: str) -> str:
    """Describe it in two lines: the machine with the filesystem of temporary files; versions, `stores` too."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    kernel = f"{platform.system()} {platform.release().split('-')[0]}"
    what = f"{os.cpu_count()} cores ({cpu}), {memory:.0f} GiB, {kernel}, logs on {_filesystem()}"
    versions = [f"Python {platform.python_version()}", *stores]
    versions += [f"{name} {version(name)}" for name in ("websockets", "uvloop", "msgspec", "psycopg")]
    return "\n".join([what, ", ".join(versions)])


def _filesystem() -> str:
    place = Path(tempfile.gettempdir()).resolve()
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    above = [(point, kind) for point, kind in mounts if place.is_relative_to(point)]
    kind = max(above, key=lambda one: len(one[0]))[1] if above else "an unknown filesystem"
    return f"{kind} (in memory: an fsync costs nothing there, so nothing is durable)" if kind == "tmpfs" else kind
