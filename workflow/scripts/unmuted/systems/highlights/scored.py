"""The sections of the report on spotting: arms, chance, contrasts, and sound that is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unmuted.dataset.events import (
    ANY_KIND,
    Event,
    Spot,
    events_of_any_kind,
    spots_of_any_kind,
)
from unmuted.evaluation.bootstrap import ALPHA, GroupBootstrap, interval
from unmuted.evaluation.significance import adjusted_p_values, verdict
from unmuted.systems.highlights.arms import READY
from unmuted.systems.highlights.chance import chance_measures
from unmuted.systems.highlights.lost_sound import missing_at
from unmuted.systems.highlights.resampled import (
    Statistic,
    Term,
    curve_weights,
    difference,
    measured,
    mixed,
    of_view,
)
from unmuted.systems.highlights.spotting_metric import (
    ALL_TOLERANCES,
    F1_SECONDS,
    PRIMARY_METRIC,
    TOLERANCES,
    VIEWS,
    SpottingCounts,
    average_precision,
    count_spots,
)

REAL, NO_STREAM, DROPOUT = "real", "no_stream", "dropout"
SCORED_AS = {"silence": NO_STREAM}  # a silent recording is known as such
PRIMARY = ("generated_audio", "mean_audio", "area")
# The contrasts that are judged together; the primary one stands outside of the family.
CONTRASTS = (
    PRIMARY,
    ("both", "video_only", "real"),
    ("both", "audio_only", "real"),
    ("both", "loudness", "real"),
    ("generated_audio", "knn_audio", "area"),
    ("generated_audio", "swapped_audio", "area"),
    ("generated_audio", "both", "area"),
    ("generated_audio", "video_only", "lost"),
)


@dataclass(frozen=True)
class MatchTruth:
    """What happens in a match. seconds: the duration of each half that there is."""

    name: str
    events: tuple[Event, ...]
    seconds: Mapping[int, float]


@dataclass(frozen=True)
class Scored:
    """The counts of one seed's spots: by kind, without regard to kind, and above the thresholds.

    f1: hits, spots, events of each match, int (M, 3), at a tolerance of 5 s.
    """

    counts: SpottingCounts
    any_kind: SpottingCounts
    f1: np.ndarray


@dataclass(frozen=True)
class ScoredArm:
    """An arm with its counts, by condition of the sound and seed.

    audio: in words. epochs: of the chosen checkpoints. leaks: whether it was trained on test
    matches. untrained: kinds without a training event, which have no spots.
    """

    name: str
    by_condition: Mapping[str, Sequence[Scored]]
    audio: Mapping[str, str]
    epochs: Sequence[int]
    leaks: bool
    untrained: tuple[str, ...] = ()

    def scored(self, condition: str) -> Sequence[Scored]:
        """Return the counts by seed; an arm that reads no sound has the same in every condition."""
        known = SCORED_AS.get(condition, condition)
        return self.by_condition.get(known, self.by_condition[REAL])


def score_spots(
    truth: Sequence[MatchTruth],
    spots: Sequence[Sequence[Spot]],
    kinds: Sequence[str],
    thresholds: Sequence[float | None],
) -> Scored:
    """Count the spots of matches.

    thresholds: of each kind, from which a spot is a highlight; None for a kind without spots.
    """
    pairs = [(match.events, found) for match, found in zip(truth, spots, strict=True)]
    anything = [(events_of_any_kind(e), spots_of_any_kind(s)) for e, s in pairs]
    at = dict(zip(kinds, thresholds, strict=True))

    def is_highlight(spot: Spot) -> bool:
        threshold = at[spot.kind]
        return threshold is not None and spot.score >= threshold

    above = [(events, [s for s in found if is_highlight(s)]) for events, found in pairs]
    f1 = count_spots(above, kinds, (F1_SECONDS,))
    return Scored(
        count_spots(pairs, kinds, ALL_TOLERANCES),
        count_spots(anything, [ANY_KIND], TOLERANCES[PRIMARY_METRIC]),
        np.stack(
            [
                f1.hits[:, 0, :, 0, 0].sum(axis=1),
                f1.spots[:, 0, :, 0].sum(axis=1),
                f1.truths[:, 0].sum(axis=1),
            ],
            axis=1,
        ),
    )


def build_sections(
    arms: Sequence[ScoredArm],
    truth: Sequence[MatchTruth],
    kinds: Sequence[str],
    bootstrap: GroupBootstrap,
    rates: Sequence[float],
    seed: int,
    lost_kinds: Sequence[str],
) -> dict[str, Any]:
    """Build the sections arms, loudness, chance, contrasts and missing.

    rates: shares of the matches without sound. seed: of which these are. lost_kinds: how whole
    recordings lose it.
    """
    by_name = {arm.name: arm for arm in arms}
    curves = Curves([match.name for match in truth], sorted(rates), seed)
    matches = [(match.events, match.seconds) for match in truth]
    return {
        "arms": {
            name: arm_section(arm, kinds, bootstrap)
            for name, arm in by_name.items()
            if name != "loudness"
        },
        "chance": chance_measures(matches, kinds, seed),
        "loudness": arm_section(by_name["loudness"], kinds, bootstrap),
        "contrasts": contrast_section(by_name, curves, bootstrap),
        "missing": missing_section(arms, curves, bootstrap, lost_kinds),
    }


def statistic_of(scored: Sequence[Scored], metric: str, view: str = "all") -> Statistic:
    """Return the average mAP of counts by seed."""
    counts = tuple(of_view(one.counts, VIEWS.index(view)) for one in scored)
    return Statistic(metric, (Term(1.0, counts),))


def arm_section(arm: ScoredArm, kinds: Sequence[str], bootstrap: GroupBootstrap) -> dict[str, Any]:
    """Measure an arm with the sound that there is."""
    scored = arm.scored(REAL)
    views = {
        view: measured(statistic_of(scored, PRIMARY_METRIC, view), bootstrap)
        if scored[0].counts.truths[:, VIEWS.index(view)].sum()
        else None
        for view in ("shown", "unshown")
    }
    any_kind = Statistic(
        PRIMARY_METRIC, (Term(1.0, tuple(of_view(one.any_kind, 0) for one in scored)),)
    )
    return {
        **{metric: measured(statistic_of(scored, metric), bootstrap) for metric in TOLERANCES},
        "per_kind": per_kind(scored, kinds, arm.untrained),
        **views,
        "any_kind": measured(any_kind, bootstrap),
        "f1_5s": f1_section(scored, bootstrap),
        "audio": dict(arm.audio),
        "chosen_epochs": list(arm.epochs),
        "leaks": arm.leaks,
    }


def ensemble_section(
    arm: ScoredArm, seeds: int, kinds: Sequence[str], bootstrap: GroupBootstrap
) -> dict[str, Any]:
    """Measure the spots of an arm's ensemble, which is one system: `value` and `ci95` by measure.

    arm: with one row of counts. seeds: how many networks it averages. bootstrap: of matches alone.
    """
    found = arm_section(arm, kinds, bootstrap)
    measures = (*TOLERANCES, "shown", "unshown", "any_kind", "f1_5s")

    def one(measure: Mapping[str, Any] | None) -> dict[str, Any] | None:
        if measure is None:
            return None
        return {"value": measure["mean"], "ci95": measure["ci95"]}

    by_kind = found["per_kind"].items()
    return {
        "seeds_averaged": seeds,
        **{measure: one(found[measure]) for measure in measures},
        "per_kind": {kind: of_kind and of_kind["mean"] for kind, of_kind in by_kind},
        "leaks": arm.leaks,
    }


def per_kind(
    scored: Sequence[Scored], kinds: Sequence[str], untrained: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the tight average precision of each kind by seed.

    None for a kind without events in test matches, or in training matches (`untrained`).
    """
    by_seed = np.stack(
        [average_precision(one.counts.pooled(), PRIMARY_METRIC)[0, 0] for one in scored]
    )  # (S, K)
    truths = scored[0].counts.truths[:, 0].sum(axis=0)
    return {
        kind: {"mean": float(by_seed[:, k].mean()), "per_seed": by_seed[:, k].tolist()}
        if truths[k] and kind not in untrained
        else None
        for k, kind in enumerate(kinds)
    }


def f1_section(scored: Sequence[Scored], bootstrap: GroupBootstrap) -> dict[str, Any]:
    """Measure F1 at a tolerance of 5 s, of the spots above the thresholds of validation."""
    counts = np.stack([one.f1 for one in scored], axis=1).astype(np.float64)  # (M, S, 3)
    samples = bootstrap.over_seeds(_f1(bootstrap.sums(counts)))
    per_seed = _f1(counts.sum(axis=0))
    return {
        "mean": float(per_seed.mean()),
        "ci95": list(interval(samples)),
        "per_seed": per_seed.tolist(),
    }


def _f1(counts: np.ndarray) -> np.ndarray:
    hits, spots, events = np.moveaxis(counts, -1, 0)
    return 2 * hits / np.maximum(spots + events, 1)


@dataclass(frozen=True)
class Curves:
    """Statistics over missing rates. names: of the matches. rates: rising."""

    names: Sequence[str]
    rates: Sequence[float]
    seed: int

    def missing(self, rate: float) -> np.ndarray:
        """Return which matches have lost their sound, bool (M,)."""
        return missing_at(self.names, rate, self.seed)

    def at(self, arm: ScoredArm, kind: str, rate: float) -> Statistic:
        """Return the average mAP at one rate."""
        return Statistic(PRIMARY_METRIC, (self._term(arm, kind, rate, 1.0),))

    def area(self, arm: ScoredArm, kind: str = NO_STREAM) -> Statistic:
        """Return the mean height of the curve over the rates."""
        weights = curve_weights(self.rates)
        terms = [
            self._term(arm, kind, rate, float(weight))
            for rate, weight in zip(self.rates, weights, strict=True)
        ]
        return Statistic(PRIMARY_METRIC, tuple(terms))

    def _term(self, arm: ScoredArm, kind: str, rate: float, weight: float) -> Term:
        chosen = self.missing(rate)
        pairs = zip(arm.scored(REAL), arm.scored(kind), strict=True)
        counts = (mixed(of_view(a.counts, 0), of_view(b.counts, 0), chosen) for a, b in pairs)
        return Term(weight, tuple(counts))


def contrast_section(
    arms: Mapping[str, ScoredArm], curves: Curves, bootstrap: GroupBootstrap
) -> dict[str, Any]:
    """Contrast the arms that there are; the first contrast of `CONTRASTS` is the primary one."""

    def statistic(arm: str, what: str) -> Statistic:
        if what == "area":
            return curves.area(arms[arm])
        return statistic_of(arms[arm].scored(REAL if what == "real" else NO_STREAM), PRIMARY_METRIC)

    wanted = [row for row in CONTRASTS if row[0] in arms and row[1] in arms]
    family = [row for row in wanted if row != PRIMARY]
    found = {}
    for row in wanted:
        first, second, what = row
        level = ALPHA if row == PRIMARY else ALPHA / len(family)
        pair = statistic(first, what), statistic(second, what)
        found[row] = difference(*pair, bootstrap, curves.seed, level) | {"level": level}
    p_values = {row: contrast["p"] for row, contrast in found.items()}
    adjusted = adjusted_p_values(p_values, PRIMARY if PRIMARY in found else None) if found else {}
    return {
        contrast_name(row): {
            **contrast,
            "what": row[2],
            "primary": row == PRIMARY,
            "p_adjusted": adjusted[row],
            "verdict": verdict(contrast["delta"], adjusted[row], bootstrap, contrast["level"]),
        }
        for row, contrast in found.items()
    }


def contrast_name(row: tuple[str, str, str]) -> str:
    """Name a contrast: of the areas under two curves, with all sound lost, or with the real one."""
    first, second, what = row
    return f"{first}-{second}" if what == "real" else f"{first}-{second}.{what}"


def missing_section(
    arms: Sequence[ScoredArm],
    curves: Curves,
    bootstrap: GroupBootstrap,
    kinds: Sequence[str],
) -> dict[str, Any]:
    """Measure what missing sound costs every arm: curves over rates, areas, and dropouts.

    A ready spotter is left out: it is scored with the sound that there is, and no other.
    """
    by_arm = {}
    for arm in (arm for arm in arms if arm.name != READY):
        is_lost = NO_STREAM in arm.by_condition
        known = [kind for kind in kinds if SCORED_AS.get(kind, kind) in arm.by_condition]
        by_arm[arm.name] = {
            "curves": {
                kind: [_mean(curves.at(arm, kind, rate)) for rate in curves.rates]
                for kind in (known if is_lost else kinds)
            },
            "area": measured(curves.area(arm), bootstrap),
            "lost": measured(curves.at(arm, NO_STREAM, 1.0), bootstrap),
            "dropout": measured(statistic_of(arm.by_condition[DROPOUT], PRIMARY_METRIC), bootstrap)
            if DROPOUT in arm.by_condition
            else None,
        }
    return {
        "rates": [float(rate) for rate in curves.rates],
        "matches": [int(curves.missing(rate).sum()) for rate in curves.rates],
        "seed": curves.seed,
        "arms": by_arm,
    }


def _mean(statistic: Statistic) -> float:
    return float(statistic.per_seed.mean())
