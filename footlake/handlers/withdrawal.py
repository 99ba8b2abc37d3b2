"""Withdraw fixtures that API-Football no longer has from every derived object."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

from footlake.football.fixtures import find_item_id
from footlake.handlers.pending_queue import PendingQueue
from footlake.lake import s3_keys, schemas
from footlake.lake.s3_keys import Season, Side
from footlake.lake.store import LakeStore, parallel_map
from footlake.lake.tables import read_table, write_table

SIDES: tuple[Side, ...] = ("home", "away")


def withdraw_fixtures(store: LakeStore, season: Season, ids: Collection[int]) -> int:
    """Remove the rows of these fixtures and their pending statistics. Return the number of changed objects.

    The fixtures' own rows are removed last: after a crash the next run finds them again. Their objects stay, even
    without rows, because the loads compare the times of objects. Raw responses stay as well.
    """
    if not ids:
        return 0
    parts: dict[str, set[int]] = defaultdict(set)
    for fixture_id in ids:
        parts[s3_keys.part_of(season, fixture_id)].add(fixture_id)
    _remove_from_pending(store, season, ids)
    return sum(parallel_map(lambda part: _withdraw_from_part(store, part, parts[part]), parts))


def _withdraw_from_part(store: LakeStore, part: str, ids: Collection[int]) -> int:
    changed = 0
    for side in SIDES:
        rows, predictions = s3_keys.team_rows(part, side), s3_keys.predictions(part, side)
        changed += store.update(rows, partial(_without_rows, schemas.TEAM_ROW_COLUMNS, ids))
        changed += store.update(predictions, partial(_without_lines, ids))
        if not store.get_rows(rows):  # a transform fails for an input without rows
            store.delete([key for key in (rows, predictions) if store.head(key)])
    for key, columns in (
        (s3_keys.extended(part), schemas.EXTENDED_COLUMNS),
        (s3_keys.statistics(part), schemas.STATISTICS_COLUMNS),
        (s3_keys.fixtures(part), schemas.FIXTURE_COLUMNS),
    ):
        changed += store.update(key, partial(_without_rows, columns, ids))
    return changed


def _without_rows(columns: Sequence[str], ids: Collection[int], text: str | None) -> str | None:
    """Return a table without the rows of these ids, which are in its first column; None if nothing changes."""
    rows = read_table(text or "", columns[0])
    kept = [row for row in rows if int(row[columns[0]]) not in ids]
    return write_table(columns, kept) if len(kept) < len(rows) else None


def _without_lines(ids: Collection[int], text: str | None) -> str:
    """Return predictions, a CSV without a header, without the lines of these fixtures."""
    prefixes = tuple(f"{fixture_id}," for fixture_id in ids)
    return "".join(line for line in (text or "").splitlines(keepends=True) if not line.startswith(prefixes))


def _remove_from_pending(store: LakeStore, season: Season, ids: Collection[int]) -> None:
    """Remove the fixtures from the raw files whose statistics are pending, so that they are not requested."""
    for file in PendingQueue(store, "etlGetStatistics").files():
        parsed = s3_keys.parse_raw_fixtures(file)
        # The file of the whole season has been replaced by the response without these fixtures.
        if parsed and parsed[0] == season and parsed[1]:
            text = store.get(file)
            filtered = text and _without_items(json.loads(text), ids)
            if filtered:
                store.overwrite(file, json.dumps(filtered), **{s3_keys.NO_FOLLOW_UP: "yes"})


def _without_items(response: dict[str, Any], ids: Collection[int]) -> dict[str, Any] | None:
    items = [item for item in response["response"] if find_item_id(item) not in ids]
    if len(items) == len(response["response"]):
        return None
    return {**response, "results": len(items), "response": items}
