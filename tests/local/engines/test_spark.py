"""Glue job runs of the local AWS, called through Glue's API: small scripts on a real Spark."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from footlake.local.context import Local
from footlake.local.engines import spark

ASSETS, LAKE = "engine-assets", "engine-lake"
SECONDS_PER_MINUTE = 8.0  # length of a minute of a job's timeout in these tests
FINAL_STATES = ("SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED")


class GlueHarness:
    """The local AWS with two buckets; jobs are created from the text of their scripts."""

    def __init__(self, local: Local) -> None:
        self.local = local
        self.s3, self.glue, self.logs = (local.client(name) for name in ("s3", "glue", "logs"))
        for bucket in (ASSETS, LAKE):
            self.s3.create_bucket(Bucket=bucket)

    def upload(self, name: str, text: str) -> str:
        self.s3.put_object(Bucket=ASSETS, Key=f"scripts/{name}", Body=textwrap.dedent(text).encode())
        return f"s3://{ASSETS}/scripts/{name}"

    def create_job(self, name: str, script: str, **options: Any) -> str:
        command = {"Name": "glueetl", "ScriptLocation": self.upload(f"{name}.py", script), "PythonVersion": "3"}
        self.glue.create_job(Name=name, Role="GlueRole", Command=command, GlueVersion="5.1", **options)
        return name

    def start_run(self, name: str, **arguments: str) -> str:
        options = {f"--{key}": value for key, value in arguments.items()}
        return str(self.glue.start_job_run(JobName=name, Arguments=options)["JobRunId"])

    def describe_run(self, name: str, run_id: str) -> dict[str, Any]:
        run: dict[str, Any] = self.glue.get_job_run(JobName=name, RunId=run_id)["JobRun"]
        return run

    def wait_for_state(self, name: str, run_id: str, *states: str) -> dict[str, Any]:
        while (run := self.describe_run(name, run_id))["JobRunState"] not in states:
            time.sleep(0.05)
        return run

    def run(self, name: str, **arguments: str) -> dict[str, Any]:
        return self.wait_for_state(name, self.start_run(name, **arguments), *FINAL_STATES)

    def read_log(self, stream: str, run: dict[str, Any]) -> str:
        events = self.logs.get_log_events(logGroupName=f"/aws-glue/jobs/{stream}", logStreamName=f"{run['Id']}-driver")[
            "events"
        ]
        return "\n".join(event["message"] for event in events)

    def read_output(self, run: dict[str, Any]) -> str:
        assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
        return self.read_log("output", run)

    def wait_for_object(self, key: str) -> None:
        """Wait for an object that a running script writes without Spark."""
        while "Contents" not in self.s3.list_objects_v2(Bucket=LAKE, Prefix=key):
            time.sleep(0.05)


OTHER_HADOOP = """<configuration>
<property><name>fs.defaultFS</name><value>hdfs://127.0.0.1:9/</value></property>
</configuration>"""

ENDLESS_SCRIPT = """
import boto3, sys, time
from pyspark.sql import SparkSession
SparkSession.builder.getOrCreate()
print("running", flush=True)
boto3.client("s3").put_object(Bucket="engine-lake", Key=sys.argv[sys.argv.index("--mark") + 1])
while True:
    time.sleep(1)
"""


@pytest.fixture(scope="module")
def glue(local_aws: Local, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GlueHarness]:
    other = tmp_path_factory.mktemp("other-spark")
    (other / "spark-defaults.conf").write_text("spark.master yarn\nspark.eventLog.enabled true\n")
    (other / "core-site.xml").write_text(OTHER_HADOOP)
    spark.install(local_aws, minute=SECONDS_PER_MINUTE)
    with pytest.MonkeyPatch.context() as patch:  # the local AWS must not use another Spark on this machine
        for name in ("SPARK_HOME", "SPARK_CONF_DIR", "HADOOP_CONF_DIR", "PYTHONPATH"):
            patch.setenv(name, str(other))
        patch.setenv("PYSPARK_SUBMIT_ARGS", "--master yarn pyspark-shell")
        patch.setenv("JAVA_TOOL_OPTIONS", "-Dspark.sql.ansi.enabled=true")
        yield GlueHarness(local_aws)
    spark.install(local_aws)


def test_a_run_is_reported_with_times_log_group_and_merged_arguments(glue: GlueHarness) -> None:
    defaults = {"--color": "blue", "--size": "1"}
    name = glue.create_job(
        "report", "print('done')", DefaultArguments=defaults, NonOverridableArguments={"--fixed": "yes"}
    )
    run = glue.run(name, size="2", fixed="no")
    assert (run["JobRunState"], run["JobName"], run["Attempt"]) == ("SUCCEEDED", "report", 0)
    assert run["Arguments"] == {"--color": "blue", "--size": "2", "--fixed": "yes"}
    assert (run["GlueVersion"], run["LogGroupName"], run["Timeout"]) == ("5.1", "/aws-glue/jobs", 480)
    assert run["StartedOn"] <= run["CompletedOn"]
    assert "ErrorMessage" not in run
    assert [entry["Id"] for entry in glue.glue.get_job_runs(JobName=name)["JobRuns"]] == [run["Id"]]


def test_a_script_gets_its_arguments_but_not_glues_reserved_ones(glue: GlueHarness) -> None:
    script = """
    import sys
    from awsglue.utils import getResolvedOptions
    options = getResolvedOptions(sys.argv, ["JOB_NAME", "bucket"])
    print(options["JOB_NAME"], options["bucket"], "--JOB_RUN_ID" in sys.argv, "--enable-metrics" in sys.argv)
    getResolvedOptions(sys.argv, ["missing"])
    """
    name = glue.create_job("arguments", script, DefaultArguments={"--enable-metrics": "true"})
    run = glue.run(name, bucket="somewhere")
    assert glue.read_log("output", run).startswith("arguments somewhere True False\nTraceback")
    assert "GlueArgumentError" in run["ErrorMessage"]


@pytest.mark.thorough
def test_spark_has_the_version_of_glue_5_1_and_needs_neither_java_nor_chmod(tmp_path: Path) -> None:
    shell = tmp_path / "bin"
    shell.mkdir()
    for tool in ("bash", "sh", "env", "dirname", "rm", "ls", "uname", "ps", "readlink", "basename"):
        if path := shutil.which(tool):
            (shell / tool).symlink_to(path)
    environment = Local(tmp_path, 1).environment() | {"PATH": str(shell)}
    environment.pop("JAVA_HOME", None)
    assert shutil.which("java", path=environment["PATH"]) is None
    script = (
        "from pathlib import Path; from footlake.local.engines.spark_worker import start_jvm; import sys;"
        "start_jvm(Path(sys.argv[1])); from pyspark.sql import SparkSession;"
        "spark = SparkSession.builder.getOrCreate(); spark.range(4).write.csv(sys.argv[2]);"
        "print(spark.version, spark.read.csv(sys.argv[2]).count())"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "spark"), (tmp_path / "written").as_uri()]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["3.5.6", "4"]


def test_objects_are_read_written_and_deleted_under_their_own_keys(glue: GlueHarness) -> None:
    glue.s3.put_object(Bucket=LAKE, Key="incoming/a.csv", Body=b"id,goals\n1,2\n2,3\n")
    glue.s3.put_object(Bucket=LAKE, Key="unnamed/b.csv", Body=b"never read")
    script = """
    import sys
    from pyspark.sql import SparkSession
    spark = SparkSession.builder.getOrCreate()
    rows = spark.read.csv("s3://engine-lake/incoming/", header=True, inferSchema=True)
    rows.selectExpr("id * 10 AS id", "goals").coalesce(1).write.json("s3://engine-lake/outgoing/x")
    path = spark._jvm.org.apache.hadoop.fs.Path("s3://engine-lake/incoming/a.csv")
    path.getFileSystem(spark._jsc.hadoopConfiguration()).delete(path, False)
    """
    run = glue.run(glue.create_job("mover", script))
    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    keys = [entry["Key"] for entry in glue.s3.list_objects_v2(Bucket=LAKE)["Contents"]]
    written = [key for key in keys if key.startswith("outgoing/x/part-")]
    assert not [key for key in keys if key.startswith("incoming/") or key.endswith(".crc")]
    body = glue.s3.get_object(Bucket=LAKE, Key=written[0])["Body"].read()
    assert body == b'{"id":10,"goals":2}\n{"id":20,"goals":3}\n'
    assert glue.s3.get_object(Bucket=LAKE, Key="unnamed/b.csv")["Body"].read() == b"never read"
    assert not list((glue.local.dir / "spark" / "mirror").rglob("b.csv"))


def test_files_have_the_times_of_their_objects_and_the_next_run_sees_changes(glue: GlueHarness) -> None:
    script = """
    from pyspark.sql import SparkSession
    spark = SparkSession.builder.getOrCreate()
    path = spark._jvm.org.apache.hadoop.fs.Path("s3://engine-lake/aged/a.txt")
    print(path.getFileSystem(spark._jsc.hadoopConfiguration()).getFileStatus(path).getModificationTime())
    print(spark.read.text("s3://engine-lake/aged/").collect()[0].value)
    """
    name = glue.create_job("aged", script)
    for text in ("one", "two"):
        glue.s3.put_object(Bucket=LAKE, Key="aged/a.txt", Body=text.encode())
        modified = glue.s3.head_object(Bucket=LAKE, Key="aged/a.txt")["LastModified"]
        assert glue.read_output(glue.run(name)).split() == [str(int(modified.timestamp() * 1000)), text]


def test_an_exception_is_reported_as_by_glue_and_its_traceback_is_in_the_output_log(glue: GlueHarness) -> None:
    run = glue.run(glue.create_job("broken", "print('before')\n\nraise ValueError('no rows')\n"))
    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"] == ("Error Category: UNCLASSIFIED_ERROR; Failed Line Number: 3; ValueError: no rows")
    output = glue.read_log("output", run)
    assert output.startswith("before\nTraceback (most recent call last):")
    assert output.endswith("ValueError: no rows")
    system_lines = glue.read_log("error", run).splitlines()
    assert any("ERROR [main] glue.ProcessLauncher: Error from Python:Traceback" in line for line in system_lines)
    assert all(" INFO " in line for line in system_lines[-10:])


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("import nothing_of_this_name", "IMPORT_ERROR; Failed Line Number: 1; ModuleNotFoundError: No module named"),
        ("def broken(:", "SYNTAX_ERROR; SyntaxError: "),
        ("import sys\nsys.exit(3)", "UNCLASSIFIED_ERROR; Failed Line Number: 2; SystemExit: 3"),
        (
            "from pyspark.sql import SparkSession\nSparkSession.builder.getOrCreate().read.csv('s3://engine-lake/void/')",
            "QUERY_ERROR; Failed Line Number: 2; AnalysisException: [PATH_NOT_FOUND]",
        ),
    ],
)
def test_each_kind_of_failure_has_its_error_category(glue: GlueHarness, script: str, message: str) -> None:
    run = glue.run(glue.create_job(f"failing-{abs(hash(script))}", script))
    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"].startswith(f"Error Category: {message}")


def test_exit_zero_is_success(glue: GlueHarness) -> None:
    assert glue.run(glue.create_job("exit-zero", "import sys\nsys.exit(0)"))["JobRunState"] == "SUCCEEDED"


def test_a_missing_script_is_a_launch_error(glue: GlueHarness) -> None:
    command = {"Name": "glueetl", "ScriptLocation": f"s3://{ASSETS}/scripts/absent.py"}
    glue.glue.create_job(Name="absent", Role="GlueRole", Command=command)
    run = glue.run("absent")
    assert run["JobRunState"] == "FAILED"
    assert "key: scripts/absent.py" in run["ErrorMessage"]


def test_a_script_does_not_see_process_changes_of_the_previous_script(glue: GlueHarness) -> None:
    module = glue.upload("shared.py", "VALUE = 'first'\ndef double(x):\n    return 2 * x\n")
    script = """
    import os, sys, shared
    from pyspark.sql import SparkSession
    assert "footlake_test_mark" not in os.environ and "leftover" not in sys.path
    os.environ["footlake_test_mark"] = "1"
    sys.path.append("leftover")
    spark = SparkSession.builder.getOrCreate()
    print(shared.VALUE, spark.sparkContext.parallelize([1, 2], 2).map(shared.double).collect())
    {end}
    """
    endings = ("spark.stop()", "spark._jvm.java.lang.System.exit(0)", "raise KeyError('x')", "pass")
    for number, end in enumerate(endings):
        glue.upload("shared.py", f"VALUE = {number}\ndef double(x):\n    return {number} * x\n")
        name = glue.create_job(
            f"leaving-{number}", script.format(end=end), DefaultArguments={"--extra-py-files": module}
        )
        output = glue.read_log("output", glue.run(name)).splitlines()
        assert output[0] == f"{number} [{number}, {2 * number}]"


def test_concurrent_runs_are_limited_by_max_concurrent_runs(glue: GlueHarness) -> None:
    name = glue.create_job("alone", ENDLESS_SCRIPT)
    first = glue.start_run(name, mark="marks/alone")
    with pytest.raises(glue.glue.exceptions.ConcurrentRunsExceededException):
        glue.start_run(name, mark="marks/alone")
    glue.glue.batch_stop_job_run(JobName=name, JobRunIds=[first])
    assert glue.wait_for_state(name, first, *FINAL_STATES)["JobRunState"] == "STOPPED"


def test_a_run_can_be_stopped_while_running_and_while_waiting(glue: GlueHarness) -> None:
    name = glue.create_job("endless", ENDLESS_SCRIPT, ExecutionProperty={"MaxConcurrentRuns": 2})
    working = glue.start_run(name, mark="marks/endless")
    waiting = glue.start_run(name, mark="marks/never")
    glue.wait_for_object("marks/endless")
    assert glue.describe_run(name, working)["JobRunState"] == "RUNNING"
    assert glue.describe_run(name, waiting)["JobRunState"] == "STARTING"
    answer = glue.glue.batch_stop_job_run(JobName=name, JobRunIds=[waiting, working, "jr_unknown"])
    assert [entry["JobRunId"] for entry in answer["SuccessfulSubmissions"]] == [waiting, working]
    assert [entry["ErrorDetail"]["ErrorCode"] for entry in answer["Errors"]] == ["EntityNotFoundException"]
    assert glue.wait_for_state(name, waiting, *FINAL_STATES)["JobRunState"] == "STOPPED"
    stopped = glue.wait_for_state(name, working, *FINAL_STATES)
    assert stopped["JobRunState"] == "STOPPED"
    assert glue.read_log("output", stopped) == "running"
    assert "Contents" not in glue.s3.list_objects_v2(Bucket=LAKE, Prefix="marks/never")


def test_a_run_times_out_and_the_next_one_succeeds(glue: GlueHarness) -> None:
    name = glue.create_job("slow", ENDLESS_SCRIPT, Timeout=1)
    run = glue.run(name, mark="marks/slow")
    assert (run["JobRunState"], run["ErrorMessage"]) == ("TIMEOUT", "Job run timed out")
    assert glue.read_log("output", run) == "running"
    assert glue.read_output(glue.run(glue.create_job("after-slow", "print('fine')"))) == "fine"


@pytest.mark.thorough
def test_temporary_files_of_the_jvm_are_in_the_local_aws_and_removed_at_close(glue: GlueHarness) -> None:
    script = """
    import os
    from pyspark.sql import SparkSession
    spark = SparkSession.builder.getOrCreate()
    print(spark.range(4).repartition(2).count())
    temporary = spark._jvm.System.getProperty("java.io.tmpdir")
    print(temporary)
    print(sorted({name.split("-")[0] for name in os.listdir(temporary)}))
    """
    count, temporary, names = glue.read_output(glue.run(glue.create_job("untidy", script))).splitlines()
    assert count == "4"
    assert glue.local.dir in Path(temporary).parents
    assert "'liblz4'" in names
    assert "'spark'" in names
    spark.install(glue.local, minute=SECONDS_PER_MINUTE)  # closes the previous engine
    assert not Path(temporary).exists()


def test_interrupted_runs_fail_when_the_local_aws_restarts(glue: GlueHarness) -> None:
    name = glue.create_job("cut-off", ENDLESS_SCRIPT)
    run_id = glue.start_run(name, mark="marks/cut-off")
    glue.wait_for_object("marks/cut-off")
    spark.resume(glue.local)  # called after a restart, when no run can be active
    run = glue.describe_run(name, run_id)
    assert run["JobRunState"] == "FAILED"
    assert "stopped" in run["ErrorMessage"]
