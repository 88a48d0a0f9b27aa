from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from isbjerg.data.contract import Contract, Field
from isbjerg.data.odcs import from_odcs, to_odcs
from isbjerg.errors import ProjectError
from isbjerg.expressions.tree import Type

GOLDEN = Path(__file__).parents[2] / "golden" / "contract-v1.odcs.yaml"
LINTER = os.environ.get("ISBJERG_DATACONTRACT") or shutil.which("datacontract")

FULL = Contract(
    table="loans",
    key=("branch", "id"),
    fields=(
        Field(name="id", type=Type.INTEGER, required=True),
        Field(name="branch", type=Type.TEXT, required=True, values=("a", "b")),
        Field(name="amount", type=Type.FLOAT, minimum=0, maximum=1.5, range_severity="warning"),
        Field(name="open", type=Type.BOOLEAN, unique=True),
        Field(name="at", type=Type.INSTANT, known=("at", -30 * 86_400_000_000)),
        Field(name="day", type=Type.LOCAL, known=("at", 0), description="of the branch"),
        Field(name="took", type=Type.DURATION, known=("at", 3_600_000_000)),
        Field(name="who", type=Type.TEXT, personal="name", values=("x",), values_severity="error"),
    ),
    version="2.1.0",
    status="active",
    rows_minimum=10,
)


def test_a_contract_comes_back_as_it_was_written() -> None:
    text = to_odcs(FULL)
    read = from_odcs(text, "loans.odcs.yaml")
    assert read.contract == FULL
    assert read.unenforced == []
    assert to_odcs(read.contract, read.document) == text


def test_a_contract_of_the_first_release_is_read_and_written_as_it_was() -> None:
    text = GOLDEN.read_text(encoding="utf-8")
    assert from_odcs(text, GOLDEN.name).contract == FULL
    assert to_odcs(FULL) == text


_FIELD = st.builds(
    Field,
    name=st.text("abc_xyz", min_size=1, max_size=6),
    type=st.sampled_from(Type),
    required=st.booleans(),
    unique=st.booleans(),
    known=st.one_of(st.none(), st.tuples(st.sampled_from(["at", "b"]), st.integers(-(10**15), 10**15))),
    personal=st.one_of(st.none(), st.just("health")),
    description=st.sampled_from(["", "what: it # is"]),
)  # fmt: skip


@given(st.lists(_FIELD, min_size=1, max_size=4, unique_by=lambda f: f.name), st.data())
@settings(max_examples=100, deadline=None)
def test_any_contract_comes_back(fields, data) -> None:
    key = data.draw(st.permutations([f.name for f in fields]))[: len(fields) // 2 + 1]
    contract = Contract(table="t", key=tuple(key), fields=tuple(fields))
    assert from_odcs(to_odcs(contract), "t").contract == contract


def listing(type_: Type, values: object) -> str:
    """Write a contract in which a person listed values of a column."""
    fields = (Field(name="id", type=Type.INTEGER), Field(name="x", type=type_))
    document = yaml.safe_load(to_odcs(Contract(table="t", key=("id",), fields=fields)))
    rule = {"metric": "invalidValues", "arguments": {"validValues": values}, "mustBe": 0}
    document["schema"][0]["properties"][1]["quality"] = [rule]
    return yaml.safe_dump(document, sort_keys=False)


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        (Type.TEXT, [1]),
        (Type.TEXT, [False]),
        (Type.TEXT, None),
        (Type.INTEGER, ["1"]),
        (Type.INTEGER, [2**63]),
        (Type.INTEGER, [True]),
        (Type.INTEGER, 5),
    ],
)
def test_listed_values_of_another_type_are_a_fault_with_its_line(type_, values) -> None:
    text = listing(type_, values)
    with pytest.raises(ProjectError, match="validValues must be a list of") as caught:
        from_odcs(text, "t")
    line, _ = caught.value.facts["faults"][0]
    assert "validValues" in "".join(text.splitlines()[line - 2 : line])


@pytest.mark.parametrize("type_", [Type.FLOAT, Type.BOOLEAN, Type.INSTANT])
def test_listed_values_that_are_not_checked_are_told_and_kept(type_) -> None:
    read = from_odcs(listing(type_, [1, 2]), "t")
    assert read.contract.fields[1].values is None
    assert [f.outcome for f in read.unenforced] == ["not_run"]
    again = yaml.safe_load(to_odcs(read.contract, read.document))
    assert again["schema"][0]["properties"][1]["quality"][0]["arguments"] == {"validValues": [1, 2]}


def test_what_people_add_is_kept_and_told() -> None:
    document = yaml.safe_load(to_odcs(FULL))
    document["team"] = {"name": "Lending"}
    table = document["schema"][0]
    amount = table["properties"][2]
    amount["logicalTypeOptions"]["multipleOf"] = 0.5
    amount["tags"] = ["money"]
    amount["quality"] = [{"type": "sql", "query": "select 1", "mustBe": 1}]
    table["properties"][1]["quality"][0]["description"] = "the branches we have"
    table["quality"].insert(0, {"metric": "duplicateValues", "mustBeLessThan": 5})
    text = yaml.safe_dump(document, sort_keys=False)
    read = from_odcs(text, "loans.odcs.yaml")
    assert read.contract == FULL
    assert yaml.safe_load(to_odcs(read.contract, read.document)) == document
    told = [(f.subject, f.outcome) for f in read.unenforced]
    assert told == [("loans", "not_run"), ("loans.amount", "not_run"), ("loans.amount", "not_run")]
    line = [t.strip() for t in text.splitlines()].index("multipleOf: 0.5") + 1
    assert f"Line {line}: isbjerg does not check 'multipleOf'." in [
        f.message for f in read.unenforced
    ]


def test_all_faults_are_told_with_their_lines() -> None:
    text = """\
apiVersion: v2.0.0
kind: DataContract
id: x
version: 1.0.0
status: draft
schema:
  - name: t
    properties:
      - name: a
        logicalType: money
      - name: a
        logicalType: integer
        required: maybe
        logicalTypeOptions:
          minimum: low
        customProperties:
          - property: isbjergKnown
            value: soon after
"""
    with pytest.raises(ProjectError) as caught:
        from_odcs(text, "t.odcs.yaml")
    assert caught.value.kind_code == "ISB220"
    assert sorted(line for line, _ in caught.value.facts["faults"]) == [1, 9, 10, 11, 13, 15, 17]
    assert "t.odcs.yaml:10: logicalType must be one of" in caught.value.message


@pytest.mark.parametrize("text", ["a: b: c", "- 1", "", "apiVersion: v3.1.0"])
def test_what_is_no_contract_is_refused(text: str) -> None:
    with pytest.raises(ProjectError) as caught:
        from_odcs(text, "t.odcs.yaml")
    assert caught.value.kind_code == "ISB220"


@pytest.mark.slow
@pytest.mark.skipif(
    LINTER is None, reason="datacontract is not installed (dependency group 'contract')"
)
def test_datacontract_lint_accepts_the_file(tmp_path: Path) -> None:
    assert LINTER is not None
    file = tmp_path / "loans.odcs.yaml"
    file.write_text(to_odcs(FULL), encoding="utf-8")
    # The schema of 3.1 comes with the tool, so that nothing is fetched.
    find = "import importlib.resources as r; print(r.files('datacontract') / 'schemas')"
    python = Path(LINTER).parent / "python"
    where = subprocess.run(
        [python if python.exists() else sys.executable, "-c", find],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    schema = next(Path(where).glob("odcs-3.1.0*.json"))
    assert json.loads(schema.read_text())["required"]
    ran = subprocess.run(
        [LINTER, "lint", "--all-errors", "--json-schema", str(schema), str(file)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
