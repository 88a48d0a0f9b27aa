"""Boosted trees asked through LightGBM's C functions, one row or many.

One row takes LightGBM's fast path: everything that does not depend on the row is prepared
once, the row is written into a buffer that is used again and again, and a lock keeps two
threads from writing it at once. Many rows are one call.
"""

from __future__ import annotations

import ctypes
import struct
import threading
import weakref
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from isbjerg.errors import BundleError
from isbjerg.models.lightgbm_library import (
    FLOAT64,
    PREDICT_NORMAL,
    batch_library,
    checked,
    row_library,
)
from isbjerg.models.lightgbm_text import check_text


class Booster:
    """A loaded LightGBM model.

    Parameters
    ----------
    text : bytes
        The model as `isbjerg.models.lightgbm_text.rewrite` writes it; it is checked before
        LightGBM sees it.
    features : int
        Width of a row.
    threads : int, default=1
        Threads for many rows; does not change the result.

    Raises
    ------
    BundleError
        When the text is no model that can be asked safely.

    Notes
    -----
    Safe to share between threads. The C objects are freed by `close`, or with the object.
    """

    def __init__(self, text: bytes, features: int, *, threads: int = 1) -> None:
        self.outputs = check_text(text.decode(errors="replace"), features)
        """Numbers per answer: one per class of a multiclass target, else 1."""
        self._features = features
        self._threads = threads
        self._handle = ctypes.c_void_p()
        trees = ctypes.c_int(0)
        checked(
            batch_library().LGBM_BoosterLoadModelFromString(
                ctypes.c_char_p(text), ctypes.byref(trees), ctypes.byref(self._handle)
            )
        )
        self._fast = ctypes.c_void_p()
        self._free = weakref.finalize(self, _free, self._handle, self._fast)
        self.trees = trees.value
        self._prepare_row()

    def _prepare_row(self) -> None:
        checked(
            batch_library().LGBM_BoosterPredictForMatSingleRowFastInit(
                self._handle,
                ctypes.c_int(PREDICT_NORMAL),
                ctypes.c_int(0),
                ctypes.c_int(-1),
                ctypes.c_int(FLOAT64),
                ctypes.c_int32(self._features),
                ctypes.c_char_p(b"num_threads=1 verbosity=-1"),
                ctypes.byref(self._fast),
            )
        )
        self._lock, self._many = threading.Lock(), threading.Lock()
        self._row = (ctypes.c_double * self._features)()
        self._pack = struct.Struct(f"{self._features}d").pack_into
        self._answer = (ctypes.c_double * self.outputs)()
        self._length = ctypes.c_int64(0)
        self._arguments = (
            self._fast,
            ctypes.byref(self._row),
            ctypes.byref(self._length),
            ctypes.byref(self._answer),
        )
        self._ask = row_library().LGBM_BoosterPredictForMatSingleRowFast

    def predict_one(self, numbers: Sequence[float]) -> float:
        """Ask for one encoded row of a model that answers one number."""
        with self._lock:
            self._check_open()
            self._pack(self._row, 0, *numbers)
            status = self._ask(*self._arguments)
            if status:
                checked(status)
            return self._answer[0]

    def predict_classes(self, numbers: Sequence[float]) -> tuple[float, ...]:
        """Ask for one encoded row: all numbers of the answer, one per class."""
        with self._lock:
            self._check_open()
            self._pack(self._row, 0, *numbers)
            status = self._ask(*self._arguments)
            if status:
                checked(status)
            return tuple(self._answer)

    def predict_many(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Ask for many encoded rows, of shape (n_rows, n_features).

        Returns
        -------
        numpy.ndarray of shape (n_rows,) or (n_rows, n_outputs)
            The latter of a multiclass model.
        """
        rows = np.ascontiguousarray(matrix, dtype=np.float64)
        shape = (len(rows),) if self.outputs == 1 else (len(rows), self.outputs)
        answers = np.empty(shape, dtype=np.float64)
        if not len(rows):
            return answers
        with self._many:
            self._check_open()
            checked(
                batch_library().LGBM_BoosterPredictForMat(
                    self._handle,
                    ctypes.c_void_p(rows.ctypes.data),
                    ctypes.c_int(FLOAT64),
                    ctypes.c_int32(rows.shape[0]),
                    ctypes.c_int32(rows.shape[1]),
                    ctypes.c_int(1),
                    ctypes.c_int(PREDICT_NORMAL),
                    ctypes.c_int(0),
                    ctypes.c_int(-1),
                    ctypes.c_char_p(f"num_threads={self._threads} verbosity=-1".encode()),
                    ctypes.byref(ctypes.c_int64(0)),
                    ctypes.c_void_p(answers.ctypes.data),
                )
            )
        return answers

    def close(self) -> None:
        """Free LightGBM's memory; the booster cannot be asked afterwards."""
        with self._lock, self._many:
            self._free()

    def _check_open(self) -> None:
        if not self._free.alive:
            raise BundleError(
                "This predictor was closed and cannot be asked.",
                code="ISB415",
                mend="predictors.load(bundle, files)",
            )


def _free(handle: ctypes.c_void_p, fast: ctypes.c_void_p) -> None:
    if fast.value is not None:
        batch_library().LGBM_FastConfigFree(fast)
    if handle.value is not None:
        batch_library().LGBM_BoosterFree(handle)
