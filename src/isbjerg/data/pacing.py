"""Ask a database for no more rows in a second than it can spare."""

from __future__ import annotations

import time
from collections.abc import Callable

BATCH_ROWS = 10_000
"""So many rows are fetched at once when nothing is capped."""

_BATCHES_PER_SECOND = 10


class Pace:
    """Waits between batches, so that the rows fetched so far never run ahead of the cap.

    Parameters
    ----------
    rows_per_second : int, optional
        The cap; without one nothing is waited for.
    clock : callable, default=time.monotonic
        Seconds that only grow.
    sleep : callable, default=time.sleep
        Waits for seconds.

    Examples
    --------
    >>> waited = []
    >>> pace = Pace(100, clock=lambda: 0.0, sleep=waited.append)
    >>> pace.batch_rows
    10
    >>> pace.fetched(10)
    >>> waited
    [0.1]
    """

    def __init__(
        self,
        rows_per_second: int | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._cap = rows_per_second
        self._clock = clock
        self._sleep = sleep
        self._start = clock()
        self._rows = 0

    @property
    def batch_rows(self) -> int:
        """How many rows to fetch at once: a tenth of a second's worth, so that no burst is long."""
        if self._cap is None:
            return BATCH_ROWS
        return max(1, min(BATCH_ROWS, self._cap // _BATCHES_PER_SECOND))

    def fetched(self, rows: int) -> None:
        """Count rows, and wait until as many were due."""
        if self._cap is None:
            return
        self._rows += rows
        early = self._start + self._rows / self._cap - self._clock()
        if early > 0:
            self._sleep(early)
