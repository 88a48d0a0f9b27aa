from __future__ import annotations

import os
import py_compile
import sys
import types
from pathlib import Path

import pytest
from tests.unit.workflows.kit import FEATURES, FRAME, MODELS, SOURCES, write_project

from isbjerg.errors import DefinitionError, FrameError, ProjectError, TracingError
from isbjerg.workflows.project_files import load_definitions


def test_a_project_is_read_and_its_modules_are_forgotten(tmp_path: Path) -> None:
    before = set(sys.modules)
    found = load_definitions(write_project(tmp_path))
    assert list(found.sources) == ["loans"]
    assert found.target.name == "lost"
    assert [rung.name for rung in found.rungs] == ["large"]
    assert (found.decision.at.column, found.decision.at.offset_us) == ("asked", 0)
    assert not {"sources", "features", "models"} & (set(sys.modules) - before)
    assert str(tmp_path) not in sys.path


def test_two_projects_in_one_process_do_not_mix(tmp_path: Path) -> None:
    first = write_project(tmp_path / "a")
    other = FEATURES.replace(
        "def lost(unpaid):\n    return unpaid > 0.0", "def lost(amount):\n    return amount > 1.0"
    )
    second = write_project(tmp_path / "b", features=other)
    texts = [str(load_definitions(folder).target.row_value()) for folder in (first, second, first)]
    assert "unpaid" in texts[0]
    assert "amount" in texts[1]
    assert texts[2] == texts[0]


def test_modules_of_the_same_names_elsewhere_are_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aliens = {name: types.ModuleType(name) for name in ("sources", "models", "spans")}
    for name, alien in aliens.items():
        monkeypatch.setitem(sys.modules, name, alien)
    folder = write_project(
        tmp_path,
        features=FEATURES.replace('"30d"', "SPAN").replace(
            "from sources", "from spans import SPAN\nfrom sources"
        ),
    )
    (folder / "spans.py").write_text('SPAN = "30d"\n')
    found = load_definitions(folder)
    assert found.target.name == "lost"
    assert {name: sys.modules[name] for name in aliens} == aliens
    assert "features" not in sys.modules


def test_a_failing_read_puts_modules_back_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alien = types.ModuleType("sources")
    monkeypatch.setitem(sys.modules, "sources", alien)
    hooks, path = list(sys.path_hooks), list(sys.path)
    with pytest.raises(DefinitionError):
        load_definitions(write_project(tmp_path, models="import features\n1 / 0\n"))
    assert sys.modules["sources"] is alien
    assert (sys.path_hooks, sys.path) == (hooks, path)


def test_helper_modules_and_packages_are_found_and_forgotten(tmp_path: Path) -> None:
    features = FEATURES.replace(
        "import isbjerg as ib\n", "import isbjerg as ib\nfrom parts.spans import SPAN\n", 1
    )
    folder = write_project(tmp_path, features=features.replace('span="30d"', "span=SPAN"))
    (folder / "parts").mkdir()
    (folder / "parts" / "__init__.py").write_text("")
    (folder / "parts" / "spans.py").write_text('SPAN = "30d"\n')
    load_definitions(folder)
    assert not [name for name in sys.modules if name.split(".")[0] == "parts"]
    assert not list(folder.rglob("__pycache__"))


def test_an_environment_inside_the_folder_is_not_the_projects(tmp_path: Path) -> None:
    library = tmp_path / ".venv" / "lib" / "site-packages"
    library.mkdir(parents=True)
    (library / "isbjerg_test_library.py").write_text("X = 1\n")
    folder = write_project(tmp_path, sources="import isbjerg_test_library\n" + SOURCES)
    sys.path.append(str(library))
    try:
        load_definitions(folder)
        assert "isbjerg_test_library" in sys.modules
    finally:
        sys.path.remove(str(library))
        sys.modules.pop("isbjerg_test_library", None)


def test_an_edit_is_seen_even_when_stored_bytecode_fits_the_file(tmp_path: Path) -> None:
    folder = write_project(tmp_path, features=FEATURES.replace("> 0.0", "> 1.0"))
    file = folder / "features.py"
    os.utime(file, (1_700_000_000, 1_700_000_000))
    py_compile.compile(str(file), doraise=True)  # as a user's own import leaves it behind
    file.write_text(FEATURES.replace("> 0.0", "> 2.0"))
    os.utime(file, (1_700_000_000, 1_700_000_000))
    assert "2.0" in str(load_definitions(folder).target.row_value())


def test_a_syntax_error_names_file_and_line(tmp_path: Path) -> None:
    folder = write_project(tmp_path, features="import isbjerg as ib\n\ndef broken(:\n")
    with pytest.raises(DefinitionError) as raised:
        load_definitions(folder)
    assert raised.value.kind_code == "ISB215"
    assert "features.py:3: SyntaxError" in raised.value.message


@pytest.mark.parametrize("parent", ["plain", "isbjerg"])
def test_a_name_error_names_the_projects_line_wherever_the_project_lies(
    tmp_path: Path, parent: str
) -> None:
    folder = write_project(tmp_path / parent / "loans", models=MODELS + "\nnobody_knows\n")
    with pytest.raises(DefinitionError) as raised:
        load_definitions(folder)
    line = MODELS.count("\n") + 2
    assert f"models.py:{line}: NameError" in raised.value.message
    assert raised.value.mend == f"mend line {line} of models.py"


def test_a_missing_file_is_blamed_on_the_line_that_opens_it(tmp_path: Path) -> None:
    folder = write_project(tmp_path, sources='open("nowhere.txt")\n' + SOURCES)
    with pytest.raises(DefinitionError, match=r"sources\.py:1: FileNotFoundError"):
        load_definitions(folder)


def test_several_tracing_faults_are_told_at_once(tmp_path: Path) -> None:
    wrong = """

@ib.feature
def one(amount):
    return amount is None


@ib.feature
def two(amount):
    return amount > 1.0 and amount < 2.0
"""
    with pytest.raises(DefinitionError) as raised:
        load_definitions(write_project(tmp_path, features=FEATURES + wrong))
    assert raised.value.kind_code == TracingError.code
    assert raised.value.message.startswith("2 features cannot be traced.")
    assert "'one'" in raised.value.message or "one" in raised.value.message


def test_one_tracing_fault_is_itself(tmp_path: Path) -> None:
    wrong = "\n\n@ib.feature\ndef one(amount):\n    return amount is None\n"
    with pytest.raises(TracingError):
        load_definitions(write_project(tmp_path, features=FEATURES + wrong))


def test_a_folder_without_a_frame_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as raised:
        load_definitions(tmp_path)
    assert raised.value.kind_code == "ISB202"


def test_a_wrong_frame_is_told_before_anything_is_imported(tmp_path: Path) -> None:
    with pytest.raises(FrameError):
        load_definitions(write_project(tmp_path, frame="objective = 3\n", sources="1 / 0\n"))


def test_what_the_frame_names_but_the_files_lack_is_told_together(tmp_path: Path) -> None:
    frame = FRAME.replace('"loans"', '"lones"').replace('"lost"', '"size"')
    with pytest.raises(DefinitionError) as raised:
        load_definitions(write_project(tmp_path, frame=frame))
    assert raised.value.kind_code == "ISB214"
    assert "'lones', but sources.py has: loans" in raised.value.message
    assert "'size', but features.py has: lost" in raised.value.message


def test_a_project_may_lack_models(tmp_path: Path) -> None:
    folder = write_project(tmp_path)
    (folder / "models.py").unlink()
    assert load_definitions(folder).rungs == ()


@pytest.mark.parametrize("name", ["size", "constant"])
def test_a_rung_may_not_take_the_name_of_a_feature_or_of_the_lowest_rung(
    tmp_path: Path, name: str
) -> None:
    folder = write_project(tmp_path, models=MODELS.replace("def large", f"def {name}"))
    with pytest.raises(DefinitionError) as raised:
        load_definitions(folder)
    assert raised.value.kind_code == "ISB218"


def test_importing_a_definition_in_several_files_is_no_second_one(tmp_path: Path) -> None:
    models = MODELS.replace(
        "import features as f", "import features as f\nfrom features import lost, size"
    )
    assert len(load_definitions(write_project(tmp_path, models=models)).rungs) == 1
