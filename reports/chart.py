"""The sequence chart: a story drawn as SVG. One file that stands alone, on white or dark, without scripts or fonts."""

from __future__ import annotations

from html import escape

from interlock.reports.run import clean, printable
from interlock.reports.steps import StoryStep
from interlock.reports.story import Story

WIDTH, LEFT, RIGHT, TOP, ROW = 1200, 84, 96, 64, 34
FLAG = 106
"""Width kept free on the right for what says that something was violated."""
CHARACTER = 6.6
"""Width of a character of the labels, near enough to keep them inside the picture."""

STYLE = """
.sc{--ink:#1c2430;--soft:#8a94a3;--line:#d5dae1;--card:#f3f5f8;--blue:#1f5fbf;--red:#c22727;--redbg:#fdecec;
--amber:#9a5b00;--amberbg:#fff4df;--halo:#fff;
font:12px ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
@media (prefers-color-scheme:dark){.sc{--ink:#e3e8ef;--soft:#8d98a8;--line:#37404d;--card:#222a35;--blue:#7db1ff;
--red:#ff8079;--redbg:#40191b;--amber:#f0b95a;--amberbg:#3a2c10;--halo:#151b23}}
.sc .bg{fill:var(--halo)}.sc text{fill:var(--ink)}
.sc .head{fill:var(--card);stroke:var(--line)}.sc .title{font-weight:600}
.sc .life{stroke:var(--line);stroke-dasharray:2 4}.sc .time{fill:var(--soft);font-variant-numeric:tabular-nums}
.sc .label{paint-order:stroke;stroke:var(--halo);stroke-width:4px;stroke-linejoin:round}
.sc .arrow{stroke:var(--ink);stroke-width:1.4;fill:none}.sc .tip{fill:var(--ink)}
.sc .act .arrow{stroke:var(--blue)}.sc .act .tip{fill:var(--blue)}
.sc .act .label{fill:var(--blue);font-weight:600}
.sc .bad .arrow{stroke:var(--red);stroke-width:1.8}.sc .bad .tip{fill:var(--red)}
.sc .bad .label{fill:var(--red);font-weight:600}
.sc .lost .arrow{stroke:var(--soft);stroke-dasharray:5 4}.sc .lost .label{fill:var(--soft)}
.sc .lost .cross{stroke:var(--red);stroke-width:2}
.sc .quiet .arrow{stroke:var(--soft)}.sc .quiet .tip{fill:var(--soft)}.sc .quiet .label{fill:var(--soft)}
.sc .box{fill:var(--card);stroke:var(--line)}.sc .act .box{stroke:var(--blue)}.sc .bad .box{stroke:var(--red)}
.sc .fault .box,.sc .fault .band{fill:var(--amberbg);stroke:var(--amber)}
.sc .fault .label{fill:var(--amber);font-weight:600}
.sc .moment{fill:var(--redbg)}.sc .flag{fill:var(--red)}.sc .flagtext{fill:#fff;font-weight:700;font-size:11px}
@media (prefers-color-scheme:dark){.sc .flagtext{fill:#1b0d0d}}
"""


def draw(story: Story, title: str) -> str:
    """Return a story as an SVG document, or an empty string when there is nothing to draw."""
    if not story.steps:
        return ""
    lanes = story.lanes or (("", "run"),)
    gap = (WIDTH - LEFT - RIGHT) / len(lanes)
    at = {name: LEFT + gap * (number + 0.5) for number, (name, _) in enumerate(lanes)}
    height = TOP + ROW * len(story.steps) + 28
    parts = [
        f'<svg class="sc" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-labelledby="sc-title sc-desc" width="100%">',
        f'<title id="sc-title">{escape(clean(title))}</title>',
        f'<desc id="sc-desc">{escape(printable(_described(story)))}</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="bg" width="{WIDTH}" height="{height}"/>',
    ]
    for number, step in enumerate(story.steps):
        if step.moment:
            parts.append(_moment(TOP + ROW * number))
    for name, heading in lanes:
        x = at[name]
        box = min(gap - 12, max(90.0, len(heading) * 7.4 + 20))
        parts.append(f'<line class="life" x1="{x:.1f}" y1="40" x2="{x:.1f}" y2="{height - 14}"/>')
        parts.append(f'<rect class="head" x="{x - box / 2:.1f}" y="12" width="{box:.1f}" height="28" rx="6"/>')
        parts.append(f'<text class="title" x="{x:.1f}" y="30" text-anchor="middle">{escape(clean(heading))}</text>')
    before = None
    for number, step in enumerate(story.steps):
        y = TOP + ROW * number + ROW * 0.62
        shown = f"{step.t:.2f} s"
        if shown != before:
            parts.append(f'<text class="time" x="{LEFT - 16}" y="{y + 4:.1f}" text-anchor="end">{shown}</text>')
        before = shown
        parts.append(_draw_step(step, y, at))
        if step.moment:
            parts.append(_flag(step, y))
    parts.append("</svg>")
    return "\n".join(part for part in parts if part)


def _moment(y: float) -> str:
    return f'<rect class="moment" x="0" y="{y:.1f}" width="{WIDTH}" height="{ROW}"/>'


def _flag(step: StoryStep, y: float) -> str:
    text = f"VIOLATES {', '.join(step.pins)}" if step.pins else "VIOLATED"
    width = len(text) * 7.0 + 16
    x = WIDTH - 6 - width
    return (
        f'<g><rect class="flag" x="{x:.1f}" y="{y - 10:.1f}" width="{width:.1f}" height="19" rx="4"/>'
        f'<text class="flagtext" x="{x + width / 2:.1f}" y="{y + 4:.1f}" text-anchor="middle">'
        f"{escape(clean(text, 60))}</text></g>"
    )


def _draw_step(step: StoryStep, y: float, at: dict[str, float]) -> str:
    label = escape(clean(step.label))
    tone = step.tone
    if step.lane not in at:
        # Concerns the whole picture: a fault, or what was found at rest.
        width = len(step.label) * CHARACTER + 24
        middle = (LEFT + WIDTH - RIGHT) / 2
        shape = "band" if tone == "fault" else "box"
        return (
            f'<g class="{tone}"><rect class="{shape}" x="{middle - width / 2:.1f}" y="{y - 12:.1f}" '
            f'width="{width:.1f}" height="23" rx="11"/>'
            f'<text class="label" style="stroke:none" x="{middle:.1f}" y="{y + 4:.1f}" text-anchor="middle">'
            f"{label}</text></g>"
        )
    here = at[step.lane]
    if step.to is None or step.to not in at or step.to == step.lane:
        width = len(step.label) * CHARACTER + 20
        left = _inside(here - width / 2, width)
        return (
            f'<g class="{tone}">'
            f'<rect class="box" x="{left:.1f}" y="{y - 12:.1f}" width="{width:.1f}" height="23" rx="5"/>'
            f'<text class="label" style="stroke:none" x="{left + width / 2:.1f}" y="{y + 4:.1f}" text-anchor="middle">'
            f"{label}</text></g>"
        )
    there = at[step.to]
    way = 1 if there > here else -1
    end = here + (there - here) * 0.55 if tone == "lost" else there - way * 3
    middle = (here + there) / 2
    width = len(step.label) * CHARACTER
    left = _inside(middle - width / 2, width)
    lines = [
        f'<g class="{tone}">',
        f'<line class="arrow" x1="{here:.1f}" y1="{y + 5:.1f}" x2="{end:.1f}" y2="{y + 5:.1f}"/>',
    ]
    if tone == "lost":
        lines.append(f'<path class="cross" d="M{end - 5:.1f} {y:.1f}l10 10m0 -10l-10 10" fill="none"/>')
    else:
        lines.append(f'<path class="tip" d="M{end:.1f} {y + 5:.1f}l{-way * 9} -4.5v9z"/>')
        if tone == "bad":
            lines.append(
                f'<path class="arrow" d="M{end - way * 16:.1f} {y - 1:.1f}l{-way * 9} 12m0 -12l{way * 9} 12"/>'
            )
    lines.append(
        f'<text class="label" x="{left + width / 2:.1f}" y="{y - 1:.1f}" text-anchor="middle">{label}</text></g>'
    )
    return "".join(lines)


def _inside(left: float, width: float) -> float:
    return max(LEFT + 2.0, min(left, WIDTH - FLAG - width - 4.0))


def _described(story: Story) -> str:
    return "; ".join(
        f"{step.t:.2f} s: {step.lane or 'all'}{' to ' + step.to if step.to else ''}: {step.label}"
        + (" (violation)" if step.moment else "")
        for step in story.steps
    )
