"""What is deployed, seen by its files alone: the full build or a slim one, the same or a later one."""

import pytest

from deployer.flow.recognise import compare
from deployer.models.package import Examined
from deployer.report.deployed import Deployed
from tests.unit.whitelists import chosen, evidence, package

KEPT = ("app.py", "m/a.py")
DROPPED = ("m/b.py", "m/c.py", "n/a.py", "n/b.py", "n/c.py")
WHITELIST = chosen(package(*KEPT, *DROPPED), evidence(*KEPT))


@pytest.mark.parametrize(
    ("there", "deployed"),
    [
        ((*KEPT, *DROPPED), Deployed.FULL_AGAIN),
        ((*KEPT, *DROPPED, "new.py"), Deployed.FULL_BUILD),
        (KEPT, Deployed.SLIM_AGAIN),
        ((*KEPT, "new.py"), Deployed.SLIM_BUILD),
        ((*KEPT, "new.py", "m/b.py", "m/c.py"), Deployed.SLIM_BUILD),  # m changed, and is kept whole
        (("other.py", "x.py"), Deployed.OTHER),
    ],
)
def test_what_is_deployed_is_known_by_its_files(there: tuple[str, ...], deployed: Deployed) -> None:
    assert compare(WHITELIST, Examined(package(*there))) is deployed
