"""Train architecture 1's generators, seed by seed: on all training clips, and without each fold."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.engine.seeds import inputs_by_seed
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import clips_of_fits, load_experiment
from unmuted.samples.fits import ALL_TRAINING
from unmuted.systems.arch1.training_job import train


def main(job: Job) -> None:
    """Bring the generators of the job's seeds up to date; they read training clips only."""
    clips = clips_of_fits(load_experiment(job, ["ast"]), job.config["folds"])
    pca = job.fits("projection")[ALL_TRAINING]
    read = {
        name: {
            "projection": pca.row.digest,
            "clips": sorted(
                [clip.group, *clip.digests("vit_rgb", "vit_flow", "ast")] for clip in of_fit
            ),
        }
        for name, of_fit in clips.items()
    }
    inputs = inputs_by_seed(job.job_seeds, read)
    job.run_seeds(inputs, partial(train, clips_of_fits=clips, job=job, pca=pca))


if "snakemake" in globals():
    run_job(snakemake, main)
