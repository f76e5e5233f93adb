"""What would stop a probe, found out without changing anything: each check is one line, and says what to do."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from deployer.context import Context
from deployer.deploy.permissions import Reading, plan_permission
from deployer.deploy.prune_layers import check_handler, measure_layers
from deployer.errors import CloudError, LdeployError, MissingError
from deployer.evidence.log_price import log_price
from deployer.flow.elsewhere import of_versions
from deployer.flow.preflight import check_network, check_package, check_surroundings
from deployer.instrumentation.configure import EXEC_WRAPPER, PROBE_LAYER, arm, check, log_warnings, without_ours
from deployer.instrumentation.layer_zip import layer_size
from deployer.limits import UNZIPPED
from deployer.models.function import Function, StoredZip, package_key
from deployer.models.package import Package
from deployer.package import index
from deployer.report.checks import Check, DoctorReport, Verdict
from deployer.report.models import LayerReport
from deployer.slim.transforms.bytecode_compile import find_interpreter
from deployer.words import counted, megabytes

ANY = "0" * 64
"""Stands for the hash of a package that is not known yet."""


def doctor(context: Context, function: str, bucket: str | None, *, make: bool) -> DoctorReport:
    """Look at the account, the bucket and the function; read only.

    Args:
        context: the surroundings.
        function: its name, or nothing.
        bucket: where ldeploy would keep its own, where that is known.
        make: whether it would be made where it is not there.
    """
    checks = [_account(context), _bucket(context, bucket, make=make)]
    if function:
        checks += _function(context, function, bucket)
    ready = all(one.verdict is not Verdict.STOPS for one in checks)
    return DoctorReport(function or "", ready, tuple(checks), next=_next(function, bucket, ready=ready))


def _next(function: str, bucket: str | None, *, ready: bool) -> str:
    """Return the command to go on with."""
    where = f"--bucket {bucket}" if bucket else "--resolve-s3"
    if not ready:
        return f"fix what stops it, then: ldeploy doctor {function}".rstrip()
    return f"ldeploy probe {function or 'FUNCTION'} {where}"


def _function(context: Context, function: str, bucket: str | None) -> list[Check]:
    """Look at a function; where something cannot be looked up, the rest is told all the same."""
    try:
        found = context.aws.functions.find(function)
    except CloudError as error:
        return [Check("function", Verdict.STOPS, str(error))]
    if found is None:
        return [_absent(context, function)]
    return list(_FunctionChecks(context, found, bucket).checks())


def _account(context: Context) -> Check:
    try:
        return Check("account", Verdict.GOOD, f"{context.aws.account()} in {context.aws.region}")
    except LdeployError as error:
        return Check("account", Verdict.STOPS, str(error))


def _bucket(context: Context, bucket: str | None, *, make: bool) -> Check:
    if not bucket:
        return Check("bucket", Verdict.DOUBT, "No bucket is named. Give --bucket NAME, or --resolve-s3 to create one.")
    try:
        context.aws.buckets.check(bucket)
    except MissingError as error:
        return Check(
            "bucket", Verdict.GOOD if make else Verdict.STOPS, f"{bucket} will be created" if make else str(error)
        )
    except CloudError as error:
        return Check("bucket", Verdict.STOPS, str(error))
    return Check("bucket", Verdict.GOOD, bucket)


def _absent(context: Context, function: str) -> Check:
    where = f"There is no function {function} in {context.aws.region}"
    how = "Check its name and --region, or let ldeploy probe --create make it (with --role, --handler, --runtime)"
    return Check("function", Verdict.STOPS, f"{where}. {how}.")


@dataclass(frozen=True)
class _FunctionChecks:
    """One function, and what is asked of it."""

    context: Context
    found: Function
    bucket: str | None

    def checks(self) -> Iterator[Check]:
        yield _tried("runtime", lambda: check(self.found), self.found.configuration.runtime)
        if self.found.package_type == "Image":
            return
        bare = without_ours(self.found.configuration)
        has = f"{counted(len(bare.layers), 'layer')}, {counted(len(bare.environment), 'variable')}"
        yield _tried("room", lambda: arm(bare, PROBE_LAYER, ANY[:33]), has)
        if own := bare.environment.get(EXEC_WRAPPER):
            yield Check("wrapper", Verdict.GOOD, f"{own} is called by the probe's")
        for name, look in (("package", self._package), ("around", self._around), ("log", self._log_level)):
            try:
                yield from look()
            except LdeployError as error:  # the others are told all the same
                yield Check(name, Verdict.DOUBT, str(error))
        yield self._bytecode()

    def _around(self) -> Iterator[Check]:
        yield from check_surroundings(self.context.aws, self.found)
        for what in of_versions(self.context.aws, self.found.name).unprobed():
            yield Check("alias", Verdict.DOUBT, what)

    def _package(self) -> Iterator[Check]:
        """The code that is deployed: a full package to come is looked at by ``probe --plan``."""
        url = self.context.aws.functions.code_url(self.found.name)
        source = self.context.aws.storage.url(url, self.found.code_size, f"the code of {self.found.name}")
        try:
            package = index(source)
        except LdeployError as error:
            yield Check("size", Verdict.DOUBT, str(error))
            return
        configuration = self.found.configuration
        held = f"{configuration.handler} is in the package, or in a layer"
        if not any(path.startswith(".ldeploy/") for path in package.entries):  # else the package is a stub of ours
            yield _tried("handler", lambda: check_handler(self.context.aws, package, configuration), held)
        yield from self._size(package)
        yield from check_package(source, package, self.found)

    def _size(self, package: Package) -> Iterator[Check]:
        try:
            layers = measure_layers(self.context.aws, without_ours(self.found.configuration))
            size = package.bytes + layers.bytes
        except LdeployError as error:
            yield Check("size", Verdict.DOUBT, str(error))
            return
        left = UNZIPPED - size - layer_size()
        if left > 0:
            what = f"{megabytes(size)} unzipped, {megabytes(left)} left with the probe in"
            yield Check("size", Verdict.GOOD, what)
        else:
            what = f"{megabytes(size)} unzipped: with the probe in it is unpacked from S3 at start"
            yield Check("size", Verdict.DOUBT, what)
            yield self._role()
        yield from check_network(self.found, self.context.aws.region, over=left <= 0)
        yield from map(_weight, layers.reports)
        yield Check("price", Verdict.GOOD, f"{log_price(package.file_paths)}")

    def _log_level(self) -> Iterator[Check]:
        warnings = log_warnings(self.found)
        good = f"{self.found.log_group} takes the probe's lines as they are"
        yield Check("log", Verdict.DOUBT if warnings else Verdict.GOOD, warnings[0] if warnings else good)

    def _role(self) -> Check:
        """Tell whether the role may read a package over the limit, and the policy that permits it."""
        role = self.found.configuration.role
        zipped = StoredZip(self.bucket or "*", package_key(self.found.name, ANY), ANY, 0)
        try:
            doubts = plan_permission(self.context.aws.roles, role, Reading(zipped, ""), attach=False).warnings
        except LdeployError as error:
            return Check("role", Verdict.DOUBT, f"For a package over the limit: {error}")
        return Check("role", Verdict.DOUBT if doubts else Verdict.GOOD, doubts[0] if doubts else f"{role} may read it")

    def _bytecode(self) -> Check:
        runtime = self.found.configuration.runtime
        if find_interpreter(runtime):
            return Check("bytecode", Verdict.GOOD, f"{runtime} is on this machine")
        return Check(
            "bytecode", Verdict.DOUBT, f"{runtime} is not on this machine: shrink adds no bytecode. {_install(runtime)}"
        )


def _install(runtime: str) -> str:
    return f"Install it: uv python install {runtime.removeprefix('python')}"


def _weight(layer: LayerReport) -> Check:
    """Tell what a layer takes of the limit: extensions such as Lambda Insights' count too."""
    return Check("layer", Verdict.GOOD, f"{layer.layer} takes {megabytes(layer.bytes_before)} of the limit")


def _tried(name: str, attempt: Callable[[], object], good: str) -> Check:
    try:
        attempt()
    except LdeployError as error:
        return Check(name, Verdict.STOPS, str(error))
    return Check(name, Verdict.GOOD, good)
