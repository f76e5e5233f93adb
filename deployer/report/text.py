"""Writes reports as text: a few lines that a person reads and a log keeps."""

import posixpath
import re
import textwrap
from typing import assert_never

from deployer.evidence.coverage import Coverage
from deployer.models.slim import Measure, Saving
from deployer.report.checks import DoctorReport
from deployer.report.checks_text import doctor_lines
from deployer.report.clean_report import CleanReport, clean_lines
from deployer.report.deployed import WORDS
from deployer.report.models import (
    ApplyReport,
    CommentReport,
    FailedReport,
    GuardReport,
    InvokeReport,
    LayerReport,
    ProbeReport,
    Report,
    RestoreReport,
    ShrinkReport,
    StatusReport,
)
from deployer.report.reasons import Reason
from deployer.report.risk import risk
from deployer.report.sent import sent_lines, tally
from deployer.report.shift_report import ShiftReport, shift_lines
from deployer.report.since_text import since_lines
from deployer.report.trial_report import trial_lines
from deployer.report.why_report import WhyReport
from deployer.report.why_text import why_lines
from deployer.words import bytes_changed, counted, megabytes, percent, seconds


def text(report: Report) -> str:  # noqa: PLR0912 - one branch a kind of report
    """Return the report as lines of text, the last one with its newline."""
    match report:
        case ProbeReport():
            lines = _probe(report)
        case ShrinkReport():
            lines = _shrink(report)
        case ApplyReport():
            lines = _apply(report)
        case RestoreReport():
            lines = _restore(report)
        case StatusReport():
            lines = _status(report)
        case DoctorReport():
            lines = [*doctor_lines(report)]
        case InvokeReport():
            lines = [f"{report.function}: {tally(report.events)}", *sent_lines(report.events, answers=True)]
        case FailedReport():
            lines = [f"{report.function}: failed", f"  {report.error}"]
        case CleanReport():
            lines = clean_lines(report)
        case ShiftReport():
            lines = shift_lines(report)
        case WhyReport():
            lines = [*why_lines(report)]
        case CommentReport():
            return report.markdown
        case _:
            assert_never(report)
    return "\n".join(part for line in lines for part in _fitted(line)) + "\n"


_LABEL = re.compile(r"  (price|guard|sample|over|limit|start|trial|risk|evidence|since) .{7,}")
_COLUMNS = 80


def _fitted(line: str) -> list[str]:
    """Return a line as lines of 80 columns, where it is a sentence behind a label; paths and commands stay whole."""
    if len(line) <= _COLUMNS or not _LABEL.match(line):
        return [line]
    head, told = line[:12], line[12:]
    parts = textwrap.wrap(told, _COLUMNS - len(head), break_long_words=False, break_on_hyphens=False)
    return [f"{head if not number else ' ' * len(head)}{part}" for number, part in enumerate(parts)]


def _probe(report: ProbeReport) -> list[str]:
    if report.state == "planned":
        plan = [f"{report.function}: this would be done", *_effect(report.effect)]
        return [*plan, f"  price     {report.price}"]
    lines = [
        f"{report.function}: the full package is deployed with the probe in",
        f"  package   {_weight(report.package)}, label {report.label}",
        f"  log       {report.log_group}",
        f"  price     {report.price}",
    ]
    version = f"version {report.version}, or: " if report.version else ""
    lines.append(f"  way back  {version}ldeploy restore {report.function}")
    if report.unpacked:
        has = f"{report.unpacked.storage:,} MB of /tmp, {report.unpacked.memory:,} MB, {report.unpacked.timeout} s"
        lines.append(f"  over      Lambda's limit: unpacked from S3 at each cold start, until shrink with {has}")
    if report.sample < 1:
        lines.append(f"  sample    {percent(report.sample)} of the sandboxes report")
    if report.events:
        lines += [f"  events    {tally(report.events)}", *sent_lines(report.events, answers=False)]
    lines.append(f"  next      let it work for a while, then: ldeploy shrink {report.function}")
    return lines


def _shrink(report: ShrinkReport) -> list[str]:
    lines = [f"{report.function}: {DONE[report.state]}"]
    lines += _weights(report)
    if report.sandboxes:
        lines += [
            _evidence(report.sandboxes, report.invocations, counted(report.lines.records, "record")),
            *_sample(report.coverage),
            f"  risk      {risk(report.coverage, guarded=report.guard.mode != 'off')}",
        ]
    lines += _account(report)
    lines += _headed("layers", [_layer(layer) for layer in report.layers])
    lines += _guard(report.guard)
    lines += trial_lines(report.trial)
    lines += [f"  shift     {report.shift}"] if report.shift else []
    lines += [f"  whitelist {report.artifacts.whitelist}"]
    lines += [f"  page      {report.artifacts.page}"] if report.artifacts.page else []
    if report.version:
        lines.append(f"  version   {report.version}; way back: ldeploy restore {report.function}")
    if report.state == "planned":
        lines += ["  this would be done", *_effect(report.effect)]
    return lines + (_traced(report) if report.state == "traced" else [])


def _traced(report: ShrinkReport) -> list[str]:
    """Return the events that failed, what the template must have, and how to go on."""
    failed = [*sent_lines(report.failures, answers=False)]
    folder = posixpath.dirname(report.artifacts.whitelist)
    return [
        f"  zip       {report.artifacts.zip}",
        *_headed("failed", failed),
        *_headed("template", [f"    {name}: {value}" for name, value in report.needs.items()]),
        f"  next      commit {folder}/ldeploy.json, and after each build: ldeploy apply ldeploy.json BUILD",
    ]


_WHERE = {"inside": "from blocks inside the package", "s3": "from the full package in S3"}
_OTHERWISE = {"inside": "--guard s3 would cost {} zipped", "s3": "--guard inside would cost {} zipped at most"}


def _guard(guard: GuardReport) -> list[str]:
    if guard.mode == "off":
        return []
    cost = f"{megabytes(guard.added)} unzipped, {megabytes(guard.zip_added)} zipped"
    files = f"{counted(guard.files, 'dropped file')} ({megabytes(guard.bytes)})"
    lines = [f"  guard     {files} come back when asked for, {_WHERE[guard.mode]}; costs {cost}"]
    lines.append(f"            {_OTHERWISE[guard.mode].format(megabytes(guard.otherwise))}")
    if guard.left_out:
        kinds = ", ".join(f"{megabytes(size)} {kind}" for kind, size in guard.left_out.items())
        lines.append(f"            left out, as no use at run time: {kinds}")
    return lines


def _apply(report: ApplyReport) -> list[str]:
    if report.state == "unchanged":
        return [f"{report.folder}: it holds nothing that the whitelist drops; nothing was changed"]
    lines = [f"{report.folder}: the build is slim", *_weights(report), *_account(report)]
    lines += [f"  zip       {report.zip or 'not kept'} (sha256 {report.after.sha256})"]
    return lines + _headed("template", [f"    {name}: {value}" for name, value in report.needs.items()])


def _weights(report: ShrinkReport | ApplyReport) -> list[str]:
    before, after = report.before, report.after
    return [
        f"  before    {_weight(before)}",
        f"  after     {_weight(after)}{_share(before.bytes, after.bytes)}",
        *_start(before.init_ms, after.init_ms),
        f"  limit     {megabytes(report.limits.unzipped_left)} left of {megabytes(report.limits.unzipped)} unzipped",
    ]


def _share(before: int, after: int) -> str:
    """Return what the slim package is of the full one; empty where it is not smaller: one of a few kilobytes."""
    return f"  ({percent(after / before)} of it)" if after < before else ""


def _start(before: float | None, after: float | None) -> list[str]:
    """Return the line of the cold start, where anything is known of it."""
    if before is None and after is None:
        return []
    words = [seconds(one) if one is not None else "not known yet" for one in (before, after)]
    return [f"  start     {' -> '.join(words)} (Init Duration of a cold start{faster(before, after)})"]


def faster(before: float | None, after: float | None) -> str:
    """Return ``", 2.8 times as fast"``; empty where one of both is not known, or they are about the same."""
    if not (before and after) or before < 1.05 * after:
        return ""
    return f", {before / after:.1f} times as fast"


def _account(report: ShrinkReport | ApplyReport) -> list[str]:
    return [
        *_headed("steps", [line for step in report.steps for line in _saving(step)]),
        *_headed("kept", [_amount(reason) for reason in report.reasons if reason.kept]),
        *_headed("dropped", [_amount(reason) for reason in report.reasons if not reason.kept]),
    ]


def left_alone(step: Saving) -> str:
    """Return what a step did not change, and why: ``"4 left alone: nothing to drop"``."""
    return "; ".join(f"{count:,} left alone: {reason}" for reason, count in step.left_alone.items())


def _saving(step: Saving) -> list[str]:
    change = bytes_changed(step.bytes_before, step.bytes_after)
    return [_row(step.name, step.files, change), *([f"      {left}"] if (left := left_alone(step)) else [])]


def _row(name: str, files: int, amount: str) -> str:
    """Return one line of a table that fits 80 columns."""
    return f"    {name:<40}{files:>8,} {'file ' if files == 1 else 'files'} {amount:>12}"


def _layer(layer: LayerReport) -> str:
    name = ":".join(layer.layer.split(":")[6:])
    if layer.pruned:
        return f"    {name}: {megabytes(layer.bytes_before)} -> {megabytes(layer.bytes_after)}"
    return f"    {name}: {megabytes(layer.bytes_before)}" + (f", left alone: {layer.why}" if layer.why else "")


DONE = {
    "deployed": "the slim package is deployed, the probe is out",
    "planned": "the slim package is built, nothing is changed in AWS",
    "shifting": "the slim package has a part of the traffic; ldeploy shift status tells more",
    "traced": "the slim package is built, and answers the events as the full one does",
    "restored": "what was there before is deployed again, the slim package is not",
    "probed": "the full package is deployed again with the probe, the slim package is not",
    "over_limit": "the slim package is still over Lambda's limit, nothing is deployed",
}
"""A shrink's states in words."""


def _restore(report: RestoreReport) -> list[str]:
    if report.state == "planned":
        return [f"{report.function}: this would be done", *_effect(report.effect)]
    return [f"{report.function}: code and configuration are as before the probe (sha256 {report.sha256})"]


def _status(report: StatusReport) -> list[str]:
    evidence = report.evidence
    lines = [
        f"{report.function}: {report.state}",
        f"  deployed  {WORDS[report.deployed]}, {_armed(report)}",
        _evidence(evidence.sandboxes, evidence.invocations, counted(len(evidence.paths), "path")),
    ]
    if evidence.sandboxes:
        lines += _sample(report.coverage)
        lines += [f"  from      {evidence.since} to {evidence.until}", f"  risk      {risk(report.coverage)}"]
    return [*lines, *(since_lines(report.after_shrink) if report.after_shrink else ())]


def _armed(report: StatusReport) -> str:
    share = f" ({percent(report.sample)} of the sandboxes report)" if report.sample < 1 else ""
    return f"with the probe{share}" if report.armed else "without the probe"


def _weight(measure: Measure) -> str:
    return (
        f"{counted(measure.files, 'file')}, {megabytes(measure.bytes)} unzipped, {megabytes(measure.zip_bytes)} zipped"
    )


def _headed(heading: str, rows: list[str]) -> list[str]:
    return [f"  {heading}", *rows] if rows else []


def _amount(reason: Reason) -> str:
    return _row(reason.reason, reason.files, megabytes(reason.bytes))


def _evidence(sandboxes: int, invocations: int, what: str) -> str:
    return f"  evidence  {counted(sandboxes, 'sandbox', 'sandboxes')}, {counted(invocations, 'invocation')}, {what}"


def _sample(known: Coverage) -> list[str]:
    """Return of how many sandboxes those that reported are a sample; nothing where all did."""
    if known.population == known.sandboxes:
        return []
    share = percent(known.sandboxes / known.population)
    return [f"  sample    {share} of about {known.population:,} sandboxes; counts are of those that reported"]


def _effect(lines: tuple[str, ...]) -> list[str]:
    return [f"    {line}" for line in lines] or ["    nothing: it is so already"]
