"""Find the canonical source group of every recording, and the fold of every training match."""

from unmuted.engine.executor import Result
from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import load_clips, load_whole_experiment
from unmuted.samples.fits import ONLY_FIT
from unmuted.samples.source_groups import Sources
from unmuted.systems.highlights.loading import STEPS


def main(job: Job) -> None:
    """Bring the table up to date; its fingerprint is its content, so an equal one is kept."""
    experiment = load_whole_experiment(job, job.config["folds"], needs=STEPS)
    clips = load_clips(job, job.videos, [], STEPS)
    payload = Sources.of(experiment, clips, job.config["folds"]).payload()
    job.run_fits({ONLY_FIT: payload}, lambda _: [Result(ONLY_FIT, payload)])


if "snakemake" in globals():
    run_job(snakemake, main)
