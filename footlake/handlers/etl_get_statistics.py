"""etlGetStatistics: fetch missing and revised statistics of the fixtures in raw fixtures files."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import unquote_plus

from footlake.football.api import FootballApi
from footlake.handlers import environment
from footlake.handlers.log_lines import idle_line, statistics_line
from footlake.handlers.pending_queue import PendingQueue
from footlake.handlers.statistics_ingest import ingest_statistics
from footlake.lake import s3_keys
from footlake.lake.store import LakeStore


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Fetch the statistics for the raw fixtures files that the event names.

    The event is an S3 notification, `{"left": true}` (continue what earlier invocations could not finish), or a call by
    the command line: `{"keys": […]}` with optional `"since"` and `"refresh"` (ISO times by the clock of S3, see
    RefetchPolicy) and `"max_requests"`. Returns the result for each file and the number of requests.
    """
    store = environment.lake_store()
    queue = PendingQueue(store, "etlGetStatistics")
    if "keys" in event:
        api = environment.football_api(context, event.get("max_requests"))
        since, refresh = (_parse_time(event.get(name)) for name in ("since", "refresh"))
        events = {key: queue.event_of(key) for key in event["keys"]}
        files = [_ingest_and_log(store, api, key, since, refresh) for key in event["keys"]]
        for file in files:
            if not file["stopped"]:
                queue.remove(file["key"], events[file["key"]])
        return {"files": files, "requests": api.requests_made}
    if "Records" in event:
        keys = [unquote_plus(record["s3"]["object"]["key"]) for record in event["Records"]]
        keys = [key for key in keys if _wants_follow_up(store, key)]
        for key in keys:
            queue.add(key)
    else:
        keys = queue.due()
    if not keys:
        print(idle_line(event))
    api = environment.football_api(context)
    files = queue.process(keys, partial(_ingest_and_log, store, api))
    return {"files": files, "requests": api.requests_made}


def _ingest_and_log(store: LakeStore, api: FootballApi, key: str, *times: datetime | None) -> dict[str, Any]:
    result = ingest_statistics(store, api, key, *times)
    print(statistics_line(result))
    return result


def _wants_follow_up(store: LakeStore, key: str) -> bool:
    """Return whether to fetch statistics for a new raw fixtures file: not if its request limited the requests."""
    file = store.head(key) if s3_keys.parse_raw_fixtures(key) else None
    return file is not None and s3_keys.NO_FOLLOW_UP not in file.metadata


def _parse_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
