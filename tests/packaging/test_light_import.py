"""The public face: light to import, complete, documented."""

from __future__ import annotations

import inspect
import runpy
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import isbjerg

SMOKE = Path(__file__).with_name("smoke.py")


def test_import_loads_no_heavy_library() -> None:
    # In a process of its own, because this one has loaded everything already.
    done = subprocess.run(
        [sys.executable, "-I", str(SMOKE), "light"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_help_loads_no_heavy_library() -> None:
    code = (
        "import sys\nfrom isbjerg.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"sys.exit(', '.join(name for name in {heavy()!r} if name in sys.modules) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "promote" in done.stdout


def heavy() -> tuple[str, ...]:
    return tuple(runpy.run_path(str(SMOKE))["HEAVY"])


ROOMS = tuple(isbjerg._MODULES)
"""Public names that are modules."""


def public_names() -> list[str]:
    # Submodules become attributes once something imports them, and what the file itself
    # imports is an attribute too; neither is part of the face.
    return [
        name
        for name in dir(isbjerg)
        if not name.startswith("_")
        and (not isinstance(value := getattr(isbjerg, name), ModuleType) or name in ROOMS)
        and (getattr(value, "__module__", "").partition(".")[0] == "isbjerg" or name in ROOMS)
    ]


def test_all_names_what_is_there() -> None:
    # Ruff's RUF022 keeps the list sorted.
    assert sorted(getattr(isbjerg, "__all__", [])) == sorted(set(public_names()))


def test_public_names_are_documented() -> None:
    bare = [name for name in public_names() if not inspect.getdoc(getattr(isbjerg, name))]
    assert not bare
