"""What is told of an event that was sent: from Lambda's answer and the end of its log."""

import json

import pytest

from deployer.errors import LdeployError
from deployer.report.sent import check_some_answered, read_sent, sent_lines, tally

START = "START RequestId: r Version: $LATEST\n"
REPORT = "REPORT RequestId: r\tDuration: 12.50 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\t"
COLD = f"{START}END RequestId: r\n{REPORT}Init Duration: 1310.00 ms\t\n"
PROBE = '{"record":"ldeploy/2","package":"a1b2"}\n'


def failed(log, **fields):
    return read_sent("a.json", 1, json.dumps(fields).encode(), True, log)


def test_durations_and_cold_or_warm_are_those_of_the_report_line():
    cold = read_sent("a.json", 1, b'{"ok": 1}', False, COLD)
    assert (cold.cold, cold.init_ms, cold.duration_ms, cold.answer) == (True, 1310.0, 12.5, '{"ok": 1}')
    warm = read_sent("a.json", 1, b"1", False, COLD.replace("Init Duration: 1310.00 ms\t", ""))
    assert (warm.cold, warm.init_ms, warm.duration_ms) == (False, None, 12.5)


def test_durations_of_a_json_log_are_read_too():
    record = {"requestId": "r", "metrics": {"durationMs": 3.5, "initDurationMs": 200.0}, "status": "success"}
    line = json.dumps({"time": "t", "type": "platform.report", "record": record})
    sent = read_sent("a.json", 1, b"1", False, line)
    assert (sent.duration_ms, sent.init_ms) == (3.5, 200.0)


def test_a_failure_shows_lambdas_error_and_the_functions_own_last_lines():
    log = f"{START}{PROBE}one\n[ERROR] ValueError: no\rTraceback\r  File x\r\nEND RequestId: r\n{REPORT}\n"
    sent = failed(log, errorType="ValueError", errorMessage="no", stackTrace=["  File x\n"])
    assert (sent.error_type, sent.error, sent.answer) == ("ValueError", "no", "")
    assert sent.log == ("one", "[ERROR] ValueError: no", "Traceback", "  File x")


def test_where_the_probe_fills_the_log_the_stack_trace_is_shown():
    log = '"lib/a.py":"o",' * 400 + "\n" + PROBE + REPORT
    sent = failed(log, errorType="E", errorMessage="m", stackTrace=['  File "/var/task/app.py", line 1\n', "  x\n"])
    assert sent.log == ('  File "/var/task/app.py", line 1', "  x")


@pytest.mark.parametrize("payload", [b"", b"not JSON", b"[1]", b'"text"'])
def test_an_error_of_any_form_is_told(payload):
    sent = read_sent("a.json", 1, payload, True, "")
    assert sent.failed
    assert sent.error_type == "Unknown"


def test_the_table_fits_eighty_columns_and_says_why_an_event_failed():
    sent = [
        read_sent("a.json", 1, b'{"long": "' + b"x" * 200 + b'"}', False, COLD),
        failed(COLD, errorType="ValueError", errorMessage="no\nway"),
    ]
    sent.append(read_sent("an-event-with-a-very-long-name.of-a-test.json", 2, b"y" * 200, False, COLD))
    lines = list(sent_lines(sent, answers=True))
    assert all(len(line) <= 80 for line in lines)
    assert "cold 1.31 s" in lines[0]
    assert lines[2] == "      failed: ValueError: no way"
    assert [line for line in sent_lines(sent, answers=False) if "xxx" in line] == []
    assert tally(sent) == "3 events sent, 1 failed, 3 cold starts"


def test_only_where_every_event_failed_is_there_nothing_to_learn():
    good, bad = read_sent("a.json", 1, b"1", False, ""), failed("", errorType="E", errorMessage="m")
    check_some_answered([good, bad])
    with pytest.raises(LdeployError, match="E: m"):
        check_some_answered([bad, bad])


def test_the_same_failure_in_several_rounds_is_told_once_with_its_count():
    sent = [read_sent("a.json", number, b'{"errorType": "E", "errorMessage": "m"}', True, COLD) for number in (1, 2, 3)]
    lines = list(sent_lines(sent, answers=False))
    assert [line for line in lines if "failed: E: m" in line] == ["      failed: E: m"]
    assert lines[-1] == "    a.json failed so 3 times (E)"
