"""Finds the functions of a stack by their logical ids, and warns of differences from its template."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer.aws import open_aws
from deployer.aws.stacks import NESTED, Stack
from deployer.commands.settings_file import samconfig
from deployer.errors import ConflictError, UsageError

BUCKET = "LdeployBucket"
"""The output of ``template.yaml`` that names the package bucket."""
_DRIFT = {
    "probe": "Until shrink or restore, {name} differs from the template of the stack {stack}: a deployment of the stack"
    " that changes the function takes the probe out.",
    "shrink": "The template of the stack {stack} still has the full build of {name}: keep the whitelist in the"
    " repository and run `ldeploy apply` before each deployment, or the next one brings the full build back.",
}
_DRIFT["deploy"] = _DRIFT["shrink"]


@dataclass(frozen=True)
class SelectedFunctions:
    """The functions of a stack that a command is for, and where they are."""

    stack: str
    functions: tuple[str, ...]
    """Their names."""
    where: Mapping[str, str | None]
    """``region`` and ``bucket``, where the user or the project names them."""


def in_stack(
    name: str | None, logical_ids: Sequence[str], given: Mapping[str, Any], *, changes: bool
) -> SelectedFunctions:
    """Return the selected functions; stack, region and bucket are those of samconfig.toml where no option says
    otherwise.

    Args:
        name: of the stack.
        logical_ids: none for all of its functions.
        given: the options ``region``, ``profile``, ``endpoint_url``, ``bucket`` and ``resolve_s3``.
        changes: whether the functions are to be changed.

    Raises:
        UsageError: no stack is named, or a logical id is not a function of it.
        MissingError: there is no such stack.
        ConflictError: it is being changed.
    """
    sam = samconfig(Path.cwd())
    if not (name or sam.stack):
        raise UsageError("A logical id is given without a stack.", "Give --stack-name, or stack_name (samconfig.toml).")
    region = given["region"] or sam.region or None
    stacks = open_aws(region, given["profile"], given["endpoint_url"]).stacks
    stack = stacks.get(name or sam.stack)
    if unknown := [one for one in logical_ids if one not in stack.resources]:
        by_path = by_construct(stack, stacks.constructs(stack.name), unknown)
        logical_ids = [by_path.get(one, one) for one in logical_ids]
    bucket = given["bucket"] or (None if given["resolve_s3"] else stack.outputs.get(BUCKET) or sam.bucket or None)
    return SelectedFunctions(
        stack.name, chosen(stack, logical_ids, changes=changes), {"region": region, "bucket": bucket}
    )


def by_construct(stack: Stack, constructs: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    """Return name -> logical id of the functions that are named as in a CDK app: ``Fn``, ``Api/Fn``, ``Shop/Api/Fn``.

    Raises:
        UsageError: several functions have a construct of this name.
    """
    paths = {logical: path.removesuffix("/Resource").split("/") for logical, path in constructs.items()}
    found = {}
    for name in names:
        parts = name.split("/")
        fitting = [logical for logical in stack.functions if paths.get(logical, [])[-len(parts) :] == parts]
        if len(fitting) > 1:
            known = ", ".join(sorted("/".join(paths[logical]) for logical in fitting))
            raise UsageError(f"Several functions of the stack {stack.name} are called {name}.", f"Name one: {known}.")
        if fitting:
            found[name] = fitting[0]
    return found


def drift(command: str, name: str, stack: str) -> tuple[str, ...]:
    """Return what to know of a function that a stack made, after a command has changed it.

    Args:
        command: as on the command line.
        name: of the function.
        stack: its name.
    """
    return (_DRIFT[command].format(name=name, stack=stack),) if command in _DRIFT else ()


def chosen(stack: Stack, logical_ids: Sequence[str], *, changes: bool) -> tuple[str, ...]:
    """Return the names of the selected functions: those with these logical ids, or all of the stack.

    Args:
        stack: as it is now.
        logical_ids: none for all.
        changes: whether they are to be changed.

    Raises:
        UsageError: a logical id is not a function of the stack, or the stack has none.
        ConflictError: the stack is being changed, or was never created.
    """
    if changes and stack.status.endswith("_IN_PROGRESS"):
        raise ConflictError(
            f"The stack {stack.name} is being changed ({stack.status}).", "Run the same command after that."
        )
    for logical in logical_ids:
        _check(stack, logical)
    names = tuple(stack.functions[logical] for logical in logical_ids or stack.functions)
    if not names:
        raise UsageError(f"The stack {stack.name} has no functions.", "Name another stack with --stack-name.")
    return names


def _check(stack: Stack, logical: str) -> None:
    kind, physical = stack.resources.get(logical, ("", ""))
    if kind == NESTED:
        raise UsageError(
            f"{logical} of the stack {stack.name} is a stack itself.", f"Name that one: --stack-name {physical}."
        )
    if logical not in stack.functions:
        what = f"a {kind}, not a function" if kind else "not there"
        known = ", ".join(sorted(stack.functions)) or "none"
        raise UsageError(f"{logical} of the stack {stack.name} is {what}.", f"Its functions: {known}.")
