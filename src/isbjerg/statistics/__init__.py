"""Intervals and resampling; pure, and ignorant of models.

- `intervals`: the interval of a rate in closed form (Wilson).
- `rates`: whether a rate is another one than before, days that differ among themselves allowed for.
- `counts`: whether so many events, or none for so long, are still the usual traffic.
- `distances`: how far a window's distribution lies from those of days before.
- `multiplicity`: what is left of many small probabilities.
- `bootstrap`: blocks of rows that belong together, their weights in each replicate, and the
  interval of the replicates.
"""

from __future__ import annotations
