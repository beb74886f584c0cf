"""results/semantic_dictionary.csv: the nearest AudioSet labels of every action."""

from __future__ import annotations

from unmuted.engine.job import ReportJob
from unmuted.evaluation.outputs import Output, table
from unmuted.features.audioset import load_labels
from unmuted.samples.fits import ONLY_FIT
from unmuted.systems.arch1.dictionary import TOP, SemanticDictionary


def contents(job: ReportJob) -> dict[str, Output]:
    """Make the dictionary's table."""
    words = job.fits("dictionary")[ONLY_FIT].tensors()
    similarity = words["actions"] @ words["labels"].T
    dictionary = SemanticDictionary(tuple(job.classes), tuple(load_labels()), similarity)
    return {"table": table(dictionary.rows(TOP))}
