"""Choose checkpoints and thresholds of audio-visual segmentation on validation videos."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import training_folds
from unmuted.samples.fits import ONLY_FIT
from unmuted.systems.segmentation.context import Context
from unmuted.systems.segmentation.fitted import Fitted, digests, in_order, load_seconds
from unmuted.systems.segmentation.loading import TRUTH
from unmuted.systems.segmentation.selection_job import select


def main(job: Job) -> None:
    """Bring the choice up to date; it reads validation videos only."""
    experiment, fitted = load_seconds(job, TRUTH), Fitted.of(job)
    folds = training_folds(experiment, job.config["folds"])
    clips = in_order([clip for clip in experiment.split("val") if TRUTH in clip.artifacts])
    fits = job.fits_by_seed("avs")
    inputs = {
        "clips": digests(clips),
        "fits": [a.row.digest for by_arm in fits.values() for a in by_arm.values()],
        "fitted": fitted.digests(),
        "folds": sorted(folds.items()),
    }
    context = Context(job, fitted, folds)
    compute = partial(select, clips=clips, fits=fits, context=context)
    job.run_fits({ONLY_FIT: inputs}, compute)


if "snakemake" in globals():
    run_job(snakemake, main)
