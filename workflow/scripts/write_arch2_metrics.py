"""Compute results/arch2_metrics.json from the predictions on the test clips."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from unmuted.engine.job import ReportJob
from unmuted.evaluation.arms import ARMS
from unmuted.evaluation.generated_audio import generation_metrics
from unmuted.evaluation.outcomes import ArmOutcome
from unmuted.evaluation.provenance import provenance
from unmuted.evaluation.semantics import content_words_right, summarise_semantics
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import FULL, Clip
from unmuted.systems.arch2.report import build_report, write_arch2
from unmuted.systems.comparison.tested import load_tested
from unmuted.systems.shared.projection import Projection

STAGES = ("ast", "captions", "mapping", "generated", "predictions")


def main(job: ReportJob, metrics: str) -> None:
    """Write the metrics; nothing is fitted or chosen here."""
    tested = load_tested(job, STAGES)
    experiment, test = tested.experiment, tested.clips
    choices = job.units("selection")["all"].json()["arms"]
    arms = {
        arm: ArmOutcome(
            tested.probabilities(arm),
            tested.audio(arm),
            [choice["epoch"] for choice in choices[arm]],
        )
        for arm in ARMS
    }
    report = build_report(
        data=tested.data(),
        labels=tested.labels,
        arms=arms,
        bootstrap=tested.bootstrap,
        generation=_generation(job, test, tested.usable, tested.bootstrap),
        semantics={**_semantics(experiment.clips), **_against_truth(job, test)},
        provenance=provenance(job, [clip.video_id for clip in tested.clips]),
    )
    write_arch2(Path(metrics), report)


def _generation(
    job: ReportJob, clips: Sequence[Clip], usable: np.ndarray, bootstrap: object
) -> dict[str, object]:
    """How close generated features of these clips come to the real ones."""
    projection = Projection(**job.units("projection")[FULL].tensors())
    prototypes = job.units("prototypes")[FULL].tensors()["vectors"]
    made = [clip.artifacts["generated"].tensors() for clip in clips]
    scores = [
        clip.artifacts["ast"].tensors()["scores"] if clip.has_sound else np.zeros(len(prototypes))
        for clip in clips
    ]
    return generation_metrics(
        generated=np.stack([one["audio"] for one in made], axis=1),
        real=np.stack([clip.audio(projection) for clip in clips]),
        usable=usable,
        spread=np.stack([one["spread"] for one in made], axis=1),
        prototypes=prototypes,
        label_scores=np.stack(scores),
        bootstrap=bootstrap,
    )


def _against_truth(job: ReportJob, clips: Sequence[Clip]) -> dict[str, float]:
    """How right the captions are, where that is known: in the demo."""
    if not job.is_generated:
        return {}
    truth = job.artifacts("truth", [clip.video_id for clip in clips])
    captions = [clip.artifacts["captions"].json()["captions"] for clip in clips]
    truths = [truth[clip.video_id].json()["caption"] for clip in clips]
    return {"content_words_right": content_words_right(captions, truths)}


def _semantics(clips: Sequence[Clip]) -> dict[str, object]:
    captions = [clip.artifacts["captions"].json()["captions"] for clip in clips]
    mapped = [clip.artifacts["mapping"].json()["captions"] for clip in clips]
    return summarise_semantics(captions, [[one["labels"] for one in clip] for clip in mapped])


if "snakemake" in globals():
    run_job(snakemake, main)
