"""Find the canonical source group of every clip of the CNN-RNN recogniser."""

from unmuted.engine.executor import Result
from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import load_clips, load_whole_experiment
from unmuted.samples.fits import ONLY_FIT
from unmuted.samples.source_groups import Sources
from unmuted.systems.cnn_rnn.sequences import SEQUENCES


def main(job: Job) -> None:
    """Bring the table up to date; its fingerprint is its content, so an equal one is kept."""
    experiment = load_whole_experiment(job, folds=1, needs=SEQUENCES)
    payload = Sources.of(experiment, load_clips(job, job.videos, [], SEQUENCES)).payload()
    job.run_fits({ONLY_FIT: payload}, lambda _: [Result(ONLY_FIT, payload)])


if "snakemake" in globals():
    run_job(snakemake, main)
