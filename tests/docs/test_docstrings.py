"""Docstrings do not lie: each parameter that a docstring names is one of the signature.

A section may leave out what nobody passes, and short functions may leave the section out.
Names of the public face have an example as well.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator

import pytest
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import Validator, validate

import isbjerg

WHOLE = {"PR02", "SS01", "SS02", "SS04", "SS05", "EX01"}


def modules() -> list[str]:
    found = pkgutil.walk_packages(isbjerg.__path__, "isbjerg.")
    return sorted(module.name for module in found if not module.name.endswith("__main__"))


def defined(module: str) -> Iterator[Callable[..., object]]:
    for name, value in vars(importlib.import_module(module)).items():
        own = getattr(value, "__module__", None) == module and not name.startswith("_")
        if own and (inspect.isfunction(value) or inspect.isclass(value)):
            yield value


def unknown_parameters(documented: Callable[..., object]) -> set[str]:
    docstring = Validator(get_doc_object(documented))
    given = {parameter.lstrip("*") for parameter in docstring.signature_parameters}
    return {parameter.lstrip("*") for parameter in docstring.doc_all_parameters} - given


def public_names() -> list[str]:
    """List functions and classes of the face; errors are explained by the pages of their codes."""
    values = {name: getattr(isbjerg, name) for name in getattr(isbjerg, "__all__", [])}
    return [
        name
        for name, value in values.items()
        if inspect.isfunction(value)
        or (inspect.isclass(value) and not issubclass(value, BaseException))
    ]


@pytest.mark.parametrize("module", modules())
def test_documented_parameters_exist(module: str) -> None:
    lies = {
        value.__qualname__: found
        for value in defined(module)
        if (found := unknown_parameters(value))
    }
    assert not lies


@pytest.mark.parametrize("name", public_names())
def test_public_name_is_documented_whole(name: str) -> None:
    value = getattr(isbjerg, name)
    found = validate(f"{value.__module__}.{value.__qualname__}")["errors"]
    assert not [message for code, message in found if code in WHOLE]
