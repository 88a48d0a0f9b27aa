"""The counts of a window of predictions, to be held against a reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.monitoring.reference import SCORE, Reference
from isbjerg.times import DAY_US


class Traffic:
    """Counts records as they come by, without keeping them.

    Parameters
    ----------
    reference : Reference
        What is counted, and how.

    Attributes
    ----------
    rows : int
        Records seen.
    days : set of int
        Days of their decisions.
    missing : dict of str to int
        Missing values by column.
    broken : dict of str to int
        Flagged records by the rule's code and subject.
    """

    def __init__(self, reference: Reference) -> None:
        self.rows = 0
        self.days: set[int] = set()
        self.missing = dict.fromkeys(reference.counted, 0)
        self.broken: dict[str, int] = {}
        self._bins = {n: c.bins for n, c in reference.counted.items() if c.bins is not None}
        self._values: dict[str, list[Any]] = {name: [] for name in self._bins}
        self._places = [(name, *name.split(":", 1)) for name in reference.counted if name != SCORE]
        self._scored = SCORE in self._bins

    def see(
        self,
        at_us: int,
        score: float,
        values: Mapping[str, Mapping[str, Any]],
        findings: list[dict[str, Any]],
    ) -> None:
        """Count one record.

        Parameters
        ----------
        at_us : int
            Its decision time.
        score : float or int
            The answer as one number; of classes, the place of the one that was said.
        values : mapping
            Carriers by place (``column``, ``slot``, ``feature``) and name.
        findings : list of dict
            What the contract flagged.
        """
        self.rows += 1
        self.days.add(at_us // DAY_US)
        for name, place, key in self._places:
            value = values[place].get(key)
            if value is None:
                self.missing[name] += 1
            elif name in self._values:
                self._values[name].append(value)
        if self._scored:
            self._values[SCORE].append(score)
        for found in findings:
            if not str(found.get("code")).startswith("contract."):
                continue  # what could not be looked up is counted with the values that are missing
            rule = f"{found.get('code')} {found.get('subject')}"
            self.broken[rule] = self.broken.get(rule, 0) + 1

    def counts(self, name: str) -> NDArray[np.float64]:
        """Return how many values of a column fell into each bin."""
        bins, values = self._bins[name], self._values[name]
        if not values:
            return np.zeros(bins.count)
        places = bins.places(pl.Series(values, strict=False))
        return np.bincount(places, minlength=bins.count).astype(np.float64)
