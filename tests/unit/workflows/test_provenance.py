from __future__ import annotations

import os
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from isbjerg.storage.blobs import Blobs
from isbjerg.workflows.provenance import capture_code, environment_lock


def git(folder: Path, *words: str) -> str:
    who = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    for name in ("AUTHOR", "COMMITTER"):
        who |= {f"GIT_{name}_NAME": "t", f"GIT_{name}_EMAIL": "t@example.org"}
    done = subprocess.run(
        ["git", "-C", str(folder), *words], check=True, capture_output=True, text=True,
        env={**os.environ, **who},
    )  # fmt: skip
    return done.stdout.strip()


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that no repository holds, wherever temporary folders lie."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "features.py").write_text("x = 1\n")
    (folder / "frame.toml").write_text("")
    (folder / "notes.txt").write_text("no code")
    return folder


@pytest.fixture
def inside(outside: Path) -> Path:
    git(outside, "init", "--quiet")
    git(outside, "add", ".")
    git(outside, "commit", "--quiet", "-m", "first")
    return outside


def test_outside_of_version_control_the_files_are_the_code(outside: Path, blobs: Blobs) -> None:
    code = capture_code(outside, blobs)
    assert (code.commit, code.diff, code.dirty) == (None, None, False)
    assert sorted(code.files) == ["features.py", "frame.toml"]
    assert blobs.get(code.files["features.py"]) == b"x = 1\n"


def test_a_clean_checkout_is_its_commit(inside: Path, blobs: Blobs) -> None:
    code = capture_code(inside, blobs)
    assert (code.commit, code.diff, code.dirty) == (git(inside, "rev-parse", "HEAD"), None, False)


def test_a_difference_can_be_applied_again_whatever_the_configuration(
    inside: Path, blobs: Blobs
) -> None:
    git(inside, "config", "color.ui", "always")
    git(inside, "config", "diff.external", "false")
    (inside / "features.py").write_text("x = 2\n")
    code = capture_code(inside, blobs)
    assert code.dirty
    assert code.diff is not None
    git(inside, "checkout", "--quiet", "features.py")
    patch = inside.parent / "patch"
    patch.write_bytes(blobs.get(code.diff))
    git(inside, "apply", str(patch))
    assert (inside / "features.py").read_text() == "x = 2\n"


def test_code_that_no_commit_holds_is_dirty_and_data_is_not(inside: Path, blobs: Blobs) -> None:
    (inside / "more.csv").write_text("1\n")
    assert not capture_code(inside, blobs).dirty
    (inside / "models.py").write_text("y = 1\n")
    code = capture_code(inside, blobs)
    assert (code.diff, code.dirty) == (None, True)


def test_a_change_beside_the_project_is_not_its_own(inside: Path, blobs: Blobs) -> None:
    project = inside / "inner"
    project.mkdir()
    (project / "features.py").write_text("z = 1\n")
    git(inside, "add", ".")
    git(inside, "commit", "--quiet", "-m", "second")
    (inside / "features.py").write_text("x = 3\n")
    assert not capture_code(project, blobs).dirty


def test_a_machine_without_git_has_no_commit(
    inside: Path, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(inside))
    assert capture_code(inside, blobs).commit is None


def test_the_lock_names_the_interpreter_and_every_distribution() -> None:
    lines = environment_lock().splitlines()
    assert lines[0].startswith("# python 3.")
    assert f"polars=={version('polars')}" in lines
    assert lines[2:] == sorted(lines[2:], key=str.lower)
