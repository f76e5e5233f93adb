"""The function's layers -> those of its own without what no sandbox touches, written as zips."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from deployer.aws.functions import Functions
from deployer.aws.storage import Storage
from deployer.deploy.planner import PublishPruned
from deployer.errors import DeniedError, PackageError
from deployer.instrumentation.layer_zip import LAYER_NAME
from deployer.limits import UNZIPPED
from deployer.models.evidence import Evidence
from deployer.models.function import Configuration, Function, StoredZip, package_key
from deployer.models.package import Kind, Package, Source
from deployer.models.whitelist import Rules
from deployer.notices import Notices
from deployer.package import distributions, handler_path, index
from deployer.report.models import LayerReport
from deployer.slim import copy_all, write_slim
from deployer.state.workspace import Workspace
from deployer.whitelist.layer import choose_layer, left_alone

PREFIX: Final = "ldeploy-"
"""Before the name of a pruned layer stands ours."""
WORTH: Final = 0.2
"""A layer is pruned where this share of it goes, or where code and layers would be over the limit otherwise."""

LONGEST_NAME: Final = 140
"""Of a layer (https://docs.aws.amazon.com/lambda/latest/api/API_PublishLayerVersion.html)."""


@dataclass(frozen=True)
class Touched:
    """What is known of the use of layers."""

    evidence: Sequence[Evidence]
    """Of this package first, then of those that were probed before it."""
    layers: frozenset[str]
    """ARNs of the layers that were probed: another version is another layer."""
    rules: Rules
    code: int
    """Bytes of the code that is kept, unzipped."""


@dataclass(frozen=True)
class Layer:
    """One of the function's layers, and what becomes of it."""

    report: LayerReport
    pruned: PublishPruned | None = None
    """None where it stays."""


@dataclass(frozen=True)
class _Candidate:
    """A layer that may be pruned."""

    arn: str
    source: Source
    package: Package
    keep: frozenset[str]
    saving: int


@dataclass(frozen=True)
class Layering:
    """Finds out what becomes of a function's layers."""

    functions: Functions
    storage: Storage
    workspace: Workspace
    notices: Notices
    bucket: str

    def check_handler(self, package: Package, configuration: Configuration) -> None:
        """Whether the handler is in the package, or in a layer as those of monitoring tools are.

        Raises:
            PackageError: it is in none of them.
        """
        handler, site = configuration.handler, f"python/lib/{configuration.runtime}/site-packages/"
        if handler_path(package, handler):
            return
        layers = [self._read(arn)[1] for arn in configuration.layers]
        if not any(handler_path(layer, handler, below) for layer in layers for below in ("python/", site)):
            raise PackageError(
                f"The package does not hold the handler {handler}.",
                "Give the folder that Lambda will see as /var/task, or mend the function's handler.",
            )

    def as_they_are(self, configuration: Configuration) -> tuple[Layer, ...]:
        """Each layer, measured, none of them pruned."""
        return tuple(Layer(_stays(arn, self._read(arn)[1], "")) for arn in configuration.layers)

    def pruned(self, found: Function, wanted: Configuration, touched: Touched) -> tuple[Layer, ...]:
        """Each layer, pruned where it is the function's own and the saving is worth a version of our own.

        Args:
            found: the function.
            wanted: its configuration without the probe, with the layers as the user made them.
            touched: by what its layers are pruned.
        """
        read = {arn: self._read(arn) for arn in wanted.layers}
        reasons = self._not_ours(found, wanted.layers)
        unseen = "it came after the probe, or no sandbox has reported since"
        reasons |= {arn: why or unseen for arn, why in reasons.items() if arn not in touched.layers}
        candidates: list[_Candidate] = []
        for arn, (source, package) in read.items():
            reasons[arn] = reasons.get(arn) or left_alone(package)
            if not reasons[arn]:
                candidate = _candidate(arn, source, package, touched, wanted.environment.values())
                reasons[arn] = _not_worth(candidate)
                candidates += [candidate] if candidate.keep and candidate.saving else []
        over = touched.code + sum(package.bytes for _, package in read.values()) > UNZIPPED
        chosen = {one.arn: one for one in candidates if over or not reasons[one.arn]}
        return tuple(
            self._written(chosen[arn]) if arn in chosen else Layer(_stays(arn, package, reasons[arn]))
            for arn, (_, package) in read.items()
        )

    def _read(self, arn: str) -> tuple[Source, Package]:
        url, size = self.functions.layer_url(arn)
        source = self.storage.url(url, size, f"the layer {arn}")
        return source, index(source)

    def _not_ours(self, found: Function, layers: Iterable[str]) -> dict[str, str]:
        """Why layers are left alone whatever they hold: they are somebody else's too."""
        account = found.arn.split(":")[4]
        reasons = {arn: _by_name(arn, account) for arn in layers}
        if all(reasons.values()):
            return reasons
        try:
            users = self.functions.users_of_layers()
        except DeniedError as error:
            return {arn: reason or f"who else uses it is not known: {error.what}" for arn, reason in reasons.items()}
        for arn, reason in reasons.items():
            others = sorted(users.get(_unversioned(arn), set()) - {found.name})
            reasons[arn] = reason or (f"{others[0]} uses it too" if others else "")
        return reasons

    def _written(self, candidate: _Candidate) -> Layer:
        name = PREFIX + _name(candidate.arn)
        path = self.workspace.path(f"layer-{name}.zip")
        with self.notices.bar(f"pruning {_name(candidate.arn)}", None) as advance:
            made = copy_all(candidate.package, candidate.keep)
            measure = write_slim(candidate.source, candidate.package, made, path, advance).measure
        key = package_key(measure.sha256)
        stored = StoredZip(self.bucket, key, measure.sha256, measure.zip_bytes, measure.bytes, measure.files)
        report = _stays(candidate.arn, candidate.package, "")
        report = replace(report, pruned=True, files_after=measure.files, bytes_after=measure.bytes)
        return Layer(report, PublishPruned(candidate.arn, name, path, stored))


def layer_bytes(layers: Iterable[Layer]) -> int:
    """Bytes of all of them, unzipped, as they will be."""
    return sum(layer.report.bytes_after for layer in layers)


def swapped(configuration: Configuration, layers: Iterable[Layer]) -> Configuration:
    """The configuration with each pruned layer in the place of the one that it was made of."""
    places = {layer.pruned.original: layer.pruned.placeholder for layer in layers if layer.pruned}
    return replace(configuration, layers=tuple(places.get(arn, arn) for arn in configuration.layers))


def _candidate(arn: str, source: Source, package: Package, touched: Touched, environment: Iterable[str]) -> _Candidate:
    installed = distributions(source, package)
    whitelist = choose_layer(package, installed, touched.evidence, touched.rules, environment)
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


def _stays(arn: str, package: Package, why: str) -> LayerReport:
    return LayerReport(arn, False, package.files, package.files, package.bytes, package.bytes, why)


def _by_name(arn: str, account: str) -> str:
    if arn.split(":")[4] != account:
        return "it belongs to another account"
    name = PREFIX + _name(arn)
    if _name(arn).startswith(PREFIX) or name == LAYER_NAME or len(name) > LONGEST_NAME:
        return "its name leaves none for a copy of ours"
    return ""


def _name(arn: str) -> str:
    """``arn:aws:lambda:region:account:layer:NAME:version``."""
    return arn.split(":")[6]


def _unversioned(arn: str) -> str:
    return arn.rpartition(":")[0]
