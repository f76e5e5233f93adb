"""Through which alias traffic comes, and what it led to before ldeploy moved it."""

from dataclasses import replace

from deployer.context import Context
from deployer.errors import ConflictError, DeniedError, UsageError
from deployer.flow.models import Delivery
from deployer.state.state import State


def choose_alias(context: Context, begun: State, delivery: Delivery) -> tuple[State, Delivery]:
    """Find the alias that is moved: the named one, or the function's only one; write down what it leads to now.

    Raises:
        UsageError: there is no such alias.
        ConflictError: it is shared by weights: somebody shifts its traffic.
    """
    if delivery.alias == "":
        return begun, delivery
    aliases = _aliases(context, begun.function, named=delivery.alias is not None)
    alias = delivery.alias or (next(iter(aliases)) if len(aliases) == 1 else "")
    if not alias:
        if aliases:
            names = ", ".join(sorted(aliases))
            context.notices.warn(f"{begun.function} has the aliases {names}: none is moved; name one with --alias.")
        return begun, replace(delivery, alias="")
    if alias not in aliases:
        raise UsageError(f"{begun.function} has no alias {alias}.", f"It has: {', '.join(sorted(aliases)) or 'none'}.")
    if "+" in aliases[alias]:
        raise ConflictError(
            f"The alias {alias} of {begun.function} leads to several versions: its traffic is being shifted.",
            "Wait until that has ended, and run the same command again.",
        )
    baseline = begun.baseline
    if baseline.alias != alias:
        baseline = replace(baseline, alias=alias, alias_version=aliases[alias])
    return replace(begun, baseline=baseline), replace(delivery, alias=alias)


def _aliases(context: Context, function: str, *, named: bool) -> dict[str, str]:
    try:
        return context.aws.releases.aliases(function)
    except DeniedError as error:
        if named:
            raise
        context.notices.warn(f"Whether {function} has an alias is not known: {error.what}")
        return {}
