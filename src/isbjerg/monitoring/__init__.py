"""Judgements about what is live: still what was tested, fed as it was, as good as it was, or not.

Pure: everything here takes counts and gives findings. What is counted, and what is done about a
finding, is told in :mod:`isbjerg.workflows.watch`.

- `reference`: what a model version looked like on its test rows, day by day; kept with it.
- `bins`: how the values of a column are counted, the same way then and now.
- `traffic`: the same counts of a window of predictions.
- `volume`: whether predictions come as usual, and have not silently stopped.
- `inputs`: missing values, look-ups, contract, columns that mean something else now.
- `quality`: the score's distribution, and the metric on outcomes that are due.
- `freshness`: how old the model, its data and its posted facts are.
- `alarms`: which findings open an alarm, keep it, close it.
"""

from __future__ import annotations
