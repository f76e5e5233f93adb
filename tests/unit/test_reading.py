"""Of what there must be evidence before a whitelist is made of it."""

import pytest

from deployer.errors import NotEnoughEvidenceError
from deployer.models.evidence import Evidence, LineCount
from deployer.sources.reader import enough
from tests.unit.test_before import STATE


def test_a_function_that_never_started_tells_nothing_of_what_it_needs() -> None:
    with pytest.raises(NotEnoughEvidenceError, match="start alone"):
        enough(Evidence("a" * 16, {}, sandboxes=2), STATE, 1)
    enough(Evidence("a" * 16, {}, sandboxes=2, invocations=1), STATE, 1)


@pytest.mark.parametrize("lines", [LineCount(lost=1), LineCount(cut=1), LineCount(cut=1, lost=1)])
def test_where_records_are_lost_few_sandboxes_are_not_enough(lines: LineCount) -> None:
    few, many = (Evidence("a" * 16, {}, sandboxes=count, invocations=1, lines=lines) for count in (10, 11))
    with pytest.raises(NotEnoughEvidenceError, match="without a gap") as raised:
        enough(few, STATE, 1)
    assert "--allow-lost" in raised.value.advice
    enough(few, STATE, 1, allow_lost=True)
    enough(many, STATE, 1)


def test_lines_that_do_not_fit_stop_nothing() -> None:
    enough(Evidence("a" * 16, {}, sandboxes=1, invocations=1, lines=LineCount(misfit=250)), STATE, 1)
