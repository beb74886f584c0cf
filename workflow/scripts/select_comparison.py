"""Choose, on the validation clips, each classifier's checkpoint and what the filters reject."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from unmuted.classification.arms import leaking_arms
from unmuted.classification.comparison import (
    FILTERS,
    REAL_OR,
    Fillings,
    at_percentile,
    base_of,
    filter_rule,
    keep,
    lent_audio,
    load_fillings,
    similarities,
    training_statistics,
    video_posterior,
)
from unmuted.classification.selection import select_snapshot
from unmuted.engine.job import Job
from unmuted.engine.runner import Artifact, Outcome, Task
from unmuted.experiment import FULL, Clip, Experiment, load_experiment
from unmuted.generation.projection import Projection
from unmuted.missing import is_missing
from unmuted.pipeline import run_job
from unmuted.report.metrics import accuracy
from unmuted.semantics.feature_filter import true_similarity

STAGES = (
    *("ast", "generated", "video_generated", "pilot_generated", "retrieved"),
    *("predicted_labels", "predictions"),
)
MISSING = 0.5  # share of the validation clips without their sound, for classifiers that fill it
Classifiers = Mapping[int, Mapping[str, Artifact]]  # by seed and unit


def select(
    tasks: Sequence[Task],
    experiment: Experiment,
    classifiers: Classifiers,
    job: Job,
    space: Artifact,
) -> Iterator[Outcome]:
    """Of each unit and seed the chosen checkpoint; of each filter its percentile and thresholds."""
    from unmuted.features.device import use_device

    device = str(use_device(job.config["device"], job.threads))
    projection, clips = Projection(**space.tensors()), experiment.split("val")
    masks, rule = job.config["missing"]["seed"], filter_rule(job.config["filter"])
    statistics = training_statistics(experiment.split("train"), projection)
    posterior = video_posterior(clips)
    labels, leaks = experiment.labels(clips), leaking_arms(job.config["filter"])
    told = {filling: labels if filling in leaks else None for filling in FILTERS}
    judged = {
        filling: rule.judge(similarities(clips, filling), posterior, told[filling])
        for filling in FILTERS
    }
    limits = {
        at_percentile(filling, percentile): rule.thresholds(judged[filling], percentile)
        for filling in FILTERS
        for percentile in rule.percentiles
    }
    kept = {unit: keep(judged[base_of(unit)], limit) for unit, limit in limits.items()}
    swapped = lent_audio(clips, projection, masks)
    fillings = load_fillings(clips, projection, statistics, swapped, kept, masks)
    heard = np.array([not is_missing(clip.key, masks, MISSING) for clip in clips])
    for task in tasks:
        chosen = {
            unit: [
                _choice(arms[unit], unit, fillings, index, heard, labels, device) | {"seed": seed}
                for index, (seed, arms) in enumerate(classifiers.items())
            ]
            for unit in next(iter(classifiers.values()))
        }
        true = true_similarity(similarities(clips, "filtered"), labels)
        yield Outcome(
            task.name,
            {
                "validation_clips": len(clips),
                "units": chosen,
                "filters": {
                    filling: _filter_choice(filling, rule.percentiles, chosen, limits, kept)
                    for filling in FILTERS
                },
                "oracle_thresholds": {f"{p:g}": rule.thresholds(true, p) for p in rule.percentiles},
                "random_statistics": {k: v.tolist() for k, v in vars(statistics).items()},
            },
        )


def _choice(
    artifact: Artifact,
    unit: str,
    fillings: Fillings,
    index: int,
    heard: np.ndarray,
    labels: np.ndarray,
    device: str,
) -> dict[str, object]:
    from unmuted.classification.training import predict
    from unmuted.fitting.checkpoints import unpack_fit

    fit = unpack_fit(artifact.tensors())
    x = fillings.of_unit(unit, index, heard if unit.startswith(REAL_OR) else None)
    predicted = [predict(state, x, device) for state in fit.snapshots]
    choice = select_snapshot(predicted, labels)
    return {
        "snapshot": choice.index,
        "epoch": fit.epochs[choice.index],
        "log_losses": choice.log_losses,
        "accuracy": accuracy(labels, predicted[choice.index].argmax(axis=1)),
    }


def _filter_choice(
    filling: str,
    percentiles: Sequence[float],
    chosen: Mapping[str, Sequence[Mapping[str, object]]],
    limits: Mapping[str, list[float]],
    kept: Mapping[str, np.ndarray],
) -> dict[str, object]:
    """The percentile with the least mean log-loss over seeds, the smallest of equals."""
    always = at_percentile(filling, percentiles[0]) in chosen
    candidates = []
    for percentile in percentiles:
        unit = at_percentile(filling, percentile)
        judged = unit if always else f"{REAL_OR}{unit}"
        losses = [min(c["log_losses"]) for c in chosen.get(judged, [])]
        right = [c["accuracy"] for c in chosen.get(judged, [])]
        candidates.append(
            {
                "percentile": percentile,
                "log_loss": float(np.mean(losses)) if losses else None,
                "accuracy": right,
                "thresholds": limits[unit],
                "kept_share": [float(share) for share in kept[unit].mean(axis=0)],
            }
        )
    tried = [one for one in candidates if one["log_loss"] is not None]
    best = min(tried, key=lambda one: one["log_loss"]) if tried else None
    return {"chosen": best and best["percentile"], "candidates": candidates}


def main(job: Job) -> None:
    """Bring the choice up to date; it reads validation clips, and how training sound varies."""
    experiment = load_experiment(job, STAGES)
    space = job.units("projection")[FULL]
    classifiers = job.fits_by_seed("comparison_classifier")
    inputs = {
        "clips": sorted(_read(clip) for clip in experiment.split("val")),
        "training_sound": sorted(
            clip.digests("vit_rgb", "ast") for clip in experiment.split("train")
        ),
        "projection": space.row.digest,
        "classifiers": {
            seed: {unit: artifact.row.digest for unit, artifact in units.items()}
            for seed, units in classifiers.items()
        },
    }
    compute = partial(
        select,
        experiment=experiment,
        classifiers=classifiers,
        job=job,
        space=space,
    )
    job.run_fits({"all": inputs}, compute)


def _read(clip: Clip) -> list[str]:
    return [clip.label, clip.group, *clip.digests("vit_rgb", "vit_flow", *STAGES)]


if "snakemake" in globals():
    run_job(snakemake, main)
