"""Run Glue crawlers on the local AWS: they read objects or query a database, and write the Data Catalog's tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial, partialmethod
from typing import Any

from moto.core.utils import utcnow
from moto.glue.exceptions import (
    CrawlerNotFoundException,
    CrawlerNotRunningException,
    CrawlerRunningException,
    GlueClientError,
)
from moto.glue.models import FakeCrawl, FakeCrawler, GlueBackend, glue_backends

from footlake.local.context import ACCOUNT, Local
from footlake.local.engines.crawler_catalog import Table, write_tables
from footlake.local.engines.crawler_jdbc import crawl_jdbc
from footlake.local.engines.crawler_s3 import SchemaCache, crawl_s3
from footlake.local.engines.eventbridge import emit, make_event

LOG_GROUP = "/aws-glue/crawlers"
LAST_CRAWL_STATUS = {"COMPLETED": "SUCCEEDED", "STOPPED": "CANCELLED"}  # by moto's status of a crawl

DPUS = 2

_moto_crawler_as_dict = FakeCrawler.as_dict
_moto_crawl_as_dict = FakeCrawl.as_dict


class CrawlStopped(Exception):
    """StopCrawler was called."""


def install(local: Local) -> None:
    """Replace moto's crawlers, which read nothing."""
    FakeCrawler.start_crawler = partialmethod(start_crawler, CrawlerEngine(local))
    FakeCrawler.stop_crawler = stop_crawler
    FakeCrawler.as_dict = crawler_as_dict
    FakeCrawl.as_dict = crawl_as_dict
    GlueBackend.delete_crawler = delete_crawler
    # Only CrawlerEngine changes the status; moto changes it when the crawler is described.
    FakeCrawl.status = property(lambda crawl: crawl._status, lambda crawl, value: setattr(crawl, "_status", value))
    FakeCrawl.advance = lambda crawl: None


def resume(local: Local) -> None:
    """Fail the crawls that were interrupted when the local AWS stopped."""
    for regions in glue_backends.values():
        for backend in regions.values():
            for crawl in (crawl for crawler in backend.crawlers.values() for crawl in crawler.crawls):
                if crawl.end_time is None:
                    crawl.error_message = "The local AWS was stopped while this crawl was in progress"
                    finish_crawl(crawl, "FAILED")


def start_crawler(crawler: Any, engine: CrawlerEngine) -> None:
    """Replace FakeCrawler.start_crawler: crawl in the background."""
    if crawler.status != "READY":
        raise CrawlerRunningException(f"Crawler with name {crawler.name} has already started")
    crawl = FakeCrawl(crawler.name)
    crawl.dpu_hour, crawl.error_message, crawl.cancelled = 0, None, False
    crawler.crawls.append(crawl)
    engine.start(crawler, crawl)


def stop_crawler(crawler: Any) -> None:
    """Replace FakeCrawler.stop_crawler: the crawl ends before it reads the next object."""
    if crawler.status == "STOPPING":
        raise GlueClientError("CrawlerStoppingException", f"Crawler with name {crawler.name} is stopping")
    if crawler.status != "RUNNING":
        raise CrawlerNotRunningException(f"Crawler with name {crawler.name} isn't running")
    crawler.crawls[-1].status, crawler.crawls[-1].cancelled = "STOPPING", True


def delete_crawler(backend: Any, name: str) -> None:
    """Replace GlueBackend.delete_crawler, which deletes running crawlers too."""
    if name not in backend.crawlers:
        raise CrawlerNotFoundException(name)
    if backend.crawlers[name].status != "READY":
        raise CrawlerRunningException(f"Crawler with name {name} is running")
    del backend.crawlers[name]


def crawler_as_dict(crawler: Any) -> dict[str, Any]:
    """Replace FakeCrawler.as_dict: LastCrawl is the last crawl that has ended."""
    description: dict[str, Any] = _moto_crawler_as_dict(crawler)
    if crawler.crawls and crawler.crawls[-1].end_time is None:
        elapsed = utcnow() - crawler.crawls[-1].start_time
        description["CrawlElapsedTime"] = int(elapsed.total_seconds() * 1000)
    description.pop("LastCrawl", None)
    if ended := [crawl for crawl in crawler.crawls if crawl.end_time]:
        last = ended[-1]
        description["LastCrawl"] = {
            "Status": LAST_CRAWL_STATUS.get(last.status, last.status),
            "ErrorMessage": last.error_message,
            "LogGroup": LOG_GROUP,
            "LogStream": crawler.name,
            "MessagePrefix": last.crawl_id,
            "StartTime": last.start_time,
        }
    return description


def crawl_as_dict(crawl: Any) -> dict[str, Any]:
    """Replace FakeCrawl.as_dict, which lacks the error."""
    error = {"ErrorMessage": crawl.error_message} if crawl.error_message else {}
    return {**_moto_crawl_as_dict(crawl), **error}


class CrawlerEngine:
    """Executes crawls in background threads; remembers the schemas of unchanged objects between crawls."""

    def __init__(self, local: Local) -> None:
        self._local = local
        self._cache: SchemaCache = {}

    def start(self, crawler: Any, crawl: Any) -> None:
        """Execute a crawl in the background."""
        self._local.background(partial(self._run, crawler, crawl), f"crawler-{crawler.name}")

    def _emit(self, crawler: Any, state: str, **detail: Any) -> None:
        """Emit the event of Glue for a crawl that starts or ends. Glue emits none for a crawl that was stopped."""
        detail = {"accountId": ACCOUNT, "crawlerName": crawler.name, "state": state, **detail}
        region = crawler.backend.region_name
        emit(self._local, make_event("aws.glue", "Glue Crawler State Change", region, [], detail))

    def _run(self, crawler: Any, crawl: Any) -> None:
        self._emit(crawler, "Started", startTime=f"{crawl.start_time:%Y-%m-%dT%H:%M:%SZ}", message="Crawler Started")
        log = [f"BENCHMARK : Running Start Crawl for Crawler {crawler.name}"]
        state = "FAILED"
        try:
            self._crawl(crawler, crawl, log)
            state = "COMPLETED"
        except CrawlStopped:
            state = "STOPPED"
        except Exception as error:
            crawl.error_message = str(error)
            log.append(f"ERROR : {error}")
        log.append("BENCHMARK : Crawler has finished running and is in state READY")
        try:
            lines = [f"[{crawl.crawl_id}] {message}" for message in log]
            self._local.log(LOG_GROUP, crawler.name, lines, crawler.backend.region_name, crawler.role)
        finally:
            finish_crawl(crawl, state)
            if state == "COMPLETED":
                self._emit(crawler, "Succeeded", message="Crawler Succeeded")
            elif state == "FAILED":
                self._emit(crawler, "Failed", message="Crawler Failed", errorMessage=crawl.error_message)

    def _crawl(self, crawler: Any, crawl: Any, log: list[str]) -> None:
        """Crawl all targets and write the tables; appends messages to `log`. Raises CrawlStopped."""

        def raise_if_stopped() -> None:
            if crawl.cancelled:
                raise CrawlStopped

        glue = self._local.client("glue", crawler.backend.region_name, crawler.role)
        glue.get_database(Name=crawler.database_name)
        tables = list(self._crawl_targets(crawler, glue, raise_if_stopped))
        log.append(f"BENCHMARK : Classification complete, writing results to database {crawler.database_name}")
        raise_if_stopped()
        crawl.status = "STOPPING"
        for change in write_tables(glue, crawler, tables):
            log.append(f"INFO : {change}")

    def _crawl_targets(self, crawler: Any, glue: Any, raise_if_stopped: Callable[[], None]) -> Iterator[Table]:
        s3 = self._local.client("s3", crawler.backend.region_name, crawler.role)
        classifiers = [glue.get_classifier(Name=name)["Classifier"] for name in crawler.classifiers or ()]
        prefix = crawler.table_prefix or ""
        for target in crawler.targets.get("S3Targets", ()):
            exclusions = target.get("Exclusions", ())
            for table in crawl_s3(s3, target["Path"], exclusions, classifiers, raise_if_stopped, self._cache):
                yield table.table_input(prefix, crawler.name)
        for target in crawler.targets.get("CatalogTargets", ()):
            for name in target["Tables"]:
                table = glue.get_table(DatabaseName=target["DatabaseName"], Name=name)["Table"]
                location = table["StorageDescriptor"]["Location"]
                # Such a crawl may change the table of the location, and creates no other.
                for crawled in crawl_s3(s3, location, (), classifiers, raise_if_stopped, self._cache):
                    if f"s3://{crawled.bucket}/{crawled.path}" == location:
                        yield crawled.table_input(prefix, crawler.name)
        for target in crawler.targets.get("JdbcTargets", ()):
            raise_if_stopped()
            connection = glue.get_connection(Name=target["ConnectionName"])["Connection"]
            yield from crawl_jdbc(connection, target["Path"], prefix, crawler.name)


def finish_crawl(crawl: Any, state: str) -> None:
    """Set a crawl's final state and the time of its end."""
    crawl.end_time = utcnow()
    crawl.dpu_hour = DPUS * (crawl.end_time - crawl.start_time).total_seconds() / 3600
    crawl.status = state
