"""LightGBM's C library, found and called without its Python package.

The package imports scikit-learn and pandas where it finds them and checks every argument on
every call; a server wants neither. Only the handful of functions needed to ask a model, and
to list the known parameters, are declared here.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import json
from pathlib import Path
from typing import Any

from isbjerg.errors import BundleError, ModelError

FLOAT64 = 1
"""LightGBM's number for rows of doubles (``C_API_DTYPE_FLOAT64``)."""

PREDICT_NORMAL = 0
"""LightGBM's number for predictions after the objective's transformation."""

_FILES = ("lib_lightgbm.so", "lib_lightgbm.dylib", "lib_lightgbm.dll")


def library_path() -> Path:
    """Find LightGBM's library without importing anything.

    Raises
    ------
    ModelError
        When LightGBM is not installed, or without its library.
    """
    spec = importlib.util.find_spec("lightgbm")
    folders = list(spec.submodule_search_locations or []) if spec else []
    for folder in folders:
        for place in (Path(folder) / "lib", Path(folder) / "bin", Path(folder)):
            for file in _FILES:
                if (place / file).is_file():
                    return place / file
    raise ModelError(
        f"LightGBM's library was not found. Looked in: {folders}.",
        code="ISB405",
        mend="pip install 'lightgbm>=4.3'",
    )


@functools.cache
def batch_library() -> ctypes.CDLL:
    """Load the library for long calls: Python's other threads run meanwhile."""
    return ctypes.CDLL(str(library_path()))


@functools.cache
def row_library() -> ctypes.PyDLL:
    """Load the library for calls of microseconds: giving up and retaking Python's lock costs more."""
    return ctypes.PyDLL(str(library_path()))


def checked(status: int) -> None:
    """Raise what LightGBM said when `status` is not 0.

    Raises
    ------
    BundleError
        With LightGBM's own words: the model's text is damaged.
    """
    if status == 0:
        return
    tell = batch_library().LGBM_GetLastError
    tell.restype = ctypes.c_char_p
    said = tell().decode(errors="replace")
    raise BundleError(
        f"LightGBM refuses the model: {said}",
        code="ISB414",
        mend="train again, or fetch the bundle again from where it was made",
    )


@functools.cache
def parameter_aliases() -> dict[str, tuple[str, ...]]:
    """List LightGBM's parameters with their other names, as the library itself tells them.

    Examples
    --------
    >>> "n_estimators" in parameter_aliases()["num_iterations"]
    True
    """
    size = 1 << 20
    buffer = ctypes.create_string_buffer(size)
    needed = ctypes.c_int64(0)
    checked(
        batch_library().LGBM_DumpParamAliases(
            ctypes.c_int64(size), ctypes.byref(needed), ctypes.cast(buffer, ctypes.c_char_p)
        )
    )
    told: dict[str, Any] = json.loads(buffer.value)
    return {name: tuple(others) for name, others in told.items()}
