"""Pin what pyproject.toml asks for, with hashes and by name only: no addresses. Needs `uv` on the path."""

import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
PROJECT = tomllib.loads((HERE.parent / "pyproject.toml").read_text())
CORE = PROJECT["project"]["dependencies"]
EXTRA = PROJECT["project"]["optional-dependencies"]
BUILD = [*PROJECT["build-system"]["requires"], "editables>=0.5"]  # hatchling asks for it when installing with -e
SETS = {
    "core": ("what Interlock itself needs", CORE),
    "run": ("core, plots and the build backend: what `make run` needs", [*CORE, *EXTRA["plots"], *BUILD]),
    "dev": (
        "everything `make test` needs",
        [*CORE, *(one for extra in EXTRA.values() for one in extra), *BUILD],
    ),
    "docs": ("what `make docs` needs, in an environment of its own", ["mkdocs-material>=9.8"]),
}
COMMAND = "uv pip compile - --universal --python-version 3.11 --generate-hashes --no-header --no-annotate"

for name, (title, wanted) in SETS.items():
    done = subprocess.run(
        [*COMMAND.split(), "--no-emit-index-url", "--quiet"], input="\n".join(wanted), text=True, capture_output=True
    )
    if done.returncode:
        sys.exit(done.stderr)
    (HERE / f"{name}.txt").write_text(f"# Hashed pins: {title}. Made anew by `make pins`.\n{done.stdout}")
