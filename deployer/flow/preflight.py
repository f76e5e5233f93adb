"""What of a function's surroundings stops a probe, or makes it see less: asked of AWS before anything is changed."""

import re
from collections.abc import Iterable, Iterator

from deployer.aws import Aws
from deployer.context import Context
from deployer.errors import CloudError, LdeployError
from deployer.flow.load_package import LoadedPackage
from deployer.models.function import Configuration, Function
from deployer.models.package import Package, Source
from deployer.package.handler import lacks_name
from deployer.package.members import unpacked
from deployer.package.wheels import check_wheels
from deployer.report.checks import Check, Verdict

_UNREADABLE = ("DELIVERY",)
"""Log group classes from which nothing can be read; of INFREQUENT_ACCESS only Logs Insights reads
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch_Logs_Log_Classes.html)."""

ZAPPA_SETTINGS = "zappa_settings.py"
_ARCHIVE = re.compile(r"""^ARCHIVE_PATH\s*=\s*['"]([^'"]*)""", re.MULTILINE)
_LONGEST = 1 << 20


def check_surroundings(aws: Aws, found: Function) -> Iterator[Check]:
    """Yield what is wrong with a function's surroundings; nothing where nothing is.

    What may not be looked up is a doubt.
    """
    for name, look in (("signing", _signing), ("log group", _log_group)):
        try:
            yield from look(aws, found)
        except CloudError as error:
            yield Check(name, Verdict.DOUBT, str(error))
    if found.snap_start:
        yield Check("SnapStart", Verdict.DOUBT, _snap_start(found))


def check_network(found: Function, region: str, *, over: bool) -> Iterator[Check]:
    """Yield what a function in a VPC needs to fetch its package from S3.

    Args:
        found: the function.
        region: its own.
        over: whether the package is over the limit, so that it is unpacked from S3 at start.
    """
    if over and found.vpc:
        what = (
            f"{found.name} is in {found.vpc}, and fetches a package over the limit from S3 at start: its subnets need "
            f"a way there. Make a gateway endpoint: aws ec2 create-vpc-endpoint --vpc-id {found.vpc} --service-name "
            f"com.amazonaws.{region}.s3 --route-table-ids ROUTE_TABLES (or have a NAT gateway)."
        )
        yield Check("network", Verdict.DOUBT, what)
    if over and found.snap_start:
        what = f"With SnapStart /tmp has 512 MB, too few for a package over the limit. {_without_snap_start(found)}"
        yield Check("SnapStart", Verdict.STOPS, what)


def check_package(source: Source, package: Package, found: Function) -> Iterator[Check]:
    """Yield a doubt for each wheel that the function's runtime cannot load, and for a package that is not the whole."""
    configuration = found.configuration
    for what in check_wheels(source, package, configuration.runtime, configuration.architecture):
        yield Check("wheels", Verdict.DOUBT, what)
    yield from _slim_handler(source, package, found)


def _slim_handler(source: Source, package: Package, found: Function) -> Iterator[Check]:
    """Yield that Zappa keeps the project outside the package, in an archive that is unpacked below /tmp at start."""
    settings = package.entries.get(ZAPPA_SETTINGS)
    if settings is None or settings.size > _LONGEST:
        return
    for _, content in unpacked(source, [settings]):
        archive = _ARCHIVE.search(content.decode("utf-8", "replace"))
        if archive and archive[1]:
            what = (
                f"Zappa's slim_handler keeps the project of {found.name} in {archive[1]}: the probe does not see it, "
                'shrink does not touch it, only the handler\'s own zip. Set "slim_handler": false: a package over the '
                "limit is probed as it is (docs/over-the-limit.md)."
            )
            yield Check("slim_handler", Verdict.DOUBT, what)


def check_name(context: Context, full: LoadedPackage, configuration: Configuration) -> None:
    """Warn where the handler's module has no such function: every invocation would fail."""
    if lacks_name(full.source, full.package, configuration.handler):
        module, _, name = configuration.handler.rpartition(".")
        context.notices.warn(
            f"The module {module} of the package has no {name}: is {configuration.handler} the handler?"
        )


def refuse(checks: Iterable[Check]) -> tuple[str, ...]:
    """Return the doubts as warnings.

    Raises:
        LdeployError: a check stops the probe.
    """
    checks = tuple(checks)
    for one in checks:
        if one.verdict is Verdict.STOPS:
            what, _, advice = one.what.partition(". ")
            raise LdeployError(f"{what}.", advice)
    return tuple(one.what for one in checks if one.verdict is Verdict.DOUBT)


def _signing(aws: Aws, found: Function) -> Iterator[Check]:
    """Yield that only signed code may be deployed: neither ldeploy's zips nor its layer are signed."""
    policy = aws.functions.signing_policy(found.name)
    if not policy:
        return
    without = f"aws lambda delete-function-code-signing-config --function-name {found.name}"
    again = "and put it on again when the slim package is signed"
    if policy == "Enforce":
        what = f"{found.name} takes signed code only (UntrustedArtifactOnDeployment: Enforce)"
        yield Check("signing", Verdict.STOPS, f"{what}. Take the rule off while it is probed: {without}, {again}.")
    else:
        what = f"{found.name} warns of code that is not signed, as ldeploy's is not"
        yield Check("signing", Verdict.DOUBT, f"{what}. To go without: {without}, {again}.")


def _log_group(aws: Aws, found: Function) -> Iterator[Check]:
    """Yield that the function's log cannot be read as usual."""
    kind = aws.logs.group_class(found.log_group)
    made = f"aws logs create-log-group --log-group-name {found.log_group}-probed"
    used = f"--function-name {found.name} --logging-config LogGroup={found.log_group}-probed"
    another = f"{made} && aws lambda update-function-configuration {used}"
    if kind in _UNREADABLE:
        what = f"The log group {found.log_group} is of the class {kind}, from which nobody can read"
        yield Check(
            "log group", Verdict.STOPS, f"{what}. Have the function log to another while it is probed: {another}"
        )
    elif kind == "INFREQUENT_ACCESS":
        what = f"The log group {found.log_group} is of the class {kind}: give shrink and status --via insights"
        yield Check("log group", Verdict.DOUBT, f"{what}. Or have the function log to another: {another}")


def _snap_start(found: Function) -> str:
    return (
        f"{found.name} has SnapStart: a published version starts once, and all its sandboxes go on from that snapshot, "
        f"so that they are counted as one. {_without_snap_start(found)}"
    )


def _without_snap_start(found: Function) -> str:
    command = "aws lambda update-function-configuration --function-name"
    return f"Take it off while it is probed: {command} {found.name} --snap-start ApplyOn=None"
