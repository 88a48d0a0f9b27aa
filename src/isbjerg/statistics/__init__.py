"""Intervals and resampling; pure, and ignorant of models.

- `intervals`: the interval of a rate in closed form (Wilson).
- `bootstrap`: blocks of rows that belong together, their weights in each replicate, and the
  interval of the replicates.
"""

from __future__ import annotations
