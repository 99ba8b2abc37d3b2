"""The engines of the local AWS: they perform the work that moto only records.

An engine is a module that footlake.local.server loads, with two functions: `install(local)` replaces methods of moto,
and the optional `resume(local)` runs after the saved state has been loaded (the scheduler only has `start(local)`).
Methods of moto are replaced by module-level functions; `functools.partialmethod` passes them the engine as second
argument.

| AWS | engine | child process |
|---|---|---|
| Lambda | lambda_functions | lambda_runtime |
| Glue jobs | spark | spark_worker, with s3_mirror and awsglue_shim |
| Glue crawlers | crawler, with crawler_s3, crawler_jdbc, crawler_schemas and crawler_catalog | |
| EventBridge | scheduler, eventbridge | |
| EventBridge Scheduler | scheduler, schedules | |
| SageMaker Autopilot | autopilot, with autopilot_job and sagemaker_jobs | model_worker, started by model_process |
| SageMaker batch transform | transform, with transform_job and sagemaker_jobs | model_worker |
| RDS | rds, with rds_instances | MariaDB, found by mysql_program and started by mysql |

Engines may import moto when they are loaded, since footlake.local.server sets moto's environment variables first.
Modules of child processes must import neither moto nor an engine; `worker` is the pipe between both sides.
lambda_runtime imports the standard library only.
"""
