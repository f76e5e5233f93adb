"""What the docs promise: they are short, their links lead somewhere, and the reference is what the help says."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import readme

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *(ROOT / f"{name}/README.md" for name in ("deployer", "tests"))]
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def test_the_commands_in_the_reference_are_those_of_the_help():
    assert readme.written() == readme.commands(), "run scripts/readme"


def test_the_readme_is_what_a_reader_reads():
    assert len((ROOT / "README.md").read_text().splitlines()) < 250


def test_the_readme_names_every_page():
    named = {target.partition("#")[0] for target in LINK.findall((ROOT / "README.md").read_text())}
    assert {str(page.relative_to(ROOT)) for page in ROOT.glob("docs/*.md")} <= named


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_links_of_a_page_lead_somewhere(page):
    assert [target for target in _links(page) if not _is_there(page, target)] == []


def _links(page: Path) -> Iterator[str]:
    found = LINK.findall(CODE.sub("", page.read_text()))
    return (target for target in found if not target.startswith(("http:", "https:", "mailto:")))


def _is_there(page: Path, target: str) -> bool:
    name, _, anchor = target.partition("#")
    other = (page.parent / name).resolve() if name else page
    return other.exists() and (not anchor or anchor in _anchors(other))


def _anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", CODE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
