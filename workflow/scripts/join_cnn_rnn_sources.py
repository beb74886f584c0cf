"""Say in which source group every clip of the CNN-RNN recogniser counts."""

from unmuted.engine.executor import Result
from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import load_clips, load_whole_experiment
from unmuted.samples.source_groups import UNIT, Sources
from unmuted.systems.cnn_rnn.sequences import SEQUENCES


def main(job: Job) -> None:
    """Bring the table up to date; its recipe is what it says, so what says the same stays."""
    experiment = load_whole_experiment(job, folds=1, needs=SEQUENCES)
    payload = Sources.of(experiment, load_clips(job, job.videos, [], SEQUENCES)).payload()
    job.run_fits({UNIT: payload}, lambda _: [Result(UNIT, payload)])


if "snakemake" in globals():
    run_job(snakemake, main)
