"""Finds the benchmarks: every module here that does not keep house has a function ``figures``."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

HOUSEKEEPING = frozenset(
    {"__main__", "figures", "large_project", "ledgers", "measuring", "registry"}
)


def benchmark_names() -> list[str]:
    """List the benchmarks without importing them."""
    found = pkgutil.iter_modules([str(Path(__file__).parent)])
    return sorted(module.name for module in found if module.name not in HOUSEKEEPING)


def question(name: str) -> str:
    """Read the first line of a benchmark's docstring; importing it would load its libraries."""
    source = Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


def benchmark(name: str) -> ModuleType:
    """Import one benchmark by its name."""
    return importlib.import_module(f"benchmarks.{name}")
