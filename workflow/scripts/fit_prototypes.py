"""Fit what each AudioSet label sounds like: for all training clips, and without each fold."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.features.label_head import read_label_head
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import FULL, fit_units, load_experiment
from unmuted.systems.shared.projection import Projection
from unmuted.systems.shared.prototypes_job import fit


def main(job: Job) -> None:
    """Bring the prototypes up to date; they read training clips only."""
    units = fit_units(load_experiment(job, ["ast"]), job.config["folds"])
    pca = job.fits("projection")[FULL]
    inputs = {
        name: [
            pca.row.digest,
            sorted([clip.key, *clip.digests("ast")] for clip in clips),
        ]
        for name, clips in units.items()
    }
    compute = partial(
        fit,
        units=units,
        projection=Projection(**pca.tensors()),
        head=read_label_head(job.model_spec("ast")).directions(),
        min_weight=job.config["prototypes"]["min_weight"],
    )
    job.run_fits(inputs, compute)


if "snakemake" in globals():
    run_job(snakemake, main)
