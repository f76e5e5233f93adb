"""Two places to run a small function in, with the probe and under strace, and one judge for both.

``Folders`` is quick: one sandbox in plain folders. ``Embedded`` is the whole way: the package and the layers deployed
to the embedded AWS, the records read from CloudWatch. A test says what the package holds and what the function does.
"""

import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from textwrap import dedent
from typing import Any

from deployer.evidence import gather
from deployer.instrumentation.configure import arm
from deployer.instrumentation.layer_zip import build_layer
from deployer.models.evidence import Evidence, LogEvent
from deployer.models.function import Configuration
from deployer.models.image import Architecture
from deployer.package.folder import pack_folder
from probe_layer.record import encode
from tests.functional.local_aws import ROLE, RUNTIME, Cloud
from tests.functional.probe_host import Host, named, strace
from tests.functional.witnesses import count
from tests.images import ARCHITECTURE, TWIN, compile_c

LABEL = "00112233aabbccdd"


@dataclass(frozen=True)
class Seen:
    """What came of a function, as two see it."""

    answers: list[Any]
    evidence: Evidence
    needed: set[str]
    """What strace saw opened, executed or looked at by name, with success: files of the package and of its layers."""

    def touched(self, *kinds: str) -> set[str]:
        """The evidence's paths, of all kinds or of some."""
        return {path for path, seen in self.evidence.paths.items() if not kinds or seen.touches & set(kinds)}


def judge(seen: Seen, faults: Sequence[str] = ()) -> Seen:
    """Everything that strace saw is in the evidence, and the probe had nothing to complain of."""
    count(seen.needed, seen.evidence)
    assert seen.needed
    assert seen.needed - seen.touched() == set()
    assert set(seen.evidence.faults) == set(faults)
    return seen


class Package:
    """What a test puts into the package (``task``), and beside it as a layer (``opt``)."""

    task: Path
    opt: Path
    scratch: Path
    machine: Architecture = ARCHITECTURE
    """What is compiled is compiled for it."""

    def __init__(self) -> None:
        self.compiled: list[tuple[str, str, tuple[str, ...]]] = []

    def add(self, path: str, content: str | bytes = "x", mode: int = 0o644) -> Path:
        """A file of the package."""
        file = self.task / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(dedent(content).encode() if isinstance(content, str) else content)
        file.chmod(mode)
        return file

    def compile(self, path: str, source: str, *arguments: str) -> None:
        """A program or a library of the package, from C."""
        place = self.task / path
        place.parent.mkdir(parents=True, exist_ok=True)
        code = self.scratch / "x.c"
        code.write_text(source)
        self.compiled.append((path, source, arguments))
        compile_c(["-o", str(place), str(code), f"-L{place.parent}", *arguments], self.machine)

    def needed(self, traces: Path, start: str, opt: str) -> Iterator[str]:
        """The files that strace saw, by the names that the evidence has for them."""
        for path in named(traces, Path(start)):
            for root, folder, prefix in ((start, self.task, ""), (opt, self.opt, "/opt/")):
                if path.is_relative_to(root):
                    inside = path.relative_to(root)
                    there = (folder / inside).is_file() or (folder / inside).is_symlink()
                    if there and not (prefix and inside.parts[0] == "ldeploy"):
                        yield prefix + str(inside)


class Folders(Package):
    """One sandbox in plain folders."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.host = Host(folder)
        self.task, self.opt, self.scratch = self.host.task, self.host.opt, self.host.tmp
        self._traces = folder / "traces"

    def run(self, body: str, events: Sequence[Any] = ({},)) -> Seen:
        """Every event, one after another, in one sandbox."""
        self.add("app.py", body)
        run = self.host.run(events, prefix=strace(self._traces))
        lines = [line for record in run.records for line in encode(record)]
        needed = set(self.needed(self._traces, str(self.task), str(self.opt)))
        return Seen(run.answers, told(lines), needed)


class Embedded(Package):
    """A function of the embedded AWS, every sandbox under strace.

    Where an image's programs are emulated, which strace cannot follow, a twin of the function for this machine is run
    beside it: what strace sees of the twin must be in the evidence of the function. The twin has files of its own: of
    the same ones, the kernel would tell the function's probe what the twin opens.
    """

    def __init__(self, cloud: Cloud, traces: Path, folder: Path, name: str) -> None:
        super().__init__()
        self._cloud, self._traces, self._name = cloud, traces, name
        self._judged = f"{name}-twin" if TWIN else name
        self.task, self.opt, self.scratch = folder / "task", folder / "opt", folder / "scratch"
        for place in (self.task, self.opt, self.scratch):
            place.mkdir(parents=True)

    def run(self, body: str, events: Sequence[Any] = ({},), **settings: Any) -> Seen:
        """Every event, one after another: an invocation each, in as many sandboxes as it takes."""
        self.deploy(body, **settings)
        answers = [self.invoke(event) for event in events]
        return Seen(answers, self.evidence(), self.seen_by_strace())

    def deploy(self, body: str, **settings: Any) -> None:
        """The function, with the probe in."""
        self.add("app.py", body)
        self._create(self._name, settings)
        if TWIN:
            self.machine = TWIN.architecture
            for path, source, arguments in list(self.compiled):
                self.compile(path, source, *arguments)
            self.add("of-the-twin")
            if any(self.opt.iterdir()):
                (self.opt / "of-the-twin").touch()
            self._create(self._judged, {**settings, "Architectures": [TWIN.architecture]})

    def _create(self, name: str, settings: dict[str, Any]) -> None:
        layers = [self._publish("ldeploy-probe", build_layer())]
        if any(self.opt.iterdir()):
            layers.insert(0, self._publish(f"own-{name}", zipped(self.opt)))
        armed = arm(Configuration(RUNTIME, "app.handler", ROLE, layers=tuple(layers[:-1])), layers[-1], LABEL)
        variables = {**armed.environment, **settings.get("variables", {})}
        given = {key: value for key, value in settings.items() if key != "variables"}
        pack_folder(self.task, self.scratch / "package.zip")
        code = {"ZipFile": (self.scratch / "package.zip").read_bytes()}
        timeout = 120 if TWIN else 30
        settings = {"Environment": {"Variables": variables}, "Layers": list(armed.layers), "Timeout": timeout, **given}
        self._cloud.create(name, "", Code=code, **settings)

    def invoke(self, event: Any) -> Any:
        """What the function answers, or its error's object."""
        if TWIN:
            self._cloud.invoke(self._judged, event)
        return self._cloud.invoke(self._name, event).value

    def evidence(self) -> Evidence:
        """Of the function's log."""
        return told(self._cloud.messages(self._name))

    def seen_by_strace(self) -> set[str]:
        """Of every sandbox of the function."""
        streams = self._cloud.logs.describe_log_streams(logGroupName=f"/aws/lambda/{self._judged}")["logStreams"]
        traces = [self._traces / stream["logStreamName"].rsplit("]", 1)[1] for stream in streams]
        return {path for place in traces for path in self.needed(place, "/var/task", "/opt")}

    def _publish(self, name: str, content: bytes) -> str:
        answer = self._cloud.functions.publish_layer_version(LayerName=name, Content={"ZipFile": content})
        return str(answer["LayerVersionArn"])


def zipped(folder: Path) -> bytes:
    """A layer's zip."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    return stream.getvalue()


def told(lines: Iterable[str], label: str = LABEL) -> Evidence:
    """What the lines of a log tell."""
    return gather((LogEvent(str(number), number, line) for number, line in enumerate(lines)), label)


def errors(answers: Sequence[Any]) -> list[Any]:
    """Those that are errors."""
    return [answer for answer in answers if isinstance(answer, dict) and "errorType" in answer]
