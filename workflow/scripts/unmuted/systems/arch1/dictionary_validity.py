"""How valid the Semantic Dictionary is, and whether its words matter for the decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from unmuted.engine.job import ReportJob
from unmuted.evaluation.bootstrap import GroupBootstrap, interval
from unmuted.evaluation.controls import ALARM, OK
from unmuted.evaluation.generated_audio import PRESENT
from unmuted.evaluation.tested import TestedClips
from unmuted.samples.experiment import Clip
from unmuted.samples.fits import ONLY_FIT
from unmuted.systems.arch1.feature_filter import action_similarity, label_vectors, labels_agree
from unmuted.systems.arch1.filter_rule import FilterRule, filter_rule, keep, video_posterior


def describe_dictionary(job: ReportJob, tested: TestedClips, percentile: float) -> dict[str, Any]:
    """Build the lines "validity" and "null_dictionaries"; nothing here is a choice.

    percentile: of the filter, chosen on validation clips. The real dictionary is the first of all;
    the null dictionaries have words that no class uses in place of the actions' words.
    """
    words, top = job.fits("dictionary")[ONLY_FIT].tensors(), job.config["filter"]["top_labels"]
    dictionaries = np.concatenate([words["actions"][None], words["null_actions"]])  # (1 + D, C, E)
    with_audio = [i for i, clip in enumerate(tested.clips) if clip.has_sound]
    clips, labels = [tested.clips[i] for i in with_audio], tested.labels[with_audio]
    guessed = np.zeros((len(dictionaries), 0), int)  # (1 + D, n)
    if clips:
        scores = np.stack([clip.artifacts["ast"].tensors()["scores"] for clip in clips])
        vectors = label_vectors(scores, words["labels"], top)
        guessed = np.stack([action_similarity(vectors, d).argmax(axis=1) for d in dictionaries])
    rule = filter_rule(job.config["filter"])
    val = tested.experiment.split("val")
    kept = []
    for actions in dictionaries:
        by_clips = [
            _judged(rule, of_split, words["labels"], actions, top)
            for of_split in (val, tested.clips)
        ]
        kept.append(decisions(rule, percentile, *by_clips))
    verdicts = np.stack(kept)  # (1 + D, N, S)
    return {
        "validity": {
            "clips": len(clips),
            **_beside_nulls(_means(guessed == labels)),
            **judge_validity(guessed[0], labels, with_audio, tested.bootstrap),
        },
        "null_dictionaries": {
            "count": len(dictionaries) - 1,
            "same_decision": float((verdicts[1:] == verdicts[:1]).mean()),
            "kept_clips_that_agree": _beside_nulls(_agreement(verdicts[:, with_audio], clips)),
        },
    }


def judge_validity(
    guessed: np.ndarray, labels: np.ndarray, clips: Sequence[int], bootstrap: GroupBootstrap
) -> dict[str, Any]:
    """Tell whether the true action fits best more often than by chance: "ok", else "ALARM".

    Chance is the share of clips that would fit if the best actions were dealt to the clips at
    random. So a dictionary that answers one action for every clip is at chance, however many clips
    show that action.

    guessed, labels: int (n,), the action that fits best and the true one, of the test clips with
    these indices. All is None without any clip.
    """
    if len(clips) == 0:
        return {"chance": None, "ci95": None, "above_chance_ci95": None, "status": None}
    fits = guessed == labels
    by_chance = np.bincount(guessed, minlength=labels.max() + 1)[labels] / len(guessed)  # (n,)
    ci95, above = (
        _interval_of_mean(values, clips, bootstrap) for values in (fits, fits - by_chance)
    )
    return {
        "chance": float(by_chance.mean()),
        "ci95": ci95,
        "above_chance_ci95": above,
        "status": OK if above[0] > 0 else ALARM,
    }


def _interval_of_mean(
    values: np.ndarray, clips: Sequence[int], bootstrap: GroupBootstrap
) -> list[float]:
    """Compute the 95 % interval of the mean of values (n,) of the test clips with these indices."""
    seeds, count = bootstrap.seed_shares.shape[1], len(bootstrap.group_of_clip)
    of_all, where = np.zeros((seeds, count)), np.zeros(count, bool)
    of_all[:, clips], where[clips] = values, True
    samples = bootstrap.means(of_all, where)
    return list(interval(samples[np.isfinite(samples)]))


def decisions(
    rule: FilterRule, percentile: float, validated: np.ndarray, judged: np.ndarray
) -> np.ndarray:
    """Tell which clips a filter keeps, bool (N, S), with thresholds from validation clips.

    validated, judged: similarities (M, S) and (N, S).
    """
    return keep(judged, rule.thresholds(validated, percentile))


def _judged(
    rule: FilterRule,
    clips: Sequence[Clip],
    label_embeddings: np.ndarray,
    actions: np.ndarray,
    top: int,
) -> np.ndarray:
    """Compute the similarity (N, S) by which a dictionary judges clips; no label is read."""
    similarity = np.stack(
        [
            action_similarity(
                label_vectors(
                    clip.artifacts["predicted_labels"].tensors()["scores"], label_embeddings, top
                ),
                actions,
            )
            for clip in clips
        ]
    )  # (N, S, C)
    return rule.judge(similarity, video_posterior(clips), None)


def _agreement(kept: np.ndarray, clips: Sequence[Clip]) -> list[float | None]:
    """Return the share of kept clips whose best predicted label AST detects, by dictionary.

    kept: bool (1 + D, n, S) of clips with usable sound. Clips in which AST detects no label are
    left out; None where nothing is kept.
    """
    if not clips:
        return [None] * len(kept)
    present = np.stack([clip.artifacts["ast"].tensors()["scores"] for clip in clips]) >= PRESENT
    scores = np.stack([clip.artifacts["predicted_labels"].tensors()["scores"] for clip in clips])
    agree = np.stack([labels_agree(present, of_seed) for of_seed in scores.swapaxes(0, 1)], axis=1)
    counted = present.any(axis=1)
    agree, kept = agree[counted], kept[:, counted]
    return [
        float(agree[of_dictionary].mean()) if of_dictionary.any() else None
        for of_dictionary in kept
    ]


def _means(values: np.ndarray) -> list[float | None]:
    return [float(row.mean()) if row.size else None for row in values]


def _beside_nulls(shares: Sequence[float | None]) -> dict[str, Any]:
    """Return the share of the real dictionary, those of the null dictionaries, and a p-value.

    p is the share of all dictionaries, the real one among them, that reach its share.
    """
    real, *nulls = shares
    known = [share for share in nulls if share is not None]
    p = None
    if real is not None:
        p = (1 + sum(share >= real for share in known)) / (1 + len(known))
    return {
        "share": real,
        "nulls": {"mean": float(np.mean(known)), "highest": max(known)} if known else None,
        "p": p,
    }
