"""Fit the projection of the sound of steps on the training matches."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.samples.fits import ONLY_FIT
from unmuted.systems.highlights.fits import load_steps, with_sound
from unmuted.systems.highlights.projection_job import fit


def main(job: Job) -> None:
    """Bring the projection up to date; it reads recordings with sound that fits may read."""
    clips = with_sound(load_steps(job).clips_for_fits())
    inputs = {"clips": [clip.digests("step_sound") for clip in clips]}
    job.run_fits({ONLY_FIT: inputs}, partial(fit, clips=clips, job=job))


if "snakemake" in globals():
    run_job(snakemake, main)
