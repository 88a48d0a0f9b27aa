"""From arguments to exit codes: what is printed where, and that nothing else escapes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from isbjerg.cli import main as cli
from isbjerg.cli.exits import EXITS, exit_of
from isbjerg.cli.verbs import VERBS, Verb
from isbjerg.errors import ArgumentError, FrameError, IsbjergError, ReleaseError, StoreError

GOLDEN = Path(__file__).parents[2] / "golden" / "cli"


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch) -> object:
    """Give a function that makes the verb `status` do something else."""

    def install(act: object) -> None:
        module = SimpleNamespace(add_arguments=lambda parser: None, run=act)
        monkeypatch.setitem(sys.modules, "isbjerg.cli.verb_status", module)

    return install


def raising(error: BaseException) -> object:
    def act(args: object) -> int:
        raise error

    return act


def run_isbjerg(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "isbjerg", *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "80"},
        **options,
    )


@pytest.mark.parametrize("name", ["main", *VERBS])
def test_help_is_as_it_was_read_and_liked(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.main(["--help"] if name == "main" else [name, "--help"]) == 0
    shown = "\n".join(line.rstrip() for line in capsys.readouterr().out.splitlines()) + "\n"
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("ISBJERG_GOLDEN") == "write":  # then read what was written, and like it
        golden.write_text(shown, encoding="utf-8")
    assert shown == golden.read_text(encoding="utf-8")
    assert max(len(line) for line in shown.splitlines()) <= 80


def test_help_imports_no_heavy_library() -> None:
    program = (
        "import sys; from isbjerg.cli.main import main; main(['--help']);"
        "heavy = {'rich', 'polars', 'numpy', 'sqlalchemy', 'shutil', 'difflib', 'importlib.metadata'};"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[]"


def test_no_verb_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 0
    assert "ingest" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("isbjerg ")


def test_a_slip_in_a_verb_is_answered_with_the_closest(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["promot"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "`promot` is not a verb of isbjerg.\n\nMend: isbjerg promote\nMore: isbjerg --help\n"
    )


def test_a_word_like_no_verb_is_answered_with_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["xyzzy"]) == 2
    assert f"Verbs: {', '.join(VERBS)}\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["status", "--jso"], ["trace"], ["--wrong"], ["new", "churn"], ["-C"]]
)
def test_misuse_of_a_verb_is_2_and_says_where_to_look(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("usage: isbjerg")
    assert err.rstrip().endswith("--help")


def test_common_options_stand_before_or_after_the_verb(verb: object) -> None:
    seen = []
    verb(lambda args: seen.append((args.project, args.quiet, args.json)) or 0)
    assert cli.main(["-C", "flights", "--quiet", "status", "--json"]) == 0
    assert cli.main(["status", "--json", "--quiet", "--project", "flights"]) == 0
    assert cli.main(["--project=flights", "status", "--quiet", "--json"]) == 0
    assert cli.main(["status"]) == 0
    assert seen == [("flights", True, True)] * 3 + [(".", False, False)]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FrameError("no"), 1),
        (StoreError("no"), 1),
        (IsbjergError("no"), 1),
        (ArgumentError("no"), 2),
        (ReleaseError("no"), 3),
        (StoreError("no", code="ISB605"), 4),
        (StoreError("no", code="ISB603"), 4),
        (FileNotFoundError(2, "No such file", "x.csv"), 1),
        (RuntimeError("no"), 1),
    ],
)
def test_each_error_has_its_exit_code(
    error: Exception, code: int, verb: object, capsys: pytest.CaptureFixture[str]
) -> None:
    verb(raising(error))
    assert exit_of(error) == code
    assert code in EXITS
    assert cli.main(["status"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err


def test_an_error_goes_to_stderr_with_its_mend(
    verb: object, capsys: pytest.CaptureFixture[str]
) -> None:
    verb(raising(ReleaseError("Model v3 has no verdict.", mend="isbjerg run")))
    assert cli.main(["status"]) == 3
    assert capsys.readouterr().err == (
        "Model v3 has no verdict.\n\nMend: isbjerg run\nMore: isbjerg explain ISB500\n"
    )


def test_traceback_lets_the_error_through(verb: object) -> None:
    verb(raising(FrameError("no")))
    with pytest.raises(FrameError):
        cli.main(["--traceback", "status"])
    with pytest.raises(FrameError):
        cli.main(["status", "--traceback"])


def test_an_interruption_is_130(verb: object, capsys: pytest.CaptureFixture[str]) -> None:
    verb(raising(KeyboardInterrupt()))
    assert cli.main(["status"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_reader_who_leaves_early_is_no_error() -> None:
    # `head -0` closes the pipe before anything is written.
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "isbjerg", "explain"],
            stdout=pipe,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_script_and_the_module_are_the_same() -> None:
    done = run_isbjerg("explian")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Mend: isbjerg explain" in done.stderr


@pytest.mark.parametrize("one", VERBS.values(), ids=lambda verb: verb.name)
def test_every_verb_is_told_well(one: Verb) -> None:
    assert one.example.split()[:2] == ["isbjerg", one.name]
    assert one.says[0].islower()
    assert not one.says.endswith(".")
    assert len(one.says) <= 64


def test_every_verb_module_is_in_the_table() -> None:
    folder = Path(cli.__file__).parent
    assert {path.stem.removeprefix("verb_") for path in folder.glob("verb_*.py")} == set(VERBS)


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("run --as-of yesterday", (2, "Mend: isbjerg run --as-of 2013-06-01")),
        ("settle outcome.csv", (1, "Mend: isbjerg settle outcomes.csv")),
        ("settle else/x.csv", (1, "Mend: ls else")),
        ("new --example flihgts", (2, "Mend: isbjerg new flights --example flights")),
        ("new --from outcome.csv --target y", (1, "Mend: --from outcomes.csv")),
    ],
)
def test_a_slip_is_told_in_the_words_of_the_command(
    words: str,
    answer: tuple[int, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "outcomes.csv").write_text("id,y\n1,2\n")
    assert cli.main(words.split()) == answer[0]
    assert answer[1] in capsys.readouterr().err.splitlines()
    assert [p.name for p in tmp_path.iterdir()] == ["outcomes.csv"]
