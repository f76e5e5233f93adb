"""Through which alias traffic comes, and what it led to before ldeploy moved it."""

from collections.abc import Mapping
from dataclasses import replace

from deployer.context import Context
from deployer.errors import CloudError, ConflictError, UsageError
from deployer.flow.models import Delivery
from deployer.models.function import Routing
from deployer.state.state import State

LATEST = "$LATEST"


def choose_alias(context: Context, begun: State, delivery: Delivery) -> tuple[State, Delivery]:
    """Find the alias that is moved: the named one, the one that was moved before, or the function's only one.

    What it leads to now is written down.

    Raises:
        UsageError: there is no such alias, or none whose traffic can be shifted.
        ConflictError: it is shared by weights: somebody shifts its traffic.
        DeniedError: the aliases may not be listed; whether traffic comes through one is not guessed.
    """
    if delivery.alias == "":
        return begun, delivery
    aliases = context.aws.releases.aliases(begun.function)
    alias = delivery.alias or _usual(begun, aliases)
    if not alias:
        if delivery.canary:
            raise UsageError(
                f"There is no alias of {begun.function} whose traffic is to be shifted.",
                f"Name one with --alias. It has: {', '.join(sorted(aliases)) or 'none'}.",
            )
        if aliases:
            names = ", ".join(sorted(aliases))
            context.notices.warn(f"{begun.function} has the aliases {names}: none is moved; name one with --alias.")
        return begun, replace(delivery, alias="")
    if alias not in aliases:
        raise UsageError(f"{begun.function} has no alias {alias}.", f"It has: {', '.join(sorted(aliases)) or 'none'}.")
    led_to = aliases[alias]
    if others := [f"{name} ({to})" for name, to in sorted(aliases.items()) if name != alias and to.version != LATEST]:
        context.notices.warn(f"Other aliases of {begun.function} stay where they lead: {', '.join(others)}.")
    _check_moves(context, begun.function, alias, led_to, delivery)
    baseline = begun.baseline
    if baseline.alias != alias:
        baseline = replace(baseline, alias=alias, alias_version=led_to.version, alias_weights=led_to.weights)
    return replace(begun, baseline=baseline), replace(delivery, alias=alias, led_to=led_to)


def _usual(begun: State, aliases: Mapping[str, Routing]) -> str:
    """Return the alias where none is named; empty where there is no telling."""
    if begun.baseline.alias in aliases:
        return begun.baseline.alias
    return next(iter(aliases)) if len(aliases) == 1 else ""


def _check_moves(context: Context, function: str, alias: str, led_to: Routing, delivery: Delivery) -> None:
    """Check that the alias may be moved, and that a part of its traffic may be.

    Raises:
        ConflictError: somebody shifts its traffic. UsageError: it leads to no version.
    """
    if led_to.weights and not delivery.over_weights:
        raise ConflictError(
            f"The alias {alias} of {function} leads to {led_to}: its traffic is being shifted.",
            "Wait until that has ended, and run the same command again; --force goes over it.",
        )
    if delivery.canary is None:
        return
    if led_to.version == LATEST:
        raise UsageError(
            f"The alias {alias} of {function} leads to $LATEST, and Lambda shifts traffic between versions alone.",
            f"Publish what is there: aws lambda publish-version --function-name {function}; then lead {alias} to it.",
        )
    try:
        provisioned = context.aws.releases.provisioned(function, {alias})
    except CloudError:  # a warning that nobody needs to go on
        return
    if provisioned:
        context.notices.warn(
            f"{alias} has provisioned concurrency, which Lambda does not combine with weights: take it off for the "
            f"shift (aws lambda delete-provisioned-concurrency-config --function-name {function} --qualifier {alias})."
        )
