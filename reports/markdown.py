"""A campaign as Markdown, for a job summary: the matrix, and each failure's smallest story as a Mermaid diagram."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from interlock.reports.run import RunUnreadable, clean, read_object, read_run, reading, run_of, violations
from interlock.reports.story import Story, tell

MOST_BYTES = 900_000
"""A job summary over 1 MiB is dropped whole."""
STORIES = 5


def markdown(out: Path) -> str:
    """Return the summary of a suite directory."""
    suite = read_object(out / "suite.json")
    with reading(out / "suite.json"):
        return _markdown(suite, out)


def _markdown(suite: dict[str, Any], out: Path) -> str:
    runs = suite.get("runs", [])
    bad = [run for run in runs if run["verdict"] in ("FAIL", "ERROR")]
    lines = [
        f"## Interlock: {_cell(suite['verdict'])}",
        "",
        f"csms `{_cell(suite['csms'])}`, {len(runs) - len(bad)} of {len(runs)} runs held",
        "",
        "| scenario | runs | verdict | violated |",
        "|---|---|---|---|",
    ]
    for name, group in _by_scenario(runs).items():
        failed = sorted({one for run in group for one in run["failed"]})
        worst = next((word for word in ("ERROR", "FAIL") if any(run["verdict"] == word for run in group)), "PASS")
        lines.append(f"| {_cell(name)} | {len(group)} | {worst} | {_cell(', '.join(failed)) or '-'} |")
    for run in bad[:STORIES]:
        lines += _failure(out, run)
    text = "\n".join(lines) + "\n"
    return text if len(text.encode()) < MOST_BYTES else text.encode()[:MOST_BYTES].decode("utf-8", "ignore")


def mermaid(story: Story) -> str:
    """Return a story as a Mermaid sequence diagram."""
    names = {name: f"p{number}" for number, (name, _) in enumerate(story.lanes)}
    if not names:
        return ""
    lines = ["sequenceDiagram"]
    lines += [f"  participant {names[name]} as {_words(title)}" for name, title in story.lanes]
    everyone = f"{next(iter(names.values()))},{list(names.values())[-1]}"
    for step in story.steps:
        label = f"{step.t:.2f} s {_words(step.label)}" + (" (VIOLATED)" if step.moment else "")
        if step.lane in names and step.to in names and step.to != step.lane:
            arrow = "-x" if step.tone in ("lost", "bad") else "->>"
            lines.append(f"  {names[step.lane]}{arrow}{names[step.to]}: {label}")
        else:
            over = names.get(step.lane, everyone if len(names) > 1 else next(iter(names.values())))
            lines.append(f"  Note over {over}: {label}")
    return "\n".join(lines)


def _by_scenario(runs: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for run in runs:
        found.setdefault(run["scenario"], []).append(run)
    return found


def _failure(out: Path, run: dict[str, Any]) -> list[str]:
    lines = ["", f"### {_cell(run['scenario'])}, seed {run['seed']}", "", f"`{_cell(run['reproduce'])}`", ""]
    if run["dir"] is None:
        return lines
    try:
        read = read_run(run_of(out, run["dir"]))
    except RunUnreadable as error:
        return [*lines, _cell(str(error))]
    for invariant, violation in violations(read.verdict)[:1]:
        lines += [
            f"**{_cell(invariant['id'])} {_cell(invariant['name'])}**: {_cell(violation['message'])}; "
            f"expected {_cell(violation['expected'])}, found {_cell(violation['found'])}",
            "",
            "<details><summary>how it came to that</summary>",
            "",
            "```mermaid",
            mermaid(tell(read.rows, violation)),
            "```",
            "",
            "</details>",
        ]
    return lines


def _cell(text: Any) -> str:
    shown = clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return shown.replace("|", "\\|").replace("`", "'")


def _words(text: str) -> str:
    """Keep what Mermaid does not take for its own syntax."""
    return "".join(
        character if character.isalnum() or character in " .,:()_/+-=" else "'" for character in clean(text, 60)
    )
