"""Run Glue jobs on the local AWS: on PySpark in a child process, one at a time, with the states that Glue reports."""

from __future__ import annotations

import hashlib
import shutil
import sys
import threading
import time
from contextlib import suppress
from functools import partialmethod
from pathlib import Path
from queue import Queue
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.glue.exceptions import ConcurrentRunsExceededException, JobRunNotFoundException
from moto.glue.models import FakeJob, FakeJobRun, glue_backends
from moto.glue.responses import GlueResponse

from footlake.local.context import Local, logger
from footlake.local.engines.eventbridge import emit, make_event
from footlake.local.engines.spark_worker import OUTPUT, SCRATCH
from footlake.local.engines.worker import Worker, WorkerDied, WorkerTimeout

ACTIVE_STATES = ("STARTING", "RUNNING", "STOPPING", "WAITING")
LOG_GROUP = "/aws-glue/jobs"
DEFAULT_GLUE_VERSION = "5.1"
TRACEBACK = "Traceback (most recent call last):"
# Lines of Spark's daemon log at the end of each run: logger and message.
SHUTDOWN = (
    *(("spark.SparkContext", "SparkContext is stopping with exitCode 0."),),
    *(("spark.MapOutputTrackerMasterEndpoint", "MapOutputTrackerMasterEndpoint stopped!"),),
    *(("memory.MemoryStore", "MemoryStore cleared"), ("storage.BlockManager", "BlockManager stopped")),
    *(("storage.BlockManagerMaster", "BlockManagerMaster stopped"),),
    *(("spark.OutputCommitCoordinator", "OutputCommitCoordinator stopped!"),),
    *(("spark.SparkContext", "Successfully stopped SparkContext"),),
    *(("util.ShutdownHookManager", "Shutdown hook called"),),
    *(("util.ShutdownHookManager", f"Deleting directory /tmp/spark-{number}") for number in range(4)),
)

_moto_job_run_as_dict = FakeJobRun.as_dict
_queue: JobRunQueue | None = None  # one per process, because moto is global


def install(local: Local, minute: float = 60) -> None:
    """Replace moto's job runs, which run nothing. `minute` is the length in seconds of a minute of a job's timeout."""
    global _queue
    if _queue:
        _queue.close()
    _queue = JobRunQueue(local, minute)
    local.at_close(_queue.close)
    local.background(_queue.process, "glue-jobs")

    FakeJob.start_job_run = partialmethod(start_job_run, _queue)
    FakeJob.get_job_runs = get_job_runs
    FakeJobRun.as_dict = job_run_as_dict
    # Only JobRunQueue changes the status; moto changes it as time passes or when the run is described.
    FakeJobRun.status = property(lambda run: run._status, lambda run, value: setattr(run, "_status", value))
    GlueResponse.batch_stop_job_run = partialmethod(batch_stop_job_run, _queue)


def warm_up(_local: Local) -> None:
    """Start Spark in the background, before the first job needs it."""
    if _queue:
        _queue.warm_up()


def resume(local: Local) -> None:
    """Fail the runs that were interrupted when the local AWS stopped."""
    for regions in glue_backends.values():
        for backend in regions.values():
            for run in (run for job in backend.jobs.values() for run in job.job_runs if run.status in ACTIVE_STATES):
                finish_run(run, "FAILED", "The local AWS was stopped while this run was in progress")


def start_job_run(job: Any, queue: JobRunQueue, previous_run_id: str | None, **options: Any) -> str:
    """Replace FakeJob.start_job_run: record a run and enqueue it; returns its id."""
    active = sum(run.status in ACTIVE_STATES for run in job.job_runs)
    if active >= job.execution_property.get("MaxConcurrentRuns", 1):
        raise ConcurrentRunsExceededException(f"Concurrent runs exceeded for {job.name}")
    arguments = job.default_arguments | (options.pop("arguments") or {}) | (job.non_overridable_arguments or {})
    settings = {name: value or getattr(job, name) for name, value in options.items()}
    run = FakeJobRun(job_name=job.name, job_run_id=previous_run_id, arguments=arguments, **settings)
    run.glue_version = job.glue_version or DEFAULT_GLUE_VERSION
    run.execution_class = job.execution_class
    # AWS's default timeouts, in minutes.
    run.timeout = run.timeout or (480 if float(run.glue_version) >= 5 else 2880)
    run.completed_on = run.error_message = None
    run.execution_time = 0
    job.job_runs.append(run)
    queue.put(job, run)
    return str(run.job_run_id)


def get_job_runs(job: Any) -> list[Any]:
    """Replace FakeJob.get_job_runs: as in Glue, the newest run comes first."""
    runs: list[Any] = job.job_runs[::-1]
    return runs


def job_run_as_dict(run: Any) -> dict[str, Any]:
    """Replace FakeJobRun.as_dict, which returns constants for these keys or lacks them."""
    description: dict[str, Any] = _moto_job_run_as_dict(run)
    return description | {
        "CompletedOn": run.completed_on,
        "ErrorMessage": run.error_message,
        "ExecutionTime": run.execution_time,
        "ExecutionClass": run.execution_class,
        "GlueVersion": run.glue_version,
        "LogGroupName": LOG_GROUP,
    }


def batch_stop_job_run(response: Any, queue: JobRunQueue) -> Any:
    """Add the API call BatchStopJobRun, which moto lacks."""
    name = response._get_param("JobName")
    stopped, errors = [], []
    for run_id in response._get_param("JobRunIds"):
        try:
            run = response.glue_backend.get_job_run(name, run_id)
        except JobRunNotFoundException as error:
            errors.append((run_id, "EntityNotFoundException", error.message))
            continue
        if run.status in ACTIVE_STATES:
            queue.stop(run)
            stopped.append(run_id)
        else:
            message = f"Job run {run_id} is in the terminal state {run.status}."
            errors.append((run_id, "JobRunInTerminalStateException", message))
    return ActionResult(
        {
            "SuccessfulSubmissions": [{"JobName": name, "JobRunId": run_id} for run_id in stopped],
            "Errors": [
                {"JobName": name, "JobRunId": run_id, "ErrorDetail": {"ErrorCode": code, "ErrorMessage": message}}
                for run_id, code, message in errors
            ],
        }
    )


class JobRunQueue:
    """The queue of job runs, and the child process that executes them one after the other."""

    def __init__(self, local: Local, minute: float) -> None:
        self._local = local
        self._minute = minute
        self._dir = local.dir / "spark"
        self._spark_log = self._dir / "worker.log"
        shutil.rmtree(self._dir / "runs", ignore_errors=True)  # left by a local AWS that was killed during a run
        self._queue: Queue[tuple[Any, Any] | None] = Queue()
        self._state_lock = threading.Lock()  # held during every change of a run's status
        self._current_run: Any = None
        self._closed = threading.Event()
        self._worker_lock = threading.Lock()
        self._created_worker: Worker | None = None

    @property
    def _worker(self) -> Worker:
        """The child process, which is not created before the endpoint is known, and once for all threads."""
        with self._worker_lock:
            if self._created_worker is None:
                command = [sys.executable, "-m", "footlake.local.engines.spark_worker", str(self._dir)]
                self._created_worker = Worker(command, self._local.environment(), self._spark_log)
            return self._created_worker

    def warm_up(self) -> None:
        """Start the child process and its JVM, and run a query, in the background."""

        def start() -> None:
            with suppress(WorkerDied):  # the local AWS has stopped
                self._worker.call({"warm_up": True})

        self._local.background(start, "spark-start")

    def put(self, job: Any, run: Any) -> None:
        """Add a run to the queue; until its turn it is STARTING."""
        self._queue.put((job, run))

    def stop(self, run: Any) -> None:
        """Stop a waiting run, or interrupt the current one; it ends as STOPPED."""
        with self._state_lock:
            if run is not self._current_run:
                finish_run(run, "STOPPED")
                return
            was_running, run.status = run.status == "RUNNING", "STOPPING"
            if was_running:
                self._worker.interrupt()

    def close(self) -> None:
        """Kill the child process; `resume` marks an interrupted run as failed after the next start."""
        self._closed.set()
        self._queue.put(None)
        self._worker.close()
        shutil.rmtree(self._dir / SCRATCH, ignore_errors=True)

    def process(self) -> None:
        """Execute queued runs until `close`."""
        while (queued := self._queue.get()) and not self._closed.is_set():
            job, run = queued
            with self._state_lock:
                if run.status != "STARTING":
                    continue
                self._current_run = run
            try:
                state, message = self._execute(job, run)
            except Exception as error:
                logger.exception("run %s of %s", run.job_run_id, job.name)
                state, message = "FAILED", f"Internal service error: {error}"
            if self._closed.is_set():
                return
            with self._state_lock:
                self._current_run = None
                finish_run(run, state, message)
            self._emit_end(job, run)

    def _emit_end(self, job: Any, run: Any) -> None:
        """Emit the event of Glue for a run that has ended."""
        detail = {
            "jobName": job.name,
            "jobRunId": run.job_run_id,
            "severity": "INFO" if run.status in ("SUCCEEDED", "STOPPED") else "ERROR",
            "state": run.status,
            "message": run.error_message or "Job run succeeded",
        }
        region = job.backend.region_name
        emit(self._local, make_event("aws.glue", "Glue Job State Change", region, [], detail))

    def _execute(self, job: Any, run: Any) -> tuple[str, str | None]:
        """Execute a run and write its output to CloudWatch Logs; returns its final state and error message."""
        self._worker.call({})  # starts the JVM, which does not count as execution time
        with self._state_lock:
            if run.status != "STARTING":
                return "STOPPED", None
            run.status = "RUNNING"
        folder = self._dir / "runs" / run.job_run_id
        folder.mkdir(parents=True)
        started = time.monotonic()
        spark_log_start = self._spark_log.stat().st_size
        outcome = self._run_script(job, run, folder)
        run.execution_time = round(time.monotonic() - started)
        if not self._closed.is_set():
            self._write_logs(job, run, folder / OUTPUT, spark_log_start)
        shutil.rmtree(folder)
        return outcome

    def _write_logs(self, job: Any, run: Any, output: Path, spark_log_start: int) -> None:
        """Write the run's logs to CloudWatch Logs, with the groups and streams of Glue 5.0 and later.

        The script's stdout and stderr go to the group `output`; the logs of Spark and of the system, which also repeat
        an error of the script, go to the group `error`:
        https://docs.aws.amazon.com/glue/latest/dg/monitor-continuous-logging.html
        """
        user_lines = output.read_text(encoding="utf-8", errors="replace").splitlines() if output.exists() else []
        with self._spark_log.open("rb") as spark_log:
            spark_log.seek(spark_log_start)
            spark_lines = spark_log.read().decode("utf-8", errors="replace").splitlines()
        is_failed = TRACEBACK in user_lines
        python_error = "\n".join(user_lines[user_lines.index(TRACEBACK) :]) if is_failed else ""
        system_lines = [
            _system_line("INFO", "glue.PrepareLaunch", f"Launching script {job.command['ScriptLocation']}"),
            *spark_lines,
            *(
                [_system_line("ERROR", "glue.ProcessLauncher", f"Error from Python:{python_error}")]
                if is_failed
                else []
            ),
            *(_system_line("INFO", *line) for line in SHUTDOWN),
        ]
        for group, lines in (("output", user_lines), ("error", system_lines)):
            stream = f"{run.job_run_id}-driver"
            self._local.log(f"{LOG_GROUP}/{group}", stream, lines, job.backend.region_name, job.role)

    def _run_script(self, job: Any, run: Any, folder: Path) -> tuple[str, str | None]:
        """Run the job's script in the child process; returns the final state and error message."""
        reserved_arguments = {
            "--JOB_NAME": job.name,
            "--JOB_ID": f"j_{hashlib.sha256(job.arn.encode()).hexdigest()}",
            "--JOB_RUN_ID": run.job_run_id,
        }
        request = {
            "dir": str(folder),
            "region": job.backend.region_name,
            "script": job.command["ScriptLocation"],
            "modules": [uri for uri in run.arguments.get("--extra-py-files", "").split(",") if uri],
            "arguments": run.arguments | reserved_arguments,
            "credentials": self._local.credentials(job.role),
        }
        try:
            error = self._worker.call(request, run.timeout * self._minute)["error"]
        except WorkerTimeout:
            return "TIMEOUT", "Job run timed out"
        except WorkerDied as death:
            return ("STOPPED", None) if run.status == "STOPPING" else ("FAILED", f"Command failed with {death}")
        return ("FAILED", error) if error else ("SUCCEEDED", None)


def _system_line(level: str, logger_name: str, message: str) -> str:
    """Return a line in the format of Glue's system logs."""
    return f"{utcnow():%Y-%m-%d %H:%M:%S},000 {level} [main] {logger_name}: {message}"


def finish_run(run: Any, state: str, message: str | None = None) -> None:
    """Set a run's final state and the time of its end."""
    run.error_message = message
    run.completed_on = run.modified_on = utcnow()
    run.status = state
