"""Of what there must be evidence before a whitelist is made of it."""

import pytest

from deployer.errors import NotEnoughEvidenceError
from deployer.models.evidence import Evidence
from deployer.sources.reader import enough
from tests.unit.test_before import STATE


def test_a_function_that_never_started_tells_nothing_of_what_it_needs() -> None:
    with pytest.raises(NotEnoughEvidenceError, match="start alone"):
        enough(Evidence("a" * 16, {}, sandboxes=2), STATE, 1)
    enough(Evidence("a" * 16, {}, sandboxes=2, invocations=1), STATE, 1)
