"""Code on its way from this machine to S3 and to Lambda: no byte goes live that was not checked."""

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from deployer.context import Context
from deployer.errors import CloudError, ConflictError
from deployer.models.function import Function, StoredZip
from deployer.words import megabytes

PART = 8 * 1024 * 1024
"""Bytes read at a time when the present code is copied."""


@dataclass(frozen=True)
class CheckedCode:
    """Moves zips, and compares their bytes by SHA-256 before they are deployed and after."""

    context: Context

    def upload(self, path: Path, zipped: StoredZip) -> bool:
        """Upload a zip that is not there, or is there with other bytes; return whether that was so."""
        if self.holds(zipped):
            return False
        with self.context.notices.bar(f"uploading {megabytes(zipped.zip_bytes)}", zipped.zip_bytes) as advance:
            self.context.aws.storage.upload(path, zipped.bucket, zipped.key, zipped.sha256, advance)
        return True

    def holds(self, zipped: StoredZip) -> bool:
        """Return whether S3 holds the very bytes: by their SHA-256 or, of the user's own object, by its ETag."""
        storage = self.context.aws.storage
        found = storage.find(zipped.bucket, zipped.key)
        if found is None or found.size != zipped.zip_bytes:
            return False
        if zipped.etag and found.etag != zipped.etag:
            return bool(zipped.version)  # another version came on top of ours, which is still there
        return not zipped.sha256 or storage.sha256(zipped.bucket, zipped.key, found) == zipped.sha256

    def keep(self, name: str, zipped: StoredZip, version: str = "$LATEST") -> bool:
        """Copy what is deployed, or a version's code, to S3, where it is not there; return whether that was so.

        Raises:
            ConflictError: the copy has not the hash that Lambda gives.
        """
        if self.holds(zipped):
            return False
        url = self.context.aws.functions.code_url(name, version)
        source = self.context.aws.storage.url(url, zipped.zip_bytes, f"the code of {name}")
        digest = hashlib.sha256()
        with tempfile.NamedTemporaryFile(suffix=".zip") as kept:
            with self.context.notices.bar("keeping the present code", zipped.zip_bytes) as advance:
                for offset in range(0, zipped.zip_bytes, PART):
                    part = source.read(offset, min(PART, zipped.zip_bytes - offset))
                    digest.update(part)
                    kept.write(part)
                    advance(len(part))
            kept.flush()
            if digest.hexdigest() != zipped.sha256:
                raise ConflictError(f"The code of {name} was changed while it was copied.", "Run it again.")
            place = (zipped.bucket, zipped.key, zipped.sha256)
            self.context.aws.storage.upload(Path(kept.name), *place, lambda done: None)  # noqa: ARG005
        return True

    def _find_again(self, name: str, zipped: StoredZip) -> None:
        """Bring a zip that is gone from S3, or was replaced there, back from a published version of the function.

        Raises:
            ConflictError: no version holds it.
        """
        version = self.context.aws.releases.version_with(name, zipped.sha256) if zipped.sha256 else None
        if version is None:
            raise ConflictError(
                f"{zipped} was removed or replaced since, no version of {name} holds that code.",
                "Put the zip back, or run ldeploy probe or deploy with a package that you have.",
            )
        self.context.notices.warn(f"{zipped} was removed or replaced since: it is taken from version {version}.")
        self.keep(name, zipped, version)

    def update(self, found: Function, zipped: StoredZip, instead_of: StoredZip | None) -> Function:
        """Deploy a zip whose bytes are checked before and after; what was there is put back where others went in."""
        if not self.holds(zipped):
            self._find_again(found.name, zipped)
        updated = self.context.aws.functions.update_code(found, zipped)
        if updated.code_sha256 == zipped.sha256 or (not zipped.sha256 and self.holds(zipped)):
            return updated
        return self._put_back(updated, zipped, instead_of)

    def _put_back(self, updated: Function, zipped: StoredZip, instead_of: StoredZip | None) -> Function:
        """Deploy what was there before the last update again.

        Raises:
            CloudError: always, as the update led to other bytes than those that were checked.
        """
        back = instead_of is not None and self.holds(instead_of)
        if instead_of and back:
            self.context.aws.functions.update_code(updated, instead_of)
        raise CloudError(
            f"{zipped.uri} was replaced while it was deployed: Lambda took another zip for {updated.name}.",
            "What was there before is back; find out who writes to that bucket."
            if back
            else "Run ldeploy restore at once, and find out who writes to that bucket.",
        )
