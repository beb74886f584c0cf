"""Train the networks of audio-visual segmentation: every arm, seed by seed."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.engine.seeds import inputs_by_seed
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import training_folds
from unmuted.systems.segmentation.context import Context
from unmuted.systems.segmentation.fitted import Fitted, digests, in_order, load_seconds
from unmuted.systems.segmentation.loading import BOXES, TRUTH
from unmuted.systems.segmentation.training_job import train


def main(job: Job) -> None:
    """Bring the networks of the job's seeds up to date; they read training videos only."""
    pooled = job.stage.pooled
    experiment = load_seconds(job, *(stage for stage in (TRUTH, BOXES) if stage in pooled))
    fitted, folds = Fitted.of(job), training_folds(experiment, job.config["folds"])
    clips = in_order([clip for clip in experiment.split("train") if TRUTH in clip.artifacts])
    read = digests(clips)
    inputs = {}
    for seed in job.job_seeds:
        fits = {"clips": read, "fits": fitted.digests(seed), "folds": sorted(folds.items())}
        inputs |= inputs_by_seed([seed], dict.fromkeys(job.config["avs"]["arms"], fits))
    job.run_seeds(inputs, partial(train, clips=clips, context=Context(job, fitted, folds)))


if "snakemake" in globals():
    run_job(snakemake, main)
