"""The report of spotting: all arms on the test matches, with and without their sound."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from unmuted.dataset.events import Event, Spot
from unmuted.engine.job import ReportJob
from unmuted.errors import UserError
from unmuted.evaluation.bootstrap import ALPHA, draw_groups
from unmuted.evaluation.outputs import Output, table
from unmuted.evaluation.provenance import provenance
from unmuted.samples.experiment import Clip, load_experiment
from unmuted.samples.fits import ONLY_FIT
from unmuted.systems.highlights.arms import ARMS, READY
from unmuted.systems.highlights.found import arm_of, thresholds_of
from unmuted.systems.highlights.loading import EVENTS, STEPS, halves_of, labelled_events
from unmuted.systems.highlights.loudness import LOUD_SHARE, WINDOW
from unmuted.systems.highlights.recordings import HalfStart
from unmuted.systems.highlights.reel_stages import METRICS
from unmuted.systems.highlights.scored import (
    MatchTruth,
    Scored,
    ScoredArm,
    build_sections,
    ensemble_section,
    score_spots,
)
from unmuted.systems.highlights.selection_job import (
    WITHOUT_TRAINING,
    WITHOUT_VALIDATION,
    check_unseen,
)
from unmuted.systems.highlights.spot_arrays import unpack_spots
from unmuted.systems.highlights.spots_job import (
    LOST,
    REAL,
    TRAINED_ON,
    conditions,
    ensemble_of,
    ensemble_spots,
    logits_name,
)
from unmuted.systems.highlights.spotting import Calibration, recording_spots
from unmuted.text import printable

SCHEMA_VERSION = 1
SYSTEM, FOUND = "highlights", "match_highlights"
ROLES = ("step_backbone",)
NOT_COVERED = "no interval covers what another split, or other folds, would change"
FOUR_KINDS = (
    "the mean is over the kinds of this run; published figures of SoccerNet are over 17 kinds and "
    "are not comparable"
)


@dataclass(frozen=True)
class TestRecording:
    """A test recording: its events, its halves, and the arrays of its scores."""

    __test__ = False  # no test of pytest

    clip: Clip
    targets: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray]

    @property
    def halves(self) -> tuple[HalfStart, ...]:
        """Return where the halves begin."""
        return halves_of(self.targets)


def contents(job: ReportJob) -> dict[str, Output]:
    """Compute the metrics, and the table of arms, from the scores of the test recordings."""
    experiment = load_experiment(job, (EVENTS, "spots"), STEPS)
    clips = [
        clip
        for clip in experiment.split("test")
        if EVENTS in clip.artifacts and "spots" in clip.artifacts
    ]
    if len({clip.group for clip in clips}) < 2:
        raise UserError(
            "results/highlights_metrics.json needs at least 2 labelled test matches; what is found "
            "in matches without labels is in results/by_match"
        )
    recordings = [
        TestRecording(c, c.artifacts[EVENTS].json(), c.artifacts["spots"].tensors()) for c in clips
    ]
    report = build_report(job, experiment, recordings)
    return {"metrics": report, "table": arms_table(report)}


def scored_arms(job: ReportJob, recordings: Sequence[TestRecording]) -> list[ScoredArm]:
    """Score all arms, by seed and by the state of the sound; the loudness too."""
    kinds, rate = list(job.config["matches"]["kinds"]), job.config["steps"]["rate"]
    reach = round(job.config["highlights"]["sampling"]["radius"] * rate)
    truth = match_truth(recordings)
    arms = [loudness_arm(recordings, truth, kinds, rate, len(job.seeds))]
    highlights = job.config["highlights"]
    if highlights["method"] != "spotter":
        return arms
    if highlights["spotter"]["path"] is not None:
        check_unread(recordings, highlights["spotter"]["path"])
        return [*arms, ready_arm(recordings, truth, kinds, len(job.seeds))]
    selection = job.fits("spotter_selection")[ONLY_FIT].json()
    if not highlights["split_by_clip"]:
        for fits in job.fits_by_seed("spotter").values():
            for artifact in fits.values():
                check_unseen(artifact.tensors(), [r.clip for r in recordings])
    for name, choices in selection["arms"].items():
        arm = ARMS[name]
        by_condition = {}
        for condition in conditions(arm, "test"):
            by_seed = []
            for seed, choice in enumerate(choices):
                calibration = Calibration.of(choice)
                spots = [
                    arm_spots(r, name, condition, seed, calibration, kinds, rate, reach)
                    for r in recordings
                ]
                by_seed.append(
                    score_spots(truth, _by_match(recordings, spots), kinds, calibration.thresholds)
                )
            by_condition[condition] = by_seed
        epochs = [choice["epoch"] for choice in choices]
        arms.append(_trained(name, by_condition, epochs, selection, highlights))
    return arms


def scored_ensembles(job: ReportJob, recordings: Sequence[TestRecording]) -> list[ScoredArm]:
    """Score what the seeds of each trained arm find together, as the files of a match have it."""
    highlights, kinds = job.config["highlights"], list(job.config["matches"]["kinds"])
    if highlights["method"] != "spotter" or highlights["spotter"]["path"] is not None:
        return []
    rate = job.config["steps"]["rate"]
    reach = round(highlights["sampling"]["radius"] * rate)
    selection = job.fits("spotter_selection")[ONLY_FIT].json()
    truth = match_truth(recordings)
    ensembles = []
    for name, choices in selection["arms"].items():
        ensemble = ensemble_of(choices, selection["ensembles"][name], reach)
        spots = [
            ensemble_spots(r.arrays, ensemble, ARMS[name], REAL, kinds, r.halves, rate)[1]
            for r in recordings
        ]
        thresholds = ensemble.rule.thresholds
        scored = score_spots(truth, _by_match(recordings, spots), kinds, thresholds)
        ensembles.append(_trained(name, {REAL: [scored]}, [], selection, highlights))
    return ensembles


def _trained(
    name: str,
    by_condition: Mapping[str, Sequence[Scored]],
    epochs: Sequence[int],
    selection: Mapping[str, Any],
    highlights: Mapping[str, Any],
) -> ScoredArm:
    words = {"train": ARMS[name].train, "test": ARMS[name].test}
    untrained = tuple(selection[WITHOUT_TRAINING])
    return ScoredArm(name, by_condition, words, epochs, highlights["split_by_clip"], untrained)


def arm_spots(
    recording: TestRecording,
    arm: str,
    condition: str,
    seed: int,
    calibration: Calibration,
    kinds: Sequence[str],
    rate: float,
    reach: int,
) -> list[Spot]:
    """Return the spots of one seed, by its index."""
    logits = recording.arrays[logits_name(arm, condition)][seed]
    valid = recording.arrays["shown" if ARMS[arm].reads_visual else "has_sound"]
    scores = calibration.scores(logits, reach)
    return recording_spots(scores, valid, kinds, recording.halves, rate, calibration.windows)


def loudness_arm(
    recordings: Sequence[TestRecording],
    truth: Sequence[MatchTruth],
    kinds: Sequence[str],
    rate: float,
    seeds: int,
) -> ScoredArm:
    """Score where matches are loud; every kind is given the same spots, since it knows none."""
    spots = []
    for recording in recordings:
        column = recording.arrays["loudness"].astype(np.float64)
        scores = np.repeat(column[:, None], len(kinds), axis=1)
        has_sound = recording.arrays["has_sound"]
        spots.append(
            recording_spots(scores, has_sound, kinds, recording.halves, rate, WINDOW, LOUD_SHARE)
        )
    scored = score_spots(truth, _by_match(recordings, spots), kinds, [LOUD_SHARE] * len(kinds))
    words = {"train": "none", "test": "real"}
    nothing = score_spots(truth, [[] for _ in truth], kinds, [LOUD_SHARE] * len(kinds))
    by_condition = {REAL: [scored] * seeds, "no_stream": [nothing] * seeds}
    return ScoredArm("loudness", by_condition, words, [], leaks=False)


def check_unread(recordings: Sequence[TestRecording], folder: str) -> None:
    """Raise UserError if a ready spotter was trained or chosen on one of these matches."""
    read = sorted({r.clip.group for r in recordings if r.arrays[TRAINED_ON].item()})
    if read:
        named = ", ".join(read[:3]) + (f" and {len(read) - 3} more" if len(read) > 3 else "")
        raise UserError(
            f"the spotter in {printable(folder)} was trained or chosen on {named}: what it finds "
            "there says nothing of others. They are known by the content of a recording, or by the "
            "name of the match: take these matches out of the split test, or rename them if they "
            "only share a name. Reels can be made of all matches"
        )


def ready_arm(
    recordings: Sequence[TestRecording],
    truth: Sequence[MatchTruth],
    kinds: Sequence[str],
    seeds: int,
) -> ScoredArm:
    """Score the spots of a spotter that was trained before, on other matches."""
    spots = [unpack_spots(recording.arrays, kinds) for recording in recordings]
    known = thresholds_of(recordings[0].arrays, kinds)
    thresholds = [known.get(kind) for kind in kinds]
    scored = score_spots(truth, _by_match(recordings, spots), kinds, thresholds)
    words = {"train": "unknown", "test": "real; training mean where there is none"}
    untrained = tuple(kind for kind in kinds if kind not in known)
    return ScoredArm(READY, {REAL: [scored] * seeds}, words, [], False, untrained)


def match_truth(recordings: Sequence[TestRecording]) -> list[MatchTruth]:
    """Return events and durations of the test matches, in alphabetical order."""
    matches: dict[str, MatchTruth] = {}
    for recording in recordings:
        known = matches.get(recording.clip.group, MatchTruth(recording.clip.group, (), {}))
        starts = recording.halves
        ends = [start.seconds for start in starts[1:]] + [np.inf]
        seconds = {
            start.half: min(end, duration_of(recording)) - start.seconds
            for start, end in zip(starts, ends, strict=True)
        }
        matches[recording.clip.group] = replace(
            known,
            events=(*known.events, *labelled_events(recording.targets)),
            seconds={**known.seconds, **seconds},
        )
    return [matches[name] for name in sorted(matches)]


def duration_of(recording: TestRecording) -> float:
    """Return the seconds of a recording, to the step."""
    return len(recording.arrays["shown"]) / recording.arrays["rate"].item()


def _by_match(
    recordings: Sequence[TestRecording], spots: Sequence[Sequence[Spot]]
) -> list[list[Spot]]:
    found: dict[str, list[Spot]] = {recording.clip.group: [] for recording in recordings}
    for recording, of_recording in zip(recordings, spots, strict=True):
        found[recording.clip.group] += of_recording
    return [found[name] for name in sorted(found)]


def build_report(
    job: ReportJob,
    experiment: Any,
    recordings: Sequence[TestRecording],
) -> dict[str, Any]:
    """Build the content of highlights_metrics.json; its shape is documented in the schema file."""
    kinds = list(job.config["matches"]["kinds"])
    truth = match_truth(recordings)
    arms = scored_arms(job, recordings)
    names, settings = [match.name for match in truth], job.config["bootstrap"]
    draws = partial(draw_groups, names, settings["resamples"], settings["seed"])
    bootstrap, of_matches = draws(len(job.seeds)), draws(1)
    lost = job.config["highlights"]["lost_sound"]
    events = [event for match in truth for event in match.events]
    without = kinds_without_events(job, events, arms)
    sections = build_sections(
        arms, truth, kinds, bootstrap, lost["rates"], lost["seed"], lost["kinds"]
    )
    return {
        "schema_version": SCHEMA_VERSION,
        "system": SYSTEM,
        "data": {
            "matches": _counted(experiment, lambda clip: clip.group),
            "recordings": _counted(experiment, lambda clip: clip.video_id),
            "halves": sum(len(match.seconds) for match in truth),
            "seconds": float(sum(sum(match.seconds.values()) for match in truth)),
            "events": events_by_kind(events, kinds),
            "excluded": dict(experiment.excluded),
            "excluded_events": int(
                sum(recording.targets.get("rejected_count", 0) for recording in recordings)
            ),
        },
        "kinds": kinds,
        **sections,
        "ensembles": {
            arm.name: ensemble_section(arm, len(job.seeds), kinds, of_matches)
            for arm in scored_ensembles(job, recordings)
        },
        "kinds_without_events": without,
        "notes": notes_on_kinds(without),
        "reel": reel_section(job, recordings),
        "statistics": {
            "intervals": "95 % percentile bootstrap of matches and seeds, the draws the same for "
            "all arms",
            "tests": "p is the larger of two: of swapping two arms in whole matches, and of the "
            "interval's own draws; p_adjusted: Holm's method over all but the primary contrast",
            "level": ALPHA,
            "resamples": len(bootstrap.draws),
            "not_covered": NOT_COVERED,
            "comparable": FOUR_KINDS,
            "missing_conditions": ["no_stream", *LOST[1:]],
            "chance": "the rules know nothing of the matches; their F1 is the best that any "
            "threshold gives on these very matches",
            "ensembles": "the mean of the seeds' scores is one system, so its intervals are of "
            "matches alone; the files of a match and its reel are of the ensemble of reel.arm",
        },
        "provenance": provenance(job, [r.clip.video_id for r in recordings], ROLES),
    }


def kinds_without_events(
    job: ReportJob, events: Sequence[Event], arms: Sequence[ScoredArm]
) -> dict[str, list[str] | None]:
    """Return the kinds without an event in the matches of each split; None where it is not known.

    events: of the test matches.
    """
    highlights, kinds = job.config["highlights"], job.config["matches"]["kinds"]
    present = {event.kind for event in events}
    found: dict[str, list[str] | None] = {
        "training": None,
        "validation": None,
        "test": [kind for kind in kinds if kind not in present],
    }
    ready = [arm for arm in arms if arm.name == READY]
    if ready:
        found["training"] = list(ready[0].untrained)
    elif highlights["method"] == "spotter":
        selection = job.fits("spotter_selection")[ONLY_FIT].json()
        found["training"] = selection[WITHOUT_TRAINING]
        found["validation"] = selection[WITHOUT_VALIDATION]
    return found


def notes_on_kinds(without: Mapping[str, Sequence[str] | None]) -> list[str]:
    """Say in words what kinds without events mean for the figures."""
    training, test = without["training"] or (), without["test"] or ()
    validation = [kind for kind in without["validation"] or () if kind not in training]
    said = {
        "no training match has an event of {}: no spotter finds it, and its figures are null; it "
        "counts as 0 in the mean over kinds, where chance and loudness may find it": training,
        "no validation match has an event of {}: its window and threshold are those that are best "
        "for all other kinds together": validation,
        "no test match has an event of {}: its figures are null, and it counts as 0 in the mean "
        "over kinds, as in SoccerNet's": test,
    }
    return [text.format(" or ".join(kinds)) for text, kinds in said.items() if kinds]


def reel_section(job: ReportJob, recordings: Sequence[TestRecording]) -> dict[str, Any]:
    """Sum up how well the segments of the reels of the test matches show the events.

    recall: share of the shown events inside a segment, from 4 s before to 2 s after. precision:
    share of the segments in which an event happens. None where there is nothing to divide by.
    by_match: of each, by its id, how many segments its reel has, and why there is none.
    """
    units = {job.videos[r.clip.video_id].unit or r.clip.video_id for r in recordings}
    records = {unit: found.json() for unit, found in job.artifacts(FOUND, units).items()}
    total: Counter[str] = Counter()
    for record in records.values():
        if METRICS in record:  # not of a match of which nothing could be scored
            total.update(json.loads(record[METRICS])["reel"])
    highlights = job.config["highlights"]
    shown, segments = total["shown_events"], total["segments"]
    return {
        "arm": arm_of(highlights),
        "matches": len(units),
        "shown_events": shown,
        "recall": total["shown_events_in_reel"] / shown if shown else None,
        "segments": segments,
        "precision": 1 - total["segments_without_event"] / segments if segments else None,
        "seconds": float(total["seconds"]),
        "by_match": {
            unit: {
                "segments": len(record["segments"]),
                "why_none": None if record["segments"] else record["reason"],
            }
            for unit, record in sorted(records.items())
        },
    }


def events_by_kind(events: Sequence[Event], kinds: Sequence[str]) -> dict[str, dict[str, int]]:
    """Count the events of each kind, shown and not shown."""
    counts = Counter((event.kind, event.is_shown) for event in events)
    return {kind: {"shown": counts[kind, True], "unshown": counts[kind, False]} for kind in kinds}


def _counted(experiment: Any, name_of: Any) -> dict[str, int]:
    return {
        split: len({name_of(clip) for clip in experiment.split(split)})
        for split in ("train", "val", "test")
    }


COLUMNS = (
    "tight",
    "loose",
    "at1",
    "at2",
    "at3",
    "at4",
    "at5",
    "shown",
    "unshown",
    "any_kind",
    "f1_5s",
)


def arms_table(report: Mapping[str, Any]) -> Any:
    """Make the table of arms: mean and interval of every measure, and the chance baselines."""
    rows = []
    arms = {**report["arms"], "loudness": report["loudness"]}
    for name, arm in arms.items():
        for measure in COLUMNS:
            found = arm[measure]
            if found is not None:
                low, high = found["ci95"]
                row = {"arm": name, "measure": measure, "mean": found["mean"]}
                rows.append({**row, "ci95_low": low, "ci95_high": high})
    for name, ensemble in report["ensembles"].items():
        for measure in COLUMNS:
            if (found := ensemble[measure]) is not None:
                low, high = found["ci95"]
                row = {"arm": f"ensemble_{name}", "measure": measure, "mean": found["value"]}
                rows.append({**row, "ci95_low": low, "ci95_high": high})
    for measure, by_rule in report["chance"].items():
        rows += [
            {"arm": f"chance_{rule}", "measure": measure, "mean": value}
            for rule, value in by_rule.items()
        ]
    return table(rows, ["arm", "measure", "mean", "ci95_low", "ci95_high"])
