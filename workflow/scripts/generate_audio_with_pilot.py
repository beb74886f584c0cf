"""Generate every video's audio features with the pilot, training clips out of fold."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.features.visual import PILOT_VISUAL
from unmuted.pipeline.registry import run_job
from unmuted.samples.fits import ONLY_FIT
from unmuted.samples.source_groups import read_canonical_clips
from unmuted.systems.pilot.generation_job import fits_of_weight, serve, served_by


def main(job: Job) -> None:
    """Bring the pilot's audio of one shard up to date."""
    sources, clips = read_canonical_clips(job, PILOT_VISUAL)
    weight = job.fits("pilot_selection")[ONLY_FIT].json()["lambda"]
    fits = job.fits_by_seed("pilot")
    served = fits_of_weight(fits, weight)
    inputs = {
        name: [served_by(clip, served, sources.folds), weight, clip.group]
        for name, clip in clips.items()
    }
    read = {"fits": fits, "weight": weight, "folds": sources.folds}
    compute = partial(serve, clips=clips, job=job, n_folds=job.config["folds"], **read)
    job.run_shard(compute, inputs)


if "snakemake" in globals():
    run_job(snakemake, main)
