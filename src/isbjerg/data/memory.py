"""How much memory there is to use: what the container allows, or else the machine has.

A share is left to the system, to the server beside a run, and to what libraries need for
themselves.
"""

from __future__ import annotations

import os
from pathlib import Path

from isbjerg.frame.sizes import MEMORY_MIN_BYTES

SHARE = 0.5
"""Part of the memory used when no setting says how much."""

_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def memory_to_use(limits: tuple[Path, ...] = _LIMITS) -> int:
    """Return `SHARE` of the memory that this process may have at most, in bytes.

    Parameters
    ----------
    limits : tuple of Path
        Files in which Linux tells the bound of a container, for either version of cgroups.
    """
    bounds = [_machine_bytes(), *(bound for file in limits if (bound := _bound(file)))]
    return max(MEMORY_MIN_BYTES, int(SHARE * min(bounds)))


def _machine_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _bound(file: Path) -> int | None:
    """Read a bound; ``max`` and a file that is not there mean none."""
    try:
        text = file.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
