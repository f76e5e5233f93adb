"""Carry a plan out step by step, if the user agrees."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, assert_never

from deployer.aws import Aws
from deployer.aws.functions import Reply
from deployer.context import Context
from deployer.deploy import planner
from deployer.deploy.planner import Step, Steps
from deployer.deploy.recorded_events import read_events
from deployer.errors import CloudError, ConflictError, TrialFailedError
from deployer.instrumentation.configure import PROBE_LAYER
from deployer.instrumentation.layer_zip import LAYER_NAME, build_layer
from deployer.models.function import Configuration, Function, StoredZip
from deployer.state.state import Answer, Stage, State

PART = 8 * 1024 * 1024
"""Bytes read at a time when the present code is copied."""
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

    def carry_out(self, context: Context, steps: Steps, found: Function | None) -> "Execution | None":
        """Carry the plan out if the user agrees; return None where only the plan was wanted."""
        return self.execute(context, steps, found) if self.agreed(steps) else None

    def execute(self, context: Context, steps: Steps, found: Function | None) -> "Execution":
        """Carry the plan out without asking.

        Raises:
            LdeployError: a step failed; the steps before it stay done, and the same command may be run again.
        """
        execution = Execution(context, found)
        for step in steps:
            context.notices.say(f"{step}")
            execution.do(step)
            self.after(step)
        return execution


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
                self.context.workspace.save_state(self._sealed(state))
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
            case planner.UpdateCode(name, zipped):
                self.function = self._update_code(name, zipped)
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
        if self._is_there(zipped):
            return
        with self.context.notices.bar(f"uploading {path.name}", zipped.zip_bytes) as advance:
            self._aws.storage.upload(path, zipped.bucket, zipped.key, advance)

    def _is_there(self, zipped: StoredZip) -> bool:
        found = self._aws.storage.find(zipped.bucket, zipped.key)
        return found is not None and found.size == zipped.zip_bytes

    def _keep_code(self, name: str, zipped: StoredZip) -> None:
        """Fetches what is deployed and uploads it, checked by the hash that Lambda gives."""
        if self._is_there(zipped):
            return
        source = self._aws.storage.url(self._aws.functions.code_url(name), zipped.zip_bytes, f"the code of {name}")
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
            self._aws.storage.upload(Path(kept.name), zipped.bucket, zipped.key, lambda done: None)  # noqa: ARG005

    def _sealed(self, state: State) -> State:
        """The state with what only became known on the way: Lambda's hash of the zip, and the answers."""
        full = state.full
        if not full.sha256 and not state.stub and self.function and state.stage is Stage.PROBED:
            full = replace(full, sha256=self.function.code_sha256)
        arn = state.arn or (self.function.arn if self.function else "")
        answers = self.answers if self.answers is not None else state.answers
        return replace(state, full=full, arn=arn, pruned={**state.pruned, **self.pruned}, answers=answers)

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

    def _update_code(self, name: str, zipped: StoredZip) -> Function:
        if not self._is_there(zipped):
            raise ConflictError(
                f"{zipped} was removed or replaced since.",
                "Put it back and run the same command again; what was there before is a version of the function too.",
            )
        updated = self._aws.functions.update_code(self._found(name), zipped)
        if zipped.sha256 and updated.code_sha256 != zipped.sha256:
            raise CloudError(
                f"Lambda holds another zip for {name} than the one in {zipped.uri}.",
                "Remove that object and run the same command again.",
            )
        return updated

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
        for event, payload in read_events(Path(state.events)):
            before = state.answers.get(event)
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
        return digest(self._aws.functions.invoke(name, payload, self.version), payload)


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
