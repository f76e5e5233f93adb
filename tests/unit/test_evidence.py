import json

import pytest

from deployer.errors import WorkspaceError
from deployer.evidence import Tally, from_json, gather, merge, to_json
from deployer.evidence.coverage import estimate
from deployer.models.evidence import Evidence, LineCount, LogEvent, Phase, Touch
from probe_layer.guard.line import fault_line
from probe_layer.record import Record, encode
from tests.unit.old_lines import old_line

LABEL = "0123456789abcdef"
OTHER_LABEL = "fedcba9876543210"
OPENED = frozenset({Touch.OPENED})
OPENED_AND_LOOKED = frozenset({Touch.OPENED, Touch.LOOKED})


def record(sandbox: str = "a" * 16, line: int = 0, **fields: object) -> Record:
    ordinary = Record(
        timestamp="2025-01-31T12:00:00.000Z",
        level="INFO",
        sandbox=sandbox,
        line=line,
        package=LABEL,
        phase="start",
        request=None,
        invocations=0,
        witnesses=["inotify", "shim"],
        faults=[],
        touched={},
    )
    return ordinary._replace(**fields)  # type: ignore[arg-type]


def events(*messages: str | Record) -> list[LogEvent]:
    """One event for each text or record, a second apart."""
    texts = [message if isinstance(message, str) else encode(message)[0] for message in messages]
    return [LogEvent(f"event {number}", 1_000 * number, text) for number, text in enumerate(texts)]


def read(*messages: str | Record) -> Evidence:
    return gather(events(*messages), LABEL)


# -- a sample of the sandboxes -----------------------------------------------------------------------------------


def test_each_sandbox_that_was_drawn_to_report_stands_for_one_over_the_share_of_all() -> None:
    found = read(record("a", share=0.1), record("a", 1, share=0.1), record("b", share=0.5), record("c"))
    assert (found.sandboxes, found.population) == (3, 10 + 2 + 1)


def test_samples_of_different_shares_are_merged_by_what_they_stand_for() -> None:
    one, other = read(record("a", share=0.1)), read(record("b", share=0.25))
    assert merge(one, other).population == 14
    assert from_json(to_json(merge(one, other))).population == 14


# -- records and their paths -----------------------------------------------------------------------------------


def test_a_path_is_known_by_its_touches_its_first_moment_and_its_sandboxes() -> None:
    found = read(
        record("a", touched={"opened": ["app.py"], "looked": ["data/x.xsd"]}),
        record("b", touched={"opened": ["app.py"]}),
        record("a", 1, phase="invoke", request="request 1", touched={"opened": ["data/x.xsd"]}),
    )
    app, data = found.paths["app.py"], found.paths["data/x.xsd"]
    assert (app.touches, app.sandboxes, app.sandbox) == (OPENED, 2, "a")
    assert (data.touches, data.sandboxes, data.phase) == (OPENED_AND_LOOKED, 1, Phase.START)
    assert (data.first_seen, data.request) == ("1970-01-01T00:00:00.000Z", None)


def test_the_earliest_touch_is_the_first_in_whatever_order_events_come() -> None:
    late = record("b", phase="start", touched={"opened": ["app.py"]})
    early = record("a", phase="invoke", request="request 1", touched={"opened": ["app.py"]})
    found = gather([LogEvent("2", 2_500, encode(late)[0]), LogEvent("1", 1_500, encode(early)[0])], LABEL)
    first = found.paths["app.py"]
    assert (first.first_seen, first.sandbox) == ("1970-01-01T00:00:01.500Z", "a")
    assert (first.phase, first.request) == (Phase.INVOKE, "request 1")
    assert (found.since, found.until) == ("1970-01-01T00:00:01.500Z", "1970-01-01T00:00:02.500Z")


def test_sandboxes_are_counted_by_their_first_lines() -> None:
    found = read(record("a"), record("a", 1), record("b"), record("b", 1), record("b", 2, invocations=7))
    assert (found.sandboxes, found.invocations) == (2, 7)


def test_a_sandbox_that_began_before_the_log_still_counts_for_its_paths() -> None:
    found = read(record("a", 5, touched={"opened": ["late.py"]}))
    assert (found.sandboxes, found.paths["late.py"].sandboxes) == (1, 1)


def test_one_sandbox_that_touches_a_path_in_several_ways_is_one_sandbox() -> None:
    kinds = ("looked", "opened", "executed", "listed")
    found = read(*(record("a", line, touched={kind: ["bin/tool"]}) for line, kind in enumerate(kinds)))
    assert found.paths["bin/tool"].sandboxes == 1


def test_sandboxes_that_touch_a_path_in_different_ways_are_told_apart() -> None:
    found = read(record("a", touched={"looked": ["x"]}), record("b", touched={"opened": ["x"]}))
    assert found.paths["x"].sandboxes == 2


def test_a_path_has_every_witness_that_saw_it_and_a_module_that_asked() -> None:
    found = read(
        record("a", touched={"opened": ["app.py"], "loaded@maps": ["lib.so"]}, imported={"z": ["app.py"]}),
        record("b", touched={"opened@shim": ["app.py"]}, imported={"b": ["app.py", "not touched"], "\n": ["app.py"]}),
    )
    app, library = found.paths["app.py"], found.paths["lib.so"]
    assert (app.touches, app.sandboxes) == (OPENED, 2)
    assert (sorted(app.witnesses), app.imported_by) == (["audit", "inotify", "shim"], "b")
    assert (list(library.touches), list(library.witnesses), library.imported_by) == ([Touch.LOADED], ["maps"], "")
    assert "not touched" not in found.paths


def test_evidence_from_before_witnesses_were_told_apart_is_read() -> None:
    found = read(record("a", touched={"opened": ["app.py"]}))
    fields = json.loads(to_json(found))
    for name in ("witnesses", "imported_by"):
        del fields["paths"]["app.py"][name]
    seen = from_json(json.dumps(fields)).paths["app.py"]
    assert (seen.witnesses, seen.imported_by) == (frozenset(), "")


def test_what_only_a_newer_probe_knows_is_kept_as_opened() -> None:
    found = read(record(phase="thaw", touched={"mapped": ["lib.so"]}))
    assert (found.paths["lib.so"].touches, found.paths["lib.so"].phase) == (OPENED, Phase.IDLE)


def test_paths_are_normalised() -> None:
    written = ["./a//b.py", "a/b.py", "a/b.py/", "/opt//python/c.py", "//opt/python/c.py", "."]
    assert set(read(record(touched={"opened": written})).paths) == {"a/b.py", "/opt/python/c.py", "."}


def test_names_that_are_not_utf_8_survive() -> None:
    path = b"caf\xe9.txt".decode(errors="surrogateescape")
    found = read(record(touched={"opened": [path]}))
    assert path in from_json(to_json(found)).paths


@pytest.mark.parametrize("path", ["../x", "a/../../x", "a\0b", "x" * 4097, "\ud800"])
def test_a_path_that_no_probe_writes_is_left_out_and_its_line_does_not_fit(path: str) -> None:
    found = read(record(touched={"opened": ["app.py", path]}))
    assert set(found.paths) == {"app.py"}
    assert (found.lines.records, found.lines.cut, found.lines.misfit) == (0, 0, 1)


# -- lines -----------------------------------------------------------------------------------------------------


def test_each_line_is_counted_as_what_it_is() -> None:
    whole = encode(record(touched={"opened": ["app.py"]}))[0]
    found = read(whole, "START RequestId: 1", whole[:-5], record("b", package=OTHER_LABEL, touched={"opened": ["x"]}))
    lines = found.lines
    assert (lines.records, lines.foreign, lines.cut, lines.other_package, lines.doubled) == (1, 1, 1, 1, 0)
    assert set(found.paths) == {"app.py"}


def test_an_event_that_is_delivered_twice_counts_once() -> None:
    once = events(record("a", invocations=1, touched={"opened": ["app.py"]}), record("b"))
    found = gather([*once, *once], LABEL)
    assert (found.lines.records, found.lines.doubled) == (2, 2)
    assert (found.sandboxes, found.invocations, found.paths["app.py"].sandboxes) == (2, 1, 1)


def test_a_double_that_comes_a_page_later_is_still_known() -> None:
    twice = events(record("a"))
    between = (LogEvent(f"other {number}", 1, "text") for number in range(10_000))
    assert gather([*twice, *between, *twice], LABEL).lines.doubled == 1


def test_a_gap_in_a_sandboxs_numbers_is_a_lost_line() -> None:
    assert read(record("a"), record("a", 3), record("b", 4), record("b", 5)).lines.lost == 2


def test_a_sandbox_that_lives_on_is_followed_past_many_short_lived_ones() -> None:
    template = encode(record("z" * 16))[0]
    others = [template.replace("z" * 16, f"{number:016}") for number in range(30_000)]
    found = read(record("a"), *others[:15_000], record("a", 1), *others[15_000:], record("a", 3))
    assert (found.lines.lost, found.sandboxes) == (1, 30_001)


def test_lines_that_come_in_another_order_are_not_lost() -> None:
    assert read(record("a", 2), record("a"), record("a", 1)).lines.lost == 0


def test_several_records_in_one_event_are_all_read() -> None:
    first, second = (encode(record(name, touched={"opened": [f"{name}.py"]}))[0] for name in "ab")
    found = read(f"text {first[:-9]}{second} more {first}")
    assert set(found.paths) == {"a.py", "b.py"}
    assert (found.lines.records, found.lines.cut) == (2, 1)


def test_faults_are_counted_by_name_and_record() -> None:
    found = read(record("a", faults=["overflow", "overflow"]), record("b", faults=["no shim", "overflow"]))
    assert found.faults == {"no shim": 1, "overflow": 2}


def test_a_count_that_no_probe_writes_does_not_fit() -> None:
    found = read(record(invocations=10**20), record(line=-1))
    assert (found.lines.cut, found.lines.misfit, found.invocations) == (0, 2, 0)


def test_an_empty_log_is_empty_evidence() -> None:
    assert gather([], LABEL) == Evidence(LABEL, {})


def test_records_of_the_first_version_tell_the_same() -> None:
    written = [record("a", touched={"opened": ["app.py"]}, share=0.5), record("a", 1, invocations=1, faults=["x"])]
    assert read(*map(old_line, written)) == read(*written)


# -- lines that only look like ours ------------------------------------------------------------------------------


FORGED = [
    '{"record":"ldeploy/1","timestamp":"2',
    '{"record":"ldeploy/2"}',
    '{"record":"ldeploy/2","package":"',
    '{"record":"ldeploy/2","package":"0123456789abcdefg","sandbox"',
    encode(record(share=5e-324))[0],
    encode(record(share=0.5))[0].replace("0.5", "1e400"),
    encode(record(line=10**30))[0],
    encode(record(sandbox="a" * 10_000))[0],
    encode(record(faults=["a\n" * 1_000]))[0],
    encode(record(faults=["f"] * 1_000))[0],
    encode(record(request="r" * 100_000))[0],
    old_line(record(share=5e-324, touched={"opened": ["app.py"]})),
]


@pytest.mark.parametrize("forged", FORGED)
def test_a_line_that_does_not_fit_is_counted_and_counts_for_nothing(forged: str) -> None:
    found = read(record("b", touched={"opened": ["app.py"]}), forged)
    assert found.lines == LineCount(records=1, misfit=1)
    assert (found.sandboxes, found.population, found.invocations, found.faults) == (1, 1, 0, {})
    assert estimate(found).sandboxes == 1


def test_lines_that_do_not_know_the_deployments_nonce_are_no_sandboxes() -> None:
    forged = [encode(record(f"{n:016}", package=LABEL))[0] for n in range(250)]
    found = gather(events(*forged, record(package=f"{LABEL}-nonce", touched={"opened": ["a"]})), f"{LABEL}-nonce")
    assert (found.sandboxes, found.lines) == (1, LineCount(records=1, other_package=250))


def test_one_log_stream_is_one_sandbox_whatever_its_lines_say() -> None:
    lines = [encode(record(f"{n:016}", invocations=9, touched={"opened": [f"{n % 2}"]}))[0] for n in range(250)]
    found = gather([LogEvent(f"event {n}", n, line, "one stream") for n, line in enumerate(lines)], LABEL)
    assert (found.sandboxes, found.invocations, found.population) == (1, 9, 1)
    assert found.lines == LineCount(records=1, misfit=249)
    assert {path: seen.sandboxes for path, seen in found.paths.items()} == {"0": 1, "1": 1}


def test_a_sandbox_that_starts_again_and_again_is_one() -> None:
    lines = [encode(record("a", touched={"opened": ["x"]}))[0]] * 250
    found = gather([LogEvent(f"event {n}", n, line, "one stream") for n, line in enumerate(lines)], LABEL)
    assert (found.sandboxes, found.population) == (1, 1)
    assert found.paths["x"].sandboxes == 1


def test_evidence_that_an_endless_population_got_into_is_read() -> None:
    written = to_json(read(record("a"), record("b"))).replace('"population": 2.0', '"population": Infinity')
    assert "Infinity" in written
    assert estimate(from_json(written)).population == 2


# -- merging and keeping ---------------------------------------------------------------------------------------


def test_evidence_is_added_to_what_was_known() -> None:
    known = read(record("a", invocations=1, faults=["overflow"], touched={"opened": ["x"]}))
    found = gather(events(record("b", invocations=2, touched={"looked": ["x", "y"]})), LABEL, onto=known)
    assert (found.sandboxes, found.invocations, found.lines.records) == (2, 3, 2)
    assert (found.paths["x"].sandboxes, found.paths["x"].touches) == (2, OPENED_AND_LOOKED)
    assert found.faults == {"overflow": 1}


def test_a_sandbox_that_lives_on_into_the_next_log_stays_one() -> None:
    known = read(record("a", touched={"looked": ["x"]}))
    found = gather(events(record("a", 1, touched={"opened": ["x"]})), LABEL, onto=known)
    assert found.paths["x"].sandboxes == 1


def test_evidence_of_two_packages_is_not_mixed() -> None:
    with pytest.raises(ValueError, match=OTHER_LABEL):
        merge(Evidence(LABEL, {}), Evidence(OTHER_LABEL, {}))


KEPT = to_json(read(record(touched={"opened": ["app.py"]}, faults=["overflow"])))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        KEPT[:-9],
        KEPT.replace('"sandboxes": 1', '"sandboxes": "1"'),
        KEPT.replace('"opened"', '"wished"'),
        KEPT.replace('"overflow": 1', '"overflow": -1'),
        KEPT.replace('"records"', '"recods"'),
        KEPT.replace('"first_seen"', '"last_seen"'),
        KEPT.replace('"request": null', '"request": 1'),
        "[" * 100_000,
    ],
)
def test_broken_evidence_is_said_to_be_broken(text: str) -> None:
    with pytest.raises(WorkspaceError, match="broken") as raised:
        from_json(text)
    assert "--from-logs" in raised.value.advice


def test_evidence_of_another_version_is_said_to_be_so() -> None:
    with pytest.raises(WorkspaceError, match="version 2") as raised:
        from_json(KEPT.replace('"version": 1', '"version": 2'))
    assert raised.value.advice


def test_the_same_evidence_is_the_same_text() -> None:
    log = events(record("a", touched={"opened": ["b", "a"]}), record("b", touched={"opened": ["a"], "looked": ["b"]}))
    assert to_json(gather(log, LABEL)) == to_json(gather(reversed(log), LABEL))


# -- the guard -------------------------------------------------------------------------------------------------------


def miss(path: str, ask: str = "stat", **fields) -> str:
    said = {"record": "ldeploy-guard/1", "timestamp": "t", "package": LABEL, "sandbox": "ab" * 8, "miss": path}
    return json.dumps({**said, "ask": ask, "how": "fetched", "bytes": 1, "ms": 2, **fields}, separators=(",", ":"))


def test_what_a_guard_was_asked_for_is_evidence():
    asked = {"stat": Touch.OPENED, "list": Touch.LISTED, "exec": Touch.EXECUTED, "dlopen": Touch.LOADED}
    tally = Tally(LABEL)
    for number, ask in enumerate([*asked, "open"]):
        tally.read(LogEvent(str(number), number, "printed before" + miss(f"part/{ask}.py", ask)))
    paths = tally.evidence().paths
    assert {path: set(seen.touches) for path, seen in paths.items()} == {
        **{f"part/{ask}.py": {touch} for ask, touch in asked.items()},
        "part/open.py": {Touch.READ},
    }
    assert {seen.witnesses for seen in paths.values()} == {frozenset({"guard"})}


def test_a_guards_faults_count_and_lines_of_other_packages_do_not():
    tally = Tally(LABEL)
    tally.read(LogEvent("0", 0, fault_line(LABEL, "ab" * 8, "guard-denied", "why")))
    tally.read(LogEvent("1", 0, miss("a.py", package="f" * 16)))
    tally.read(LogEvent("2", 0, miss("../a.py")))
    tally.read(LogEvent("3", 0, miss("a.py")[:-20]))
    evidence = tally.evidence()
    assert (evidence.faults, dict(evidence.paths)) == ({"guard-denied": 1}, {})
    assert (evidence.lines.records, evidence.lines.other_package, evidence.lines.foreign) == (1, 1, 0)
