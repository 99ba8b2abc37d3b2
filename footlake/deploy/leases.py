"""Take the lease of a command, also from one that was killed."""

from __future__ import annotations

import time
from contextlib import ExitStack

from footlake.aws import AwsContext
from footlake.lake.store import Busy, LakeStore, Lease

RENEWAL_SECONDS = 3.0
SILENT_SECONDS = 10.0  # a command that has not renewed its lease for so long counts as dead
LEASE_SECONDS = 3600.0  # after this time a lease is void


def take_lease(aws: AwsContext, store: LakeStore, stack: ExitStack, key: str, what: str) -> Lease | None:
    """Take the lease `key` until `stack` is closed, and renew it meanwhile. Return None if another command renews it.

    A lease that was not renewed for SILENT_SECONDS is taken over: a killed command cannot release it. `what` describes
    the wait for that.
    """
    seen = store.head(key)
    unchanged_since = time.monotonic()

    def attempt() -> tuple[Lease | None] | None:
        nonlocal seen, unchanged_since
        try:
            return (stack.enter_context(store.lease(key, LEASE_SECONDS)),)
        except Busy:
            now = store.head(key)
            if now and seen and now.modified > seen.modified:
                return (None,)
            if now is None or seen is None:
                seen, unchanged_since = now, time.monotonic()
            elif time.monotonic() - unchanged_since > SILENT_SECONDS:
                store.delete([key])
            return None

    lease = aws.wait_until(what, attempt, every=1, limit=10 * SILENT_SECONDS)[0]
    if lease:
        stack.enter_context(lease.renewed_every(RENEWAL_SECONDS))
    return lease
