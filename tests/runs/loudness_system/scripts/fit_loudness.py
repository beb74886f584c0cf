"""Fit the mean level of every class on the training clips."""

import numpy as np

from unmuted.engine.executor import Result
from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job


def main(job: Job) -> None:
    """Bring the means up to date."""
    levels = job.artifacts("loudness", job.videos)
    inputs = {name: [job.videos[name].label, one.row.digest] for name, one in levels.items()}

    def compute(_):
        by_class = {label: [] for label in job.classes}
        for name, artifact in levels.items():
            by_class[job.videos[name].label].append(artifact.json()["db"])
        means = {label: float(np.mean(values)) for label, values in by_class.items()}
        return [Result("all", {"means": means, "clips": len(levels)})]

    job.run_fits({"all": inputs}, compute)


if "snakemake" in globals():
    run_job(snakemake, main)
