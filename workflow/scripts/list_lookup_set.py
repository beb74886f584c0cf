"""Name the training clips that retrieval searches, for the jobs of all shards."""

from unmuted.engine.executor import Result
from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import load_experiment
from unmuted.samples.fits import ONLY_FIT
from unmuted.samples.lookup_set import lookup_table


def main(job: Job) -> None:
    """Bring the table up to date; its fingerprint is its content, so an equal one is kept."""
    table = lookup_table(load_experiment(job, ["ast"]), job.config["folds"])
    job.run_fits({ONLY_FIT: table}, lambda _: [Result(ONLY_FIT, table)])


if "snakemake" in globals():
    run_job(snakemake, main)
