"""The processing and training jobs that an AutoML job starts, as SageMaker lists, describes and bills them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.sagemaker.models import FakeProcessingJob, FakeTrainingJob
from moto.sagemaker.responses import SageMakerResponse

from footlake.local.engines import sagemaker_jobs
from footlake.local.patches.sagemaker import list_page, now
from footlake.local.validation.service_rules.sagemaker import AUTOPILOT_INSTANCE

INSTANCES = {"InstanceType": AUTOPILOT_INSTANCE, "InstanceCount": 1, "VolumeSizeInGB": 30}


def install() -> None:
    """List the jobs with the filters and pages of SageMaker, some of which moto lacks."""
    SageMakerResponse.list_processing_jobs = list_processing_jobs
    SageMakerResponse.list_training_jobs = list_training_jobs


def resume() -> None:
    """Stop the jobs that ran when the local AWS stopped."""
    for backend in sagemaker_jobs.sagemaker_backends():
        for job in list(backend.processing_jobs.values()):
            if job.processing_job_status == "InProgress":
                _end_processing(job, "Stopped")
        for job in list(backend.training_jobs.values()):
            if job.training_job_status == "InProgress":
                _end_training(job, "Stopped")


@contextmanager
def processing_job(job: Any, name: str) -> Iterator[None]:
    """Let a processing job of the AutoML job `job` run during the block."""
    part = FakeProcessingJob(
        app_specification={"ImageUri": "autogluon"},
        experiment_config={},
        network_config={},
        processing_inputs=[],
        processing_job_name=name,
        processing_output_config={"Outputs": []},
        account_id=job.arn.split(":")[4],
        region_name=job.region_name,
        role_arn=job.role_arn,
        tags=[],
        stopping_condition={"MaxRuntimeInSeconds": 86400},
    )
    part.processing_resources = {"ClusterConfig": INSTANCES}
    part.processing_start_time, part.processing_end_time = now(), None
    part.processing_job_status = "InProgress"
    sagemaker_jobs.backend_of(job).processing_jobs[name] = part
    try:
        yield
    except BaseException:
        _end_processing(part, "Failed")
        raise
    _end_processing(part, "Completed")


@contextmanager
def training_job(job: Any, name: str) -> Iterator[None]:
    """Let a training job of the AutoML job `job` run during the block."""
    part = FakeTrainingJob(
        account_id=job.arn.split(":")[4],
        region_name=job.region_name,
        training_job_name=name,
        hyper_parameters={},
        algorithm_specification={"TrainingInputMode": "File"},
        role_arn=job.role_arn,
        input_data_config=[],
        output_data_config=job.output_data_config,
        resource_config=INSTANCES,
        vpc_config={},
        stopping_condition={"MaxRuntimeInSeconds": 86400},
        tags=[],
        enable_network_isolation=False,
        enable_inter_container_traffic_encryption=False,
        enable_managed_spot_training=False,
        checkpoint_config={},
        debug_hook_config={},
        debug_rule_configurations=[],
        tensor_board_output_config={},
        experiment_config={},
    )
    part.training_job_status, part.secondary_status = "InProgress", "Training"
    part.training_start_time, part.training_end_time = now(), None
    part.final_metric_data_list = []
    sagemaker_jobs.backend_of(job).training_jobs[name] = part
    try:
        yield
    except BaseException:
        _end_training(part, "Failed")
        raise
    _end_training(part, "Completed")


def _end_processing(part: Any, status: str) -> None:
    part.processing_end_time = part.last_modified_time = now()
    part.processing_job_status = status


def _end_training(part: Any, status: str) -> None:
    part.training_end_time = part.last_modified_time = now()
    seconds = (part.training_end_time - part.training_start_time).total_seconds()
    part.training_time_in_seconds = part.billable_time_in_seconds = max(1, round(seconds))
    part.training_job_status = part.secondary_status = status


def list_processing_jobs(response: Any) -> Any:
    """Answer ListProcessingJobs."""
    jobs = [job.response_object for job in list(response.sagemaker_backend.processing_jobs.values())]
    return list_page(response, "ProcessingJobSummaries", jobs, "ProcessingJobName", "ProcessingJobStatus")


def list_training_jobs(response: Any) -> Any:
    """Answer ListTrainingJobs."""
    jobs = [job.response_object for job in list(response.sagemaker_backend.training_jobs.values())]
    return list_page(response, "TrainingJobSummaries", jobs, "TrainingJobName", "TrainingJobStatus")
