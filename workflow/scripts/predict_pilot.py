"""Predict the class of every video of a shard with the pilot, and with its classification alone."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.features.visual import PILOT_VISUAL
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import FULL, load_clips
from unmuted.systems.pilot.fits import CLASSIFICATION, joint_unit
from unmuted.systems.pilot.prediction_job import predict


def main(job: Job) -> None:
    """Bring the pilot's predictions of one shard up to date."""
    clips = {c.video_id: c for c in load_clips(job, job.videos, PILOT_VISUAL)}
    selection = job.fits("pilot_selection")["all"].json()
    choices = {"pilot": (joint_unit(selection["lambda"], FULL), selection["joint"])}
    if selection[CLASSIFICATION]:
        choices["pilot_classification"] = (CLASSIFICATION, selection[CLASSIFICATION])
    fits = job.fits_by_seed("pilot")
    fitted = [
        [
            [arm, fits[one["seed"]][unit].row.digest, one["snapshot"]]
            for arm, (unit, chosen) in choices.items()
            for one in chosen
        ],
        job.classes,  # a class that is only renamed leaves the networks as they are
    ]
    extra = {name: [fitted, clip.split] for name, clip in clips.items()}
    compute = partial(predict, clips=clips, job=job, fits=fits, choices=choices)
    job.run_shard(compute, extra)


if "snakemake" in globals():
    run_job(snakemake, main)
