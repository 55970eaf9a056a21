"""matplotlib figures as SVG inside a page, in the page's colours, light and dark.

matplotlib takes a second to import and is an optional extra: it is loaded here, when something is drawn. What is drawn
in one of `INK` comes out as the page's own variable, so that a plot follows the colours of the page.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

INK = {
    "#010203": "--ink",
    "#010204": "--soft",
    "#010205": "--line",
    "#010206": "--bg",
    "#010207": "--red",
    "#010208": "--green",
    "#010209": "--blue",
    "#01020a": "--amber",
    "#01020b": "--violet",
}
"""Colours to draw with, and the variables of the page they become."""
INK_OF = {name.removeprefix("--"): colour for colour, name in INK.items()}


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture, what it shows, and its numbers as a table."""

    caption: str
    svg: Markup
    head: tuple[str, ...] = ()
    rows: Sequence[Sequence[object]] = field(default=())


def styles() -> Any:
    """Return matplotlib's settings for a picture in a page."""
    ink, soft, line = INK_OF["ink"], INK_OF["soft"], INK_OF["line"]
    return {
        "backend": "agg",
        "svg.fonttype": "none",
        "svg.hashsalt": "interlock",
        "text.parse_math": False,
        "font.family": "sans-serif",
        "font.size": 9,
        "text.color": ink,
        "axes.edgecolor": soft,
        "axes.labelcolor": soft,
        "axes.facecolor": "none",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "xtick.color": soft,
        "ytick.color": soft,
        "xtick.labelcolor": ink,
        "ytick.labelcolor": ink,
        "grid.color": line,
        "legend.frameon": False,
        "legend.labelcolor": ink,
        "figure.facecolor": "none",
    }


def drawn(make: Callable[[Any], Any], alt: str) -> Markup:
    """Return what `make(pyplot)` draws as SVG markup; empty when it draws nothing. Raises `ImportError`."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    with matplotlib.rc_context(styles()):
        figure = make(pyplot)
        if figure is None:
            return Markup("")
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
        pyplot.close(figure)
    return inline(file.getvalue(), alt)


PAGE = """:root{--ink:#1c2430;--soft:#5b6576;--line:#d9dfe6;--bg:#fff;--red:#b3201f;--green:#23693a;--blue:#1a56b0;
--amber:#855000;--violet:#5f3f96}@media (prefers-color-scheme:dark){:root{--ink:#e3e8ef;--soft:#a0acbc;--line:#37414e;
--bg:#151b23;--red:#ff8d86;--green:#86d69d;--blue:#8ab8ff;--amber:#f2bf66;--violet:#bda4ea}}
text{font-family:ui-sans-serif,system-ui,"Segoe UI",Roboto,sans-serif}"""
"""The page's colours, for a picture that stands alone."""


def document(svg: Markup) -> str:
    """Return a picture as an SVG file of its own, on a ground of the page's colour."""
    head, _, rest = svg.partition(">")
    return f'{head}><style>{PAGE}</style><rect width="100%" height="100%" fill="var(--bg)"/>{rest}'


def inline(text: str, alt: str) -> Markup:
    """Return matplotlib's SVG document as an element for a page: no ids but those referred to, the page's colours."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'<style type="text/css">.*?</style>', "", text, flags=re.DOTALL)
    used = set(re.findall(r"(?:url\(#|href=\"#)([\w.-]+)", text))
    text = re.sub(r' id="([\w.-]+)"', lambda found: found[0] if found[1] in used else "", text)
    text = re.sub(r"font(?:-family)?: [^;\"]*?(\d[\d.]*)px[^;\"]*", r"font-size: \1px", text)
    for colour, name in INK.items():
        text = text.replace(colour, f"var({name})")
    label = Markup.escape(alt)
    # matplotlib escapes every text it writes; the rest of the document are its own numbers and names.
    return Markup(re.sub(r"^<svg ", f'<svg role="img" aria-label="{label}" ', text))
