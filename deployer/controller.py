"""ldeploy as a Lambda function: shrinks probed functions with a tag when their logs tell enough (``template.yaml``).

Run on a schedule or by hand, with ``{"functions": ["name"]}`` for some of them. It never probes, never works on a
function that another run of it works on, and leaves functions with a production alias alone.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from deployer import pipeline
from deployer.aws import Aws, open_aws
from deployer.aws.tagged import Tagged, open_tagged
from deployer.context import Context
from deployer.deploy.executor import Executor
from deployer.errors import BusyError, LdeployError, NotEnoughEvidenceError, WorkspaceError
from deployer.evidence.coverage import estimate
from deployer.flow.models import ShrinkRequest
from deployer.models.settings import Settings
from deployer.models.whitelist import Rules
from deployer.notices import Advance
from deployer.sources.reader import Window, open_reader
from deployer.state.lease import leased
from deployer.state.stages import Stage
from deployer.state.workspace import Workspace

ENOUGH_MS: Final = 240_000
"""With less time left no other function is begun: one of 250 MB takes about a minute."""


@dataclass(frozen=True)
class Wanted:
    """How the controller was deployed."""

    bucket: str
    tag: tuple[str, str]
    min_sandboxes: int
    max_risk: float
    """The upper bound of the chance that the next cold sandbox touches a file not seen yet."""
    production: frozenset[str]
    """Names of aliases."""
    keep: tuple[str, ...]
    """Rules, as of ``--keep``: what the functions need and no traffic has shown."""
    topic: str


@dataclass(frozen=True)
class Tended:
    """What became of one function."""

    function: str
    state: str
    """``deployed``, ``over_limit``, ``waiting``, ``idle``, ``production``, ``busy``, ``later`` or ``failed``."""
    why: str = ""
    sandboxes: int = 0
    risk: float = 1.0
    before: int = 0
    """Bytes, unzipped."""
    after: int = 0


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry: a row for each function, in its answer, its log and the topic."""
    wanted, aws, tagged = wanted_of(os.environ), open_aws(None, None, None), open_tagged()
    done: list[Tended] = []
    names = tagged.names(*wanted.tag)
    for name in event.get("functions") or names:
        if name not in names:  # who may invoke the controller may not thereby change any function
            done.append(Tended(name, "failed", f"it does not have the tag {'='.join(wanted.tag)}"))
        elif context.get_remaining_time_in_millis() < ENOUGH_MS:
            done.append(Tended(name, "later", "no time is left in this run"))
        else:
            done.append(tend(aws, tagged, wanted, name))
    summary = {"functions": [asdict(one) for one in done]}
    print(json.dumps(summary))  # noqa: T201 - the function's log
    news = [f"{one.function}: {one.state}" for one in done if one.state in {"deployed", "over_limit", "failed"}]
    if wanted.topic and news:
        tagged.publish(wanted.topic, f"ldeploy: {', '.join(news)}", json.dumps(summary, indent=1))
    return summary


def wanted_of(variables: Mapping[str, str]) -> Wanted:
    """What the template put into the environment."""
    key, _, value = variables["LDEPLOY_TAG"].partition("=")
    return Wanted(
        variables["LDEPLOY_BUCKET"],
        (key, value),
        int(variables["LDEPLOY_MIN_SANDBOXES"]),
        float(variables["LDEPLOY_MAX_RISK"]),
        frozenset(filter(None, variables["LDEPLOY_PRODUCTION"].split(","))),
        tuple(variables.get("LDEPLOY_KEEP", "").split()),
        variables.get("LDEPLOY_TOPIC", ""),
    )


def tend(aws: Aws, tagged: Tagged, wanted: Wanted, name: str) -> Tended:
    """One function; whatever goes wrong with it is said, and is no trouble for the others."""
    try:
        with leased(aws.storage, wanted.bucket, name):
            if named := wanted.production & tagged.aliases(name):
                return Tended(name, "production", f"it has the alias {min(named)}")
            with TemporaryDirectory() as folder:
                workspace = Workspace(name, Path(folder), aws.storage, wanted.bucket)
                return _shrink(Context(aws, workspace, Log(), _now), wanted, name)
    except NotEnoughEvidenceError as error:
        return Tended(name, "waiting", str(error))
    except BusyError as error:
        return Tended(name, "busy", str(error))
    except LdeployError as error:
        return Tended(name, "failed", str(error))
    except Exception as error:
        return Tended(name, "failed", f"ldeploy itself is at fault ({type(error).__name__}: {error})")


def _shrink(context: Context, wanted: Wanted, name: str) -> Tended:
    state = pipeline.current_state(context, context.aws.functions.get(name))
    if state is None:
        raise WorkspaceError(f"{name} has the tag and was never probed.", f"Run ldeploy probe {name}.")
    if state.stage not in {Stage.PROBED, Stage.SHRINKING}:  # a shrink that was cut off is gone on with
        return Tended(name, "idle", f"it is {state.stage}")
    evidence = open_reader(context, "events").read(state, Window(), context.now(), keep=True)
    risk = estimate(evidence).upper_bound
    if evidence.sandboxes < wanted.min_sandboxes or risk > wanted.max_risk:
        why = f"wants {wanted.min_sandboxes} sandboxes and a risk of at most {wanted.max_risk:g}"
        return Tended(name, "waiting", why, evidence.sandboxes, risk)
    request = ShrinkRequest(name, Rules(wanted.keep), Window(), wanted.min_sandboxes, None, Settings(), "events")
    report = pipeline.shrink(context, Executor(lambda steps: True, lease=False), request)  # noqa: ARG005
    why = " ".join(report.warnings)
    return Tended(name, report.state, why, evidence.sandboxes, risk, report.before.bytes, report.after.bytes)


def _now() -> int:
    return time.time_ns() // 1_000_000


class Log:
    """Notices in the controller's own log."""

    def say(self, text: str) -> None:
        """One sentence on what is being done."""
        print(text)  # noqa: T201

    def change(self, line: str) -> None:
        """One line on what was changed."""
        print(line)  # noqa: T201

    def step(self, text: str) -> None:
        """One step inside a plan."""
        print(text)  # noqa: T201

    def warn(self, text: str) -> None:
        """One sentence on what the user should know."""
        print(f"warning: {text}")  # noqa: T201

    @contextmanager
    def bar(self, title: str, total: int | None, unit: str = "bytes") -> Iterator[Advance]:  # noqa: ARG002
        """Its title."""
        print(title)  # noqa: T201
        yield lambda done: None  # noqa: ARG005
