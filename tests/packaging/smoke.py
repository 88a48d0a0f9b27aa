"""Try an installed isbjerg as a user has it: no developers' tools, no source folder on the path.

Run by ``make package`` with the Python of a fresh environment that holds the wheel and nothing
else of ours. With ``light`` as argument only the first trial is made, which needs no particular
environment; ``test_light_import.py`` does that.
"""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
import tempfile
from pathlib import Path

HEAVY = (
    "alembic",
    "lightgbm",
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "rich",
    "scipy",
    "sklearn",
    "sqlalchemy",
    "uvicorn",
)


def import_is_light() -> str:
    """`import isbjerg` must load none of the heavy libraries."""
    importlib.import_module("isbjerg")
    loaded = [name for name in HEAVY if name in sys.modules]
    if loaded:
        raise SystemExit(f"`import isbjerg` loads {', '.join(loaded)}: import them where used.")
    return f"import isbjerg: none of {len(HEAVY)} heavy libraries loaded"


def every_module_imports() -> str:
    """Each module must import with the declared dependencies alone."""
    root = importlib.import_module("isbjerg")
    names = [module.name for module in pkgutil.walk_packages(root.__path__, "isbjerg.")]
    for name in names:
        if not name.endswith("__main__"):
            importlib.import_module(name)
    return f"{len(names)} modules import"


def commands_answer() -> str:
    """The installed command must print its help and explain a code from a packaged page."""
    command = str(Path(sys.executable).with_name("isbjerg"))
    for words in (["--help"], ["explain", "ISB101"]):
        done = subprocess.run([command, *words], check=False, capture_output=True, text=True)
        if done.returncode or not done.stdout.strip():
            raise SystemExit(f"`isbjerg {' '.join(words)}` failed:\n{done.stdout}{done.stderr}")
    return "isbjerg --help and isbjerg explain ISB101 answer"


def a_life_begins() -> str:
    """Draft a project from a table and run it: templates, migrations and LightGBM are there."""
    command = str(Path(sys.executable).with_name("isbjerg"))
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            f"{n},2024-{1 + n // 28 % 12:02}-{1 + n % 28:02},{n % 7},{n % 7 > 3}"
            for n in range(900)
        ]
        table = Path(folder) / "orders.csv"
        table.write_text("\n".join(["order,placed,size,late", *sorted(rows)]), encoding="utf-8")
        for words in (
            ["new", "shop", "--from", str(table), "--target", "late", "--time", "placed"],
            ["-C", "shop", "run"],
            ["-C", "shop", "status", "--json"],
        ):
            done = subprocess.run(
                [command, *words], cwd=folder, check=False, capture_output=True, text=True
            )
            # 3: the gate says no, which is an answer. Nothing else is.
            if done.returncode not in {0, 3}:
                raise SystemExit(f"`isbjerg {' '.join(words)}` failed:\n{done.stdout}{done.stderr}")
    return "a project is drafted and run"


def main(words: list[str]) -> None:
    """Make the trials in order; the first that fails ends the run."""
    trials = [import_is_light]
    if words != ["light"]:
        trials += [every_module_imports, commands_answer, a_life_begins]
    for trial in trials:
        sys.stdout.write(f"smoke: {trial()}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
