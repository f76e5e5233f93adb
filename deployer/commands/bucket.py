"""Which bucket a command works with."""

from typing import TYPE_CHECKING

from deployer.errors import UsageError

if TYPE_CHECKING:
    from deployer.aws import Aws
    from deployer.context import Context


def own_bucket(aws: "Aws") -> str:
    """Return the bucket of ``--resolve-s3``: one for each account and region.

    Raises:
        DeniedError: somebody else has a bucket of this name, which anyone can guess.
    """
    name = f"ldeploy-{aws.account()}-{aws.region}"
    aws.buckets.has(name)
    return name


def the_bucket(context: "Context", package: str, *, create: bool) -> tuple[str, bool]:
    """Return the bucket to work with, and whether to create it first.

    Args:
        context: the surroundings.
        package: ``s3://bucket/key``, or empty.
        create: whether it may be created, where it is ldeploy's own.

    Raises:
        UsageError: no option names one. MissingError: it does not exist, and may not be created.
    """
    bucket = context.workspace.bucket or package.removeprefix("s3://").partition("/")[0]
    if not bucket:
        raise UsageError("There is no bucket to deploy from.", "Give --bucket NAME, or --resolve-s3 to create one.")
    if create and bucket == own_bucket(context.aws) and not context.aws.buckets.is_whole(bucket):
        return bucket, True
    context.aws.buckets.check(bucket)
    return bucket, False
