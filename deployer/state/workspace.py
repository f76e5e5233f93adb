"""What one run leaves and the next finds: in ``.ldeploy/<function>/`` and beside the package in S3.

Files are written beside and renamed, so that a run that is cut off leaves the old one or the new one whole. The state
is whole in S3; the copy here says where that is, and holds no value of the function's environment.
"""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from deployer import evidence as evidences
from deployer.aws.storage import Storage
from deployer.errors import BusyError, WorkspaceError
from deployer.models.evidence import Evidence
from deployer.models.function import function_key
from deployer.state.document import FORM, from_document, to_document
from deployer.state.left import LeftHere, broken
from deployer.state.sealing import differences, is_redacted, redacted, seal
from deployer.state.shift import SHIFT, Shift, from_text, to_text
from deployer.state.state import State
from deployer.whitelist import Inventory, inventory_from_json, inventory_to_json

STATE = "state.json"
NEXT = ".state.next.json"  # what is about to be written to the bucket, as this machine's copy will be
WHITELIST = "whitelist.json"
LIST = "whitelist.txt"
LEAN = "ldeploy.json"
"""The whitelist as it is made for commits (``--export``)."""
DEPLOYED = "deployed-whitelist.json"
"""The whitelist of the slim package that was deployed last; WHITELIST may be of one that was planned or taken back."""
SLIM = "slim.zip"
STUB = "stub.zip"
REPORT = "report.json"
SHIFT_REPORT = "shift-report.json"
SHIFT_WHITELIST = "shift-whitelist.json"
"""Of a shift under way: where it goes well, they become REPORT and DEPLOYED, whichever run ends it."""
OUTCOMES = "outcomes.json"
"""What became of each file in the last slim package."""
EVIDENCE = "evidence.json"
"""The evidence that the last shrink used."""
PAGE = "page.html"
IGNORED = f".*\n!.gitignore\n{STATE}\n*.zip\n"
"""What belongs in no repository: files that a run that was killed left half written, the state, and packages."""


@dataclass(frozen=True)
class EvidenceCheckpoint:
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
    _locked: list[int] = field(default_factory=list, compare=False, repr=False)
    """Descriptors of the folder while it is locked."""

    def path(self, name: str) -> Path:
        """Return a file of the workspace on this machine; its folder is there afterwards."""
        self.folder.mkdir(parents=True, exist_ok=True)
        ignore = self.folder.parent / ".gitignore"
        if not ignore.exists():
            ignore.write_text(IGNORED)
        return self.folder / name

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other runs on this machine away from the function's files; a run that is killed leaves no lock.

        Raises:
            BusyError: another one is at work.
        """
        try:
            descriptor = os.open(self.path(STATE).parent, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:  # a folder that cannot be made holds nothing to keep others away from: the lease in S3 does
            yield
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._locked.append(descriptor)
            yield
        except BlockingIOError as error:
            raise BusyError(f"Another ldeploy is at work on {self.function}.", "Wait until it has ended.") from error
        finally:
            self._locked.clear()
            os.close(descriptor)

    @contextmanager
    def unlocked(self) -> Iterator[None]:
        """Let other runs have the function's files for the length of the block; wait at its end until they are done."""
        for descriptor in self._locked:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        try:
            yield
        finally:
            for descriptor in self._locked:
                fcntl.flock(descriptor, fcntl.LOCK_EX)

    def shift(self, bucket: str) -> Shift | None:
        """Return the record of the shift that was begun last, or None; it is in the bucket alone."""
        text = self.storage.get(bucket, function_key(self.function, SHIFT))
        return from_text(text) if text else None

    def save_shift(self, bucket: str, shift: Shift) -> None:
        """Write the record of a shift."""
        self.storage.put(bucket, function_key(self.function, SHIFT), to_text(shift))

    def packed(self, sha256: str) -> Path:
        """Return where a full package that was packed here is kept."""
        return self.path(f"full-{sha256}.zip")

    def keep_packed(self, beside: Path, sha256: str) -> Path:
        """Keep a full package that was packed here, in the place of the one before."""
        for old in self.folder.glob("full-*.zip"):
            old.unlink(missing_ok=True)
        return beside.replace(self.packed(sha256))

    def known_bucket(self) -> str | None:
        """Return the bucket that this machine's copy of the state names, or None."""
        text = self._here(STATE)
        return str(_parsed(text, STATE).get("bucket") or "") or None if text else None

    def state(self) -> State | None:
        """Return the state, or None where this function was never probed.

        The copy in the bucket is the whole one. A copy here that an earlier version of ldeploy wrote is whole too.

        Raises:
            WorkspaceError: a copy is broken, or the one in the bucket is not there or not known.
        """
        here, there = self._state_copies()
        copies = [one for one in (here, there) if one]
        whole = [from_document(document) for document in copies if not is_redacted(document)]
        if copies and not whole:
            raise WorkspaceError(
                f"The state of {self.function} is not in the bucket {copies[0].get('bucket')}, where it was written.",
                "Give the --bucket that it was probed with, or restore by hand from its published version.",
            )
        return max(whole, key=lambda state: state.serial, default=None)

    def differences(self) -> tuple[str, ...]:
        """Return the names of what differs in the bucket's state; what a cut-off run was to write here too does not."""
        here, there = self._state_copies()
        found = differences(here, there) if here and there else ()
        intended = self._here(NEXT) if found else None
        ours = intended and there and not differences(_parsed(intended, NEXT), there)
        return () if ours else found

    def _state_copies(self) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """Return this machine's copy of the state and the bucket's; where none is named, that of the copy here."""
        text = self._here(STATE)
        here = _parsed(text, STATE) if text else None
        there = self._there(STATE)
        if there is None and here and here.get("bucket") not in {None, self.bucket}:
            there = self.storage.get(str(here["bucket"]), function_key(self.function, STATE))
        return here, _parsed(there, STATE) if there else None

    def save_state(self, state: State) -> State:
        """Write the state under the next serial number: whole in S3, and here without the environment's values."""
        newest = replace(state, serial=state.serial + 1)
        there = None if self.here_only else self.storage.get(state.bucket, function_key(self.function, STATE))
        document = seal(to_document(newest), _parsed(there, STATE) if there else None)
        ours = FORM.write(redacted(document))
        if not self.here_only:
            self._write_here(NEXT, ours)
            self.storage.put(state.bucket, function_key(self.function, STATE), FORM.write(document))
        self._write_here(STATE, ours)
        return newest

    def checkpoint(self, key: str) -> EvidenceCheckpoint | None:
        """Return what was read in earlier runs of a time with the probe in, by its key.

        Raises:
            WorkspaceError: the file is broken.
        """
        name = _evidence_name(key)
        copies = [_checkpoint(text, name) for text in (self._here(name), self._there(name)) if text]
        return max(copies, key=lambda one: one.read_until, default=None)

    def save_checkpoint(self, key: str, checkpoint: EvidenceCheckpoint) -> None:
        """Write what is complete, here and in S3; each key has a file of its own."""
        evidence = json.loads(evidences.to_json(checkpoint.evidence))
        document = {"read_until": checkpoint.read_until, "evidence": evidence}
        self.write(_evidence_name(key), json.dumps(document, indent=1) + "\n")

    def inventory(self, label: str) -> Inventory | None:
        """What a package held that was probed, or None where nobody wrote it down.

        Raises:
            WorkspaceError: the file is broken.
        """
        text = self.read(_contents_name(label))
        return inventory_from_json(text) if text else None

    def describe(self, inventory: Inventory) -> None:
        """Write down what a package holds, here and in S3."""
        self.write(_contents_name(inventory.package), inventory_to_json(inventory))

    def write(self, name: str, text: str) -> Path:
        """Write a text, atomically, here and (where a bucket is known, and only if nothing is merely planned) in S3."""
        if self.bucket and not self.here_only:
            self.storage.put(self.bucket, function_key(self.function, name), text)
        return self._write_here(name, text)

    def read(self, name: str) -> str | None:
        """Return a text from here, or from S3, or None."""
        return self._here(name) or self._there(name)

    def _write_here(self, name: str, text: str) -> Path:
        """Write a file on this machine; where that fails, what the bucket holds is enough."""
        try:
            path = self.path(name)
            write_whole(path, text)
        except OSError:
            if not self.bucket or self.here_only:
                raise
        return self.folder / name

    def _here(self, name: str) -> str | None:
        return LeftHere(self.function, self.folder).read(name)

    def _there(self, name: str) -> str | None:
        return self.storage.get(self.bucket, function_key(self.function, name)) if self.bucket else None


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it holds the whole text or what it held before, whatever happens meanwhile."""
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


def put_whole(source: Path, target: Path) -> None:
    """Copy a file so that the target is whole or what it was before; its folder is made."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.part")
    shutil.copyfile(source, beside)
    beside.replace(target)


def _evidence_name(key: str) -> str:
    return f"evidence-{key}.json"


def _contents_name(label: str) -> str:
    return f"contents-{label}.json"


def _checkpoint(text: str, name: str) -> EvidenceCheckpoint:
    document = _parsed(text, name)
    until = document.get("read_until")
    if not isinstance(until, int):
        raise broken(name)
    return EvidenceCheckpoint(evidences.from_json(json.dumps(document.get("evidence"))), until)


def _parsed(text: str, name: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise broken(name) from error
    if not isinstance(document, dict):
        raise broken(name)
    return document
