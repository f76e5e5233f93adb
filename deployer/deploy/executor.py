"""Carry a plan out step by step, if the user agrees."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, assert_never

from deployer.aws import Aws
from deployer.aws.functions import Reply
from deployer.context import Context
from deployer.deploy import planner
from deployer.deploy.planner import Step, Steps
from deployer.deploy.recorded_events import read_events
from deployer.errors import CloudError, ConflictError, LdeployError, TrialFailedError
from deployer.instrumentation.configure import PROBE_LAYER
from deployer.instrumentation.layer_zip import LAYER_NAME, build_layer
from deployer.models.function import Configuration, Function, StoredZip
from deployer.state.lease import leased
from deployer.state.stages import Stage
from deployer.state.state import Answer, State

PART = 8 * 1024 * 1024
"""Bytes read at a time when the present code is copied."""
DONE = frozenset({Stage.PROBED, Stage.SHRUNK, Stage.RESTORED})
"""Stages that say that a command is done."""
_PASSING = frozenset({"requestId", "stackTrace"})
"""Of an error's fields, those that are others each time, or without sources."""


def _nothing(_: Step) -> None:
    pass


@dataclass(frozen=True)
class Executor:
    """Whether plans are carried out, and who hears of each step."""

    agreed: Callable[[Steps], bool]
    """Return whether the user wants these steps; never with ``--plan``."""
    after: Callable[[Step], Any] = _nothing
    """Called when a step is done."""
    lease: bool = True
    """Whether the function's lease is taken; not where the caller holds it."""

    def carry_out(self, context: Context, steps: Steps, found: Function | None) -> "Execution | None":
        """Carry the plan out if the user agrees; return None where only the plan was wanted.

        Raises:
            LdeployError: as ``execute`` and ``alone``.
        """
        if not self.agreed(steps):
            return None
        with self.alone(context, steps, found):
            return self.execute(Execution(context, found), steps)

    @contextmanager
    def alone(self, context: Context, steps: Steps, found: Function | None) -> Iterator[None]:
        """Hold the function's lease for the length of the block; what the plan was made of is still so then.

        Raises:
            BusyError: another command works on the function.
            ConflictError: the function, or its state, was changed since the plan was made.
        """
        states = [step.state for step in steps if isinstance(step, planner.SaveState)]
        storage, bucket = context.aws.storage, context.workspace.bucket or (states[0].bucket if states else "")
        name = context.workspace.function
        if not (self.lease and bucket and storage.has_bucket(bucket)):  # one that is made first holds no lease yet
            yield
            return
        with leased(storage, bucket, name):
            _check_unchanged(context, states, found)
            yield

    def execute(self, execution: "Execution", steps: Steps) -> "Execution":
        """Carry the plan out without asking.

        Raises:
            LdeployError: a step failed; the steps before it stay done, and the same command may be run again.
        """
        context = execution.context
        for step in steps:
            context.notices.say(f"{step}")
            execution.do(step)
            self.after(step)
        return execution


def _check_unchanged(context: Context, states: list[State], found: Function | None) -> None:
    known = context.workspace.state()
    now = context.aws.functions.find(found.name) if found else None
    changed = states and known and known.serial > states[0].serial
    if changed or (found and (now is None or now.revision != found.revision)):
        raise ConflictError(
            f"{context.workspace.function} was changed while this was planned.", "Run the same command again."
        )


@dataclass
class Execution:
    """One plan on its way: what is known of the function after the steps so far."""

    context: Context
    function: Function | None = None
    layers: dict[str, str] = field(default_factory=dict)
    """What stands for a layer in a plan -> the ARN that was published."""
    pruned: dict[str, str] = field(default_factory=dict)
    """A pruned layer's ARN -> that of the layer it was made of."""
    version: str = ""
    """The version that was published last."""
    answers: Mapping[str, Answer] | None = None
    logs: list[str] = field(default_factory=list)
    """Of the invocations of the version that was published: the end of each one's log."""

    def do(self, step: Step) -> None:  # noqa: PLR0912 - one line a kind of step
        """Carry one step out."""
        match step:
            case planner.MakeBucket(bucket):
                if not self._aws.storage.has_bucket(bucket):
                    self._aws.storage.make_bucket(bucket, self._aws.region)
            case planner.Upload(path, zipped):
                self._upload(path, zipped)
            case planner.KeepCode(name, zipped):
                self._keep_code(name, zipped)
            case planner.AttachPolicy(role, policy, document):
                self._aws.roles.attach(role, policy, document)
            case planner.DetachPolicy(role, policy):
                self._aws.roles.detach(role, policy)
            case planner.SaveState(state):
                self._save_state(state)
            case planner.Describe(inventory):
                self.context.workspace.describe(inventory)
            case planner.Create(name, configuration, zipped):
                self.function = self._aws.functions.create(name, configuration, zipped)
            case planner.PublishVersion(name, note):
                self._publish_version(name, note)
            case planner.PublishLayer():
                self.layers[PROBE_LAYER] = self._publish_layer()
            case planner.PublishPruned() as layer:
                self._publish_pruned(layer)
            case planner.UpdateCode(name, zipped, instead_of):
                self.function = self._update_code(name, zipped, instead_of)
            case planner.UpdateConfiguration(name, configuration, _):
                self.function = self._aws.functions.update_configuration(
                    self._found(name), self._with_layer(configuration)
                )
            case planner.Invoke(name, events):
                self.answers = self._invoke_all(name, events)
            case planner.Try(name, state, same_code):
                self._try(name, state, same_code=same_code)
            case _:
                assert_never(step)

    @property
    def _aws(self) -> Aws:
        return self.context.aws

    def _found(self, name: str) -> Function:
        """The function as the last step left it: the next update is refused if somebody else changed it since."""
        if self.function is None:
            self.function = self._aws.functions.get(name)
        return self.function

    def _upload(self, path: Path, zipped: StoredZip) -> None:
        """Upload a zip that is not there, or is there with other bytes."""
        if self._holds(zipped):
            return
        with self.context.notices.bar(f"uploading {path.name}", zipped.zip_bytes) as advance:
            self._aws.storage.upload(path, zipped.bucket, zipped.key, zipped.sha256, advance)

    def _holds(self, zipped: StoredZip) -> bool:
        """Return whether S3 holds the very bytes: by their SHA-256 or, of the user's own object, by its ETag."""
        storage = self._aws.storage
        found = storage.find(zipped.bucket, zipped.key)
        if found is None or found.size != zipped.zip_bytes:
            return False
        if zipped.etag and found.etag != zipped.etag:
            return bool(zipped.version)  # another version came on top of ours, which is still there
        return not zipped.sha256 or storage.sha256(zipped.bucket, zipped.key, found) == zipped.sha256

    def _keep_code(self, name: str, zipped: StoredZip, version: str = "$LATEST") -> None:
        """Copy what is deployed, or a version's code, to S3; check it by the hash that Lambda gives."""
        if self._holds(zipped):
            return
        url = self._aws.functions.code_url(name, version)
        source = self._aws.storage.url(url, zipped.zip_bytes, f"the code of {name}")
        digest = hashlib.sha256()
        with tempfile.NamedTemporaryFile(suffix=".zip") as kept:
            with self.context.notices.bar("keeping the present code", zipped.zip_bytes) as advance:
                for offset in range(0, zipped.zip_bytes, PART):
                    part = source.read(offset, min(PART, zipped.zip_bytes - offset))
                    digest.update(part)
                    kept.write(part)
                    advance(len(part))
            kept.flush()
            if digest.hexdigest() != zipped.sha256:
                raise ConflictError(f"The code of {name} was changed while it was copied.", "Run it again.")
            self._aws.storage.upload(Path(kept.name), zipped.bucket, zipped.key, zipped.sha256, lambda done: None)  # noqa: ARG005

    def _find_again(self, name: str, zipped: StoredZip) -> None:
        """Bring a zip that is gone from S3, or was replaced there, back from a published version of the function.

        Raises:
            ConflictError: no version holds it.
        """
        version = self._aws.functions.version_with(name, zipped.sha256) if zipped.sha256 else None
        if version is None:
            raise ConflictError(
                f"{zipped} was removed or replaced since, no version of {name} holds that code.",
                "Put the zip back, or run ldeploy probe or deploy with a package that you have.",
            )
        self.context.notices.warn(f"{zipped} was removed or replaced since: it is taken from version {version}.")
        self._keep_code(name, zipped, version)

    def _save_state(self, state: State) -> None:
        """Write the state; before it says that something is done, check that nobody changed the function meanwhile."""
        if state.stage in DONE and self.function:
            now = self._aws.functions.get(self.function.name)
            if (now.code_sha256, now.configuration) != (self.function.code_sha256, self.function.configuration):
                raise ConflictError(
                    f"Something else changed {now.name} meanwhile: it is not what this run made it.",
                    "Run ldeploy status to see what it is, then the same command again.",
                )
        self.context.workspace.save_state(self._sealed(state))

    def _sealed(self, state: State) -> State:
        """The state with what only became known on the way: Lambda's hash of the zip, and the answers."""
        packages = state.packages
        if not (packages.full.sha256 or packages.stub) and self.function and state.stage is Stage.PROBED:
            full = replace(packages.full, sha256=self.function.code_sha256)
            packages = replace(packages, full=full)
        arn = state.arn or (self.function.arn if self.function else "")
        answers = self.answers if self.answers is not None else state.recorded.answers
        recorded = replace(state.recorded, answers=answers)
        pruned = {**state.pruned, **self.pruned}
        return replace(state, packages=packages, arn=arn, pruned=pruned, recorded=recorded)

    def _publish_version(self, name: str, note: str) -> None:
        """Of what was found: a version gives the function a new RevisionId, which must not hide another's change."""
        found = self._found(name)
        self.version = self._aws.functions.publish_version(found, note)
        self.function = self._aws.functions.get(name)
        if replace(self.function, revision=found.revision) != found:
            raise ConflictError(f"Something else changed {name} meanwhile.", "Run the same command again.")

    def _publish_layer(self) -> str:
        content = build_layer()
        note = f"ldeploy probe {hashlib.sha256(content).hexdigest()}"
        return self._aws.functions.find_layer(LAYER_NAME, note) or self._aws.functions.publish_layer(
            LAYER_NAME, note, content
        )

    def _publish_pruned(self, layer: planner.PublishPruned) -> None:
        note = f"ldeploy, pruned: {layer.zip.sha256}"
        functions = self._aws.functions
        arn = functions.find_layer(layer.name, note) or functions.publish_layer(layer.name, note, layer.zip)
        self.layers[layer.placeholder] = arn
        self.pruned[arn] = layer.original

    def _with_layer(self, configuration: Configuration) -> Configuration:
        return replace(configuration, layers=tuple(self.layers.get(arn, arn) for arn in configuration.layers))

    def _update_code(self, name: str, zipped: StoredZip, instead_of: StoredZip | None) -> Function:
        """Deploy a zip whose bytes are checked before and after; what was there is put back where others went in."""
        if not self._holds(zipped):
            self._find_again(name, zipped)
        updated = self._aws.functions.update_code(self._found(name), zipped)
        if updated.code_sha256 == zipped.sha256 or (not zipped.sha256 and self._holds(zipped)):
            return updated
        return self._put_back(updated, zipped, instead_of)

    def _put_back(self, updated: Function, zipped: StoredZip, instead_of: StoredZip | None) -> Function:
        """Deploy what was there before the last update again.

        Raises:
            CloudError: always, as the update led to other bytes than those that were checked.
        """
        back = instead_of is not None and self._holds(instead_of)
        if instead_of and back:
            self.function = self._aws.functions.update_code(updated, instead_of)
        raise CloudError(
            f"{zipped.uri} was replaced while it was deployed: Lambda took another zip for {updated.name}.",
            "What was there before is back; find out who writes to that bucket."
            if back
            else "Run ldeploy restore at once, and find out who writes to that bucket.",
        )

    def _invoke_all(self, name: str, events: Path) -> dict[str, Answer]:
        answers = {}
        found = sorted(read_events(events))
        with self.context.notices.bar("invoking", len(found), "events") as advance:
            for event, payload in found:
                answers[event] = digest(self._aws.functions.invoke(name, payload), payload)
                if answers[event].failed:
                    self.context.notices.warn(f"{name} failed on {event}: what it touched until then is in the log.")
                advance(1)
        return answers

    def _try(self, name: str, state: State, *, same_code: bool) -> None:
        """The recorded events on the version just published.

        An answer that differs but is not the same twice (a time, a random number) is no failure. What failed before
        may fail as it did, but not otherwise, and is no failure where it does not fail any more.
        """
        for event, payload in read_events(Path(state.recorded.folder)):
            before = state.recorded.answers.get(event)
            if before is None:
                continue
            if before.event != hashlib.sha256(payload).hexdigest():
                self.context.notices.warn(
                    f"{event} was changed since it was sent to the full package: it was not tried."
                )
                continue
            now = self._answer(name, payload)
            if now == before or (before.failed and not now.failed):
                continue
            fails = now.failed and not before.failed
            if fails or (same_code and self._answer(name, payload) == now):
                how = "failed otherwise" if before.failed else "failed" if fails else "answered otherwise"
                raise TrialFailedError(
                    f"With the new package {name} {how} on {event}; the package before is back.",
                    "Send it traffic of that kind, or name the files with --keep, and run the same command again.",
                )
            why = "never answers the same twice" if same_code else "has new code and answers otherwise"
            self.context.notices.warn(f"{name} {why} on {event}: the answers were not compared.")

    def _answer(self, name: str, payload: bytes) -> Answer:
        try:
            reply = self._aws.functions.invoke(name, payload, self.version)
        except LdeployError as error:
            raise TrialFailedError(
                f"The trial of {name} could not be made, and the package before is back: {error.what}", error.advice
            ) from error
        self.logs.append(reply.log)
        return digest(reply, payload)


def digest(reply: Reply, event: bytes) -> Answer:
    """An answer's digest: equal JSON gives equal digests, however it is spaced and ordered; an error is its type and
    message."""
    try:
        answer = json.loads(reply.payload)
        if reply.error and isinstance(answer, dict):
            answer = {name: value for name, value in answer.items() if name not in _PASSING}
        canonical = json.dumps(answer, sort_keys=True).encode()
    except ValueError:
        canonical = reply.payload
    return Answer(hashlib.sha256(canonical).hexdigest(), bool(reply.error), hashlib.sha256(event).hexdigest())
