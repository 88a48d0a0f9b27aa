"""Bad input as a user meets it: the verb says what is wrong, a mend is at hand, the same verb then goes on.

One project is run and promoted; each case takes a copy, harms it, says a verb, and mends it.
The table in docs/reference/bad-input.md must say the code and the exit of each case.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest
from tests.workflows import small_project

import isbjerg as ib
from isbjerg.cli.main import main

DOCS = Path(__file__).parents[2] / "docs" / "reference" / "bad-input.md"
RUN = ("run", "--as-of", small_project.AS_OF)
DONE, WRONG, MISUSE, BUSY = 0, 1, 2, 4

Harm = Callable[[Path], None]


class Case(NamedTuple):
    """What is harmed, which verb meets it, what it says and how it ends."""

    name: str
    harm: Harm
    says: str
    code: str = ""
    words: tuple[str, ...] = ("ingest",)
    exit: int = WRONG
    anew: bool = False


def write(file: str, content: bytes) -> Harm:
    return lambda folder: (folder / file).write_bytes(content) and None


def edit(file: str, old: str, new: str) -> Harm:
    def harm(folder: Path) -> None:
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1))

    return harm


def append(file: str, content: bytes) -> Harm:
    return lambda folder: (
        (folder / file).write_bytes((folder / file).read_bytes() + content) and None
    )


def orders(change: Callable[[pl.DataFrame], pl.DataFrame]) -> Harm:
    def harm(folder: Path) -> None:
        change(small_project.orders()).write_parquet(folder / "data" / "orders.parquet")

    return harm


def as_csv(change: Callable[[str], bytes]) -> Harm:
    def harm(folder: Path) -> None:
        edit("sources.py", 'parquet("data/orders.parquet")', 'csv("data/orders.csv")')(folder)
        (folder / "data" / "orders.csv").write_bytes(change(small_project.orders().write_csv()))

    return harm


def anew(harm: Harm) -> Harm:
    def harmed(folder: Path) -> None:
        shutil.rmtree(folder / ".isbjerg")
        shutil.rmtree(folder / "contracts")
        harm(folder)

    return harmed


def no_catalog(folder: Path) -> None:
    for file in (folder / ".isbjerg").glob("catalog.db*"):
        file.unlink()


def write_into(file: str) -> Harm:
    def harm(folder: Path) -> None:
        (folder / ".isbjerg" / "ledger").mkdir(exist_ok=True)
        (folder / ".isbjerg" / file).write_bytes(b"garbage" * 999)

    return harm


def no_bundle(folder: Path) -> None:
    """Remove the live model's file, and the copy that servers read."""
    (copy,) = (folder / ".isbjerg" / "serving" / "bundles").iterdir()
    next((folder / ".isbjerg" / "blobs").glob(f"*/{copy.name}")).unlink()
    shutil.rmtree(copy)


def line_101(put: str) -> Harm:
    def change(text: str) -> bytes:
        lines = text.splitlines()
        lines[100] = lines[100].replace("c", put, 1)
        return "\n".join(lines).encode() + b"\n"

    return as_csv(change)


CASES = (
    Case("frame.toml is no TOML", edit("frame.toml", '"binary"', '"binary'), "Line 12", "ISB201"),
    Case("sources.py cannot be parsed", edit("sources.py", "orders():", "orders()"), "py:17", "ISB215"),
    Case("a library is not installed", append("sources.py", b"import nosuchlib\n"), "pip install nosuchlib", "ISB215"),
    Case("a file ends the program", append("sources.py", b"raise SystemExit(0)\n"), "SystemExit", "ISB215"),
    Case("a source returns nothing", edit("sources.py", 'return ib.parquet("data/orders', 'ib.parquet("data/orders'), "'orders' returned NoneType", "ISB302"),
    Case("a candidate is no model", append("models.py", b"@ib.candidate(features=[f.wind])\ndef odd():\n    return 5\n"), "models.py:", "ISB101"),
    Case("a parameter that LightGBM refuses", edit("models.py", "num_leaves=4", "num_leaves=-4"), "num_leaves", "ISB408", RUN),
    Case("a parameter that LightGBM does not know", edit("models.py", "num_leaves=4", "numleaves=4"), "Close: num_leaves", "ISB406", RUN),
    Case("a file is missing", lambda p: (p / "data/orders.parquet").unlink(), "No file is at", "ISB301"),
    Case("a column vanished", orders(lambda df: df.drop("amount")), "lacks the column"),
    Case("text where numbers were", orders(lambda df: df.with_columns(amount=pl.lit("x"))), "of type text, promised is float"),
    Case("the key is missing", anew(orders(lambda df: df.drop("order_id"))), "['order_id']", "ISB342", anew=True),
    Case("the time of the unit is missing", anew(orders(lambda df: df.drop("placed"))), "'placed'", "ISB214", RUN, anew=True),
    Case("times that name no zone", anew(orders(lambda df: df.with_columns(pl.col("placed").dt.replace_time_zone(None)))), "name no zone: 'placed'", "ISB343", anew=True),
    Case("a table without rows", anew(as_csv(lambda text: text.splitlines()[0].encode())), "has no row", "ISB331", RUN, anew=True),
    Case("a file of zero bytes", as_csv(lambda _: b""), "not even a header", "ISB301"),
    Case("a Parquet file cut off", write("data/orders.parquet", b"PAR1"), "cannot be read", "ISB301"),
    Case("one outcome in all rows", anew(orders(lambda df: df.with_columns(minutes_late=pl.lit(5.0)))), "nothing to tell apart", "ISB403", RUN, anew=True),
    Case("one outcome in the training rows", anew(orders(lambda df: df.with_columns(minutes_late=pl.when(pl.col.order_id < 400).then(5.0).otherwise("minutes_late")))), "What is never seen", "ISB403", RUN, anew=True),
    Case("the target is null everywhere", anew(orders(lambda df: df.with_columns(minutes_late=pl.lit(None, pl.Float64)))), "no known outcome", "ISB312", RUN, anew=True),
    Case("repeated keys", orders(lambda df: pl.concat([df, df.head(3)])), "order_id must be new", exit=DONE),
    Case("rows dated ahead", orders(lambda df: df.with_columns(pl.col("delivered").dt.offset_by("30y"))), "[ingest.future]", exit=DONE),
    Case("numbers that are not finite", orders(lambda df: df.with_columns(amount=pl.when(pl.col.order_id > 590).then(float("inf")).otherwise("amount"))), "became null", exit=DONE),
    Case("CSV in Windows-1252", as_csv(lambda text: text.replace("north", "nørth").encode("cp1252")), "byte 0xf8", "ISB340"),
    Case("CSV in UTF-16", as_csv(lambda text: text.encode("utf-16")), "UTF-16", "ISB340"),
    Case("an Excel file named .csv", as_csv(lambda _: b"PK\x03\x04" + bytes(99)), "ZIP", "ISB340"),
    Case("CSV with an open quote", line_101('"c'), "in line 101", "ISB341"),
    Case("CSV with NUL bytes", line_101("\0c"), "first in line 101", "ISB341"),
    Case("CSV with a value too many", line_101(",c"), "Line 101", "ISB341"),
    Case("CSV with another separator", as_csv(lambda text: text.replace(",", ";").encode()), 'separator=";"', "ISB341"),
    Case("a contract that is no YAML", edit("contracts/orders.odcs.yaml", "schema:", "schema: ["), "not YAML", "ISB220"),
    Case("a contract that is not UTF-8", append("contracts/orders.odcs.yaml", b"# \xe9\n"), "not UTF-8", "ISB220"),
    Case("the catalog is gone", no_catalog, "gone or empty", "ISB601"),
    Case("the catalog is no database", write(".isbjerg/catalog.db", b"garbage" * 999), "not a database", "ISB602", ("status",)),
    Case("the ledger of a worker is no database", write_into("ledger/w1.db"), "w1.db", "ISB602", ("status",)),
    Case("the outcomes are no database", write_into("ledger/outcomes.db"), "outcomes.db", "ISB602", ("settle", "{project}/data/told.csv")),
    Case("the model file is gone", no_bundle, "is not in the store", "ISB601", ("promote", "v1")),
    Case("the model file is gone, and a batch asks", no_bundle, "is not in the store", "ISB601", ("predict", "{project}/data/ask.parquet", "{project}/out.parquet")),
    Case("three rows for two models", anew(orders(lambda df: df.head(3))), "3 rows with 3 different times", "ISB313", RUN, anew=True),
    Case("the online store is damaged", write(".isbjerg/online.db", b"garbage" * 999), "not a database", "ISB602"),
)  # fmt: skip


_STORE = {case.name for case in CASES if case.code in {"ISB601", "ISB602"}}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the project once: run, and live."""
    folder = small_project.write_project(tmp_path_factory.mktemp("sound") / "p", count=560)
    assert main(["-C", str(folder), *RUN]) == DONE
    assert main(["-C", str(folder), "promote"]) == DONE
    rows = small_project.orders(560).tail(5)
    rows.drop("minutes_late", "delivered").write_parquet(folder / "data" / "ask.parquet")
    rows.select("order_id", "minutes_late").write_csv(folder / "data" / "told.csv")
    return folder


@pytest.fixture
def project(sound: Path, tmp_path: Path) -> Path:
    return shutil.copytree(sound, tmp_path / "p")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_told_and_the_same_verb_goes_on_when_mended(
    case: Case, project: Path, sound: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["-C", str(project), *(word.format(project=project) for word in case.words)]
    case.harm(project)
    assert main(words) == case.exit
    said = "".join(capfd.readouterr())
    flat = re.sub(r"\s+", " ", said)
    assert case.says in flat
    assert "Mend: " in said or case.code == "ISB201"
    assert "Traceback" not in said
    assert "did not foresee" not in said
    assert "[Fatal]" not in said
    if case.code:
        assert f"explain {case.code}" in said
        assert main(["explain", case.code]) == DONE
    for place in ("frame.toml", "sources.py", "models.py", "data", "contracts"):
        _put_back(sound / place, project / place)
    if case.anew or case.name in _STORE:  # a store that began with wrong rows is begun anew
        _put_back(sound / ".isbjerg", project / ".isbjerg")
    assert main(words) == DONE
    capfd.readouterr()
    assert main(["-C", str(project), "status"]) == DONE
    assert "v1 (linear, r1)" in capfd.readouterr().out


COMMANDS = ("CSV in Windows-1252", "CSV in UTF-16", "CSV with NUL bytes", "a file is missing")


@pytest.mark.parametrize("case", [c for c in CASES if c.name in COMMANDS], ids=lambda c: c.name)
def test_a_mend_that_is_a_command_works_as_it_is_printed(
    case: Case, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    anew(case.harm)(project)  # another path would be told of beside what is wrong with it
    assert main(["-C", str(project), "ingest"]) == WRONG
    (mend,) = re.findall(r"^Mend: (.*)$", capsys.readouterr().err, re.MULTILINE)
    done = subprocess.run(
        ["/bin/sh", "-c", mend], cwd=project, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (DONE, ""), mend
    if mend.startswith("ls "):  # it shows what is there instead
        assert "weather.parquet" in done.stdout
    else:
        assert main(["-C", str(project), "ingest"]) == DONE


def _put_back(before: Path, now: Path) -> None:
    if before.is_dir():
        shutil.rmtree(now, ignore_errors=True)
        shutil.copytree(before, now)
    else:
        shutil.copy(before, now)


def test_a_full_disk_leaves_nothing_half_done_and_the_same_verb_goes_on(project: Path) -> None:
    """A limit on the size of a file stands for the disk: what is written stops in the middle."""
    small_project.orders().write_parquet(project / "data" / "orders.parquet")
    before = ib.Project(project).data_list()
    code = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "from isbjerg.cli.main import main\n"
        "sys.exit(main(['-C', sys.argv[1], 'ingest']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(project)],
        capture_output=True, text=True, check=False, env=os.environ,
    )  # fmt: skip
    assert done.returncode == WRONG
    assert "explain ISB640" in done.stderr
    assert ib.Project(project).data_list() == before
    assert main(["-C", str(project), "ingest"]) == DONE
    assert ib.Project(project).ingest().versions["orders"] == "orders@v2"


STRANGE = (
    ("a header and no row", "t.csv", b"a,b\n", "columns and no row", "ISB301"),
    ("zero bytes", "t.csv", b"", "not even a header", "ISB301"),
    ("one column, the target", "t.csv", b"b\n1\n2\n", "It has no other", "ISB222"),
    ("one value in the target", "t.csv", b"a,b\n1,x\n2,x\n", "has only one value", "ISB221"),
    ("Excel named .csv", "t.csv", b"PK\x03\x04" + bytes(99), "Excel", "ISB340"),
    ("UTF-16", "t.csv", "a,b\n1,x\n".encode("utf-16"), "UTF-16", "ISB301"),
    ("NUL bytes", "t.csv", b"a,b\n1,x\0\n2,y\n", "NUL bytes", "ISB341"),
    ("half a Parquet file", "t.parquet", b"PAR1abc", "cannot be read", "ISB301"),
    ("Parquet without rows", "t.parquet", None, "columns and no row", "ISB301"),
    ("a folder", ".", b"", "There is a folder", "ISB301"),
)


@pytest.mark.parametrize("strange", STRANGE, ids=lambda strange: strange[0])
def test_a_project_is_not_drafted_from_what_is_no_table(
    strange: tuple[str, str, bytes | None, str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name, file, content, says, code = strange
    table = tmp_path / file
    if content is None:
        pl.DataFrame(schema={"a": pl.Int64, "b": pl.String}).write_parquet(table)
    elif file != ".":
        table.write_bytes(content)
    words = ["new", str(tmp_path / "p"), "--from", str(table), "--target", "b"]
    assert main(words) == (MISUSE if code in {"ISB221", "ISB222"} else WRONG)
    said = re.sub(r"\s+", " ", capsys.readouterr().err)
    assert says in said, name
    assert f"explain {code}" in said
    assert "Mend: " in said
    assert not (tmp_path / "p").exists()
    line = f"| {name} | {code} |"
    assert line in DOCS.read_text(encoding="utf-8"), line


def test_the_table_of_the_reference_says_each_case() -> None:
    told = DOCS.read_text(encoding="utf-8")
    lines = [f"| {c.name} | `{c.words[0]}` | {c.code or 'a finding'} | {c.exit} |" for c in CASES]
    missing = [line for line in lines if line not in told]
    assert not missing, "\n".join(missing)


def test_a_batch_says_of_its_rows_what_a_server_would_and_counts_it(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unknown category is answered and flagged; a misspelt column that may be null, too."""
    contract = project / "contracts" / "orders.odcs.yaml"
    before, name, after = contract.read_text().partition("  - name: amount\n")
    lax = after.replace("required: true", "required: false", 1)
    contract.write_text(before + name + lax)
    assert main(["-C", str(project), *RUN]) == DONE
    assert main(["-C", str(project), "promote"]) == DONE
    rows = small_project.orders(560).tail(20).drop("minutes_late", "delivered")
    odd = pl.when(pl.col.order_id > 557).then(pl.lit("nowhere")).otherwise("shop")
    asked, out = project / "ask.parquet", project / "out.parquet"
    rows.with_columns(shop=odd).rename({"amount": "amount_eur"}).write_parquet(asked)
    capsys.readouterr()
    words = ["predict", str(asked), str(out), "--as-of", small_project.AS_OF]
    assert main(["-C", str(project), *words]) == DONE
    said = re.sub(r"\s+", " ", capsys.readouterr().out)
    assert "3 contract.values, 20 request.unread" in said
    assert "'amount' was not given and counts as null" in said
    last = pl.read_parquet(out)["prediction_id"][-1]
    traced = ib.Project(project).trace(last)
    assert {f["code"] for f in traced.prediction.findings} == {"contract.values", "request.unread"}


def test_rows_after_as_of_are_nothing_to_tell_in_a_replay(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(project / ".isbjerg")  # so that all rows are new
    assert main(["-C", str(project), "run", "--as-of", "2024-03-30"]) == DONE
    assert "ingest.future" not in "".join(capsys.readouterr())


def test_a_catalog_that_another_process_holds_is_waited_for_and_then_told(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from isbjerg.storage.catalog import engine

    monkeypatch.setattr(engine, "BUSY_MS", 1000)
    other = sqlite3.connect(project / ".isbjerg" / "catalog.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert main(["-C", str(project), "ingest"]) == BUSY
    said = capsys.readouterr().err
    assert "explain ISB603" in said
    assert "Mend: wait for the other command to end" in said
    other.execute("ROLLBACK")
    other.close()
    assert main(["-C", str(project), "ingest"]) == DONE


READ_ONLY = """
import ctypes, sys
for capability in (1, 2):  # without them root, too, may only do what the modes of files allow
    ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)
import os
os.execv(sys.executable, [sys.executable, "-m", "isbjerg", *sys.argv[1:]])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="capabilities are Linux's")
def test_what_may_not_be_written_is_told_and_stays_as_it_is(project: Path) -> None:
    store = project / ".isbjerg"
    before = {file: file.read_bytes() for file in store.rglob("*") if file.is_file()}
    folders = [store, *(path for path in store.rglob("*") if path.is_dir())]
    (project / "out").mkdir()
    forbidden = [project / "out", *folders]
    for path in (*forbidden, *before):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        for words in (
            ("ingest", "--full"),
            (
                "predict",
                str(project / "data" / "ask.parquet"),
                str(project / "out" / "out.parquet"),
            ),
        ):
            done = subprocess.run(
                [sys.executable, "-c", READ_ONLY, "-C", str(project), *words],
                capture_output=True, text=True, check=False, env=os.environ,
            )  # fmt: skip
            assert done.returncode == WRONG, done.stdout
            assert "explain ISB641" in done.stderr
            assert "Mend: ls -ld" in done.stderr
    finally:
        for path in (*forbidden, *before):
            path.chmod(0o755 if path.is_dir() else 0o644)
    after = {file: file.read_bytes() for file in store.rglob("*") if file.is_file()}
    assert after.keys() - {store / "catalog.db-wal", store / "catalog.db-shm"} == before.keys()
    assert main(["-C", str(project), "ingest", "--full"]) == DONE
