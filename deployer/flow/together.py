"""Several functions of one call: a layer that they share keeps what any of them touched."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from deployer.context import Context
from deployer.errors import LdeployError
from deployer.models.evidence import Evidence
from deployer.sources.reader import Window, open_reader
from deployer.state.baseline import of_this_function, seen_layers


@dataclass(frozen=True)
class Sharer:
    """Another function of the call, what its sandboxes touched, and the layers of which they could tell."""

    function: str
    evidence: Evidence
    layers: frozenset[str]


def sharers(context: Context, names: Iterable[str], via: str) -> Iterator[Sharer]:
    """Yield the other functions of a call that were probed; of one that cannot be read nothing is known.

    Args:
        context: of the function that is shrunk.
        names: the functions of the call.
        via: how their logs are read.
    """
    own = context.workspace
    for name in sorted(set(names) - {own.function}):
        workspace = replace(own, function=name, folder=own.folder.with_name(name), _locked=[])
        other = replace(context, workspace=workspace)
        try:
            found = context.aws.functions.find(name)
            state = of_this_function(workspace.state(), found, context.aws.region) if found else None
            if state is None:
                continue
            evidence = open_reader(other, via).read(state, Window(), context.now(), keep=False)
        except LdeployError:
            continue
        yield Sharer(name, evidence, seen_layers(state, evidence.until))
