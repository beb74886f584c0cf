"""Predict the class of every video of a shard with the pilot, and with its classification alone."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.features.visual import PILOT_VISUAL
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import load_clips
from unmuted.samples.fits import ALL_TRAINING, ONLY_FIT
from unmuted.systems.pilot.fits import CLASSIFICATION, joint_fit
from unmuted.systems.pilot.prediction_job import predict


def main(job: Job) -> None:
    """Bring the pilot's predictions of one shard up to date."""
    clips = {c.video_id: c for c in load_clips(job, job.videos, PILOT_VISUAL)}
    selection = job.fits("pilot_selection")[ONLY_FIT].json()
    choices = {"pilot": (joint_fit(selection["lambda"], ALL_TRAINING), selection["joint"])}
    if selection[CLASSIFICATION]:
        choices["pilot_classification"] = (CLASSIFICATION, selection[CLASSIFICATION])
    fits = job.fits_by_seed("pilot")
    fitted = [
        [
            [arm, fits[choice["seed"]][name].row.digest, choice["snapshot"]]
            for arm, (name, choices_of_seeds) in choices.items()
            for choice in choices_of_seeds
        ],
        job.classes,  # a class that is only renamed leaves the networks as they are
    ]
    extra = {name: [fitted, clip.split] for name, clip in clips.items()}
    compute = partial(predict, clips=clips, job=job, fits=fits, choices=choices)
    job.run_shard(compute, extra)


if "snakemake" in globals():
    run_job(snakemake, main)
