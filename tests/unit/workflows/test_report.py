from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.unit.workflows.kit import SetClock
from tests.workflows import small_project

from isbjerg.cli.main import main
from isbjerg.errors import ArgumentError
from isbjerg.project import Project
from isbjerg.storage.catalog.catalog import Catalog

NOW = datetime(2024, 5, 1, tzinfo=UTC)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = small_project.write_project(tmp_path / "orders")
    made = Project(folder, clock=SetClock(NOW), who="ada")
    made.run(as_of=small_project.AS_OF, note="a <b>bold</b> try")
    return made


class Tags(HTMLParser):
    """Collects what a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [v or "" for name, v in attrs if name in {"src", "href", "action"}]


def test_a_page_comes_from_the_record_alone_and_is_the_same_each_time(project: Project) -> None:
    first = project.report("r1", project.folder / "one.html").read_bytes()
    for gone in ("cache", "tables", "blobs", "online.db"):
        path = project.store / gone
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for file in ("features.py", "models.py", "sources.py"):
        (project.folder / file).unlink()
    assert project.report("r1", project.folder / "two.html").read_bytes() == first


def test_a_page_holds_the_figures_and_numbers_and_asks_for_nothing(project: Project) -> None:
    text = project.report("r1", project.folder / "r1.html").read_text(encoding="utf-8")
    page = Tags()
    page.feed(text)
    assert page.tags.count("svg") == 4, "ladder, calibration, ROC, precision and recall"
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert page.addresses == []
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text
    assert "<b>bold</b>" not in text
    assert "a &lt;b&gt;bold&lt;/b&gt; try" in text
    details = project.run_details("r1")
    shown = set(re.findall(r"\d\.\d{4}", text))
    assert all(f"{m.value:.4f}" in shown for m in details.metrics if m.value is not None)


def test_the_verb_writes_it(project: Project, tmp_path: Path) -> None:
    at, out = ["-C", str(project.folder)], tmp_path / "deep" / "r1.html"
    assert main([*at, "report", "r1", "--html", str(out)]) == 0
    assert out.is_file()
    assert main([*at, "report", "r1"]) == 0


def test_a_run_without_a_ladder_has_no_page(project: Project) -> None:
    with Catalog.open(project.store / "catalog.db", SetClock(NOW)) as catalog:
        text = catalog.run("r1").frame_hash
        started = catalog.start_run(frame_hash=text, measure_hash="m")
        catalog.finish_run(started, status="failed")
    with pytest.raises(ArgumentError) as it:
        project.report(started.id, project.folder / "x.html")
    assert it.value.mend == f"isbjerg runs {started.id}"
