"""``--package`` -> the package, indexed, and where its zip lies or will lie."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from deployer.aws import Aws
from deployer.errors import PackageError, UsageError
from deployer.instrumentation.manifest import NAME
from deployer.models.function import Function, StoredZip, package_key
from deployer.models.package import Package, Source
from deployer.notices import Notices
from deployer.package import FileSource, index, pack_folder
from deployer.state.workspace import Workspace

SCHEME = "s3://"


@dataclass(frozen=True)
class Taken:
    """A full package that was taken in."""

    package: Package
    source: Source
    zip: StoredZip
    upload: Path | None
    """The zip on this machine, where it is not in S3 yet."""
    etag: str = ""
    """Of the user's own object in S3; empty where the key is the zip's hash, and says as much."""


@dataclass(frozen=True)
class Intake:
    """Takes packages in: from a folder, a zip, S3, or the function itself."""

    aws: Aws
    workspace: Workspace
    notices: Notices
    bucket: str

    def take(self, given: str | None, found: Function | None) -> Taken:
        """The package that the user named, or the function's present code.

        Raises:
            UsageError: nothing was given and there is no function.
            PackageError: what was given is not there, or no package.
        """
        if given and given.startswith(SCHEME):
            return self._checked(self._object(given))
        if given:
            path = Path(given)
            if not path.exists():
                raise PackageError(f"There is no {given}.", "Give a folder, a zip or s3://bucket/key.zip.")
            return self._checked(self._zip(self._packed(path) if path.is_dir() else path))
        if found is None:
            raise UsageError("There is no package to deploy.", "Name it with --package.")
        return self._checked(self._present(found))

    def _checked(self, taken: Taken) -> Taken:
        """A package that ldeploy made to fit is no full one: parts of it are packed."""
        if NAME in taken.package.entries:
            raise PackageError(
                f"{taken.zip} was made by ldeploy, and parts of it are packed.", "Name the full build with --package."
            )
        return taken

    def _packed(self, folder: Path) -> Path:
        """The folder as a zip in the workspace, under its hash."""
        beside = self.workspace.path("full.zip")
        total = sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
        with self.notices.bar(f"packing {folder.name}", total) as advance:
            pack_folder(folder, beside, advance)
        return self.workspace.keep_packed(beside, sha256_of(beside))

    def _zip(self, path: Path) -> Taken:
        source = FileSource(path)
        package = index(source)
        sha256 = sha256_of(path)
        return Taken(package, source, _stored(self.bucket, package_key(sha256), sha256, package), path)

    def _object(self, uri: str) -> Taken:
        bucket, _, key = uri.removeprefix(SCHEME).partition("/")
        if not bucket or not key:
            raise UsageError(f"'{uri}' names no object.", "Write s3://bucket/key.zip.")
        self.aws.storage.check_bucket(bucket)
        source = self.aws.storage.source(bucket, key)
        package = index(source)
        found = self.aws.storage.find(bucket, key)
        return Taken(package, source, _stored(bucket, key, found.sha256 if found else "", package), None, source.etag)

    def _present(self, found: Function) -> Taken:
        url = self.aws.functions.code_url(found.name)
        source = self.aws.storage.url(url, found.code_size, f"the code of {found.name}")
        package = index(source)
        key = package_key(found.code_sha256)
        return Taken(package, source, _stored(self.bucket, key, found.code_sha256, package), None)


def _stored(bucket: str, key: str, sha256: str, package: Package) -> StoredZip:
    return StoredZip(
        bucket, key, sha256, package.zip_bytes, bytes=package.bytes, files=package.files, label=package.label
    )


def sha256_of(path: Path) -> str:
    """Of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
