"""The name of a frame, and the name of what its numbers measure.

Two numbers are compared only when their *measure hash* is equal: the same decisions, the
same truth, the same moment, the same metric, the same costs, the same split. What else the
frame says, such as whose product it is, severs no history.
"""

from __future__ import annotations

from typing import Any

import msgspec

from isbjerg.canonical import content_hash, sha256
from isbjerg.frame.frame import Frame, Split


def frame_hash(text: str) -> str:
    """Name the text of a frame, as read: any edit makes another name.

    Examples
    --------
    >>> frame_hash("a = 1") == frame_hash("a = 1 # one")
    False
    """
    return sha256(text.encode())


def measure_hash(frame: Frame, *, target: Any = None, population: Any = None) -> str:
    """Name what the numbers of this frame measure.

    Inside: the unit's source and moment, the target, its kind and its lists,
    the primary metric, the costs, the split, the window of time that rows are taken from.
    Outside: objective, owner, decision, the subject (it says whom a row is about, not which
    rows there are), guardrails and their bounds (they judge a number, they do not change it),
    references, slices, budget, freshness, release, the share held out of a ranking, seed.

    Parameters
    ----------
    frame : Frame
        The frame that was run.
    target : JSON-able value, optional
        How the target is computed, such as its typed tree: `late` by 15 minutes is another
        truth than `late` by 30, under the same name.
    population : JSON-able value, optional
        Which rows of the unit's source count, when not all do.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    truth = {"feature": frame.target.feature, "kind": frame.target.kind, "of": target}
    if frame.target.group:  # absent, so that frames without lists keep their names
        truth["group"] = frame.target.group
    content = {
        "unit": frame.unit.source,
        "population": population,
        "target": truth,
        "at": frame.unit.at,
        "metric": frame.metric.primary,
        "costs": frame.value,
        "split": _split(frame.split),
    }
    if frame.window_us is not None:  # absent, so that frames without one keep their names
        content["window_us"] = frame.window_us
    return content_hash(content)


def _split(split: Split) -> dict[str, Any]:
    """Name how rows are parted; keys that came later only where they say something.

    So the hash of a frame that does not use them is what it was before they were there.
    """
    said: dict[str, Any] = msgspec.to_builtins(split)
    silent = {"how": None, "group": None, "seed": 0}
    return {key: value for key, value in said.items() if (key, value) not in silent.items()}
