"""Write the outputs of a report; the report's module makes their contents."""

from pathlib import Path

from unmuted.engine.job import ReportJob
from unmuted.evaluation.outputs import write_output
from unmuted.pipeline.registry import run_job


def main(job: ReportJob, **outputs: str) -> None:
    """Write every output, such as `metrics`; nothing is fitted or chosen here."""
    contents = job.contents()
    for name, path in outputs.items():
        write_output(Path(path), contents[name])


if "snakemake" in globals():
    run_job(snakemake, main)
