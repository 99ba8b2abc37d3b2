"""Run the Glue scripts with the local engine's Spark and a folder as the lake's bucket, without the rest of AWS."""

from __future__ import annotations

import runpy
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from footlake.local.engines import spark_worker

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts" / "glue"
BUCKET = "lake"
# The local engine turns compilation off because its jobs last a second. These jobs have more rows, as on Glue.
COMPILATION_SETTINGS = {
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC" + spark_worker.FAST_FORK,
    "spark.sql.codegen.wholeStage": "true",
}


class GlueSpark:
    """A running JVM that reads the folder `lake` as `s3://lake/`. `settings` are additional Spark settings."""

    def __init__(self, lake: Path, scratch: Path, **settings: str) -> None:
        self.lake = lake
        spark_worker.start_jvm(scratch, spark_worker.SPARK_SETTINGS | COMPILATION_SETTINGS)
        mount = f"spark.hadoop.fs.viewfs.mounttable.{BUCKET}.linkFallback"
        modules = {"spark.submit.pyFiles": str(SCRIPTS / "footlake_glue.py")}
        for name, value in {mount: lake.resolve().as_uri(), **modules, **settings}.items():
            spark_worker.set_property(name, value)
        sys.path[:0] = [str(SCRIPTS), str(spark_worker.AWSGLUE_SHIM)]

    def run(self, script: str, *arguments: str) -> str:
        """Run a script in a new Spark context, as Glue does, and return what it prints."""
        argv, sys.argv = sys.argv, [script, "--bucket", BUCKET, "--TempDir", f"s3://{BUCKET}/temporary/", *arguments]
        output = StringIO()
        try:
            with redirect_stdout(output):
                runpy.run_path(str(SCRIPTS / f"{script}.py"), run_name="__main__")
        finally:
            sys.argv = argv
            self.stop()
        return output.getvalue().strip()

    def stop(self) -> None:
        """Stop the script's Spark context, as the local engine does."""
        spark_worker.stop_spark()

    def reset_peak(self) -> None:
        """Reset the JVM's peak memory."""
        (self._process / "clear_refs").write_text("5")

    @property
    def peak(self) -> float:
        """The JVM's peak memory since the last reset, in MiB."""
        return int((self._process / "status").read_text().split("VmHWM:")[1].split()[0]) / 1024

    @property
    def _process(self) -> Path:
        from pyspark import SparkContext

        gateway: Any = SparkContext._gateway
        return Path(f"/proc/{gateway.proc.pid}")
