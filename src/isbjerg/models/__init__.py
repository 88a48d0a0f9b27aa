"""Candidates, what training makes of them, and how they are asked.

Training (these import the libraries that fit):

- `constant`, `rule`, `linear`, `boosted`: one kind of model each, ``fit`` -> `fitted.Fitted`.

Carrying and asking (these import NumPy at most, for the prediction server):

- `encoding`: features to numbers, one row and many alike.
- `fitted`: what training hands over.
- `bundle`: the manifest, written and read without trust.
- `predictors`: a bundle, ready to be asked.
- `weights`: a linear model and the order of its sum.
- `booster`, `lightgbm_library`, `lightgbm_text`: LightGBM through its C functions, and the
  proof that a model's text is safe to load.

What users write in ``models.py`` is in `definitions`.
"""

from __future__ import annotations
