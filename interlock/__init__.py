"""Interlock: an OCPP station simulator and conformance harness beside an event-sourced reference CSMS.

The one importable name. The packages stand at the root of the repository (`csms`, `simulator`, `scenarios`, `reports`,
`loadtests`) and are imported as `interlock.csms` and so on, in a checkout and from the wheel alike: an installed
Interlock owns no other top-level name. In a checkout this folder holds relative symbolic links to the packages. Type
checkers, linters, editors and the builder of the wheel follow links; none of them follows a `__path__` computed at run
time. Where git writes no links (Windows, unless told), `__path__` finds the folders beside this one.
"""

from pathlib import Path

if not (Path(__file__).parent / "csms").is_dir():
    __path__.append(str(Path(__file__).parents[1]))
