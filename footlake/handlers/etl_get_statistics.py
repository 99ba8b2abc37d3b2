"""etlGetStatistics: fetch the statistics of the fixtures of a raw fixtures file, the missing and the revised ones."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import unquote_plus

from footlake.handlers import environment
from footlake.handlers.pending_queue import PendingQueue
from footlake.handlers.statistics_ingest import ingest_statistics
from footlake.lake import s3_keys
from footlake.lake.store import LakeStore


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Fetch for the raw fixtures files that the event names.

    An S3 notification, or `{"left": true}` for what earlier ones left undone; or `{"keys": […]}`, for somebody who
    waits and asks again: with `"since"`, what was not whole before that time is asked for again, with `"refresh"`
    everything that was asked for before it, and at most `"max_requests"` are made. Times are S3's, in ISO format.
    """
    store = environment.lake_store()
    agenda = PendingQueue(store, "etlGetStatistics")
    if "keys" in event:
        api = environment.football_api(context, event.get("max_requests"))
        since, refresh = (_moment(event.get(name)) for name in ("since", "refresh"))
        files = [ingest_statistics(store, api, key, since, refresh) for key in event["keys"]]
        for file in files:
            if not file["stopped"]:
                agenda.remove(file["key"])
        return {"files": files, "requests": api.requests_made}
    if "Records" in event:
        keys = [unquote_plus(record["s3"]["object"]["key"]) for record in event["Records"]]
        keys = [key for key in keys if _wants_company(store, key)]
        for key in keys:
            agenda.add(key)
    else:
        keys = agenda.due()
    api = environment.football_api(context)
    files = agenda.process(keys, partial(ingest_statistics, store, api))
    return {"files": files, "requests": api.requests_made}


def _wants_company(store: LakeStore, key: str) -> bool:
    """Whether statistics may follow this file by themselves: not if whoever asked for it counts the requests."""
    found = store.head(key) if s3_keys.parse_raw_fixtures(key) else None
    return found is not None and s3_keys.NO_FOLLOW_UP not in found.metadata


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
