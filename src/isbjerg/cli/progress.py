"""Bars while something long goes on, and silence when nobody watches.

A workflow reports through one callable, ``progress(stage, share)``: a sentence that says what
is going on, and how much of it is done, from 0 to 1, or ``None`` when it cannot know.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from isbjerg.cli.output import console

Report = Callable[[str, float | None], None]


@contextmanager
def bars(*, quiet: bool = False) -> Iterator[Report]:
    """Give a callable that draws one bar per stage on stderr.

    With `quiet`, or when stderr is no terminal, it does nothing: a log full of half bars
    helps nobody, and stdout belongs to the result.

    Examples
    --------
    >>> with bars(quiet=True) as progress:
    ...     progress("Reading flights", 0.5)
    """
    if quiet or not sys.stderr.isatty():
        yield _silent
        return
    drawn = Progress(
        SpinnerColumn(finished_text="[green]✓[/green]"),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=console(sys.stderr),
    )
    with drawn:
        stages = Stages(drawn)
        yield stages.report
        stages.finish()


class Stages:
    """One bar per stage; a new stage completes the one before."""

    def __init__(self, drawn: Progress) -> None:
        self._drawn = drawn
        self._stage: str | None = None
        self._task: TaskID | None = None

    def report(self, stage: str, share: float | None) -> None:
        """Show that `stage` is `share` done."""
        if stage != self._stage or self._task is None:
            self.finish()
            self._stage, self._task = stage, self._drawn.add_task(stage, total=None)
        if share is not None:
            self._drawn.update(self._task, total=1.0, completed=min(max(share, 0.0), 1.0))

    def finish(self) -> None:
        """Complete the stage that is going on, if any."""
        if self._task is not None:
            self._drawn.update(self._task, total=1.0, completed=1.0)


def _silent(stage: str, share: float | None) -> None:
    """Take a report and do nothing."""
