"""Who changed what of a function's configuration: ldeploy, somebody else since, or both."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

from deployer.instrumentation.configure import is_start_layer, without_ours
from deployer.models.function import Configuration
from deployer.state.state import State

_ABSENT: Final = object()


@dataclass(frozen=True)
class TakenOver:
    """The configuration before ldeploy, with what others have changed since."""

    before: Configuration
    """Before ldeploy, and before they did."""
    changed: Mapping[str, Any] = field(repr=False)
    """What others changed, by name; of the environment, ``environment.NAME``."""
    both: tuple[str, ...] = ()
    """Of these, what ldeploy had changed too: there is no telling which is meant."""

    @property
    def theirs(self) -> tuple[str, ...]:
        """Names of what others changed."""
        return tuple(self.changed)

    @property
    def configuration(self) -> Configuration:
        """With all that others changed."""
        return _changed(self.before, self.changed)

    def keeping(self, names: Iterable[str]) -> Configuration:
        """Return the configuration with these of the changes."""
        return _changed(self.before, {name: self.changed[name] for name in names})


def take_over(state: State, found: Configuration) -> TakenOver:
    """Compare three configurations: before ldeploy, as ldeploy left it, and now; values are never told.

    What others changed is taken over. What is as ldeploy left it, or as it was before, is as it was before.

    Args:
        state: what was there before, and what ldeploy left.
        found: the configuration now.
    """
    before = state.baseline.configuration
    ours = [_flat(one, state.pruned) for one in (state.left, state.probe.configuration) if one]
    first, now = _flat(before, state.pruned), _flat(found, state.pruned)
    changed, both = {}, []
    for name in sorted(first.keys() | now.keys()):
        known = [first.get(name, _ABSENT), *(one.get(name, _ABSENT) for one in ours)]
        value = now.get(name, _ABSENT)
        if value not in known:
            changed[name] = value
            both += [name] if any(one != known[0] for one in known) else []
    return TakenOver(before, changed, tuple(both))


_PREFIX: Final = "environment."


def _flat(configuration: Configuration, pruned: Mapping[str, str]) -> dict[str, Any]:
    """Return each setting by its name, each variable as one, without what ldeploy adds."""
    bare = without_ours(configuration)
    flat = {one.name: getattr(bare, one.name) for one in fields(bare) if one.name != "environment"}
    flat["layers"] = tuple(pruned.get(arn, arn) for arn in bare.layers)
    return flat | {f"{_PREFIX}{name}": value for name, value in bare.environment.items()}


def _changed(before: Configuration, changed: Mapping[str, Any]) -> Configuration:
    environment = dict(before.environment)
    settings: dict[str, Any] = {}
    for name, value in changed.items():
        variable = name.removeprefix(_PREFIX)
        if name == "layers":
            settings[name] = (*value, *filter(is_start_layer, before.layers))
        elif variable == name:
            settings[name] = value
        elif value is _ABSENT:
            environment.pop(variable, None)
        else:
            environment[variable] = value
    return replace(before, environment=environment, **settings)
