"""Finds the benchmarks: every module here that has a function ``figures``."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

HOUSEKEEPING = frozenset({"__main__", "figures", "measuring", "registry"})


def benchmark_names() -> list[str]:
    """List the benchmarks without importing them."""
    found = pkgutil.iter_modules([str(Path(__file__).parent)])
    return sorted(module.name for module in found if module.name not in HOUSEKEEPING)


def benchmark(name: str) -> ModuleType:
    """Import one benchmark by its name."""
    return importlib.import_module(f"benchmarks.{name}")
