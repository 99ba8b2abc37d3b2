"""etlGetFixtures: ask for fixtures, keep the answer, and put each fixture's row into its part."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date, datetime
from functools import partial
from typing import Any

from footlake import layout
from footlake.football.api import UnexpectedBody
from footlake.football.fixtures import Fixture, parse_fixtures
from footlake.football.tables import add_teams, merge_rows
from footlake.handlers import environment
from footlake.handlers.store import Store
from footlake.layout import Season, Window


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Fetch what the event asks for.

    `{"league", "season"}` is a whole season, with `"first"` and `"last"` (dates) the days between them. A scheduled
    event, which has a `"time"`, is its week in every league of the settings. Returns one entry per season asked for.
    """
    api = environment.football_api(context)
    store = environment.store()
    done = []
    for season, window in _asked(event):
        parameters: dict[str, str | int] = {"league": season.league, "season": season.year}
        if window:
            parameters |= {"from": str(window.first), "to": str(window.last)}
        answer = api.fixtures(**parameters)
        fixtures, broken = parse_fixtures(answer["response"])
        if broken and not fixtures:
            raise UnexpectedBody(broken[0])
        key = layout.raw_fixtures(season, window)
        if fixtures or window:  # a season that the API does not know leaves nothing behind
            store.put(key, json.dumps(answer))
        written = keep(store, fixtures)
        played = sum(fixture.played for fixture in fixtures)
        done.append({"key": key, "fixtures": len(fixtures), "played": played, "broken": broken, **written})
    return {"seasons": done, "requests": api.requests_made}


def keep(store: Store, fixtures: list[Fixture]) -> dict[str, int]:
    """Put the rows of these fixtures, and teams not known so far, into the processed data. How many objects changed."""
    parts: dict[str, list[Fixture]] = defaultdict(list)
    for fixture in fixtures:
        parts[layout.part(fixture.season, fixture.id)].append(fixture)
    changed = 0
    for part, members in parts.items():
        rows = [fixture.row for fixture in members]
        changed += store.update(layout.fixtures(part), partial(merge_rows, layout.FIXTURE_COLUMNS, rows))
    teams = [team for fixture in fixtures for team in (fixture.home, fixture.away)]
    if teams:
        changed += store.update(layout.TEAMCODES, lambda text: add_teams(text, teams))
    return {"changed": changed}


def _asked(event: dict[str, Any]) -> list[tuple[Season, Window | None]]:
    if "time" in event:
        week = Window.of_week(datetime.fromisoformat(event["time"]).date())
        return [(Season(league, environment.season()), week) for league in environment.leagues()]
    season = Season(int(event["league"]), int(event["season"]))
    window = Window(date.fromisoformat(event["first"]), date.fromisoformat(event["last"])) if "first" in event else None
    return [(season, window)]
