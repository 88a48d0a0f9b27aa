"""The page of a profile: safe whatever names and values a table brings, and whole without a network."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import polars as pl
import pytest

from isbjerg.data.profile import profile_table
from isbjerg.evaluation.relations import relations
from isbjerg.reports.profile_page import Profiled, ProfileReport, SetAside, TargetProfile, render

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title><svg onload=alert(1)>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}",
    "' onmouseover='alert(1)",
)
ALLOWED = frozenset(
    [
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "h1",
        "h2",
        "h3",
        "h4",
        "p",
        "nav",
        "a",
        "dl",
        "div",
        "dt",
        "dd",
        "table",
        "tr",
        "th",
        "td",
        "br",
        "span",
        "b",
        "code",
        "section",
        "ol",
        "li",
        "svg",
        "rect",
        "circle",
        "line",
    ]
)


class Reader(HTMLParser):
    """Gathers the tags, attributes and texts of a page as a browser sees them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def report(names: tuple[str, ...], *, personal: str | None = None) -> ProfileReport:
    rng = np.random.default_rng(0)
    values = list(HOSTILE) * 20
    df = pl.DataFrame({f"{i}{n}": rng.permutation(values) for i, n in enumerate(names)})
    df = df.with_columns(number=rng.normal(size=len(values)))
    truth = 1.0 * (rng.random(df.height) < 0.5)
    target = TargetProfile(
        name=HOSTILE[0],
        kind="binary",
        rows=df.height,
        as_of_us=0,
        relations=tuple(relations(df, truth, "binary", hides=lambda _: personal is not None)),
        aside=(SetAside(HOSTILE[1], HOSTILE[0]),),
        findings=(),
        mean=0.5,
    )
    profile = profile_table(df, HOSTILE[0], [df.columns[0]], personal=lambda _: personal)
    done = Profiled(
        version=HOSTILE[2],
        source=HOSTILE[1],
        at_us=0,
        rows_ever=df.height,
        quarantined=0,
        profile=profile,
        target=target,
    )
    return ProfileReport(objective=HOSTILE[0], tables=(done,))


def test_hostile_names_and_values_stay_texts() -> None:
    page = Reader(render(report(HOSTILE)))
    assert page.tags <= ALLOWED
    assert not any(name.startswith("on") for name, _ in page.attributes)
    assert {v for n, v in page.attributes if n == "href"} <= {"#table-1"}
    assert not any(n == "src" for n, _ in page.attributes)
    for hostile in HOSTILE:
        assert hostile in page.text


def test_the_page_needs_nothing_and_allows_nothing() -> None:
    page = render(report(("a",)))
    assert "default-src 'none'; style-src 'unsafe-inline'" in page
    assert "http" not in page.replace("http-equiv", "")
    assert render(report(("a",))) == page


def test_personal_values_are_on_no_page() -> None:
    page = Reader(render(report(("diagnosis",), personal="sensitive")))
    assert "sensitive: values not shown" in page.text
    assert "{{ 7 * 7 }}" not in page.text
    assert not any("{{ 7 * 7 }}" in (v or "") for _, v in page.attributes)


@pytest.mark.parametrize("names", [("a",), HOSTILE])
def test_a_notebook_shows_the_page_apart_from_its_own(names: tuple[str, ...]) -> None:
    shown = report(names)
    inside = Reader(shown._repr_html_())
    assert inside.tags == {"iframe"}
    assert ("sandbox", None) in inside.attributes
    assert dict(inside.attributes)["srcdoc"] == render(shown)
