"""Shows notices on stderr during a run; bars only where stderr is a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from deployer.notices import Advance

if TYPE_CHECKING:
    from rich.console import Console


class Terminal:
    """Notices on stderr.

    Args:
        quiet: only warnings.
        verbose: the steps inside a plan too.
    """

    def __init__(self, *, quiet: bool, verbose: bool = False) -> None:
        self._quiet = quiet
        self._verbose = verbose

    @cached_property
    def _console(self) -> "Console":
        from rich.console import Console  # a tenth of a second, which --help need not

        return Console(stderr=True, highlight=False, soft_wrap=True)  # honours NO_COLOR

    def say(self, text: str) -> None:
        """Show one sentence on what is being done."""
        if not self._quiet:
            self._console.print(f"· {text}", style="dim", markup=False)

    def change(self, line: str) -> None:
        """Show one line on what was changed, just after it was."""
        if not self._quiet:
            self._console.print(line, markup=False)

    def step(self, text: str) -> None:
        """Show one step inside a plan, where the user asked for all of them."""
        if self._verbose:
            self.say(text)

    def warn(self, text: str) -> None:
        """Show one sentence that the user should know."""
        self._console.print(f"warning: {text}", style="yellow", markup=False)

    @contextmanager
    def bar(self, title: str, total: int | None, unit: str = "bytes") -> Iterator[Advance]:
        """Show a progress bar for the length of the block."""
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        amount = DownloadColumn() if unit == "bytes" else MofNCompleteColumn()
        columns = (TextColumn("  {task.description}", markup=False), BarColumn(), amount, TimeRemainingColumn())
        hidden = self._quiet or not self._console.is_terminal
        with Progress(*columns, console=self._console, transient=True, disable=hidden) as progress:
            task = progress.add_task(title, total=total)
            yield lambda done: progress.advance(task, done)
