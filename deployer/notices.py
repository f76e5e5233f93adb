"""The interface of notices during a run; results are never shown by it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

Advance = Callable[[int], Any]
"""Called with how much was done since the last call."""


class Notices(Protocol):
    """Shows what a run does: on a terminal, or nowhere."""

    def say(self, text: str) -> None:
        """Show one sentence on what is being done."""
        ...

    def change(self, line: str) -> None:
        """Show one line on what was changed, just after it was."""
        ...

    def step(self, text: str) -> None:
        """Show one step inside a plan, where the user asked for all of them."""
        ...

    def warn(self, text: str) -> None:
        """Show one sentence that the user should know."""
        ...

    def bar(self, title: str, total: int | None, unit: str = "bytes") -> AbstractContextManager[Advance]:
        """Show a progress bar for the length of the block; ``total`` is None where it is not known."""
        ...


class Silent:
    """Shows nothing."""

    def say(self, text: str) -> None:
        pass

    def change(self, line: str) -> None:
        pass

    def step(self, text: str) -> None:
        pass

    def warn(self, text: str) -> None:
        pass

    @contextmanager
    def bar(self, title: str, total: int | None, unit: str = "bytes") -> Iterator[Advance]:  # noqa: ARG002
        yield lambda done: None  # noqa: ARG005
