"""The function's layers -> those of its own without what no sandbox touches, written as zips."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from deployer.aws import Aws
from deployer.context import Context
from deployer.deploy.steps import PublishPruned
from deployer.errors import DeniedError, PackageError
from deployer.instrumentation.configure import EXEC_WRAPPER, without_ours
from deployer.instrumentation.layer_zip import OUR_LAYERS
from deployer.limits import UNZIPPED
from deployer.models.evidence import Evidence
from deployer.models.function import Configuration, Function, StoredZip
from deployer.models.package import Kind, Package, Source
from deployer.models.whitelist import Rules
from deployer.package import examine, handler_path, index, script_path
from deployer.report.models import LayerReport
from deployer.slim import copy_all, write_slim
from deployer.whitelist.layer import choose_layer, extensions, left_alone
from deployer.whitelist.surroundings import Surroundings

PREFIX: Final = "ldeploy-"
"""The name of a pruned layer is ours: this, and the name of the layer that it was made of."""
WORTH: Final = 0.2
"""A layer is pruned where this share of it goes, or where code and layers would be over the limit otherwise."""

LONGEST_NAME: Final = 140
"""Of a layer (https://docs.aws.amazon.com/lambda/latest/api/API_PublishLayerVersion.html)."""


@dataclass(frozen=True)
class LayerUsage:
    """What is known of the use of layers."""

    evidence: Sequence[Evidence]
    """Of this package first, then of those that were probed before it."""
    layers: frozenset[str]
    """ARNs of the layers that were probed: another version is another layer."""
    rules: Rules
    code: int
    """Bytes of the code that is kept, unzipped."""
    sharers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Functions whose evidence is among this -> the layers of which they could tell."""


@dataclass(frozen=True)
class LayerPlan:
    """What becomes of the function's layers."""

    configuration: Configuration
    """With each pruned layer in the place of the one that it was made of."""
    reports: tuple[LayerReport, ...] = ()
    pruned: tuple[PublishPruned, ...] = ()
    """Those that are published first."""
    bytes: int = 0
    """Of all layers as they will be, unzipped."""
    whole_bytes: int = 0
    """Of all layers as they are now, unzipped."""


@dataclass(frozen=True)
class _Candidate:
    """A layer that may be pruned."""

    arn: str
    source: Source
    package: Package
    keep: frozenset[str]
    saving: int


def check_handler(aws: Aws, package: Package, configuration: Configuration) -> None:
    """Check that the handler is in the package, or in a layer as those of monitoring tools are.

    A function with a wrapper of its own may have a script as its handler: the wrapper starts it.

    Raises:
        PackageError: it is in none of them.
    """
    handler, site = configuration.handler, f"python/lib/{configuration.runtime}/site-packages/"
    configuration = without_ours(configuration)
    by_wrapper = EXEC_WRAPPER in configuration.environment
    if handler_path(package, handler) or (by_wrapper and script_path(package, handler)):
        return
    layers = [_read(aws, arn)[1] for arn in configuration.layers]
    if not any(handler_path(layer, handler, below) for layer in layers for below in ("python/", site)):
        raise PackageError(
            f"The package does not hold the handler {handler}.",
            "Give the folder that Lambda will see as /var/task, or correct the function's handler.",
        )


def find_surroundings(aws: Aws, configuration: Configuration) -> Surroundings:
    """Return what a function's configuration, without the probe, tells of the files that it needs."""
    return _surroundings(configuration, (_read(aws, arn)[1] for arn in configuration.layers))


def _surroundings(configuration: Configuration, layers: Iterable[Package]) -> Surroundings:
    found = tuple(dict.fromkeys(name for layer in layers for name in extensions(layer)))
    return Surroundings(configuration.handler, configuration.environment, found)


def measure_layers(aws: Aws, configuration: Configuration) -> LayerPlan:
    """Measure each layer, and prune none."""
    return _plan(configuration, [_report(arn, _read(aws, arn)[1], "") for arn in configuration.layers])


def prune_layers(context: Context, bucket: str, found: Function, wanted: Configuration, usage: LayerUsage) -> LayerPlan:
    """Prune each layer that is the function's own, where the saving is worth a version of ours.

    Args:
        context: the surroundings.
        bucket: where pruned layers are put.
        found: the function.
        wanted: its configuration without the probe, with the layers as the user made them.
        usage: what is known of the use of its layers.
    """
    read = {arn: _read(context.aws, arn) for arn in wanted.layers}
    around = _surroundings(wanted, (package for _, package in read.values()))
    reasons = _not_ours(context.aws, found, wanted.layers, usage.sharers)
    unseen = "it came after the probe, or no sandbox has reported since"
    reasons |= {arn: why or unseen for arn, why in reasons.items() if arn not in usage.layers}
    candidates: list[_Candidate] = []
    for arn, (source, package) in read.items():
        reasons[arn] = reasons.get(arn) or left_alone(package)
        if not reasons[arn]:
            candidate = _candidate(arn, source, package, usage, around)
            reasons[arn] = _not_worth(candidate)
            candidates += [candidate] if candidate.keep and candidate.saving else []
    over = usage.code + sum(package.bytes for _, package in read.values()) > UNZIPPED
    chosen = {one.arn: _write(context, bucket, one) for one in candidates if over or not reasons[one.arn]}
    reports = [_report(arn, package, reasons[arn], chosen.get(arn)) for arn, (_, package) in read.items()]
    return _plan(wanted, reports, chosen)


def _plan(
    configuration: Configuration, reports: Sequence[LayerReport], pruned: Mapping[str, PublishPruned] | None = None
) -> LayerPlan:
    pruned = pruned or {}
    layers = tuple(pruned[arn].placeholder if arn in pruned else arn for arn in configuration.layers)
    return LayerPlan(
        replace(configuration, layers=layers),
        tuple(reports),
        tuple(pruned[report.layer] for report in reports if report.layer in pruned),
        sum(report.bytes_after for report in reports),
        sum(report.bytes_before for report in reports),
    )


def _read(aws: Aws, arn: str) -> tuple[Source, Package]:
    url, size = aws.functions.layer_url(arn)
    source = aws.storage.url(url, size, f"the layer {arn}")
    return source, index(source)


def _not_ours(
    aws: Aws, found: Function, layers: Iterable[str], sharers: Mapping[str, frozenset[str]]
) -> dict[str, str]:
    """Return why layers are skipped whatever they hold: others use them too."""
    account = found.arn.split(":")[4]
    reasons = {arn: _by_name(arn, account) for arn in layers}
    if all(reasons.values()):
        return reasons
    try:
        users = aws.functions.users_of_layers()
    except DeniedError as error:
        return {arn: reason or f"who else uses it is not known: {error.what}" for arn, reason in reasons.items()}
    for arn, reason in reasons.items():
        known = {found.name, *(name for name, seen in sharers.items() if arn in seen)}
        others = sorted(users.get(_unversioned(arn), set()) - known)
        reasons[arn] = reason or (f"{others[0]} uses it too" if others else "")
    return reasons


def _write(context: Context, bucket: str, candidate: _Candidate) -> PublishPruned:
    name = PREFIX + _name(candidate.arn)
    path = context.workspace.path(f"layer-{name}.zip")
    with context.notices.bar(f"pruning {_name(candidate.arn)}", None) as advance:
        made = copy_all(candidate.package, candidate.keep)
        measure = write_slim(candidate.source, candidate.package, made, path, advance).measure
    return PublishPruned(candidate.arn, name, path, StoredZip.of(measure, bucket, context.workspace.function))


def _candidate(arn: str, source: Source, package: Package, usage: LayerUsage, around: Surroundings) -> _Candidate:
    whitelist = choose_layer(examine(source, package), usage.evidence, usage.rules, around)
    keep = frozenset(whitelist.kept())
    if all(package.entries[path].kind is Kind.DIRECTORY for path in keep):  # its folders may have been listed
        keep = frozenset()
    return _Candidate(arn, source, package, keep, package.bytes - sum(package.entries[path].size for path in keep))


def _not_worth(candidate: _Candidate) -> str:
    if not candidate.keep:
        return "no sandbox touched a file of it: it may be taken out altogether"
    if candidate.saving < WORTH * candidate.package.bytes:
        return f"less than {WORTH:.0%} of it would go"
    return ""


def _report(arn: str, package: Package, why: str, pruned: PublishPruned | None = None) -> LayerReport:
    files, size = (pruned.zip.files, pruned.zip.bytes) if pruned else (package.files, package.bytes)
    return LayerReport(arn, pruned is not None, package.files, files, package.bytes, size, "" if pruned else why)


def _by_name(arn: str, account: str) -> str:
    if arn.split(":")[4] != account:
        return "it belongs to another account"
    name = PREFIX + _name(arn)
    if _name(arn).startswith(PREFIX) or name in OUR_LAYERS or len(name) > LONGEST_NAME:
        return "its name leaves none for a copy of ours"
    return ""


def _name(arn: str) -> str:
    """``arn:aws:lambda:region:account:layer:NAME:version``."""
    return arn.split(":")[6]


def _unversioned(arn: str) -> str:
    return arn.rpartition(":")[0]
