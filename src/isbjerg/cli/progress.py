"""A bar while something long goes on, and silence when nobody watches.

A workflow reports through one callable, ``progress(stage, share)``: a sentence that says what
is going on, and how much of the whole act is done, from 0 to 1, or ``None`` when it cannot
know.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from isbjerg.cli.output import console

Report = Callable[[str, float | None], None]


@contextmanager
def bar(*, quiet: bool = False) -> Iterator[Report]:
    """Give a callable that moves one bar on stderr and changes the sentence beside it.

    The bar is gone when the act is done: what remains on the screen is the result. With
    `quiet`, or when stderr is no terminal, nothing is drawn: a log full of half bars helps
    nobody.

    Examples
    --------
    >>> with bar(quiet=True) as progress:
    ...     progress("Reading flights", 0.5)
    """
    if quiet or not sys.stderr.isatty():
        yield _silent
        return
    drawn = Progress(
        SpinnerColumn(),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
        console=console(sys.stderr),
        transient=True,
    )
    with drawn:
        task = drawn.add_task("", total=None)

        def report(stage: str, share: float | None = None) -> None:
            drawn.update(task, description=stage)
            if share is not None:
                drawn.update(task, total=1.0, completed=min(max(share, 0.0), 1.0))

        yield report


def _silent(stage: str, share: float | None = None) -> None:
    """Take a report and do nothing."""
