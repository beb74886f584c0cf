"""Fit what generated audio is compared with: ridge regression, and mean sounds of classes."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import (
    VIEWS,
    load_experiment,
    training_sound,
    validation_sound,
)
from unmuted.samples.fits import ALL_TRAINING, ONLY_FIT
from unmuted.systems.shared.baselines_job import fit


def main(job: Job) -> None:
    """Bring the baselines up to date; validation clips choose the penalty of the regression."""
    experiment = load_experiment(job, ["ast"])
    training, validation = training_sound(job, experiment), validation_sound(experiment)
    pca = job.fits("projection")[ALL_TRAINING]
    inputs = {
        "projection": pca.row.digest,
        "classes": list(job.classes),
        "training": [[clip.label or "", *clip.digests(*VIEWS, "ast")] for clip in training],
        "validation": [clip.digests(*VIEWS, "ast") for clip in validation],
    }
    compute = partial(fit, training=training, validation=validation, job=job, pca=pca)
    job.run_fits({ONLY_FIT: inputs}, compute)


if "snakemake" in globals():
    run_job(snakemake, main)
