"""Let a process call the Python functions that a model's features name.

The rule of trust: a bundle names functions, it never brings them. The files of the project are
the operator's, put there as any deployed code is; they are *read* first, what a function reaches
is cut out and hashed, and only when the hash and the packages are those of the pin is it run,
and only that. So code that nobody judged is not run, though it lies in the same file.
"""

from __future__ import annotations

import ast
import builtins
import platform
import sys
from collections.abc import Callable, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from isbjerg.errors import IsbjergError, TracingError
from isbjerg.expressions.code import deploy, is_deployed, not_deployed
from isbjerg.expressions.pins import Pin, pins
from isbjerg.expressions.tree import Type
from isbjerg.features.reaching import Reached, Read, reach
from isbjerg.features.sets import FeatureSet


def deploy_from(folder: Path | None, feature_set: FeatureSet) -> None:
    """Deploy what a feature set calls from the files of a project.

    Parameters
    ----------
    folder : Path or None
        The project; ``None`` for a process that has none.
    feature_set : FeatureSet
        Whose functions are needed.

    Raises
    ------
    BundleError
        When a function is not there, or not the one that the model was trained with: nothing of it
        has been run then.
    """
    for pin in pins([step.node for step in feature_set.steps]):
        if not is_deployed(pin):
            deploy(pin, _load(folder, pin))


def _load(folder: Path | None, pin: Pin) -> Callable[..., Any]:
    if folder is None:
        raise not_deployed(pin, "this process was not told which project it serves")
    try:
        reached = reach(reader_of(folder), pin.module, pin.name)
        found = pin_of(reached, pin.module, pin.name, pin.returns)
    except (IsbjergError, SyntaxError, ValueError) as fault:
        why = fault.message if isinstance(fault, IsbjergError) else str(fault)
        raise not_deployed(pin, f"it cannot be taken from the project's files: {why}") from fault
    if found.source != pin.source:
        raise not_deployed(pin, f"{pin.module}.py holds other code than the model was trained with")
    if found.requires != pin.requires:
        differing = sorted(set(pin.requires) ^ set(found.requires))
        raise not_deployed(pin, f"its packages are others here ({', '.join(differing)})")
    try:
        return build(reached, pin.module, pin.name)
    except (Exception, SystemExit) as fault:  # the project's own code: whatever it raises
        why = f"what it reaches cannot be run ({type(fault).__name__}: {fault})"
        raise not_deployed(pin, why) from fault


def reader_of(folder: Path) -> Read:
    """Read the modules of a project from its folder."""

    def read(module: str) -> str | None:
        if not module.isidentifier():
            return None
        path = folder / f"{module}.py"
        return path.read_text(encoding="utf-8") if path.is_file() else None

    return read


def pin_of(reached: Reached, module: str, name: str, returns: Type) -> Pin:
    """Pin a function by what it reaches and what that runs on.

    Raises
    ------
    TracingError
        When it imports a package of which no version is known.
    """
    python = f"python {'.'.join(platform.python_version_tuple()[:2])}"
    packages = [_distribution(package) for package in sorted(reached.packages)]
    return Pin(module, name, returns, reached.digest, (python, *packages))


def build(reached: Reached, module: str, name: str) -> Callable[..., Any]:
    """Run what was cut out, each module in a space of its own, and take the function."""
    spaces: dict[str, dict[str, Any]] = {}
    for own, statements in reached.statements.items():
        space: dict[str, Any] = {"__name__": own, "__builtins__": builtins}
        for alias, (other, there) in reached.taken.get(own, {}).items():
            space[alias] = spaces[other][there]
        code = compile(
            ast.Module(body=list(statements), type_ignores=[]),
            f"{own}.py",
            "exec",
            dont_inherit=True,
        )
        exec(code, space)  # noqa: S102 - the project's own code, whose hash was checked
        spaces[own] = space
    function: Callable[..., Any] = spaces[module][name]
    return function


def _distribution(package: str) -> str:
    found: Sequence[str] = _distributions().get(package, ())
    if not found:
        raise TracingError(
            f"A Python feature imports `{package}`, of which no installed version is known, "
            "so it cannot be pinned.",
            code="ISB111",
            mend=f"pip install {package}, or put the code into the project's folder",
            package=package,
        )
    return f"{found[0]} {metadata.version(found[0])}"


@cache
def _distributions() -> dict[str, list[str]]:
    names = sys.stdlib_module_names
    found = metadata.packages_distributions()
    return {package: sorted(set(made)) for package, made in found.items() if package not in names}
