"""isbjerg: the other nine tenths of a machine-learning project.

``isbjerg.X`` is the only address for users; what lies below is private. Importing runs
nothing and loads nothing: a name is fetched when it is first used, so that ``isbjerg --help``
answers at once. The names stand twice, for Python and for type checkers, and a test holds the
two together.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isbjerg.data.reading import read
    from isbjerg.data.sql_tables import sql
    from isbjerg.data.tables import csv, jsonl, parquet
    from isbjerg.errors import IsbjergError
    from isbjerg.expressions import learnt
    from isbjerg.expressions.build import duration, lit, maximum, minimum, when
    from isbjerg.features.assumptions import assumption, rows
    from isbjerg.features.definitions import feature, rule, target
    from isbjerg.features.lookups import newest, past
    from isbjerg.features.python_features import python_feature
    from isbjerg.features.sources import after, afterwards, ahead, beforehand, planned, source
    from isbjerg.findings import Finding
    from isbjerg.models.definitions import boosted_trees, candidate, linear
    from isbjerg.models.rungs import catboost, onnx, search, sklearn
    from isbjerg.project import Project

__version__ = "0.1.0"

_ROOMS = {
    "Finding": "findings",
    "IsbjergError": "errors",
    "Project": "project",
    "after": "features.sources",
    "afterwards": "features.sources",
    "ahead": "features.sources",
    "assumption": "features.assumptions",
    "beforehand": "features.sources",
    "boosted_trees": "models.definitions",
    "candidate": "models.definitions",
    "catboost": "models.rungs",
    "csv": "data.tables",
    "duration": "expressions.build",
    "feature": "features.definitions",
    "jsonl": "data.tables",
    "linear": "models.definitions",
    "lit": "expressions.build",
    "maximum": "expressions.build",
    "minimum": "expressions.build",
    "newest": "features.lookups",
    "onnx": "models.rungs",
    "parquet": "data.tables",
    "past": "features.lookups",
    "python_feature": "features.python_features",
    "planned": "features.sources",
    "read": "data.reading",
    "rows": "features.assumptions",
    "rule": "features.definitions",
    "search": "models.rungs",
    "sklearn": "models.rungs",
    "source": "features.sources",
    "sql": "data.sql_tables",
    "target": "features.definitions",
    "when": "expressions.build",
}

__all__ = [
    "Finding",
    "IsbjergError",
    "Project",
    "after",
    "afterwards",
    "ahead",
    "assumption",
    "beforehand",
    "boosted_trees",
    "candidate",
    "catboost",
    "csv",
    "duration",
    "feature",
    "jsonl",
    "learnt",
    "linear",
    "lit",
    "maximum",
    "minimum",
    "newest",
    "onnx",
    "parquet",
    "past",
    "planned",
    "python_feature",
    "read",
    "rows",
    "rule",
    "search",
    "sklearn",
    "source",
    "sql",
    "target",
    "when",
]


_MODULES = {"learnt": "expressions.learnt"}
"""Names that are a whole room."""


def __getattr__(name: str) -> Any:
    if name not in _ROOMS and name not in _MODULES:
        message = f"module 'isbjerg' has no attribute '{name}'"
        raise AttributeError(message)
    if name in _MODULES:
        value: Any = import_module(f"isbjerg.{_MODULES[name]}")
    else:
        value = getattr(import_module(f"isbjerg.{_ROOMS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_ROOMS, *_MODULES])
