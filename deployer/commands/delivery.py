"""Options on how a slim package comes to the function."""

from dataclasses import replace
from functools import wraps
from typing import Any, Final, Literal

import click

from deployer.commands.options import Command, option
from deployer.commands.parameters import duration, share
from deployer.errors import UsageError

attach_policy = option(
    "--attach-policy", is_flag=True, help="Let the function's role read its package in S3, for as long as it needs to."
)

_FOR: Final = 15 * 60 * 1000
"""Milliseconds."""


def paths(context: click.Context, option: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:  # noqa: ARG001
    """Return JSON paths, when each is one."""
    from deployer.deploy.answers import matches

    matches(given, None)
    return given


def delivering(command: Command) -> Command:
    """``--attach-policy``, ``--alias``, ``--canary``, ``--trial`` and what is expected of that, as ``delivery``."""

    @attach_policy
    @option("--alias", help="The alias that traffic comes through; it is moved last [default: the only one].")
    @option("--canary", type=share, help="Send this share of the alias's traffic first, such as 10%, and watch it.")
    @option("--for", "length", type=duration, help="How long, such as 15m or 2h [default: 15m].")
    @option(
        "--too-few",
        type=click.Choice(["back", "finish"]),
        default="back",
        show_default=True,
        help="What to do if there was too little traffic to tell.",
    )
    @option("--wait/--no-wait", default=True, help="Watch until the end [default], or let the next run do it.")
    @option(
        "--trial",
        type=click.Choice(["before", "after"]),
        default="before",
        show_default=True,
        help="Try recorded events before traffic sees the package, on a function made for it, or after.",
    )
    @option(
        "--ignore", multiple=True, metavar="JSONPATH", callback=paths, help="What may differ in answers; repeatable."
    )
    @option("--max-slower", type=click.FloatRange(1), help="Fail a trial that takes more than this many times as long.")
    @wraps(command)
    def with_delivery(  # noqa: PLR0913 - one parameter an option
        shared: Any,
        *,
        attach_policy: bool,
        trial: Literal["before", "after"],
        alias: str | None,
        canary: float | None,
        length: int | None,
        too_few: Literal["back", "finish"],
        wait: bool,
        ignore: tuple[str, ...],
        max_slower: float | None,
        **others: Any,
    ) -> Any:
        from deployer.flow.models import Delivery
        from deployer.state.shift import Canary

        if canary is None and length is not None:
            raise UsageError("--for says how long a share of the traffic is watched.", "Give --canary 10% with it.")
        shifted = Canary(canary, length or _FOR, too_few, wait) if canary is not None else None
        delivery = Delivery(attach_policy, trial, alias or None, shifted, shared.force)
        delivery = replace(delivery, ignore=ignore, max_slower=max_slower)
        return command(shared, **others, delivery=delivery)

    return with_delivery
