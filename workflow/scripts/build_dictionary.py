"""Build the Semantic Dictionary: how similar each AudioSet label is to each action's name."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.features.audioset import load_labels
from unmuted.pipeline.registry import run_job
from unmuted.samples.fits import ONLY_FIT
from unmuted.systems.arch1.dictionary_job import build


def main(job: Job) -> None:
    """Bring the dictionary up to date."""
    classes = job.classes
    compute = partial(build, classes=classes, job=job)
    job.run_fits({ONLY_FIT: [classes, load_labels()]}, compute)


if "snakemake" in globals():
    run_job(snakemake, main)
