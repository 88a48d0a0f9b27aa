"""Which process is meant: its number, and when it started, since numbers are used again.

A process that was killed but not yet waited for by its parent does not live. Numbers mean
something within one machine and one container only.
"""

from __future__ import annotations

import os
from pathlib import Path


def process_started(pid: int) -> int | None:
    """Return when a process started, in the kernel's ticks; ``None`` when it does not live.

    Where there is no ``/proc`` a living process counts as started at 0.

    Examples
    --------
    >>> process_started(os.getpid()) is not None, process_started(2**22 + 1)
    (True, None)
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0 if not Path("/proc/self").exists() and _signals(pid) else None
    # The name of the program stands in brackets and may hold anything, so count from its end.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else int(fields[19])


def lives(pid: int, started: int) -> bool:
    """Say whether the process that is meant still lives, not a later one of its number.

    Examples
    --------
    >>> lives(os.getpid(), process_started(os.getpid()) or 0), lives(os.getpid(), -1)
    (True, False)
    """
    return process_started(pid) == started


def _signals(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
