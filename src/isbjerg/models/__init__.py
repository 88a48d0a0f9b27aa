"""Candidates, what training makes of them, and how they are asked.

Training (these import the libraries that fit):

- `constant`, `rule`, `linear`, `boosted`: one kind of model each, ``fit`` -> `fitted.Fitted`.
- `sklearn_fit`, `catboost_fit`: models of other libraries, ``fit``, then ``carry`` ->
  `fitted.Fitted` or `fitted.EvaluatedOnly`. Features go in by `sklearn_inputs`, ONNX comes out by
  `sklearn_convert` and `onnx_rewriting`, and `onnx_parity` proves that both answer alike.
- `onnx_fit`, `onnx_trial`: a user's ONNX model as it is, first run in a process of its own.
- `search`, `search_points`: the space of a search and the points in it.

Carrying and asking (these import NumPy at most, for the prediction server):

- `encoding`: features to numbers, one row and many alike.
- `fitted`: what training hands over.
- `bundle`: the manifest, written and read without trust.
- `predictors`: a bundle, ready to be asked.
- `onnx_wire`, `onnx_operators`, `onnx_check`: the proof that an ONNX file is safe to load.
- `onnx_parameters`, `design`, `onnx_model`, `onnx_predictor`: how an ONNX model is asked.
- `weights`: a linear model and the order of its sum.
- `booster`, `lightgbm_library`, `lightgbm_text`: LightGBM through its C functions, and the
  proof that a model's text is safe to load.

What users write in ``models.py`` is in `definitions` and `rungs`.
"""

from __future__ import annotations
