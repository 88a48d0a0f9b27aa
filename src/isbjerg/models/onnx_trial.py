"""A first run of a stranger's ONNX model, in a process of its own with bounded memory and time.

What a graph allocates cannot be read off it: a small file may ask for an array of terabytes. So a
user's model first scores a few rows where nothing else can be harmed. A bundle holds the bytes that
came through this, by their hash.

The process is ``python -m isbjerg.models.onnx_trial``: one JSON message in, ``ok`` or a reason out.
"""

from __future__ import annotations

import base64
import resource
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import msgspec

from isbjerg.errors import IsbjergError
from isbjerg.models.onnx_check import refused
from isbjerg.models.onnx_model import OnnxModel, column_values
from isbjerg.models.onnx_parameters import OnnxParameters

if TYPE_CHECKING:
    import polars as pl

MEMORY_BYTES_MAX = 4 * 2**30
"""Address space of the process, the runtime's libraries among it."""

SECONDS_MAX = 60
"""Processor time of the process; twice of it by the clock."""


class Trial(msgspec.Struct):
    """What the process is told."""

    model: str
    parameters: OnnxParameters
    columns: dict[str, list[Any]]


def try_out(model: bytes, parameters: OnnxParameters, rows: pl.DataFrame) -> None:
    """Load a model and score rows in a process of its own.

    Parameters
    ----------
    model : bytes
        The file, checked.
    parameters : OnnxParameters
        How it is asked.
    rows : polars.DataFrame
        Its features.

    Raises
    ------
    BundleError
        When it fails, or needs more memory or time than it may have.
    """
    columns = {name: rows[name].to_physical().to_list() for name in rows.columns}
    told = msgspec.json.encode(Trial(base64.b64encode(model).decode(), parameters, columns))
    try:
        done = subprocess.run(
            [sys.executable, "-m", "isbjerg.models.onnx_trial"],
            input=told,
            capture_output=True,
            check=False,
            timeout=2 * SECONDS_MAX,
        )
    except subprocess.TimeoutExpired as fault:
        raise refused(f"it ran longer than {2 * SECONDS_MAX} s on {rows.height} rows") from fault
    answer = done.stdout.decode(errors="replace").strip()
    if done.returncode == 0 and answer == "ok":
        return
    if done.returncode == 0:
        raise refused(answer)
    raise refused(
        f"it did not run on {rows.height} rows within {MEMORY_BYTES_MAX // 2**30} GiB and "
        f"{SECONDS_MAX} s of processor time"
    )


def main() -> None:
    """Be the process: read the message, run the model, say how it went."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS_MAX, SECONDS_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    trial = msgspec.json.decode(sys.stdin.buffer.read(), type=Trial)
    rows = len(next(iter(trial.columns.values()), []))
    inputs = {
        item.name: column_values(item, [trial.columns[name] for name in item.features])
        for item in trial.parameters.inputs
    }
    try:
        OnnxModel(base64.b64decode(trial.model), trial.parameters).scores(inputs, rows)
    except IsbjergError as fault:
        said = fault.facts.get("why") or fault.message
        sys.stdout.write(str(said).rstrip("."))
        return
    sys.stdout.write("ok")


if __name__ == "__main__":
    main()
