"""Libraries that come with an extra: fetched when first needed, missed with a mend."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from isbjerg.errors import ModelError


def need(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import a library that not everybody has.

    Parameters
    ----------
    module : str
        What is imported.
    extra : str
        The extra of isbjerg that installs it.
    purpose : str
        What it is needed for, to be read after "needs".

    Raises
    ------
    ModelError
        When it is not installed, with the line that installs it.

    Examples
    --------
    >>> need("onnxruntime_of_mars", extra="onnx", purpose="An ONNX model")
    Traceback (most recent call last):
    isbjerg.errors.ModelError: An ONNX model needs 'onnxruntime_of_mars', which is not installed.
    ...
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as fault:
        if fault.name is None or fault.name.partition(".")[0] != module.partition(".")[0]:
            raise  # the library is there, something that it needs is not
        raise ModelError(
            f"{purpose} needs '{module}', which is not installed.",
            code="ISB430",
            mend=f"python -m pip install 'isbjerg[{extra}]'",
            module=module,
            extra=extra,
        ) from fault
