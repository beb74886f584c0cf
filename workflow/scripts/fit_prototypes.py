"""Fit the prototypes of the AudioSet labels: on all training clips, and without each fold."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.features.label_head import read_label_head
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import clips_of_fits, load_experiment
from unmuted.samples.fits import ALL_TRAINING
from unmuted.systems.shared.projection import Projection
from unmuted.systems.shared.prototypes_job import fit


def main(job: Job) -> None:
    """Bring the prototypes up to date; they read training clips only."""
    clips = clips_of_fits(load_experiment(job, ["ast"]), job.config["folds"])
    pca = job.fits("projection")[ALL_TRAINING]
    inputs = {
        name: [
            pca.row.digest,
            sorted([clip.key, *clip.digests("ast")] for clip in of_fit),
        ]
        for name, of_fit in clips.items()
    }
    compute = partial(
        fit,
        clips_of_fits=clips,
        projection=Projection(**pca.tensors()),
        head=read_label_head(job.model_spec("ast")).directions(),
        min_weight=job.config["prototypes"]["min_weight"],
    )
    job.run_fits(inputs, compute)


if "snakemake" in globals():
    run_job(snakemake, main)
