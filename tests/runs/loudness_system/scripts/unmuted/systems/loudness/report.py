"""The report of the loudness system: accuracy on the test clips that have sound."""

from __future__ import annotations

from typing import Any

from unmuted.engine.job import ReportJob
from unmuted.evaluation.provenance import provenance


def contents(job: ReportJob) -> dict[str, Any]:
    """The metrics: a test clip gets the class whose mean level is nearest."""
    means = job.fits("loudness_means")["all"].json()["means"]
    splits = job.read_splits()
    levels = job.artifacts("loudness", [name for name in splits if splits[name] == "test"])
    right = [
        min(means, key=lambda label: abs(means[label] - artifact.json()["db"]))
        == job.videos[name].label
        for name, artifact in levels.items()
    ]
    metrics = {
        "system": "loudness",
        "clips": len(right),
        "accuracy": sum(right) / len(right),
        "means": means,
        "provenance": provenance(job, sorted(levels), ()),
    }
    return {"metrics": metrics}
