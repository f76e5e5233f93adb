"""Options on how a slim package comes to the function."""

from functools import wraps
from typing import Any, Literal

import click

from deployer.commands.options import Command, option
from deployer.flow.models import Delivery

attach_policy = option(
    "--attach-policy", is_flag=True, help="Permit the function's role to read what it unpacks from S3, while it does."
)


def delivering(command: Command) -> Command:
    """``--attach-policy``, ``--trial`` and ``--alias``, as ``delivery``."""

    @attach_policy
    @option("--alias", help="Alias through which traffic comes: it is moved last [default: the only one].")
    @option(
        "--trial",
        type=click.Choice(["before", "after"]),
        default="before",
        show_default=True,
        help="Try recorded events before traffic sees the package, on a function made for it, or after.",
    )
    @wraps(command)
    def with_delivery(
        shared: Any, *, attach_policy: bool, trial: Literal["before", "after"], alias: str | None, **others: Any
    ) -> Any:
        return command(shared, **others, delivery=Delivery(attach_policy, trial, alias or None))

    return with_delivery
