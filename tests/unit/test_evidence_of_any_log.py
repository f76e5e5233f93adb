"""Any log at all: records in any order, doubled, cut, with other text around them."""

import json
import random
from collections import Counter
from dataclasses import replace
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from deployer.evidence import from_json, gather, merge, to_json
from deployer.evidence.collector import names_package
from deployer.models.evidence import Evidence, LogEvent, Touch
from probe_layer.record import HEAD, Record, encode

LABEL = "0123456789abcdef"
EMPTY = Record("2025-01-31T12:00:00.000Z", "INFO", "", 0, LABEL, "start", None, 1, ["inotify"], [], {})
Sandbox = list[tuple[str, str, int]]
"""What a sandbox touches: the kind of touch, the path, and the report in which it stands; each once for each kind."""

NAMES = st.binary(min_size=1, max_size=6).map(lambda name: name.decode(errors="surrogateescape"))
PATHS = st.lists(NAMES.filter(lambda name: not {"/", "\0", "."} & set(name)), min_size=1, max_size=2).map("/".join)
KINDS = st.sampled_from([*Touch, "mapped", "opened@inotify", "opened@maps+shim", "listed@shim", "loaded@maps"])
TOUCH = st.tuples(KINDS, PATHS | st.just("app.py"), st.integers(0, 2))
SANDBOXES = st.lists(
    st.lists(TOUCH, max_size=12, unique_by=lambda touch: (touch[0].partition("@")[0], touch[1])), max_size=4
)
AROUND = st.text(max_size=8)


def events(*texts: str) -> list[LogEvent]:
    return [LogEvent(f"event {number}", 1_000 * number, text) for number, text in enumerate(texts)]


def lines_of(sandboxes: list[Sandbox], limit: int) -> list[str]:
    """What these sandboxes write: each three reports, of a line or more."""
    lines: list[str] = []
    for number, touches in enumerate(sandboxes):
        written = 0
        for report in range(3):
            touched: dict[str, list[str]] = {}
            for kind, path, _ in (touch for touch in touches if touch[2] == report):
                touched.setdefault(kind, []).append(path)
            imported = {f"m{path[0]}": [path] for paths in touched.values() for path in paths}
            record = EMPTY._replace(sandbox=f"{number:016}", line=written, touched=touched, imported=imported)
            part = encode(record, limit)
            written += len(part)
            lines += part
    return lines


def holders(sandboxes: list[Sandbox]) -> dict[str, int]:
    """Each path and how many sandboxes touch it."""
    return Counter(path for touches in sandboxes for path in {path for _, path, _ in touches})


@given(SANDBOXES, st.integers(1_010, 1_200), AROUND, AROUND, st.randoms(use_true_random=False))
def test_every_path_of_every_whole_line_is_found_in_any_log(
    sandboxes: list[Sandbox], limit: int, before: str, behind: str, chance: random.Random
) -> None:
    lines = lines_of(sandboxes, limit)
    cut = [line[: chance.randrange(len(HEAD), len(line))] for line in lines]
    log = events(*(before + line + behind for line in lines), *cut, *(["foreign"] * 3))
    doubled = chance.sample(log, len(log) // 2)
    shuffled = chance.sample([*log, *doubled], len(log) + len(doubled))
    found = gather(shuffled, LABEL)
    true = holders(sandboxes)
    assert found.paths.keys() == true.keys()
    assert all(min(2, true[path]) <= seen.sandboxes <= true[path] for path, seen in found.paths.items())
    assert found.sandboxes == len(sandboxes)
    counts = found.lines
    assert (counts.records, counts.foreign) == (len(lines), 3)
    assert counts.cut == sum(names_package(LABEL) in line for line in cut)
    assert counts.cut + counts.misfit == len(cut)
    assert (counts.doubled, counts.lost) == (len(doubled), 0)
    assert from_json(to_json(found)) == found


@given(st.text(), st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists))
def test_no_text_raises(text: str, anything: object) -> None:
    whole = json.loads(encode(EMPTY._replace(touched={"opened": ["app.py"]}))[0])
    broken = [json.dumps({**whole, name: anything}) for name in whole if name != "record"]
    found = gather(events(text, '{"record":"ldeploy/1"' + text, *broken), LABEL)
    lines = found.lines
    assert lines.records + lines.foreign + lines.cut + lines.other_package + lines.misfit == 2 + len(broken)


@given(SANDBOXES, st.integers(0, 99), st.integers(0, 99))
def test_a_log_read_in_parts_and_in_any_order_is_the_same_evidence(
    sandboxes: list[Sandbox], one: int, two: int
) -> None:
    log = events(*lines_of(sandboxes, 1_100))
    first, second = sorted((one % (len(log) + 1), two % (len(log) + 1)))
    parts = [gather(part, LABEL) for part in (log[:first], log[first:second], log[second:])]
    left = reduce(merge, parts)
    right = merge(parts[0], merge(parts[1], parts[2]))
    backwards = reduce(merge, reversed(parts))
    whole = gather(log, LABEL)
    assert without_counts(left) == without_counts(right) == without_counts(backwards) == without_counts(whole)


def without_counts(found: Evidence) -> Evidence:
    """All but how many sandboxes: one that lives on from part to part is counted by what each part shows."""
    paths = {path: replace(seen, sandboxes=0) for path, seen in found.paths.items()}
    return replace(found, paths=paths, sandboxes=0, lines=replace(found.lines, lost=0))


@given(SANDBOXES, SANDBOXES, SANDBOXES)
def test_logs_of_different_sandboxes_merge_to_the_same_counts_in_any_order(
    one: list[Sandbox], two: list[Sandbox], three: list[Sandbox]
) -> None:
    probes = (one, two, three)
    texts = [
        [line.replace("0000", name) for line in lines_of(probe, 1_100)]
        for name, probe in zip("abc", probes, strict=True)
    ]
    parts = [gather(events(*part), LABEL) for part in texts]
    left, right = reduce(merge, parts), merge(parts[2], merge(parts[1], parts[0]))
    assert left == right
    assert left.sandboxes == sum(map(len, probes))
