"""Compute results/pilot_metrics.json from what the pilot said and made of the test clips."""

from pathlib import Path

import numpy as np

from unmuted.engine.job import ReportJob
from unmuted.evaluation.outcomes import ArmOutcome
from unmuted.evaluation.provenance import ROLES, provenance
from unmuted.evaluation.schema import write_report
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import FULL
from unmuted.systems.comparison.tested import TestedClips, load_tested
from unmuted.systems.pilot.report import SCHEMA, build_report, generation_section, lambda_section
from unmuted.systems.shared.projection import Projection

STAGES = ("ast", "pilot_generated", "pilot_predictions")
MODELS = (*ROLES, "pilot_backbone")
CHOSEN = {"pilot": "joint", "pilot_classification": "classification"}  # by arm, in the selection


def main(job: ReportJob, metrics: str) -> None:
    """Write the metrics; nothing is fitted or chosen here."""
    tested = load_tested(job, STAGES)
    selection = job.units("pilot_selection")["all"].json()
    ids = [clip.video_id for clip in tested.clips]
    report = build_report(
        data=tested.data(),
        labels=tested.labels,
        arms={
            arm: ArmOutcome(
                tested.probabilities(arm, "pilot_predictions"),
                tested.audio(arm),
                [one["epoch"] for one in selection[chosen]],
            )
            for arm, chosen in CHOSEN.items()
        },
        bootstrap=tested.bootstrap,
        sections={
            "lambda": lambda_section(selection),
            "generation": _generation(job, tested),
            "provenance": provenance(job, ids, MODELS),
        },
    )
    write_report(Path(metrics), report, SCHEMA)


def _generation(job: ReportJob, tested: TestedClips) -> dict[str, object]:
    """How close generated features of the test clips come to the real ones."""
    projection = Projection(**job.units("projection")[FULL].tensors())
    made = [clip.artifacts["pilot_generated"].tensors() for clip in tested.clips]
    joint, alone = (np.stack([one[name] for one in made], axis=1) for name in ("audio", "alone"))
    real = np.stack([clip.audio(projection) for clip in tested.clips])
    return generation_section(joint, alone, real, tested.usable, tested.bootstrap)


if "snakemake" in globals():
    run_job(snakemake, main)
