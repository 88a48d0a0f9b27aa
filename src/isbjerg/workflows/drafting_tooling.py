"""What a new project gets besides its definition: hooks, linter settings, what not to commit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from isbjerg.errors import ProjectError

GITIGNORE = """\
.isbjerg/
__pycache__/
"""

RUFF_TOML = """\
line-length = 100

[lint]
select = ["B", "C4", "D", "E", "F", "I", "N", "SIM", "UP", "W"]
ignore = [
  "B008", # a default says what a feature depends on: it is meant to be a call
  "D401", # a feature's docstring says what it is
  "E501", # the formatter owns length
]
pydocstyle.convention = "numpy"
isort.required-imports = ["from __future__ import annotations"]
"""

PRE_COMMIT = """\
# Local hooks: they use the tools of this environment and download nothing.
repos:
  - repo: local
    hooks:
      - id: ast
        name: every Python file parses
        entry: python -c "import ast, pathlib, sys; [ast.parse(pathlib.Path(p).read_text(), p) for p in sys.argv[1:]]"
        language: system
        types: [python]
      - id: format
        name: formatter (ruff format)
        entry: ruff format
        language: system
        types: [python]
      - id: imports
        name: import sorting (ruff, I)
        entry: ruff check --select I --fix
        language: system
        types: [python]
      - id: docstrings
        name: docstrings (ruff, D)
        entry: ruff check --select D --ignore D401
        language: system
        types: [python]
      - id: lint
        name: lint (ruff)
        entry: ruff check
        language: system
        types: [python]
      - id: types
        name: types (mypy)
        entry: mypy --ignore-missing-imports
        language: system
        types: [python]
"""


def tooling_files(*, ignore: str = "") -> dict[str, str]:
    """List the files by their names in the project; `ignore` adds lines to ``.gitignore``."""
    return {
        ".gitignore": GITIGNORE + ignore,
        ".pre-commit-config.yaml": PRE_COMMIT,
        "ruff.toml": RUFF_TOML,
    }


def write_project(folder: Path, files: Mapping[str, str], *, again: str = "") -> None:
    """Write files into a folder that has none of these names yet.

    Parameters
    ----------
    folder : Path
        Made when it is not there.
    files : mapping of str to str
        Texts by their names in it.
    again : str
        The command that would write them into another folder, for the mend.

    Raises
    ------
    ProjectError
        When one of them is there already; then nothing is written.
    """
    mend = again or "choose another folder, or move these files away"
    if folder.is_file():
        raise ProjectError(
            f"'{folder}' is a file, so no folder can have this name.", code="ISB223", mend=mend
        )
    present = sorted(name for name in files if (folder / name).exists())
    if present:
        raise ProjectError(
            f"The folder '{folder}' has {len(present)} of the files to be written already.\n"
            f"Found: {', '.join(present)}",
            code="ISB223",
            mend=mend,
            present=present,
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
