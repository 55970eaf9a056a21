"""Interlock: an OCPP station simulator and conformance harness beside an event-sourced reference CSMS.

The one importable name. The packages stand at the root of the repository (`csms`, `simulator`, `scenarios`, `reports`,
`loadtests`) and are imported as `interlock.csms` and so on, in a checkout and from the wheel alike: an installed
Interlock owns no other top-level name. In a checkout this folder holds relative symbolic links to the packages. Type
checkers, linters, editors and the builder of the wheel follow links; none of them follows a `__path__` computed at run
time. Where git writes no links (Windows, unless told), `__path__` finds the folders beside this one.
"""

import os.path  # loaded by every start of Python: nothing slower stands before `__main__` can be interrupted

_here = os.path.dirname(os.path.abspath(__file__))
if not os.path.isdir(os.path.join(_here, "csms")):
    __path__.append(os.path.dirname(_here))
