"""Judgements about a model, as pure functions of its scores.

- `metrics`: a number that matters, with its interval over blocks of time.
- `estimating`: the arithmetic of each metric under weights, by kind of target in `estimators`,
  `class_estimators`, `cut_estimators` and `list_estimators`.
- `comparison`: two models on the same rows and the same replicates, in one sentence.
- `ladder`: each rung against the best below it.
- `leakage`: single features that know too much.
"""

from __future__ import annotations
