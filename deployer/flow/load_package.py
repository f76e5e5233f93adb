"""``--package`` -> the package, indexed, and where its zip lies or will lie."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from deployer.context import Context
from deployer.errors import PackageError, UsageError
from deployer.instrumentation.manifest import FOLDER, INDEX, NAME
from deployer.models.function import Function, StoredZip, package_key
from deployer.models.package import Package, Source
from deployer.notices import Advance, Notices
from deployer.package import FileSource, index, open_file, pack_folder

SCHEME = "s3://"
_APART = "Give a build in a folder of its own, and keep that folder out of it."


@dataclass(frozen=True)
class LoadedPackage:
    """A full package that can be read."""

    package: Package
    source: Source
    zip: StoredZip
    upload: Path | None
    """The zip on this machine, where it is not in S3 yet."""


def load_package(context: Context, bucket: str, given: str | None, found: Function | None) -> LoadedPackage:
    """Load the package that the user named, or the function's present code.

    Args:
        context: the surroundings.
        bucket: where a zip from this machine, or the present code, is put.
        given: a folder, a zip or ``s3://bucket/key``; None for the present code.
        found: the function, if there is one.

    Raises:
        UsageError: nothing was given and there is no function; or what was given is not there.
        PackageError: what was given is no package.
    """
    if given and given.startswith(SCHEME):
        return _object(context, given)
    if given:
        path = Path(given)
        if not path.exists():
            raise UsageError(f"There is no folder or zip {given}.", "Give one with --package, or s3://bucket/key.zip.")
        return _zip(context, bucket, _packed(context, path) if path.is_dir() else path)
    if found is None:
        raise UsageError("There is no package to deploy.", "Name it with --package.")
    return _present(context, bucket, found)


def full_source(context: Context, stored: StoredZip) -> Source:
    """Return the full package's zip: the one that was packed here, or the object in S3 by range requests."""
    packed = context.workspace.packed(stored.sha256)
    if packed.exists():
        return open_file(packed)
    return context.aws.storage.source(stored.bucket, stored.key)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_full(source: Source, name: str, notices: Notices) -> Package:
    """Return a zip's index, without what ldeploy itself keeps in a folder: that belongs into no package.

    Raises:
        PackageError: ldeploy made the zip to fit, or guarded it: parts of it are packed, or links.
    """
    package = index(source)
    if {NAME, INDEX} & package.entries.keys():
        raise PackageError(
            f"{name} was made by ldeploy, and parts of it are packed.", "Name the full build with --package."
        )
    entries = {path: entry for path, entry in package.entries.items() if path.partition("/")[0] != FOLDER}
    if len(entries) == len(package.entries):
        return package
    notices.warn(f"{name} holds the folder {FOLDER}, which ldeploy keeps for itself: it is left out. {_APART}")
    return replace(package, entries=entries)


def pack_build(folder: Path, out: Path, notices: Notices, advance: Advance | None = None) -> None:
    """Write a zip of a folder, without what ldeploy itself keeps there.

    Raises:
        PackageError: as ``pack_folder``.
    """
    state = (folder / FOLDER).is_dir() and not any((folder / path).exists() for path in (NAME, INDEX))
    if state:
        notices.warn(f"{folder} holds {FOLDER}, where ldeploy keeps its state: it is left out. {_APART}")
    pack_folder(folder, out, advance, without=FOLDER if state else "")


def _packed(context: Context, folder: Path) -> Path:
    """Pack the folder as a zip in the workspace, under its hash."""
    beside = context.workspace.path("full.zip")
    total = sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
    with context.notices.bar(f"packing {folder.name}", total) as advance:
        pack_build(folder, beside, context.notices, advance)
    return context.workspace.keep_packed(beside, sha256_of(beside))


def _zip(context: Context, bucket: str, path: Path) -> LoadedPackage:
    source = FileSource(path)
    package = read_full(source, f"{path}", context.notices)
    sha256 = sha256_of(path)
    key = package_key(context.workspace.function, sha256)
    return LoadedPackage(package, source, _stored(bucket, key, sha256, package), path)


def _object(context: Context, uri: str) -> LoadedPackage:
    bucket, _, key = uri.removeprefix(SCHEME).partition("/")
    if not bucket or not key:
        raise UsageError(f"'{uri}' names no object.", "Write s3://bucket/key.zip.")
    storage = context.aws.storage
    context.aws.buckets.check(bucket)
    source = storage.source(bucket, key)
    package = read_full(source, uri, context.notices)
    found = storage.find(bucket, key)
    if found is None or found.etag != source.etag:
        raise PackageError(f"{uri} was changed while it was read.", "Run the same command again on the zip you mean.")
    stored = replace(_stored(bucket, key, found.sha256, package), etag=found.etag, version=found.version)
    return LoadedPackage(package, source, stored, None)


def _present(context: Context, bucket: str, found: Function) -> LoadedPackage:
    url = context.aws.functions.code_url(found.name)
    source = context.aws.storage.url(url, found.code_size, f"the code of {found.name}")
    package = read_full(source, f"The code of {found.name}", context.notices)
    key = package_key(found.name, found.code_sha256)
    return LoadedPackage(package, source, _stored(bucket, key, found.code_sha256, package), None)


def _stored(bucket: str, key: str, sha256: str, package: Package) -> StoredZip:
    return StoredZip(
        bucket, key, sha256, package.zip_bytes, bytes=package.bytes, files=package.files, label=package.label
    )
