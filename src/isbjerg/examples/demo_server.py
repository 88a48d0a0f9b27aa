"""The prediction server of a project, as a process of its own for as long as it is needed."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import msgspec

from isbjerg.errors import StoreError

_WAIT_S_MAX = 60.0
_PAUSE_S = 0.05


@contextmanager
def serving(folder: Path, log: Path) -> Iterator[str]:
    """Start a server on a free port that lets callers say what time it is; yield its address.

    Parameters
    ----------
    folder : Path
        A project with a live model.
    log : Path
        Where its words go.

    Raises
    ------
    StoreError
        When it does not serve within a minute; its log says why.
    """
    command = [sys.executable, "-m", "isbjerg", "-C", str(folder), "--quiet"]
    command += ["serve", "--port", "0", "--allow-replay"]
    with (
        log.open("wb") as words,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=words, text=True) as process,  # noqa: S603 - our own module
    ):
        try:
            yield _address(process, log)
        finally:
            process.terminate()
            process.wait(_WAIT_S_MAX)


def _address(process: subprocess.Popen[str], log: Path) -> str:
    lines = iter(process.stdout or ())
    line = next((told for told in lines if told.startswith("isbjerg serves on")), "")
    address = next((word for word in line.split() if word.startswith("http://")), None)
    if address is None:
        raise _not_serving(log)
    for _ in range(int(_WAIT_S_MAX / _PAUSE_S)):
        if process.poll() is not None:
            break
        with urlopen(f"{address}/health", timeout=_WAIT_S_MAX) as answer:  # noqa: S310 - loopback
            if msgspec.json.decode(answer.read())["status"] == "serving":
                return address
        time.sleep(_PAUSE_S)
    raise _not_serving(log)


def _not_serving(log: Path) -> StoreError:
    words = log.read_text(encoding="utf-8").strip().splitlines()
    return StoreError(
        "The prediction server did not start serving.\n" + "\n".join(words[-3:]),
        mend=f"isbjerg -C {shlex.quote(str(log.parent))} serve --port 0",
        code="ISB620",
    )
