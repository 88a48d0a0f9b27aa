"""What a source function stops at is told with its line."""

from __future__ import annotations

import linecache
import types
from pathlib import Path

import pytest

import isbjerg as ib
from isbjerg.errors import ArgumentError, SourceError
from isbjerg.features.source_code import code_of


def test_an_error_of_a_source_function_is_told_with_its_line() -> None:
    @ib.source(key="id", known={"*": ib.ahead("1s")})
    def orders() -> object:
        return {}["amount"]

    with pytest.raises(SourceError, match=r"test_sources\.py:19: KeyError: 'amount'") as caught:
        orders()
    assert caught.value.kind_code == "ISB305"


def test_an_error_of_isbjerg_stays_as_it_is() -> None:
    @ib.source(key="id", known={"*": ib.ahead("1s")})
    def orders() -> object:
        return ib.csv("orders.csv", separator="--")

    with pytest.raises(ValueError, match="separator"):
        orders()


def test_a_column_has_the_class_of_its_name_or_of_the_first_pattern() -> None:
    @ib.source(
        key="id",
        known={"*": ib.ahead("1s")},
        personal={"crew_*": "sensitive", "*_name": "identifier", "crew_size": "internal"},
    )
    def flights() -> object:
        return None

    names = ("crew_name", "pilot_name", "crew_size", "delay")
    assert [flights.class_of(n) for n in names] == ["sensitive", "identifier", "internal", None]
    assert [flights.hides(n) for n in names] == [True, True, False, False]


@pytest.mark.parametrize(
    "declared", [{"personal": {"name": "secret"}}, {"refresh": "0s"}, {"refresh": "daily"}]
)
def test_what_cannot_be_declared_is_refused(declared: dict[str, object]) -> None:
    with pytest.raises(ArgumentError):
        ib.source(key="id", known={"*": ib.ahead("1s")}, **declared)  # type: ignore[arg-type]


def test_a_plan_has_an_owner_and_a_reason() -> None:
    with pytest.raises(ArgumentError, match="`why` of `planned`"):
        ib.planned("crews", owner="Operations", why=" ")


def test_code_changes_when_what_it_does_may_change(tmp_path: Path) -> None:
    def code(text: str) -> str | None:
        file = tmp_path / "own.py"
        file.write_text(text)
        linecache.checkcache()
        module = types.ModuleType("own")
        exec(compile(text, str(file), "exec"), vars(module))
        return code_of(vars(module)["read"])

    first = (
        "LIMIT = 5\n\n\ndef half(x):\n    return x / 2\n\n\ndef read():\n    return half(LIMIT)\n"
    )
    same = first.replace("    return half", "    # now\n    return  half").replace(
        "def read():\n", 'def read():\n    """Read."""\n'
    )
    assert code(first) == code(same)
    for other in (
        first.replace("x / 2", "x / 3"),
        first.replace("LIMIT = 5", "LIMIT = 6"),
        first.replace("half(LIMIT)", "half(LIMIT + 1)"),
    ):
        assert code(other) != code(first)
