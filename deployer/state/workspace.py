"""What one run leaves and the next finds: in ``.ldeploy/<function>/`` and beside the package in S3.

Files are written beside and renamed, so that a run that is cut off leaves the old one or the new one whole. Of the
state there are two copies with a serial number; the higher one is the newer.
"""

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from deployer import evidence as evidences
from deployer.aws.storage import Storage
from deployer.errors import WorkspaceError
from deployer.models.evidence import Evidence
from deployer.models.function import function_key
from deployer.state.state import FORM, State, state_from
from deployer.whitelist import Inventory, inventory_from_json, inventory_to_json

STATE = "state.json"
WHITELIST = "whitelist.json"
LIST = "whitelist.txt"
DEPLOYED = "deployed-whitelist.json"
"""The whitelist of the slim package that was deployed last; WHITELIST may be of one that was planned or taken back."""
SLIM = "slim.zip"
STUB = "stub.zip"
REPORT = "report.json"
IGNORED = f"{STATE}\n*.zip\n"
"""What belongs in no repository: the state holds the function's environment, which may hold secrets."""


@dataclass(frozen=True)
class Settled:
    """Evidence that is complete up to a moment: what came before is never read again."""

    evidence: Evidence
    read_until: int
    """Milliseconds since 1970."""


@dataclass(frozen=True)
class Workspace:
    """One function's files, on this machine and in a bucket."""

    function: str
    folder: Path
    storage: Storage
    bucket: str | None
    """None while nobody has said which: only this machine's copy is read then."""
    here_only: bool = False
    """Whether nothing is written to the bucket (``--plan``)."""

    def path(self, name: str) -> Path:
        """A file of the workspace on this machine; its folder is there afterwards."""
        self.folder.mkdir(parents=True, exist_ok=True)
        ignore = self.folder.parent / ".gitignore"
        if not ignore.exists():
            ignore.write_text(IGNORED)
        return self.folder / name

    @contextmanager
    def lock(self) -> Iterator[None]:
        """No other run on this machine works on the function's files; a run that is killed leaves no lock.

        Raises:
            WorkspaceError: another one does.
        """
        descriptor = os.open(self.path(STATE).parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise WorkspaceError(
                f"Another ldeploy is at work on {self.function}.", "Wait until it has ended."
            ) from error
        finally:
            os.close(descriptor)

    def packed(self, sha256: str) -> Path:
        """Where a full package that was packed here is kept."""
        return self.path(f"full-{sha256}.zip")

    def keep_packed(self, beside: Path, sha256: str) -> Path:
        """Keeps a full package that was packed here, in the place of the one before."""
        for old in self.folder.glob("full-*.zip"):
            old.unlink(missing_ok=True)
        return beside.replace(self.packed(sha256))

    def state(self) -> State | None:
        """The newer of the two copies, or None where this function was never probed.

        Raises:
            WorkspaceError: a copy is broken.
        """
        copies = [state_from(_parsed(text, STATE)) for text in (self._here(STATE), self._there(STATE)) if text]
        return max(copies, key=lambda state: state.serial, default=None)

    def save_state(self, state: State) -> State:
        """Writes the state, here and in S3, under the next serial number."""
        newest = replace(state, serial=state.serial + 1)
        text = FORM.write(asdict(newest))
        self.write(STATE, text)
        return newest

    def settled(self, key: str) -> Settled | None:
        """What was read in earlier runs of a time with the probe in, by its key.

        Raises:
            WorkspaceError: the file is broken.
        """
        name = _evidence_name(key)
        copies = [_settled(text, name) for text in (self._here(name), self._there(name)) if text]
        return max(copies, key=lambda settled: settled.read_until, default=None)

    def settle(self, key: str, settled: Settled) -> None:
        """Writes what is complete, here and in S3; each key has a file of its own."""
        document = {
            "read_until": settled.read_until,
            "evidence": json.loads(evidences.to_json(settled.evidence)),
        }
        self.write(_evidence_name(key), json.dumps(document, indent=1) + "\n")

    def inventory(self, label: str) -> Inventory | None:
        """What a package held that was probed, or None where nobody wrote it down.

        Raises:
            WorkspaceError: the file is broken.
        """
        text = self.read(_contents_name(label))
        return inventory_from_json(text) if text else None

    def describe(self, inventory: Inventory) -> None:
        """Writes down what a package holds, here and in S3."""
        self.write(_contents_name(inventory.package), inventory_to_json(inventory))

    def write(self, name: str, text: str) -> Path:
        """A text, atomically, here and (where a bucket is known, and only if nothing is merely planned) in S3."""
        path = self.path(name)
        write_whole(path, text)
        if self.bucket and not self.here_only:
            self.storage.put(self.bucket, function_key(self.function, name), text)
        return path

    def read(self, name: str) -> str | None:
        """A text from here, or from S3, or None."""
        return self._here(name) or self._there(name)

    def _here(self, name: str) -> str | None:
        try:
            return (self.folder / name).read_text("utf-8", "surrogateescape")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise _broken(str(self.folder / name)) from error

    def _there(self, name: str) -> str | None:
        return self.storage.get(self.bucket, function_key(self.function, name)) if self.bucket else None


def write_whole(path: Path, text: str) -> None:
    """The file holds the whole text or what it held before, whatever happens meanwhile."""
    descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def _evidence_name(key: str) -> str:
    return f"evidence-{key}.json"


def _contents_name(label: str) -> str:
    return f"contents-{label}.json"


def _settled(text: str, name: str) -> Settled:
    document = _parsed(text, name)
    until = document.get("read_until")
    if not isinstance(until, int):
        raise _broken(name)
    return Settled(evidences.from_json(json.dumps(document.get("evidence"))), until)


def _parsed(text: str, name: str) -> dict[str, object]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise _broken(name) from error
    if not isinstance(document, dict):
        raise _broken(name)
    return document


def _broken(name: str) -> WorkspaceError:
    return WorkspaceError(
        f"{name}, which an earlier run left, cannot be read.", "Remove it: the other copy is used then."
    )
