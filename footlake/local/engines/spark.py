"""Glue jobs that really run: on PySpark in a child process, one at a time, reported as Glue reports them."""

from __future__ import annotations

import hashlib
import shutil
import sys
import threading
import time
from functools import cached_property
from pathlib import Path
from queue import Queue
from typing import Any

from footlake.local.context import Local, logger
from footlake.local.engines.spark_worker import SCRATCH
from footlake.local.engines.worker import Worker, WorkerDied, WorkerTimeout

ACTIVE = ("STARTING", "RUNNING", "STOPPING", "WAITING")
LOGS = "/aws-glue/jobs"

_runs: Runs | None = None  # one for each process, as moto is global


def install(local: Local, minute: float = 60) -> None:
    """Make Glue's job runs real. `minute` is how many seconds a minute of a job's timeout lasts."""
    from moto.core.responses import ActionResult
    from moto.glue.exceptions import ConcurrentRunsExceededException, JobRunNotFoundException
    from moto.glue.models import FakeJob, FakeJobRun
    from moto.glue.responses import GlueResponse

    global _runs
    if _runs:
        _runs.close()
    _runs = runs = Runs(local, minute)
    local.at_close(runs.close)
    local.background(runs.serve, "glue-jobs")

    def start_job_run(self: Any, previous_run_id: str | None, **options: Any) -> str:
        active = sum(run.status in ACTIVE for run in self.job_runs)
        if active >= self.execution_property.get("MaxConcurrentRuns", 1):
            raise ConcurrentRunsExceededException(f"Concurrent runs exceeded for {self.name}")
        arguments = self.default_arguments | (options.pop("arguments") or {}) | (self.non_overridable_arguments or {})
        chosen = {name: value or getattr(self, name) for name, value in options.items()}
        run = FakeJobRun(job_name=self.name, job_run_id=previous_run_id, arguments=arguments, **chosen)
        run.glue_version = self.glue_version or "5.1"
        run.execution_class = self.execution_class
        run.timeout = run.timeout or (480 if float(run.glue_version) >= 5 else 2880)
        run.completed_on = run.error_message = None
        run.execution_time = 0
        self.job_runs.append(run)
        runs.enqueue(self, run)
        return str(run.job_run_id)

    def get_job_run(self: Any, run_id: str) -> Any:
        for run in self.job_runs:
            if run.job_run_id == run_id:
                return run
        raise JobRunNotFoundException(run_id)

    described = FakeJobRun.__dict__.get("_moto_as_dict", FakeJobRun.as_dict)

    def as_dict(self: Any) -> dict[str, Any]:
        description: dict[str, Any] = described(self)
        return description | {
            "CompletedOn": self.completed_on,
            "ErrorMessage": self.error_message,
            "ExecutionTime": self.execution_time,
            "ExecutionClass": self.execution_class,
            "GlueVersion": self.glue_version,
            "LogGroupName": LOGS,
        }

    def batch_stop_job_run(self: Any) -> Any:
        name = self._get_param("JobName")
        stopped, errors = [], []
        for run_id in self._get_param("JobRunIds"):
            try:
                run = self.glue_backend.get_job_run(name, run_id)
                if run.status not in ACTIVE:
                    raise ValueError(f"Job run {run_id} is in the terminal state {run.status}.")
            except JobRunNotFoundException as error:
                detail = {"ErrorCode": "EntityNotFoundException", "ErrorMessage": error.message}
                errors.append({"JobName": name, "JobRunId": run_id, "ErrorDetail": detail})
            except ValueError as error:
                detail = {"ErrorCode": "JobRunInTerminalStateException", "ErrorMessage": str(error)}
                errors.append({"JobName": name, "JobRunId": run_id, "ErrorDetail": detail})
            else:
                runs.stop(run)
                stopped.append({"JobName": name, "JobRunId": run_id})
        return ActionResult({"SuccessfulSubmissions": stopped, "Errors": errors})

    FakeJobRun._moto_as_dict = described
    FakeJobRun.as_dict = as_dict
    # Only the engine moves a run on: moto would do it by itself as time passes or as the run is looked at.
    FakeJobRun.status = property(lambda self: self._status, lambda self, value: setattr(self, "_status", value))
    FakeJob.start_job_run = start_job_run
    FakeJob.get_job_run = get_job_run
    FakeJob.get_job_runs = lambda self: self.job_runs[::-1]  # the newest first, as Glue lists them
    GlueResponse.batch_stop_job_run = batch_stop_job_run


def resume(local: Local) -> None:
    """Fail the runs that a stop of the local AWS has cut off."""
    from moto.glue.models import glue_backends

    for regions in glue_backends.values():
        for backend in regions.values():
            for run in (run for job in backend.jobs.values() for run in job.job_runs if run.status in ACTIVE):
                _end(run, "FAILED", "The local AWS was stopped while this run was in progress")


class Runs:
    """The queue of job runs and the one child that works through it."""

    def __init__(self, local: Local, minute: float) -> None:
        self._local = local
        self._minute = minute
        self._dir = local.dir / "spark"
        shutil.rmtree(self._dir / "runs", ignore_errors=True)  # of a local AWS that was stopped at work
        self._queue: Queue[tuple[Any, Any] | None] = Queue()
        self._lock = threading.Lock()  # around every change of a run's state
        self._current: Any = None
        self._closed = threading.Event()

    @cached_property
    def _worker(self) -> Worker:
        command = [sys.executable, "-m", "footlake.local.engines.spark_worker", str(self._dir)]
        return Worker(command, self._local.environment(), self._dir / "worker.log")

    def enqueue(self, job: Any, run: Any) -> None:
        """Run it when those before it have ended; until then it is STARTING."""
        self._queue.put((job, run))

    def stop(self, run: Any) -> None:
        """Have a run end as STOPPED, by force if it is at work."""
        with self._lock:
            if run is not self._current:
                _end(run, "STOPPED")
                return
            working, run.status = run.status == "RUNNING", "STOPPING"
            if working:
                self._worker.interrupt()

    def close(self) -> None:
        """End the child and whatever it runs; `resume` will say what became of that."""
        self._closed.set()
        self._queue.put(None)
        self._worker.close()
        shutil.rmtree(self._dir / SCRATCH, ignore_errors=True)

    def serve(self) -> None:
        """Execute what is enqueued, until `close`."""
        while (queued := self._queue.get()) and not self._closed.is_set():
            job, run = queued
            with self._lock:
                if run.status != "STARTING":
                    continue
                self._current = run
            try:
                state, message = self._execute(job, run)
            except Exception as error:
                logger.exception("run %s of %s", run.job_run_id, job.name)
                state, message = "FAILED", f"Internal service error: {error}"
            if self._closed.is_set():
                return
            with self._lock:
                self._current = None
                _end(run, state, message)

    def _execute(self, job: Any, run: Any) -> tuple[str, str | None]:
        """The state and error message in which the run ended, with its output already in CloudWatch Logs."""
        self._worker.call({})  # a JVM that starts is not the job's time
        with self._lock:
            if run.status != "STARTING":
                return "STOPPED", None
            run.status = "RUNNING"
        folder = self._dir / "runs" / run.job_run_id
        folder.mkdir(parents=True)
        begun = time.monotonic()
        outcome = self._outcome(job, run, folder)
        run.execution_time = round(time.monotonic() - begun)
        for file, group in (("stdout", "output"), ("stderr", "error")):
            if (folder / file).exists() and not self._closed.is_set():
                lines = (folder / file).read_text(errors="replace").splitlines()
                self._local.log(f"{LOGS}/{group}", run.job_run_id, lines, job.backend.region_name, job.role)
        shutil.rmtree(folder)
        return outcome

    def _outcome(self, job: Any, run: Any, folder: Path) -> tuple[str, str | None]:
        own = {
            "--JOB_NAME": job.name,
            "--JOB_ID": f"j_{hashlib.sha256(job.arn.encode()).hexdigest()}",
            "--JOB_RUN_ID": run.job_run_id,
        }
        request = {
            "dir": str(folder),
            "region": job.backend.region_name,
            "script": job.command["ScriptLocation"],
            "modules": [uri for uri in run.arguments.get("--extra-py-files", "").split(",") if uri],
            "arguments": run.arguments | own,
            "credentials": self._local.credentials(job.role),
        }
        try:
            error = self._worker.call(request, run.timeout * self._minute)["error"]
        except WorkerTimeout:
            return "TIMEOUT", "Job run timed out"
        except WorkerDied as death:
            return ("STOPPED", None) if run.status == "STOPPING" else ("FAILED", f"Command failed with {death}")
        return ("FAILED", error) if error else ("SUCCEEDED", None)


def _end(run: Any, state: str, message: str | None = None) -> None:
    from moto.core.utils import utcnow

    run.error_message = message
    run.completed_on = run.modified_on = utcnow()
    run.status = state
