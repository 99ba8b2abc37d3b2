"""Crawlers of the local AWS, called through Glue's API."""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path
from typing import Any

import boto3
import pymysql
import pytest

from footlake.aws import AwsContext
from footlake.aws_jobs import run_crawler
from footlake.config import Config
from footlake.errors import StepFailed
from footlake.lake import s3_keys, schemas
from footlake.local.context import CREDENTIALS, Local
from footlake.local.engines.mysql import HOST, DatabaseServer


class CrawledLake:
    """A new bucket and Glue database, with a crawler for folders of the bucket."""

    def __init__(self, local: Local) -> None:
        self.local = local
        self.name = f"crawled-{uuid.uuid4().hex}"
        self.s3, self.glue = local.client("s3"), local.client("glue")
        self.s3.create_bucket(Bucket=self.name)
        self.glue.create_database(DatabaseInput={"Name": self.name})

    def put_object(self, key: str, text: str) -> None:
        self.s3.put_object(Bucket=self.name, Key=key, Body=text.encode())

    def create_crawler(self, *paths: str, **options: Any) -> None:
        targets = [{"Path": f"s3://{self.name}/{path}"} for path in paths]
        for target in targets:
            target.update(options.pop("target", {}))
        self.glue.create_crawler(
            **{"Name": self.name, "Role": "GlueRole", "DatabaseName": self.name, "Targets": {"S3Targets": targets}}
            | options
        )

    def crawl(self) -> dict[str, Any]:
        """Start the crawler, wait until its crawl has ended and return its description."""
        self.glue.start_crawler(Name=self.name)
        return self.wait_until_ready()

    def wait_until_ready(self) -> dict[str, Any]:
        crawler: dict[str, Any]
        while (crawler := self.glue.get_crawler(Name=self.name)["Crawler"])["State"] != "READY":
            time.sleep(0.02)
        return crawler

    def tables(self) -> dict[str, dict[str, Any]]:
        return {table["Name"]: table for table in self.glue.get_tables(DatabaseName=self.name)["TableList"]}


@pytest.fixture
def lake(local_aws: Local) -> CrawledLake:
    return CrawledLake(local_aws)


def columns(table: dict[str, Any]) -> dict[str, str]:
    return {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}


def put_lake_objects(lake: CrawledLake) -> None:
    """Write the processed objects of a small lake."""
    fixtures = (
        "592141,Match Finished,2020-09-12,11:30,36,42,0,3,Regular Season - 1\n"
        "592142,Not Started,2020-09-13,14:00,52,41,,,\n"
    )
    for part in ("39-2020-592140", "39-2020-592150"):
        lake.put_object(s3_keys.fixtures(part), ",".join(schemas.FIXTURE_COLUMNS) + "\n" + fixtures)
        lake.put_object(s3_keys.predictions(part, "home"), "592141,36,0.71449\n592142,52,1.2\n")
    lake.put_object(
        s3_keys.team_rows("39-2020-592140", "home"),
        ",".join(schemas.TEAM_ROW_COLUMNS) + "\n592141,36,0,2,4,5,46\n592142,52,1,2,4,5,46\n",
    )
    lake.put_object(s3_keys.TEAMCODES, "idTeam,code,name\n40,LIV,Liverpool\n63,,Leeds\n")


def test_every_folder_becomes_a_table_named_and_typed_as_glue_does(lake: CrawledLake) -> None:
    put_lake_objects(lake)
    lake.create_crawler("processed-data/")
    assert lake.crawl()["LastCrawl"]["Status"] == "SUCCEEDED"
    tables = lake.tables()
    assert set(tables) == {"fixtures", "teams_fixtures_statistics", "xgoals_predictions", "teamcodes_csv"}
    assert columns(tables["fixtures"]) == {
        **{"idfixture": "bigint", "status": "string", "date": "string", "time": "string"},
        **{"idhometeam": "bigint", "idawayteam": "bigint", "goalshometeam": "bigint", "goalsawayteam": "bigint"},
        "round": "string",
    }
    assert columns(tables["xgoals_predictions"]) == {"col0": "bigint", "col1": "bigint", "col2": "double"}
    assert columns(tables["teamcodes_csv"]) == {"idteam": "bigint", "code": "string", "name": "string"}


def test_a_table_describes_the_format_of_its_files(lake: CrawledLake) -> None:
    put_lake_objects(lake)
    lake.create_crawler(s3_keys.FIXTURES)
    lake.crawl()
    table = lake.tables()["fixtures"]
    storage = table["StorageDescriptor"]
    assert storage["Location"] == f"s3://{lake.name}/{s3_keys.FIXTURES}"
    assert storage["SerdeInfo"]["SerializationLibrary"].endswith("LazySimpleSerDe")
    assert storage["SerdeInfo"]["Parameters"] == {"field.delim": ","}
    parameters = table["Parameters"]
    size = sum(
        entry["Size"] for entry in lake.s3.list_objects_v2(Bucket=lake.name, Prefix=s3_keys.FIXTURES)["Contents"]
    )
    assert (parameters["objectCount"], parameters["sizeKey"]) == ("2", str(size))
    assert parameters["skip.header.line.count"] == "1"
    assert (parameters["classification"], parameters["UPDATED_BY_CRAWLER"]) == ("csv", lake.name)


def test_the_header_of_a_csv_of_strings_needs_a_classifier(lake: CrawledLake) -> None:
    lake.put_object("names/teams.csv", "code,name\nLIV,Liverpool\nLEE,Leeds\n")
    lake.create_crawler("names/")
    lake.crawl()
    assert set(columns(lake.tables()["names"])) == {"col0", "col1"}
    classifier = f"{lake.name}-csv"
    lake.glue.create_classifier(CsvClassifier={"Name": classifier, "Delimiter": ",", "ContainsHeader": "PRESENT"})
    lake.glue.update_crawler(Name=lake.name, Classifiers=[classifier])
    lake.crawl()
    table = lake.tables()["names"]
    assert columns(table) == {"code": "string", "name": "string"}
    assert table["Parameters"]["skip.header.line.count"] == "1"


def test_a_file_with_one_row_is_not_recognised_and_splits_its_folder(lake: CrawledLake) -> None:
    lake.put_object("rows/a.csv", "id,name\n1,x\n2,y\n")
    lake.put_object("rows/b.csv", "id,name\n3,z\n")
    lake.create_crawler("rows/")
    lake.crawl()
    tables = lake.tables()
    assert set(tables) == {"a_csv", "b_csv"}
    assert (tables["b_csv"]["Parameters"]["classification"], columns(tables["b_csv"])) == ("UNKNOWN", {})


def test_a_crawl_of_tables_keeps_their_columns_and_creates_no_other(lake: CrawledLake) -> None:
    location = f"s3://{lake.name}/rows/"
    table = {"StorageDescriptor": {"Location": location, "Columns": [{"Name": "id", "Type": "bigint"}]}}
    lake.glue.create_table(DatabaseName=lake.name, TableInput={"Name": "rows"} | table)
    lake.put_object("rows/a.csv", "592141,36,1.5\n")
    lake.put_object("rows/b.csv", "592151,36,1.5\n592152,40,0.5\n")
    logged = {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}
    targets = {"CatalogTargets": [{"DatabaseName": lake.name, "Tables": ["rows"]}]}
    with pytest.raises(lake.glue.exceptions.InvalidInputException):
        lake.create_crawler(Targets=targets, SchemaChangePolicy=logged | {"DeleteBehavior": "DELETE_FROM_DATABASE"})
    lake.create_crawler(Targets=targets, SchemaChangePolicy=logged)
    assert lake.crawl()["LastCrawl"]["Status"] == "SUCCEEDED"
    assert {name: columns(found) for name, found in lake.tables().items()} == {"rows": {"id": "bigint"}}


def test_json_becomes_structs_and_arrays(lake: CrawledLake) -> None:
    answer = {
        "get": "fixtures",
        "results": 2,
        "errors": [],
        "response": [
            {"fixture": {"id": 592141, "timestamp": 1599910200}, "goals": {"home": None}},
            {"fixture": {"id": 592142, "timestamp": 15999102000}, "goals": {"home": 1.5}},
        ],
    }
    lake.put_object("raw-data/fixtures/39-2020.json", json.dumps(answer, indent=2))
    lake.create_crawler("raw-data/fixtures/")
    lake.crawl()
    table = lake.tables()["fixtures"]
    assert columns(table) == {
        "get": "string",
        "results": "int",
        "errors": "array<string>",
        "response": "array<struct<fixture:struct<id:int,timestamp:bigint>,goals:struct<home:double>>>",
    }
    assert table["Parameters"]["classification"] == "json"


def test_subfolders_with_the_same_schema_are_partitions(lake: CrawledLake) -> None:
    for season in (2019, 2020):
        lake.put_object(f"rows/season={season}/a.csv", "id,name\n1,x\n2,y\n")
    lake.create_crawler("rows/")
    lake.crawl()
    assert [key["Name"] for key in lake.tables()["rows"]["PartitionKeys"]] == ["season"]
    partitions = lake.glue.get_partitions(DatabaseName=lake.name, TableName="rows")["Partitions"]
    assert {tuple(partition["Values"]) for partition in partitions} == {("2019",), ("2020",)}
    assert partitions[0]["StorageDescriptor"]["Location"].endswith("season=2019/")


def test_folders_of_the_same_name_get_tables_of_different_names(lake: CrawledLake) -> None:
    lake.put_object("raw/fixtures/a.csv", "id,name\n1,x\n2,y\n")
    lake.put_object("processed/fixtures/a.csv", "id,name\n1,x\n2,y\n")
    lake.create_crawler("raw/fixtures/", "processed/fixtures/")
    lake.crawl()
    lake.crawl()
    plain, suffixed = sorted(lake.tables())
    assert plain == "fixtures"
    assert suffixed.startswith("fixtures_") and len(suffixed) == len("fixtures_") + 32


def test_exclusions_and_prefix_are_respected(lake: CrawledLake) -> None:
    lake.put_object("rows/keep/a.csv", "id,name\n1,x\n2,y\n")
    lake.put_object("rows/drop/a.csv", "number,word\n1,x\n2,y\n")
    lake.create_crawler("rows/", target={"Exclusions": ["drop/**"]}, TablePrefix="Lake-")
    lake.crawl()
    (name, table), *others = lake.tables().items()
    assert (name, others) == ("lake_rows", [])
    assert columns(table) == {"id": "bigint", "name": "string"}


def test_a_second_crawl_changes_no_table_and_a_new_column_is_added(lake: CrawledLake) -> None:
    lake.put_object("rows/a.csv", "id,name\n1,x\n2,y\n")
    lake.create_crawler("rows/")
    lake.crawl()
    first = lake.tables()
    lake.crawl()
    assert lake.tables() == first
    lake.put_object("rows/a.csv", "id,name,goals\n1,x,2.5\n2,y,1.5\n")
    lake.crawl()
    assert columns(lake.tables()["rows"]) == {"id": "bigint", "name": "string", "goals": "double"}


@pytest.mark.parametrize("behaviour", ["LOG", "DELETE_FROM_DATABASE", "DEPRECATE_IN_DATABASE"])
def test_the_schema_change_policy_applies_to_a_deleted_folder(lake: CrawledLake, behaviour: str) -> None:
    lake.put_object("rows/a.csv", "id,name\n1,x\n2,y\n")
    policy = {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": behaviour}
    lake.create_crawler("rows/", SchemaChangePolicy=policy)
    lake.crawl()
    lake.s3.delete_object(Bucket=lake.name, Key="rows/a.csv")
    lake.crawl()
    tables = lake.tables()
    assert ("rows" in tables) == (behaviour != "DELETE_FROM_DATABASE")
    deprecated = "DEPRECATED_BY_CRAWLER" in tables.get("rows", {}).get("Parameters", {})
    assert deprecated == (behaviour == "DEPRECATE_IN_DATABASE")


def test_tables_of_other_owners_are_not_changed(lake: CrawledLake) -> None:
    lake.glue.create_table(DatabaseName=lake.name, TableInput={"Name": "mine", "StorageDescriptor": {}})
    lake.put_object("rows/a.csv", "id,name\n1,x\n2,y\n")
    lake.create_crawler("rows/", SchemaChangePolicy={"DeleteBehavior": "DELETE_FROM_DATABASE"})
    lake.crawl()
    assert set(lake.tables()) == {"mine", "rows"}


def test_a_missing_bucket_fails_the_crawl_with_the_reason(lake: CrawledLake) -> None:
    lake.glue.create_crawler(
        Name=lake.name,
        Role="GlueRole",
        DatabaseName=lake.name,
        Targets={"S3Targets": [{"Path": "s3://no-such-bucket-here/x/"}]},
    )
    last = lake.crawl()["LastCrawl"]
    assert last["Status"] == "FAILED"
    assert "NoSuchBucket" in last["ErrorMessage"]
    logs = lake.local.client("logs")
    events = logs.get_log_events(logGroupName="/aws-glue/crawlers", logStreamName=lake.name)["events"]
    assert any("NoSuchBucket" in event["message"] for event in events)


def test_a_running_crawler_can_be_stopped_but_not_started_deleted_or_updated(lake: CrawledLake) -> None:
    for number in range(60):
        lake.put_object(f"rows/{number}/a.csv", f"column{number},name\n1,x\n2,y\n")
    lake.create_crawler("rows/")
    lake.glue.start_crawler(Name=lake.name)
    for call in (lake.glue.start_crawler, lake.glue.delete_crawler, lake.glue.update_crawler):
        with pytest.raises(lake.glue.exceptions.CrawlerRunningException):
            call(Name=lake.name)
    lake.glue.stop_crawler(Name=lake.name)
    assert lake.wait_until_ready()["LastCrawl"]["Status"] == "CANCELLED"
    assert lake.tables() == {}
    with pytest.raises(lake.glue.exceptions.CrawlerNotRunningException):
        lake.glue.stop_crawler(Name=lake.name)


def test_an_unknown_crawler_is_not_found(lake: CrawledLake) -> None:
    for call in (lake.glue.start_crawler, lake.glue.get_crawler, lake.glue.delete_crawler, lake.glue.update_crawler):
        with pytest.raises(lake.glue.exceptions.EntityNotFoundException):
            call(Name="nobody")


def test_the_tables_of_a_database_are_crawled_through_its_connection(lake: CrawledLake, tmp_path: Path) -> None:
    server = DatabaseServer(tmp_path / "mysql")
    server.start()
    try:
        server.set_master("admin", "word")
        server.create_database("mysqldb")
        with pymysql.connect(
            host=HOST,
            port=server.port,
            user="admin",
            password="word",
            database="mysqldb",
            ssl_ca=str(server.certificate),
        ) as connection:
            connection.cursor().execute(
                "CREATE TABLE fixtures (idFixture INT PRIMARY KEY, date DATE, xg DECIMAL(5,3), name VARCHAR(9))"
            )
        url = f"jdbc:mysql://{HOST}:{server.port}/mysqldb"
        lake.glue.create_connection(
            ConnectionInput={
                "Name": lake.name,
                "ConnectionType": "JDBC",
                "ConnectionProperties": {"JDBC_CONNECTION_URL": url, "USERNAME": "admin", "PASSWORD": "word"},
            }
        )
        lake.create_crawler(Targets={"JdbcTargets": [{"ConnectionName": lake.name, "Path": "mysqldb/%"}]})
        assert lake.crawl()["LastCrawl"]["Status"] == "SUCCEEDED"
    finally:
        server.stop()
    table = lake.tables()["mysqldb_fixtures"]
    assert columns(table) == {"idfixture": "int", "date": "date", "xg": "decimal(5,3)", "name": "string"}
    assert table["StorageDescriptor"]["Location"] == "mysqldb.fixtures"
    assert table["Parameters"]["classification"] == "mysql"


def test_the_excerpt_of_a_failed_crawl_has_no_lines_of_other_crawls(lake: CrawledLake) -> None:
    """All crawls write to the stream with the crawler's name, with which the name of another can begin."""
    lake.put_object("folder/a.csv", "x,y\n1,2\n3,4\n")
    lake.create_crawler("folder/")
    assert lake.crawl()["LastCrawl"]["Status"] == "SUCCEEDED"
    create_session: Any = boto3.Session
    session = create_session(region_name="us-east-1", **CREDENTIALS)
    aws = AwsContext(Config(), session, endpoint_url=lake.local.endpoint)
    other = f"{lake.name}-other"
    lake.create_crawler("folder/", Name=other)
    run_crawler(aws, other)
    lake.glue.delete_database(Name=lake.name)
    with pytest.raises(StepFailed) as failed:
        run_crawler(aws, lake.name)
    assert sum("Running Start Crawl" in line for line in failed.value.log) == 1
    prefix = lake.wait_until_ready()["LastCrawl"]["MessagePrefix"]
    assert all(line.startswith(f"[{prefix}]") for line in failed.value.log)


def test_the_history_of_crawls_has_their_time_use_and_failure(lake: CrawledLake) -> None:
    lake.put_object("a/1.csv", "name,value\nx,1\ny,2\n")
    lake.create_crawler("a/")
    lake.crawl()
    lake.glue.delete_database(Name=lake.name)
    lake.crawl()
    crawls = lake.glue.list_crawls(CrawlerName=lake.name)["Crawls"]
    assert sorted(crawl["State"] for crawl in crawls) == ["COMPLETED", "FAILED"]
    for crawl in crawls:
        seconds = (crawl["EndTime"] - crawl["StartTime"]).total_seconds()
        assert crawl["DPUHour"] == pytest.approx(2 * seconds / 3600, abs=1e-5)
        assert ("ErrorMessage" in crawl) == (crawl["State"] == "FAILED")


def test_a_crawl_emits_an_event_when_it_starts_and_when_it_ends(lake: CrawledLake) -> None:
    rule, sqs, events = f"rule-{lake.name[-20:]}", lake.local.client("sqs"), lake.local.client("events")
    url = sqs.create_queue(QueueName=lake.name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"detail-type": ["Glue Crawler State Change"], "detail": {"crawlerName": [lake.name]}}
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": arn}])
    lake.put_object("a/1.csv", "name,value\nx,1\ny,2\n")
    lake.create_crawler("a/")
    lake.crawl()
    lake.glue.delete_database(Name=lake.name)
    lake.crawl()
    states: list[str] = []
    while len(states) < 4:
        for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5).get("Messages", ()):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            states.append(json.loads(message["Body"])["detail"]["state"])
    assert sorted(states) == ["Failed", "Started", "Started", "Succeeded"]
    events.remove_targets(Rule=rule, Ids=["1"])
    events.delete_rule(Name=rule)
