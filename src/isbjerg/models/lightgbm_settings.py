"""Ask LightGBM whether it takes its settings, before it trains and without what it prints.

It prints why it refuses straight to the error stream, also where it is told to be silent and to
log elsewhere, and then returns the same words. They are told once, as an error with a mend.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import lightgbm
import numpy as np

from isbjerg.errors import ModelError

REFUSALS = (lightgbm.basic.LightGBMError, TypeError, ValueError)
"""What LightGBM's package raises when it will not train."""

_STDERR = 2
_PRINTED = re.compile(rb"\[LightGBM\][^\n]*\n+")
_ONE_AT_A_TIME = threading.Lock()


def check_taken(settings: Mapping[str, Any]) -> None:
    """Refuse settings whose values LightGBM does not take.

    Costs a table of one row: all settings are read before any row is.

    Raises
    ------
    ModelError
        ISB408, in LightGBM's words.
    """
    try:
        with _without_its_lines():
            lightgbm.Dataset(np.zeros((1, 1)), np.zeros(1), params=dict(settings)).construct()
    except REFUSALS as fault:
        raise refused(fault) from fault


def refused(fault: Exception) -> ModelError:
    """Tell a refusal of LightGBM, without the place in its source.

    Examples
    --------
    >>> refused(ValueError("Check failed: (num_leaves) > (1) at /src/config.cpp, line 3 .")).message
    'LightGBM refuses to train: Check failed: (num_leaves) > (1).'
    """
    said = str(fault).partition(" at /")[0].partition("\n")[0].strip(" .")
    return ModelError(
        f"LightGBM refuses to train: {said}.",
        code="ISB408",
        mend="give ib.boosted_trees(...) in models.py a value that it takes",
    )


@contextmanager
def _without_its_lines() -> Iterator[None]:
    """Hold back the error stream of the process for a moment; give on all but LightGBM's lines."""
    with _ONE_AT_A_TIME, tempfile.TemporaryFile() as held:
        try:
            stream = os.dup(_STDERR)
        except OSError:  # there is none: nothing can be printed
            yield
            return
        os.dup2(held.fileno(), _STDERR)
        try:
            yield
        finally:
            os.dup2(stream, _STDERR)
            os.close(stream)
            held.seek(0)
            os.write(_STDERR, _PRINTED.sub(b"", held.read()))
