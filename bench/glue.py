"""Glue scripts without the rest of AWS: the local engine's Spark and a folder as the lake's bucket."""

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
# The local engine has jobs of a second, for which nothing is worth compiling twice; these have more rows, as on Glue.
COMPILING = {"spark.driver.extraJavaOptions": "-XX:+UseSerialGC", "spark.sql.codegen.wholeStage": "true"}


class Spark:
    """A warm JVM that sees the folder `lake` as `s3://lake/`; `settings` are Spark's, beside the local engine's."""

    def __init__(self, lake: Path, scratch: Path, **settings: str) -> None:
        self.lake = lake
        spark_worker.start_jvm(scratch, spark_worker.SPARK_SETTINGS | COMPILING)
        mount = f"spark.hadoop.fs.viewfs.mounttable.{BUCKET}.linkFallback"
        modules = {"spark.submit.pyFiles": str(SCRIPTS / "footlake_glue.py")}
        for name, value in {mount: lake.resolve().as_uri(), **modules, **settings}.items():
            spark_worker.set_property(name, value)
        sys.path[:0] = [str(SCRIPTS), str(spark_worker.AWSGLUE_SHIM)]

    def run(self, script: str, *arguments: str) -> str:
        """What a script prints; as on Glue, it has a Spark context of its own."""
        argv, sys.argv = sys.argv, [script, "--bucket", BUCKET, "--TempDir", f"s3://{BUCKET}/temporary/", *arguments]
        said = StringIO()
        try:
            with redirect_stdout(said):
                runpy.run_path(str(SCRIPTS / f"{script}.py"), run_name="__main__")
        finally:
            sys.argv = argv
            self.stop()
        return said.getvalue().strip()

    def stop(self) -> None:
        """End the script's Spark context, as the local engine does."""
        spark_worker.stop_spark()

    def forget_peak(self) -> None:
        """Count the JVM's peak memory anew."""
        (self._process / "clear_refs").write_text("5")

    @property
    def peak(self) -> float:
        """The JVM's peak memory, in MiB."""
        return int((self._process / "status").read_text().split("VmHWM:")[1].split()[0]) / 1024

    @property
    def _process(self) -> Path:
        from pyspark import SparkContext

        gateway: Any = SparkContext._gateway
        return Path(f"/proc/{gateway.proc.pid}")
