"""Name the training clips that retrieval searches, for the jobs of all shards."""

from unmuted.engine.executor import Result
from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import load_experiment
from unmuted.samples.lookup_set import FIT, lookup_table


def main(job: Job) -> None:
    """Bring the table up to date; its fingerprint is what it says, so an equal one stays."""
    table = lookup_table(load_experiment(job, ["ast"]), job.config["folds"])
    job.run_fits({FIT: table}, lambda _: [Result(FIT, table)])


if "snakemake" in globals():
    run_job(snakemake, main)
