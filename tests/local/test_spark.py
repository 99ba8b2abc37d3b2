"""Glue job runs of the local AWS, through its API: small scripts on a real Spark."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from footlake.local.context import Local
from footlake.local.engines import spark
from footlake.local.engines.worker import Worker

ASSETS, LAKE = "engine-assets", "engine-lake"
MINUTE = 8.0  # seconds that a minute of a job's timeout lasts here
ENDED = ("SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED")


class Glue:
    """The local AWS with two buckets; `job` makes a job of a script's text."""

    def __init__(self, local: Local) -> None:
        self.local = local
        self.s3, self.glue, self.logs = (local.client(name) for name in ("s3", "glue", "logs"))
        for bucket in (ASSETS, LAKE):
            self.s3.create_bucket(Bucket=bucket)

    def upload(self, name: str, text: str) -> str:
        self.s3.put_object(Bucket=ASSETS, Key=f"scripts/{name}", Body=textwrap.dedent(text).encode())
        return f"s3://{ASSETS}/scripts/{name}"

    def job(self, name: str, script: str, **options: Any) -> str:
        command = {"Name": "glueetl", "ScriptLocation": self.upload(f"{name}.py", script), "PythonVersion": "3"}
        self.glue.create_job(Name=name, Role="GlueRole", Command=command, GlueVersion="5.1", **options)
        return name

    def start(self, name: str, **arguments: str) -> str:
        given = {f"--{key}": value for key, value in arguments.items()}
        return str(self.glue.start_job_run(JobName=name, Arguments=given)["JobRunId"])

    def state(self, name: str, run_id: str) -> dict[str, Any]:
        run: dict[str, Any] = self.glue.get_job_run(JobName=name, RunId=run_id)["JobRun"]
        return run

    def until(self, name: str, run_id: str, *states: str) -> dict[str, Any]:
        while (run := self.state(name, run_id))["JobRunState"] not in states:
            time.sleep(0.05)
        return run

    def run(self, name: str, **arguments: str) -> dict[str, Any]:
        return self.until(name, self.start(name, **arguments), *ENDED)

    def log(self, stream: str, run: dict[str, Any]) -> str:
        events = self.logs.get_log_events(logGroupName=f"/aws-glue/jobs/{stream}", logStreamName=run["Id"])["events"]
        return "\n".join(event["message"] for event in events)

    def output(self, run: dict[str, Any]) -> str:
        assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
        return self.log("output", run)

    def marked(self, key: str) -> None:
        """Wait for an object that a script writes from outside Spark to say that it is at work."""
        while "Contents" not in self.s3.list_objects_v2(Bucket=LAKE, Prefix=key):
            time.sleep(0.05)


AT_WORK = """
import boto3, sys, time
from pyspark.sql import SparkSession
SparkSession.builder.getOrCreate()
print("at work", flush=True)
boto3.client("s3").put_object(Bucket="engine-lake", Key=sys.argv[sys.argv.index("--mark") + 1])
while True:
    time.sleep(1)
"""


@pytest.fixture(scope="module")
def glue(local_aws: Local) -> Iterator[Glue]:
    spark.install(local_aws, minute=MINUTE)
    yield Glue(local_aws)
    spark.install(local_aws)


def test_a_run_is_reported_with_times_log_group_and_merged_arguments(glue):
    defaults = {"--color": "blue", "--size": "1"}
    name = glue.job("report", "print('done')", DefaultArguments=defaults, NonOverridableArguments={"--fixed": "yes"})
    run = glue.run(name, size="2", fixed="no")
    assert (run["JobRunState"], run["JobName"], run["Attempt"]) == ("SUCCEEDED", "report", 0)
    assert run["Arguments"] == {"--color": "blue", "--size": "2", "--fixed": "yes"}
    assert (run["GlueVersion"], run["LogGroupName"], run["Timeout"]) == ("5.1", "/aws-glue/jobs", 480)
    assert run["StartedOn"] <= run["CompletedOn"]
    assert "ErrorMessage" not in run
    assert [entry["Id"] for entry in glue.glue.get_job_runs(JobName=name)["JobRuns"]] == [run["Id"]]


def test_a_script_gets_its_arguments_and_not_those_that_are_glues_own(glue):
    script = """
    import sys
    from awsglue.utils import getResolvedOptions
    options = getResolvedOptions(sys.argv, ["JOB_NAME", "bucket"])
    print(options["JOB_NAME"], options["bucket"], "--JOB_RUN_ID" in sys.argv, "--enable-metrics" in sys.argv)
    getResolvedOptions(sys.argv, ["missing"])
    """
    name = glue.job("arguments", script, DefaultArguments={"--enable-metrics": "true"})
    run = glue.run(name, bucket="somewhere")
    assert glue.log("output", run) == "arguments somewhere True False"
    assert "GlueArgumentError" in run["ErrorMessage"]


def test_spark_is_glue_5_1s_and_needs_no_java_of_the_system(tmp_path):
    shell = tmp_path / "bin"
    shell.mkdir()
    for tool in ("bash", "sh", "env", "dirname", "chmod", "rm", "ls", "uname", "ps", "readlink", "basename"):
        if found := shutil.which(tool):
            (shell / tool).symlink_to(found)
    environment = Local(tmp_path, 1).environment() | {"PATH": str(shell)}
    environment.pop("JAVA_HOME", None)
    assert shutil.which("java", path=environment["PATH"]) is None
    script = (
        "from pathlib import Path; from footlake.local.engines.spark_worker import start_jvm; import sys;"
        "start_jvm(Path(sys.argv[1])); from pyspark import SparkContext;"
        "sc = SparkContext(); print(sc.version, sc.parallelize(range(4), 2).sum())"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "spark")]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["3.5.6", "6"]


def test_objects_are_read_written_and_deleted_under_their_own_keys(glue):
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
    run = glue.run(glue.job("mover", script))
    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    keys = [entry["Key"] for entry in glue.s3.list_objects_v2(Bucket=LAKE)["Contents"]]
    written = [key for key in keys if key.startswith("outgoing/x/part-")]
    assert not [key for key in keys if key.startswith("incoming/") or key.endswith(".crc")]
    body = glue.s3.get_object(Bucket=LAKE, Key=written[0])["Body"].read()
    assert body == b'{"id":10,"goals":2}\n{"id":20,"goals":3}\n'
    assert glue.s3.get_object(Bucket=LAKE, Key="unnamed/b.csv")["Body"].read() == b"never read"
    assert not list((glue.local.dir / "spark" / "mirror").rglob("b.csv"))


def test_a_file_is_as_old_as_its_object_and_changes_are_seen_by_the_next_run(glue):
    script = """
    from pyspark.sql import SparkSession
    spark = SparkSession.builder.getOrCreate()
    path = spark._jvm.org.apache.hadoop.fs.Path("s3://engine-lake/aged/a.txt")
    print(path.getFileSystem(spark._jsc.hadoopConfiguration()).getFileStatus(path).getModificationTime())
    print(spark.read.text("s3://engine-lake/aged/").collect()[0].value)
    """
    name = glue.job("aged", script)
    for text in ("one", "two"):
        glue.s3.put_object(Bucket=LAKE, Key="aged/a.txt", Body=text.encode())
        modified = glue.s3.head_object(Bucket=LAKE, Key="aged/a.txt")["LastModified"]
        assert glue.output(glue.run(name)).split() == [str(int(modified.timestamp() * 1000)), text]


def test_an_exception_is_told_as_glue_tells_it_with_the_traceback_in_the_error_log(glue):
    run = glue.run(glue.job("broken", "print('before')\n\nraise ValueError('no rows')\n"))
    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"] == ("Error Category: UNCLASSIFIED_ERROR; Failed Line Number: 3; ValueError: no rows")
    assert glue.log("output", run) == "before"
    assert glue.log("error", run).startswith("Traceback (most recent call last):")


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
def test_every_way_to_fail_has_its_category(glue, script, message):
    run = glue.run(glue.job(f"failing-{abs(hash(script))}", script))
    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"].startswith(f"Error Category: {message}")


def test_exit_zero_is_success(glue):
    assert glue.run(glue.job("exit-zero", "import sys\nsys.exit(0)"))["JobRunState"] == "SUCCEEDED"


def test_a_missing_script_is_a_launch_error(glue):
    command = {"Name": "glueetl", "ScriptLocation": f"s3://{ASSETS}/scripts/absent.py"}
    glue.glue.create_job(Name="absent", Role="GlueRole", Command=command)
    run = glue.run("absent")
    assert run["JobRunState"] == "FAILED"
    assert "key: scripts/absent.py" in run["ErrorMessage"]


def test_what_one_script_does_to_its_process_the_next_does_not_find(glue):
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
        name = glue.job(f"leaving-{number}", script.format(end=end), DefaultArguments={"--extra-py-files": module})
        assert glue.log("output", glue.run(name)) == f"{number} [{number}, {2 * number}]"


def test_a_job_has_as_many_runs_at_once_as_it_may(glue):
    name = glue.job("alone", AT_WORK)
    first = glue.start(name, mark="marks/alone")
    with pytest.raises(glue.glue.exceptions.ConcurrentRunsExceededException):
        glue.start(name, mark="marks/alone")
    glue.glue.batch_stop_job_run(JobName=name, JobRunIds=[first])
    assert glue.until(name, first, *ENDED)["JobRunState"] == "STOPPED"


def test_a_run_can_be_stopped_at_work_and_while_it_waits(glue):
    name = glue.job("endless", AT_WORK, ExecutionProperty={"MaxConcurrentRuns": 2})
    working = glue.start(name, mark="marks/endless")
    waiting = glue.start(name, mark="marks/never")
    glue.marked("marks/endless")
    assert glue.state(name, working)["JobRunState"] == "RUNNING"
    assert glue.state(name, waiting)["JobRunState"] == "STARTING"
    answer = glue.glue.batch_stop_job_run(JobName=name, JobRunIds=[waiting, working, "jr_unknown"])
    assert [entry["JobRunId"] for entry in answer["SuccessfulSubmissions"]] == [waiting, working]
    assert [entry["ErrorDetail"]["ErrorCode"] for entry in answer["Errors"]] == ["EntityNotFoundException"]
    assert glue.until(name, waiting, *ENDED)["JobRunState"] == "STOPPED"
    stopped = glue.until(name, working, *ENDED)
    assert stopped["JobRunState"] == "STOPPED"
    assert glue.log("output", stopped) == "at work"
    assert "Contents" not in glue.s3.list_objects_v2(Bucket=LAKE, Prefix="marks/never")


def test_a_run_that_takes_too_long_is_ended_and_the_next_one_is_not_harmed(glue):
    name = glue.job("slow", AT_WORK, Timeout=1)
    run = glue.run(name, mark="marks/slow")
    assert (run["JobRunState"], run["ErrorMessage"]) == ("TIMEOUT", "Job run timed out")
    assert glue.log("output", run) == "at work"
    assert glue.output(glue.run(glue.job("after-slow", "print('fine')"))) == "fine"


def test_what_a_jvm_leaves_behind_is_in_the_local_aws_and_goes_with_its_end(glue):
    script = """
    import os
    from pyspark.sql import SparkSession
    spark = SparkSession.builder.getOrCreate()
    print(spark.range(4).repartition(2).count())
    temporary = spark._jvm.System.getProperty("java.io.tmpdir")
    print(temporary)
    print(sorted({name.split("-")[0] for name in os.listdir(temporary)}))
    """
    count, temporary, names = glue.output(glue.run(glue.job("untidy", script))).splitlines()
    assert count == "4"
    assert glue.local.dir in Path(temporary).parents
    assert "'liblz4'" in names
    assert "'spark'" in names
    spark.install(glue.local, minute=MINUTE)  # which ends the one that was there
    assert not Path(temporary).exists()


def test_runs_that_a_stop_cut_off_are_failed_when_the_local_aws_comes_back(glue):
    name = glue.job("cut-off", AT_WORK)
    run_id = glue.start(name, mark="marks/cut-off")
    glue.marked("marks/cut-off")
    spark.resume(glue.local)  # as after a restart: nothing that is recorded as running can be
    run = glue.state(name, run_id)
    assert run["JobRunState"] == "FAILED"
    assert "stopped" in run["ErrorMessage"]


def test_a_child_killed_at_its_work_is_started_again(tmp_path: Path):
    program = (
        "import os, sys, time; from footlake.local.engines.worker import serve\n"
        "serve(lambda request: {'pid': os.getpid(), 'slept': time.sleep(request.get('sleep', 0))})"
    )
    worker = Worker([sys.executable, "-c", program], dict(os.environ), tmp_path / "log")
    first = worker.call({})["pid"]
    failures = []

    def wait() -> None:
        try:
            worker.call({"sleep": 600})
        except Exception as error:
            failures.append(type(error).__name__)

    waiting = threading.Thread(target=wait)
    waiting.start()
    while waiting.is_alive():
        worker.interrupt()
        waiting.join(0.05)
    assert failures == ["WorkerDied"]
    assert worker.call({})["pid"] != first
    worker.close()


def test_a_child_at_its_work_does_not_outlive_its_killed_parent(tmp_path: Path):
    os.mkfifo(tmp_path / "alive")
    child = (
        "import time; from pathlib import Path; from footlake.local.engines.worker import serve\n"
        "def work(request):\n"
        "    with Path(request['alive']).open('w') as alive:\n"
        "        print('at work', file=alive, flush=True)\n"
        "        time.sleep(600)\n"
        "serve(work)"
    )
    holder = (
        "import os, sys; from pathlib import Path; from footlake.local.engines.worker import Worker\n"
        f"worker = Worker([sys.executable, '-c', {child!r}], os.environ, Path(sys.argv[1]) / 'log')\n"
        "worker.call({'alive': sys.argv[1] + '/alive'})"
    )
    parent = subprocess.Popen([sys.executable, "-c", holder, str(tmp_path)])
    with (tmp_path / "alive").open() as alive:
        assert alive.readline() == "at work\n"
        parent.kill()
        parent.wait()
        assert alive.read() == ""  # the end comes when nobody holds the other end any more
