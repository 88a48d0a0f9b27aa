"""Say a verb of the command line, as a user would, and read its answer as JSON.

The demonstration is a user: it has no way into a project that a user does not have.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TypeVar

import msgspec

from isbjerg.errors import ProjectError

T = TypeVar("T")

_LINES_SHOWN = 12


class Verbs:
    """Says verbs in a project and remembers them.

    Parameters
    ----------
    folder : Path
        The project.

    Attributes
    ----------
    said : list of str
        The commands, as they would be typed in the folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []

    def say(self, *words: str, answer: type[T]) -> T:
        """Say a verb and return its answer.

        Raises
        ------
        ProjectError
            When the verb refuses; its own words are in the message.
        """
        self.said.append(" ".join(["isbjerg", *words]))
        command = [sys.executable, "-m", "isbjerg", "--quiet", *words, "--json"]
        done = subprocess.run(  # noqa: S603 - our own module
            command, cwd=self.folder, capture_output=True, text=True, check=False
        )
        try:
            return msgspec.json.decode(done.stdout, type=answer)
        except msgspec.MsgspecError as fault:
            told = done.stderr.strip().splitlines() or [str(fault)]
            raise ProjectError(
                f"`{self.said[-1]}` ended with {done.returncode}:\n"
                + "\n".join(told[:_LINES_SHOWN]),
                mend=f"cd {self.folder} && {self.said[-1]}",
                code="ISB520",
            ) from fault
