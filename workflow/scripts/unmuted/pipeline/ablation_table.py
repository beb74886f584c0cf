"""The table of a grid of ablations: each setting changed alone, against the run itself."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from unmuted.engine.job import FullReader
from unmuted.engine.run import Run
from unmuted.evaluation.arms import leaking_arms
from unmuted.evaluation.bootstrap import interval
from unmuted.evaluation.evidence import KEY, exploratory
from unmuted.evaluation.metrics import mean_cosine, r2
from unmuted.evaluation.outputs import table
from unmuted.evaluation.tested import TestedClips, load_tested
from unmuted.pipeline.ablations import Ablation, ablations
from unmuted.samples.fits import ALL_TRAINING
from unmuted.systems.shared.projection import Projection

COLUMNS = [
    *("setting", "value", "is_default", "arm", "leaks", "accuracy", "ci95_low", "ci95_high"),
    *("minus_default", "minus_default_low", "minus_default_high"),
    *("minus_video_only", "minus_video_only_low", "minus_video_only_high"),
    *("validation_accuracy", "generated_r2", "generated_cosine", "problem"),
]
GENERATED = {
    "generated": "generated",
    "generated_arch1": "video_generated",
    "generated_pilot": "pilot_generated",
}


def ablation_table(run: Run, grid: str) -> pd.DataFrame:
    """Make a row for every arm that a setting of the grid can change.

    Nothing is chosen here: a default stays the default whatever the results are.
    """
    tested = load_tested(FullReader(run), ["ast"])
    remark = exploratory(len(run.seeds))
    remarks = {} if remark is None else {KEY: remark}
    rows = [row for ablation in ablations(run, grid) for row in _rows(run, tested, ablation)]
    return table([row | remarks for row in rows], [*COLUMNS, *remarks])


def _rows(base: Run, tested: TestedClips, ablation: Ablation) -> Iterator[dict[str, object]]:
    """Yield a row for every arm that the setting can change."""
    setting = {"setting": ablation.key, "value": ablation.value}
    if problem := _missing_clips(ablation.run, tested):
        yield from (setting | {"problem": problem, "arm": arm} for arm in ablation.arms)
        return
    leaks = leaking_arms(ablation.run.config["filter"])
    for arm in ablation.arms:
        correct, default = (_right(run, tested, arm, "test") for run in (ablation.run, base))
        video = _right(ablation.run, tested, "video_only", "test")
        row = setting | {"arm": arm}
        row |= {"is_default": int(ablation.run is base), "leaks": int(arm in leaks)}
        row |= _numbers("accuracy", "ci95", correct, tested)
        row |= _numbers("minus_default", "minus_default", correct - default, tested)
        row |= _numbers("minus_video_only", "minus_video_only", correct - video, tested)
        row["validation_accuracy"] = f"{_right(ablation.run, tested, arm, 'val').mean():.4f}"
        yield row | _likeness(ablation.run, tested, arm)


def _missing_clips(run: Run, tested: TestedClips) -> str:
    """Describe the clips that a run could not process but the others could; "" without any."""
    names = [clip.video_id for split in ("val", "test") for clip in tested.experiment.split(split)]
    absent = sorted(set(names) - set(FullReader(run).artifacts("predictions", names)))
    return f"{len(absent)} clips are excluded, such as {absent[0]}" if absent else ""


def _right(run: Run, tested: TestedClips, arm: str, split: str) -> np.ndarray:
    """Return 1 where a seed's classifier is right about a clip of a split: float (S, N)."""
    clips = tested.experiment.split(split)
    stage = "predictions" if arm in ("video_only", "generated") else "comparison_predictions"
    artifacts = FullReader(run).artifacts(stage, [clip.video_id for clip in clips])
    predictions = [artifacts[clip.video_id].json()["arms"][arm] for clip in clips]
    by_seed = [p["probabilities"] if isinstance(p, dict) else p for p in predictions]
    return (tested.experiment.labels(clips) == np.argmax(by_seed, axis=2).T).astype(float)


def _numbers(name: str, prefix: str, values: np.ndarray, tested: TestedClips) -> dict[str, str]:
    low, high = interval(tested.bootstrap.means(values))
    numbers = {name: values.mean(), f"{prefix}_low": low, f"{prefix}_high": high}
    return {key: f"{value:.4f}" for key, value in numbers.items()}


def _likeness(run: Run, tested: TestedClips, arm: str) -> dict[str, str]:
    """Compare the arm's generated features of test clips with the real ones."""
    names = [clip.video_id for clip in tested.clips]
    reader = FullReader(run)
    ast = reader.artifacts("ast", names)  # of this run: the setting may change AST features
    if arm not in GENERATED or not ast:
        return {}
    generated = reader.artifacts(GENERATED[arm], ast)
    by_seed = np.stack([generated[name].tensors()["audio"] for name in ast], axis=1)  # (S, N, T, A)
    projection = Projection(**reader.fits("projection")[ALL_TRAINING].tensors())
    real = np.stack([projection.apply(artifact.tensors()["tokens"]) for artifact in ast.values()])
    return {
        "generated_r2": f"{np.mean([r2(of_seed, real) for of_seed in by_seed]):.4f}",
        "generated_cosine": f"{np.mean([mean_cosine(of_seed, real) for of_seed in by_seed]):.4f}",
    }
