"""The page as text: its tree, its figures, what it may load and run."""

import base64
import hashlib
import json
import re
import zlib
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from deployer.report.markdown import comment
from deployer.report.page import Fate, page
from deployer.report.page.curve import ticks
from deployer.report.page.tree import packed_tree
from deployer.words import MINUS
from tests.unit.pages import HOSTILE, content, many, row, since, small


class Elements(HTMLParser):
    """Every element of a page, its attributes, and the text of its scripts."""

    def __init__(self, text):
        super().__init__()
        self.found, self.scripts, self._inside = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        if self._inside == "script":
            self.scripts.append(data)


def unpacked(text):
    """The tree as paths by distribution, with what is known of each."""
    data = json.loads(zlib.decompress(base64.b64decode(text)))
    way: list[str] = []
    files = {}
    for number, (name, depth, fate) in enumerate(zip(data["names"], data["depths"], data["fate"], strict=True)):
        way[depth:] = [name]
        if fate >= 0:
            texts = data["texts"][data["reason"][number]], data["texts"][data["because"][number]]
            found = data["before"][number], data["after"][number], data["fates"][fate], *texts
            files[way[0], "/".join(way[1:])] = (*found, data["files"].get(str(number), 1))
    return files


def test_the_tree_holds_every_file_with_its_reason():
    files = unpacked(packed_tree(small()))
    assert len(files) == len(small())
    for one in small():
        key = (one.distribution or "your function", one.path)
        assert files[key] == (one.before, one.after, one.fate, one.reason, one.because, 1)


def test_a_tree_over_its_size_merges_small_files_and_keeps_the_sums():
    rows = tuple(many(4_000))
    files = unpacked(packed_tree(rows, largest=20_000))
    assert len(packed_tree(rows, largest=20_000)) <= 20_000 < len(packed_tree(rows))
    for fate in Fate:
        assert sum(one[5] for one in files.values() if one[2] == fate) == sum(one.fate is fate for one in rows)
        assert sum(one[0] for one in files.values() if one[2] == fate) == sum(r.before for r in rows if r.fate is fate)


def test_a_page_of_50_000_files_is_under_a_megabyte():
    assert len(page(content(tuple(many(50_000)))).encode()) < 1_000_000


def test_nothing_is_loaded_and_only_the_scripts_of_the_page_run():
    text = page(content())
    elements = Elements(text)
    policy = next(attrs["content"] for tag, attrs in elements.found if "http-equiv" in attrs)
    allowed = set(re.findall(r"'(sha256-[^']+)'", policy))
    assert policy.startswith("default-src 'none'")
    own = {f"sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}" for one in elements.scripts[1:]}
    assert len(own) == 2
    assert own == allowed
    assert not [attrs for _, attrs in elements.found if attrs.keys() & {"src", "href"}]
    assert "Permission to use, copy, modify" in text


@pytest.mark.parametrize("name", HOSTILE)
def test_names_and_warnings_are_only_ever_text(name):
    plain = content()
    hostile = replace(
        plain,
        report=replace(plain.report, warnings=(name,), steps=(replace(plain.report.steps[0], name=name),)),
        suggestions=(replace(plain.suggestions[0], what=name, how=name),),
        since=since(name),
        command=name,
    )
    same = replace(plain, report=replace(plain.report, steps=plain.report.steps[:1]))
    tags = [(tag, sorted(attrs)) for tag, attrs in Elements(page(hostile)).found]
    assert tags == [(tag, sorted(attrs)) for tag, attrs in Elements(page(same)).found]


def test_the_headline_tells_what_was_gained():
    text = page(content())
    assert "6.3 MB" in text.partition("Zipped")[0]
    assert "was 20.9 MB" in text
    assert f"{MINUS}70 %" in text
    assert "was 1.31 s" in text
    assert "2.8 times as fast" in text
    assert "about 1 new file in every 40 cold starts; at most 1 in 12 (95 % sure)" in text


def test_what_is_not_known_is_said():
    plain = content()
    unknown = replace(
        plain.report, before=replace(plain.report.before, init_ms=None), after=replace(plain.report.after, init_ms=None)
    )
    text = page(replace(plain, report=unknown, files=(), discovery=None, suggestions=(), since=None))
    assert "The log holds no cold start yet" in text
    assert "Nothing stands out" in text


def test_round_numbers_for_an_axis():
    assert ticks(0, 48) == [0, 10, 20, 30, 40]
    assert ticks(79, 103) == [80, 85, 90, 95, 100]
    assert ticks(0, 1) == [0, 1]


def test_a_file_of_no_distribution_is_the_functions_own():
    assert ("your function", "app.py") in unpacked(packed_tree([row("app.py")]))


def test_the_comment_has_the_same_figures_and_stays_text():
    hostile = "<img src=x onerror=a()> | `b` [c](d)\n# e @team #1"
    plain = content()
    text = comment(replace(plain, report=replace(plain.report, warnings=(hostile,)), since=since(hostile)))
    for figure in ("20.9 MB | 6.3 MB | -70 %", "1.31 s | 460 ms | 2.8 times as fast", "1 missing file", "1 in 12"):
        assert figure in text
    lines = [line for line in text.splitlines() if "onerror" in line]
    assert len(lines) == 3
    for line in lines:
        assert not re.search(r"(?<!\\)[<>|`\[\]#@]", line.removeprefix("- "))
