"""The functions on which commands are disturbed, and the commands, in the order in which a user gives them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from deployer.limits import UNZIPPED
from tests.faults.seen import NAME
from tests.faults.world import World
from tests.functional.local_aws import ROLE, RUNTIME, client
from tests.functional.project import FILES, write
from tests.zips import packed

BUCKET: Final = "packages"
BEFORE: Final = {"app.py": "def handler(event, context): return 'before'\n"}
PROBE: Final = ("probe", NAME, "--bucket", BUCKET, "--invoke", "events", "--memory", "512", "--yes")
FULL: Final = (*PROBE, "--package", "build")
SHRINK: Final = ("shrink", NAME, "--yes")
FRESH: Final = (*PROBE, "--package", "fresh")
DEPLOY: Final = ("deploy", NAME, "--package", "fresh", "--yes")
CLEAN: Final = ("clean", NAME, "--yes")
RESTORE: Final = ("restore", NAME, "--yes")
CANARY: Final = (*SHRINK, "--alias", "live", "--canary", "50%", "--no-wait")
"""Run again, it takes up the shift that it began."""
CREATE: Final = ("--create", "--role", ROLE, "--handler", "app.handler", "--runtime", RUNTIME)


@dataclass(frozen=True)
class Station:
    """Where a function stands, which commands are disturbed there, and which one leads on."""

    commands: dict[str, tuple[str, ...]]
    onward: tuple[str, ...] = ()
    """The command that leads to the next station."""


@dataclass(frozen=True)
class Scenario:
    """A function of one kind."""

    prepare: Callable[[World], Any]
    stations: tuple[Station, ...]


def _stations(probe: tuple[str, ...] = FULL, shrink: tuple[str, ...] = (), deploy: tuple[str, ...] = DEPLOY) -> Any:
    """Return the way there and back."""
    lean = (*SHRINK, *shrink)
    return (
        Station({"probe": probe}, probe),
        Station({"shrink": lean, "restore": RESTORE, "probe-again": probe}, lean),
        Station({"deploy": deploy, "restore-shrunk": RESTORE}),
    )


def present(world: World, **settings: Any) -> None:
    """A function that was there before ldeploy."""
    given = {"Environment": {"Variables": {"MINE": "stays"}}, "MemorySize": 256, **settings}
    world.cloud.create(NAME, given.pop("files", BEFORE), **given)


def aliased(world: World) -> None:
    """Traffic comes through an alias."""
    present(world)
    world.cloud.functions.publish_version(FunctionName=NAME)
    world.cloud.functions.create_alias(FunctionName=NAME, Name="live", FunctionVersion="1")


def weighted(world: World) -> None:
    """Somebody shifts the alias's traffic from one version to another."""
    aliased(world)
    world.cloud.functions.update_function_configuration(FunctionName=NAME, MemorySize=192)
    world.cloud.functions.publish_version(FunctionName=NAME)
    routing = {"AdditionalVersionWeights": {"2": 0.1}}
    world.cloud.functions.update_alias(FunctionName=NAME, Name="live", RoutingConfig=routing)


def layered(world: World) -> None:
    """Most of a layer of the function's own is never used."""
    files = {"python/inlayer.py": "VALUE = 'before'\n", "python/spare.py": "VALUE = 0\n" * 1000}
    layer = world.cloud.functions.publish_layer_version(LayerName="own", Content={"ZipFile": packed(files)})
    source = FILES["app.py"] + "\nimport inlayer\n"
    write(world.folder / "build", {"app.py": source})
    write(world.folder / "fresh", {"app.py": source + "# fresh\n"})
    present(world, Layers=[layer["LayerVersionArn"]], files={"app.py": "import inlayer\n" + BEFORE["app.py"]})


def over_limit(world: World) -> None:
    """The package is over the limit, and the function's role may not read it yet."""
    for folder in ("build", "fresh"):
        with (world.folder / folder / "data" / "huge.bin").open("wb") as file:
            file.truncate(UNZIPPED + 500_000)
    roles = client(world.aws, "iam")
    role = roles.create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps({"Statement": []}))["Role"]
    roles.close()
    present(world, Role=role["Arn"], Timeout=60)


def signed(world: World) -> None:
    """Somebody wants the function's code signed; whether it must be, may not be looked up."""
    present(world, CodeSigningConfigArn="arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-1")


def versioned(world: World) -> None:
    """The bucket keeps versions and encrypts with a key of the user's."""
    storage = world.cloud.storage
    storage.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/own"}}
    storage.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [rule]})
    files = {
        path.relative_to(world.folder / "build").as_posix(): path.read_text()
        for path in (world.folder / "build").rglob("*")
        if path.is_file()
    }
    storage.put_object(Bucket=BUCKET, Key="build.zip", Body=packed(files))
    present(world)


SCENARIOS: Final[dict[str, Scenario]] = {
    "plain": Scenario(
        present,
        (
            Station({"probe": FULL, "doctor": ("doctor", NAME, "--bucket", BUCKET)}, FULL),
            Station(
                {
                    "shrink": SHRINK,
                    "shrink-trial-after": (*SHRINK, "--trial", "after"),
                    "shrink-guarded": (*SHRINK, "--guard", "inside"),
                    "restore": RESTORE,
                    "probe-again": FULL,
                    "status": ("status", NAME),
                    "why": ("why", NAME, "lazy.py"),
                },
                SHRINK,
            ),
            Station(
                {
                    "deploy": DEPLOY,
                    "restore-shrunk": RESTORE,
                    "shrink-again": (*SHRINK, "--keep", "unused.py"),
                    "probe-shrunk": FRESH,
                    "clean": CLEAN,
                },
                DEPLOY,
            ),
            Station({"restore-deployed": RESTORE, "deploy-again": DEPLOY, "clean-deployed": CLEAN}, RESTORE),
            Station({"clean-restored": CLEAN, "restore-again": RESTORE}),
        ),
    ),
    "created": Scenario(lambda world: None, _stations((*FULL, *CREATE))),
    "own-bucket": Scenario(
        present, _stations(("probe", NAME, "--package", "build", "--resolve-s3", "--invoke", "events", "--yes"))
    ),
    "alias": Scenario(aliased, _stations()),
    "shifting": Scenario(
        aliased,
        (
            Station({}, FULL),
            Station({"shrink-canary": CANARY}, CANARY),
            Station(
                {
                    "shift-status": ("shift", "status", NAME),
                    "shift-finish": ("shift", "finish", NAME, "--yes"),
                    "shift-back": ("shift", "back", NAME, "--yes"),
                    "restore-shifting": RESTORE,
                }
            ),
        ),
    ),
    "weights": Scenario(weighted, _stations()[:2]),
    "layers": Scenario(layered, _stations()),
    "over-limit": Scenario(
        over_limit,
        _stations(
            (*FULL, "--attach-policy"), ("--attach-policy",), (*DEPLOY, "--attach-policy", "--drop", "data/huge.bin")
        ),
    ),
    "versioned": Scenario(versioned, _stations((*PROBE, "--package", f"s3://{BUCKET}/build.zip"))),
    "signed": Scenario(signed, _stations()[:2]),
    "insights": Scenario(present, (Station({}, FULL), Station({"shrink-insights": (*SHRINK, "--via", "insights")}))),
}

CHANGING: Final = frozenset({"probe", "shrink", "deploy", "restore"})
"""Commands of which two may be given at once."""
PAIRED: Final = ("plain", "alias", "layers")
"""Scenarios in which that is tried."""
