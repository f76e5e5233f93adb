"""One plan on its way: how each step is done, and what is known of the function afterwards."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import assert_never

from deployer.aws import Aws
from deployer.context import Context
from deployer.deploy import planner
from deployer.deploy.code import CheckedCode
from deployer.deploy.planner import Step
from deployer.deploy.recorded_events import read_events
from deployer.deploy.sending import Events, opened, send_rounds
from deployer.deploy.trial import NOTE, Expected, Trial, digest, trial_name
from deployer.errors import ConflictError, DeniedError
from deployer.instrumentation.configure import to_be_published
from deployer.instrumentation.layer_zip import build_layer
from deployer.models.function import Configuration, Function, Routing, StoredZip
from deployer.report.sent import Sent
from deployer.report.trial_report import TrialReport
from deployer.state.shift import Shift
from deployer.state.stages import Stage
from deployer.state.state import Answer, State

DONE = frozenset({Stage.PROBED, Stage.SHRUNK, Stage.RESTORED})
"""Stages that say that a command is done."""


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
    first_version: str = ""
    """The version of what was there before, where one was published."""
    answers: Mapping[str, Answer] | None = None
    sent: list[Sent] = field(default_factory=list)
    """The events that were sent to the full package, and what came of each."""
    logs: list[str] = field(default_factory=list)
    """Of the invocations of the new package in its trial: the end of each one's log."""
    tried: TrialReport | None = None
    """What the trial found."""
    trial: str = ""
    """The function of which a trial function may be there."""
    shift: Shift | None = None
    """The shift that was begun."""

    def do(self, step: Step) -> bool:  # noqa: PLR0912 - one line a kind of step
        """Carry one step out; return False where it found a zip in S3 that was to come there."""
        match step:
            case planner.MakeBucket(bucket):
                self._aws.buckets.make(bucket, self._aws.region)
            case planner.Upload(path, zipped):
                return self._code.upload(path, zipped)
            case planner.KeepCode(name, zipped):
                return self._code.keep(name, zipped)
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
            case planner.PublishLayer(name):
                self.layers[to_be_published(name)] = self._publish_layer(name)
            case planner.PublishPruned() as layer:
                self._publish_pruned(layer)
            case planner.UpdateCode(name, zipped, instead_of, _):
                self.function = self._code.update(self._found(name), zipped, instead_of)
            case planner.UpdateConfiguration(name, configuration, _, _):
                self.function = self._aws.functions.update_configuration(
                    self._found(name), self._with_layer(configuration)
                )
            case planner.Invoke(name, events, rounds):
                self._invoke(name, tuple(read_events(events)), rounds)
            case planner.MakeTrial(name, configuration, zipped):
                self._make_trial(name, configuration, zipped)
            case planner.Try(name, state, same_code, on_trial, ignore, most):
                where, version = (trial_name(name), "$LATEST") if on_trial else (name, self.version)
                send = partial(self._aws.invocations.invoke, where, version=version)
                trial = Trial(send, self.context.notices, where, same_code, self.logs, Expected(ignore, most))
                self.tried = trial.run(state.recorded)
            case planner.DropTrial(name):
                self.drop_trial(name)
            case planner.MoveAlias(name, alias, to):
                self._aws.releases.move_alias(name, alias, to or Routing(self.version))
            case planner.BeginShift(bucket, shift):
                self.shift = shift.begun(self.version or shift.version, self.context.now())
                self.context.workspace.save_shift(bucket, self.shift)
            case planner.ShareAlias(name, shift):
                shift = self.shift or shift
                self._aws.releases.move_alias(name, shift.alias, shift.routing)
            case planner.Delete():
                self._delete(step)
            case _:
                assert_never(step)
        return True

    def known(self, step: Step) -> Step:
        """Return a step that was carried out, with the versions that AWS gave."""
        match step:
            case planner.UpdateConfiguration():
                return replace(step, configuration=self._with_layer(step.configuration))
            case planner.MoveAlias(to=None):
                return replace(step, to=Routing(self.version))
            case _:
                return step

    def _invoke(self, name: str, events: Events, rounds: int) -> None:
        """Send the events; where fresh sandboxes are forced, the function is afterwards what it was."""
        before = self._found(name)
        with opened(self._aws.invocations, name, self.context.notices) as session:
            answered = send_rounds(session, events, rounds, self.context.notices)
        self.answers = {one.event: digest(one.reply, one.payload) for one in answered}
        self.sent += [one.sent for one in answered]
        if rounds:
            now = self._aws.functions.get(name)
            if (now.code_sha256, now.configuration) != (before.code_sha256, before.configuration):
                raise ConflictError(f"Something else changed {name} meanwhile.", "Run the same command again.")
            self.function = now

    def _delete(self, step: planner.Delete) -> None:
        match step.kind:
            case "version":
                self._aws.leftovers.delete_version(step.where, step.what)
            case "layer version":
                self._aws.leftovers.delete_layer(step.what)
            case "object":
                self._aws.storage.delete(step.where, step.what)
            case _:
                assert_never(step.kind)

    def _make_trial(self, name: str, configuration: Configuration, zipped: StoredZip) -> None:
        """Make the function on which the new package is tried; one that an earlier run left goes first.

        Raises:
            ConflictError: somebody else has a function of that name, or the zip was replaced.
        """
        self.drop_trial(name)
        self.trial = name
        if not self._code.holds(zipped):
            raise ConflictError(f"{zipped} was replaced since it was uploaded.", "Run the same command again.")
        wanted = self._with_layer(configuration)
        try:
            self._aws.releases.create_like(name, trial_name(name), wanted, zipped, NOTE.format(name))
        except DeniedError as error:
            raise DeniedError(
                f"The package cannot be tried before traffic sees it: {error.what}",
                "Allow lambda:CreateFunction, lambda:DeleteFunction and lambda:InvokeFunction on"
                f" {trial_name(name)}, and iam:PassRole on {wanted.role}; or give --trial after.",
            ) from error

    def drop_trial(self, name: str) -> None:
        """Delete the function on which a package was tried, where there is one."""
        self._aws.releases.delete_noted(trial_name(name), NOTE.format(name))
        self.trial = ""

    @property
    def _code(self) -> CheckedCode:
        return CheckedCode(self.context)

    @property
    def _aws(self) -> Aws:
        return self.context.aws

    def _found(self, name: str) -> Function:
        """The function as the last step left it: the next update is refused if somebody else changed it since."""
        if self.function is None:
            self.function = self._aws.functions.get(name)
        return self.function

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
        if note.startswith(planner.BEFORE):
            self.first_version = self.version
        self.function = self._aws.functions.get(name)
        if replace(self.function, revision=found.revision) != found:
            raise ConflictError(f"Something else changed {name} meanwhile.", "Run the same command again.")

    def _publish_layer(self, name: str) -> str:
        content, functions = build_layer(name), self._aws.functions
        note = f"{name.replace('-', ' ')} {hashlib.sha256(content).hexdigest()}"
        return functions.find_layer(name, note) or functions.publish_layer(name, note, content)

    def _publish_pruned(self, layer: planner.PublishPruned) -> None:
        note = f"ldeploy, pruned: {layer.zip.sha256}"
        functions = self._aws.functions
        arn = functions.find_layer(layer.name, note) or functions.publish_layer(layer.name, note, layer.zip)
        self.layers[layer.placeholder] = arn
        self.pruned[arn] = layer.original

    def _with_layer(self, configuration: Configuration) -> Configuration:
        return replace(configuration, layers=tuple(self.layers.get(arn, arn) for arn in configuration.layers))
