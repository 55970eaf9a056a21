"""Every page of `docs/`: its links and their anchors lead somewhere, its commands are commands, the site shows it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from interlock.scenarios.cli import main as cli
from tests.test_docs import DOCS, parsed

ROOT = DOCS.parent
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md")))
LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub and the site make of a page's headings."""
    headings = re.findall(
        r"^#+ (.*)$", re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL), re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", one.strip().lower()).replace(" ", "-") for one in headings}


def dead(page: Path, text: str) -> list[str]:
    """Return the links of a page that lead nowhere; those to other hosts are not asked for."""
    found = []
    for link in LINK.findall(text):
        path, _, anchor = link.partition("#")
        if path.startswith(("https://", "http://")):
            continue
        there = (page.parent / path) if path else page
        if not there.exists() or (anchor and there.suffix == ".md" and anchor not in anchors(there)):
            found.append(link)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_anchors_lead_somewhere(page: Path) -> None:
    assert dead(page, page.read_text("utf-8")) == []


def test_a_link_that_leads_nowhere_is_found() -> None:
    page = DOCS / "load.md"
    assert dead(page, "[a](nowhere.md) [b](faq.md#nothing) [c](#shapes) [d](../README.md)") == [
        "nowhere.md",
        "faq.md#nothing",
    ]


def test_the_site_shows_every_page_once() -> None:
    def pages(entry: object) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        values = entry.values() if isinstance(entry, dict) else entry
        return [page for one in values for page in pages(one)]  # type: ignore[attr-defined]

    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))
    assert sorted(pages(site["nav"])) == sorted(page.name for page in DOCS.glob("*.md"))
    assert site["plugins"] == ["search"]
    assert site["theme"]["font"] is False  # nothing is fetched from elsewhere
    pins = (ROOT / "requirements" / "docs.txt").read_text("utf-8").splitlines()[1:]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+( ; .*)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?", pin) for pin in pins)


def lines(page: Path) -> list[str]:
    """Return the lines of a page's shell blocks that call `interlock`, and of its indented ones."""
    text = page.read_text("utf-8")
    found = [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    found += re.findall(r"^    (interlock .*)$", text, re.MULTILINE)
    return [line.strip() for line in found if line.strip().startswith("interlock ") and not line.endswith("\\")]


@pytest.mark.parametrize("page", [page for page in PAGES if lines(page)], ids=lambda page: page.name)
def test_its_commands_are_commands(page: Path) -> None:
    for line in lines(page):
        words = shlex.split(line.split(" > ")[0].rstrip(" &"), comments=True)
        if words[1] == "check":
            with pytest.raises(SystemExit) as end:
                cli.main(["config", *words[1:]])
            assert end.value.code == 0, line
        else:
            parsed(words)


def test_the_lines_that_begin_something_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    new = [shlex.split(line) for line in lines(DOCS / "extend.md")]
    assert {words[2] for words in new} == {"scenario", "invariant", "fault", "specimen", "case"}
    for words in new:
        with pytest.raises(SystemExit) as end:
            cli.main(words[1:])
        assert end.value.code == 0
    assert len(list(tmp_path.rglob("*.py"))) == 2 * len(new)
