"""Test the HTML page in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import Any

import html5lib
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from footlake.report.charts import scatter_chart
from footlake.report.matches import Match, Team
from footlake.report.page import TEMPLATES, render_page
from footlake.report.season import SeasonReport, build_report
from footlake.report.season_records import ReportRecords

from .conftest import TEAMS, make_season

REPORT = build_report(ReportRecords(39, 2020, make_season(), TEAMS))
PHONE, DESKTOP = {"width": 360, "height": 740}, {"width": 1280, "height": 900}
USUAL_PHONE = {"width": 390, "height": 844}
OTHER_LEAGUE = build_report(ReportRecords(140, 2021, make_season(seed=2), TEAMS))

# Contrast ratio of two colours as WCAG 2.1 defines it.
CONTRAST = """([front, back]) => {
  const light = (colour) => {
    const linear = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = colour.match(/[\\d.]+/g).map((c) => linear(c / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
}"""


@contextmanager
def open_page(chromium: Browser, text: str, folder: Path, **context: Any) -> Iterator[Page]:
    """Open the page from a file; it must neither write to the console nor make network requests."""
    file = folder / "report.html"
    file.write_text(text, encoding="utf-8")
    with chromium.new_context(**{"viewport": DESKTOP, **context}) as browser_context:
        tab = browser_context.new_page()
        console: list[str] = []
        requested: list[str] = []
        tab.on("console", lambda message: console.append(message.text))
        tab.on("pageerror", lambda error: console.append(str(error)))
        tab.on("request", lambda request: requested.append(request.url))
        tab.goto(file.as_uri())
        yield tab
        assert console == []
        assert [url for url in requested if not url.startswith("data:")] == [file.as_uri()]


def test_names_and_notes_are_escaped(chromium: Browser, tmp_path: Path) -> None:
    with open_page(chromium, render_page([REPORT], 'a <b>"note"</b>'), tmp_path) as tab:
        assert tab.title() == "League 39, season 2020/21"
        names = tab.locator("table.league tbody th").all_text_contents()
        assert sorted(names) == sorted(team.name for team in TEAMS)
        assert sorted(tab.locator("select option").all_text_contents()) == sorted(team.name for team in TEAMS)
        assert "<i>" in tab.locator("svg .label").all_text_contents()
        assert tab.locator(".note").text_content() == 'a <b>"note"</b>'
        assert tab.locator("script").count() == 1


def test_the_keyboard_selects_a_team_and_its_weeks(chromium: Browser, tmp_path: Path) -> None:
    with open_page(chromium, render_page([REPORT]), tmp_path) as tab:
        first, second = (str(row.team.id) for row in REPORT.rows[:2])
        expect(tab.locator(".panel:visible")).to_have_attribute("data-team", first)
        button = tab.locator(f'.weeks button[data-team="{second}"]')
        button.focus()
        tab.keyboard.press("Enter")
        panel = tab.locator(".panel:visible")
        expect(panel).to_have_attribute("data-team", second)
        expect(button).to_have_attribute("aria-pressed", "true")
        expect(tab.get_by_role("combobox", name="Team")).to_have_value(second)
        weeks = [week for week in REPORT.weeks if week.team.id == int(second)]
        panel.locator("svg").focus()
        tab.keyboard.press("Home")
        expect(panel.locator("output")).to_contain_text(f"Until {weeks[0].week_end:%-d %b %Y} (")
        tab.keyboard.press("ArrowRight")
        expect(panel.locator("output")).to_contain_text(f"Until {weeks[1].week_end:%-d %b %Y} (")
        expect(panel.locator(".mark.of-real")).to_be_visible()
        tab.get_by_role("combobox", name="Team").select_option(first)
        expect(tab.locator(".panel:visible")).to_have_attribute("data-team", first)


def test_pointing_at_the_chart_shows_a_week(chromium: Browser, tmp_path: Path) -> None:
    with open_page(chromium, render_page([REPORT]), tmp_path) as tab:
        chart = tab.locator(".panel:visible svg")
        chart.hover(position={"x": 60, "y": 40})
        expect(tab.locator(".panel:visible output")).to_contain_text("Until ")


def test_a_heading_sorts_the_table_in_both_orders(chromium: Browser, tmp_path: Path) -> None:
    with open_page(chromium, render_page([REPORT]), tmp_path) as tab:
        head = tab.locator("th", has=tab.get_by_role("button", name="xPts: Expected points", exact=True))
        for order, reverse in (("descending", True), ("ascending", False)):
            head.get_by_role("button").click()
            expect(head).to_have_attribute("aria-sort", order)
            values = tab.locator('td[data-name="xpoints"]').all_text_contents()
            assert [float(value) for value in values] == sorted(map(float, values), reverse=reverse)
        assert tab.locator("th[aria-sort]").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone_and_has_enough_contrast(chromium: Browser, tmp_path: Path, scheme: str) -> None:
    with open_page(chromium, render_page([REPORT]), tmp_path, viewport=PHONE, color_scheme=scheme) as tab:
        assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        table = tab.locator(".scroll").first
        assert table.get_attribute("tabindex") == "0"  # so that it can be scrolled by keyboard
        card = tab.locator(".card").first.evaluate("one => getComputedStyle(one).backgroundColor")
        for kind in ("h2", ".soft", ".good", ".bad"):
            colour = tab.locator(f".card {kind}").first.evaluate("one => getComputedStyle(one).color")
            assert tab.evaluate(CONTRAST, [colour, card]) >= 4.5, kind
        dark = tab.evaluate(CONTRAST, [card, "rgb(0, 0, 0)"]) < 3
        assert dark == (scheme == "dark")


def test_without_javascript_nothing_is_hidden(chromium: Browser, tmp_path: Path) -> None:
    with open_page(chromium, render_page([REPORT]), tmp_path, java_script_enabled=False) as tab:
        assert tab.locator(".panel:visible").count() == len(TEAMS)


def test_charts_have_labels_and_tables_have_headings(chromium: Browser, tmp_path: Path) -> None:
    with open_page(chromium, render_page([REPORT]), tmp_path) as tab:
        charts = tab.locator("svg[role=img]")
        labels = [chart.get_attribute("aria-label") or "" for chart in charts.all()]
        assert len(labels) == 2 + len(TEAMS)
        assert all(any(team.name in label for team in TEAMS) for label in labels)
        assert tab.locator("svg:not([role=img]):not([aria-hidden=true])").count() == 0
        assert tab.locator("tbody th:not([scope=row]), thead th:not([scope])").count() == 0
        assert tab.locator("h1").count() == 1


# xG and goals of a league whose teams are close to each other.
CLOSE = (
    *(("NEW", 32.0, 28), ("CHE", 45.1, 45), ("ARS", 40.7, 34), ("EVE", 38.2, 44), ("AVL", 44.1, 35)),
    *(("WOL", 50.8, 43), ("CRY", 41.7, 34), ("BUR", 46.8, 44), ("WHU", 43.0, 38), ("TOT", 46.7, 40)),
    *(("WBA", 50.0, 63), ("LEI", 54.8, 58), ("FUL", 58.5, 65), ("MUN", 51.1, 55), ("BHA", 57.3, 68)),
    *(("LIV", 69.4, 70), ("MCI", 57.6, 55), ("SOU", 64.1, 80), ("SHU", 73.7, 79), ("LEE", 65.3, 65)),
)
BOXES = "all => all.map(one => one.getBBox()).map(box => [box.x, box.y, box.x + box.width, box.y + box.height])"


def test_labels_of_teams_that_are_close_do_not_hide_each_other(chromium: Browser, tmp_path: Path) -> None:
    teams = [(Team(number, code, code), xg, goals) for number, (code, xg, goals) in enumerate(CLOSE)]
    template = TEMPLATES.from_string(
        '{% from "charts.html.j2" import scatter_chart %}'
        '<style>{% include "page.css" %}</style>{{ scatter_chart(chart, "caption") }}'
    )
    html = template.render(chart=scatter_chart(teams, good_sign=1))
    with open_page(chromium, html, tmp_path) as tab:
        boxes = tab.locator("svg .label").evaluate_all(BOXES)
    assert len(boxes) == len(CLOSE)
    for one, other in combinations(boxes, 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart, (one, other)


def test_matches_without_xg_are_mentioned(chromium: Browser, tmp_path: Path) -> None:
    with open_page(chromium, render_page([REPORT]), tmp_path) as tab:
        expect(tab.locator("header")).to_contain_text(f"known for {REPORT.with_xg} of {REPORT.matches} matches")
        expect(tab.locator("[data-weeks]")).to_contain_text("Matches without xG are left out")


def test_several_leagues_share_a_page(chromium: Browser, tmp_path: Path) -> None:
    with open_page(
        chromium, render_page([REPORT, build_report(ReportRecords(140, 2020, make_season(seed=2), TEAMS))]), tmp_path
    ) as tab:
        assert tab.locator("h1").all_text_contents() == ["League 39, season 2020/21", "League 140, season 2020/21"]
        ids = re.findall(r' id="([^"]+)"', tab.content())
        assert len(ids) == len(set(ids))
        tab.locator("[data-weeks] select").nth(1).select_option("3")
        assert tab.locator(".panel:visible").count() == 2


def test_a_season_without_any_xg_still_has_its_table(chromium: Browser, tmp_path: Path) -> None:
    teams = [Team(1, None, "Alpha"), Team(2, None, "Beta")]
    with open_page(
        chromium, render_page([build_report(ReportRecords(39, 2020, [Match(1, None, 1, 2, 2, 0)], teams))]), tmp_path
    ) as tab:
        assert tab.locator("table.league tbody tr").count() == 2
        assert tab.locator('td[data-name="xpoints"]').all_text_contents() == ["–", "–"]
        assert tab.locator("svg").count() == 0


@pytest.mark.parametrize(
    ("scheme", "viewport"),
    [
        ("light", DESKTOP),
        ("dark", USUAL_PHONE),
        pytest.param("light", USUAL_PHONE, marks=pytest.mark.thorough),
        pytest.param("dark", DESKTOP, marks=pytest.mark.thorough),
    ],
)
def test_axe_finds_no_accessibility_violation(
    chromium: Browser, tmp_path: Path, scheme: str, viewport: dict[str, int]
) -> None:
    page = render_page([REPORT, OTHER_LEAGUE], "Simulated league")
    with open_page(chromium, page, tmp_path, viewport=viewport, color_scheme=scheme) as tab:
        for summary in tab.locator(".panel:visible summary").all():
            summary.click()
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        rules = {name: {"enabled": True} for name in ("target-size", "label-content-name-mismatch")}
        results = Axe().run(tab, options={"runOnly": tags, "rules": rules}).response
    violations = [
        (violation["id"], node["html"], node["failureSummary"])
        for violation in results["violations"]
        for node in violation["nodes"]
    ]
    assert violations == []
    assert len(results["passes"]) > 20


@pytest.mark.parametrize("reports", [[REPORT], [REPORT, OTHER_LEAGUE], [build_report(ReportRecords(39, 2020, [], []))]])
def test_the_page_is_valid_html_with_unique_ids(reports: list[SeasonReport]) -> None:
    page = render_page(reports, 'a <b>"note"</b>')
    html5lib.HTMLParser(strict=True).parse(page)
    ids = re.findall(r'\sid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    references = {name for text in re.findall(r'\s(?:for|aria-labelledby)="([^"]*)"', page) for name in text.split()}
    assert references <= set(ids)
