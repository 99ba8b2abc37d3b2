"""Bodies that the football API might send, from sensible to absurd, for hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

# Whatever JSON can hold, as Python reads it: NaN, infinities, half a surrogate pair and huge numbers among it.
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-1, 100),
    st.floats(),
    st.text(alphabet=st.characters(), max_size=12),
    st.sampled_from(
        ["", "64%", "1e999", "²", "٣", "-3", " 7 ", "FT", "2020-09-12T13:30:00+02:00", "9999-12-31T23:59:59-14:00"]
    ),
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def perhaps(sensible: Any) -> Any:
    """Mostly what belongs there, else anything."""
    return st.one_of(sensible, sensible, sensible, sensible, sensible, anything)


def record(**fields: Any) -> Any:
    """An object with these fields, some of which may be missing."""
    return st.fixed_dictionaries({}, optional={name: perhaps(value) for name, value in fields.items()}) | (
        st.fixed_dictionaries({name: perhaps(value) for name, value in fields.items()})
    )


ids = st.sampled_from([36, 42, 592143, 39])
goals = st.integers(0, 9) | st.none()
team = record(id=ids, name=st.text(alphabet=st.characters(), min_size=1, max_size=120))
fixtures = record(
    fixture=record(
        id=ids,
        date=st.datetimes().map(lambda moment: moment.isoformat()) | st.just("2020-09-12T13:30:00+02:00"),
        status=record(short=st.sampled_from(["FT", "NS", "PST", "AET", "PEN", "AWD", "WO", "ABD", "XYZ"])),
    ),
    league=record(
        id=ids,
        season=st.integers(1799, 2201),
        round=st.sampled_from(["Regular Season - 1", "Relegation Round"]) | st.text(alphabet=st.characters()),
    ),
    teams=record(home=team, away=team),
    goals=record(home=goals, away=goals),
)
figure = record(
    type=st.sampled_from(
        (
            *("Shots on Goal", "Shots off Goal", "Blocked Shots", "Shots insidebox", "Shots outsidebox", "Total Shots"),
            *("Ball Possession", "Total passes", "Passes accurate", "expected_goals", "Something new"),
        )
    ),
    value=st.integers(0, 30) | st.none() | st.sampled_from(["45%", "55%", "1.37"]),
)
statistics = perhaps(st.lists(record(team=team, statistics=st.lists(figure, max_size=14)), max_size=3))
envelopes = record(
    get=st.just("fixtures"),
    parameters=st.just({}),
    errors=st.sampled_from([[], {}, {"requests": "spent"}, {"plan": "no ids here"}, ["broken"], {"bug": "ours"}]),
    results=st.integers(0, 20),
    paging=st.just({"current": 1, "total": 1}),
    response=st.lists(perhaps(fixtures), max_size=3),
)
