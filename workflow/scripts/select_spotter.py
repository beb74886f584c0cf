"""Choose checkpoints, temperatures, windows and thresholds of spotters on validation matches."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.samples.fits import ONLY_FIT
from unmuted.systems.highlights.context import Fitted
from unmuted.systems.highlights.fits import digests, load_steps, training_folds
from unmuted.systems.highlights.selection_job import select


def main(job: Job) -> None:
    """Bring the choice up to date; it reads validation recordings only."""
    experiment, fitted = load_steps(job), Fitted.of(job)
    clips, fits = experiment.split("val"), job.fits_by_seed("spotter")
    folds = training_folds(experiment, job.config["folds"])
    inputs = {
        "clips": digests(clips),
        "fits": [a.row.digest for by_arm in fits.values() for a in by_arm.values()],
        "fitted": fitted.digests(),
        "folds": sorted(folds.items()),
    }
    compute = partial(select, clips=clips, fits=fits, fitted=fitted, folds=folds, job=job)
    job.run_fits({ONLY_FIT: inputs}, compute)


if "snakemake" in globals():
    run_job(snakemake, main)
