"""What a run was made with: the project's code, the environment, so that it can be made again."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import msgspec

from isbjerg.storage.blobs import Blobs

_GIT_SECONDS = 20

_NAME = re.compile(r"^Name: (\S+)$", re.MULTILINE)
_VERSION = re.compile(r"^Version: (\S+)$", re.MULTILINE)

_DIFF = ("diff", "--no-color", "--no-ext-diff", "--no-textconv", "--binary")
"""Whatever the user's configuration says, a difference that can be applied again."""


class Code(msgspec.Struct, frozen=True):
    """The project's code at a run.

    Parameters
    ----------
    commit : str or None
        Commit that was checked out; ``None`` outside version control.
    diff : str or None
        Blob with the difference of tracked files to that commit; ``None`` when there is none.
    dirty : bool
        Whether the code differs from the commit: by `diff`, or by definition files that no
        commit holds.
    files : dict of str to str
        Blob of each definition file as it was, so that a run can be read without git.
    """

    commit: str | None
    diff: str | None
    dirty: bool
    files: dict[str, str]


def capture_code(folder: Path, blobs: Blobs) -> Code:
    """Store the definition files and the difference to the last commit."""
    files = {
        path.name: blobs.put(path.read_bytes())
        for path in sorted([*folder.glob("*.py"), *folder.glob("*.toml")])
    }
    commit = _git(folder, "rev-parse", "HEAD")
    diff = _git(folder, *_DIFF, "HEAD", "--", ".") if commit else None
    untracked = _git(folder, "ls-files", "--others", "--", *files) if commit and files else None
    return Code(
        commit=commit.strip() if commit else None,
        diff=blobs.put(diff.encode()) if diff else None,
        dirty=bool(diff or untracked),
        files=files,
    )


def environment_lock() -> str:
    """Write down the interpreter and every installed distribution with its version.

    Examples
    --------
    >>> "polars==" in environment_lock()
    True
    """
    named = (_name_and_version(d) for d in metadata.distributions())
    installed = {f"{name}=={version}" for name, version in named if name}
    lines = [
        f"# python {platform.python_version()} {sys.implementation.name}",
        f"# {platform.system()} {platform.machine()}",
        *sorted(installed, key=str.lower),
    ]
    return "\n".join(lines) + "\n"


def _name_and_version(distribution: metadata.Distribution) -> tuple[str, str]:
    """Read the two from the head of a distribution's metadata, which is long and mostly prose.

    Whatever is not written plainly there is left to the standard library's own reader.
    """
    head = (distribution.read_text("METADATA") or "").partition("\n\n")[0]
    name, version = _NAME.findall(head), _VERSION.findall(head)
    if len(name) == len(version) == 1:
        return name[0], version[0]
    return distribution.metadata["Name"] or "", distribution.version


def _git(folder: Path, *arguments: str) -> str | None:
    """Ask git; ``None`` when it is not there or the folder is not under version control."""
    try:
        answer = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - whichever git the user has
            capture_output=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.decode(errors="replace") if answer.returncode == 0 else None
