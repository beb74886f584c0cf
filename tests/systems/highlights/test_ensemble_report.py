"""What a user gets is what is scored: the predictions of matches have the report's figures."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from systems.highlights.soccernet_reference import reference_scores
from systems.highlights.worlds import World
from unmuted.config.root import Configuration
from unmuted.dataset.events import Event
from unmuted.dataset.videos import Video
from unmuted.engine.artifacts import write_artifact
from unmuted.engine.executor import Artifact, Task
from unmuted.engine.ledger import LedgerEntry
from unmuted.evaluation.bootstrap import draw_groups
from unmuted.samples.fits import ONLY_FIT
from unmuted.systems.highlights.arms import ARMS
from unmuted.systems.highlights.picking_job import Picker
from unmuted.systems.highlights.predictions import read_predictions
from unmuted.systems.highlights.recordings import HalfStart
from unmuted.systems.highlights.reel_stages import PREDICTIONS
from unmuted.systems.highlights.report import TestRecording, match_truth, scored_ensembles
from unmuted.systems.highlights.scored import ensemble_section
from unmuted.systems.highlights.spots_job import ensemble_of, highlight_spots, logits_name
from unmuted.systems.highlights.spotting_metric import average_map, count_spots

KINDS = ("Goal", "Penalty", "Corner")  # of corners there is no training event
RATE, SEEDS = 5.0, 3
HALVES = {  # of each recording; the second file of `a` has none of its own clock before 3.33 s
    "a-1": {"1": 0.0},
    "a-2": {"2": 3.333},
    "b-12": {"1": 1.0, "2": 61.237},
}
CHOICES = [{"seed": seed, "epoch": 1, "temperature": 1 + seed / 2} for seed in range(SEEDS)]
RULE = {
    "windows": [4.0, 10.0, None],
    "thresholds": [0.3, 0.4, None],
    "reel_thresholds": [0.2, 0.3, None],
}


def made_job() -> Any:
    given = {
        "videos": {"source": "matches"},
        "matches": {"manifest": "m.csv", "source": "manifest", "kinds": list(KINDS)},
    }
    models = {role: {"path": role} for role in ("vit", "ast", "blip")}
    selection = {
        "arms": {"both": CHOICES},
        "ensembles": {"both": RULE},
        "kinds_without_training_event": ["Corner"],
    }
    return SimpleNamespace(
        config=Configuration.model_validate(given | {"models": models}).model_dump(),
        fits=lambda stage: {ONLY_FIT: SimpleNamespace(json=lambda: selection)},
    )


def events_of(name: str) -> list[Event]:
    """Some events in each half of a recording, that are near to what is spotted."""
    rng = np.random.default_rng(sum(map(ord, name)))
    return [
        Event(int(half), 1000 * (4 + 9 * number), KINDS[rng.integers(3)], bool(rng.random() < 0.8))
        for half in HALVES[name]
        for number in range(6)
    ]


def made_recording(name: str, reach: int) -> TestRecording:
    """A recording with noisy logits that know most of its events, and its spots."""
    rng = np.random.default_rng(len(name) + ord(name[0]))
    halves = tuple(HalfStart(int(half), start) for half, start in HALVES[name].items())
    starts = {start.half: start.seconds for start in halves}
    steps = int(RATE * (halves[-1].seconds + 60))
    logits = rng.normal(-3, 1.5, (SEEDS, steps, len(KINDS)))
    listed = []
    for event in events_of(name):
        in_file = starts[event.half] + event.milliseconds / 1000
        step = round(RATE * in_file) + int(rng.integers(-4, 5))
        logits[:, step - 5 : step + 6, KINDS.index(event.kind)] += rng.uniform(0, 5, (SEEDS, 1))
        listed.append(
            {
                "half": event.half,
                "milliseconds": event.milliseconds,
                "file_milliseconds": round(1000 * in_file),
                "kind": event.kind,
                "is_shown": event.is_shown,
            }
        )
    targets = {
        "match": f"league/season/{name[0]}",
        "halves": HALVES[name],
        "has_labels": True,
        "events": listed,
        "seconds": steps / RATE,
    }
    arrays = {
        "trained_on": np.array([False]),
        "shown": rng.random(steps) < 0.98,
        "has_sound": np.ones(steps, bool),
        "rate": np.array([RATE]),
        logits_name("both"): logits.astype(np.float16),
    }
    ensemble = ensemble_of(CHOICES, RULE, reach)
    arrays |= highlight_spots(arrays, ensemble, ARMS["both"], KINDS, halves, RATE)
    clip: Any = SimpleNamespace(group=name[0], video_id=name, split="test")
    return TestRecording(clip, targets, arrays)


def predicted(recordings: Sequence[TestRecording], folder: Path, job: Any) -> list[tuple]:
    """The spots of each match as its results_spotting.json has them."""
    found = []
    for match in sorted({one.clip.group for one in recordings}):
        own = {one.clip.video_id: one for one in recordings if one.clip.group == match}
        inputs = {}
        for name, one in own.items():
            spots = folder / f"{name}.safetensors"
            events = folder / f"{name}.json"
            for stage, path, content in (
                ("spots", spots, one.arrays),
                ("events", events, one.targets),
            ):
                digest, size = write_artifact(path, content, "f")
                row = LedgerEntry(name, "ok", "", "f", digest, size, 0.0)
                inputs[f"{stage}/{name}"] = Artifact(path, row)
        members = {
            name: Video(name, folder / name, "events", None, match, root=folder, unit=match)
            for name in own
        }
        [result] = Picker(job).pick([Task(match, "f", inputs, members=members)])
        path = folder / f"{match}.results.json"
        path.write_text(result.payload[PREDICTIONS])
        found.append(read_predictions(path, KINDS).spots)
    return found


@pytest.fixture(scope="module")
def recordings() -> list[TestRecording]:
    reach = round(made_job().config["highlights"]["sampling"]["radius"] * RATE)
    return [made_recording(name, reach) for name in HALVES]


def reported(recordings: Sequence[TestRecording]) -> dict[str, Any]:
    """The report's figures of the ensemble."""
    (arm,) = scored_ensembles(made_job(), recordings)
    bootstrap = draw_groups([match.name for match in match_truth(recordings)], 50, 0)
    return ensemble_section(arm, SEEDS, KINDS, bootstrap)


def test_the_predictions_of_matches_have_the_figures_of_the_report(
    recordings: list[TestRecording], tmp_path: Path
) -> None:
    spots = predicted(recordings, tmp_path, made_job())
    truth = match_truth(recordings)
    counts = count_spots(list(zip([m.events for m in truth], spots, strict=True)), KINDS)
    figures = reported(recordings)
    assert 0.1 < figures["tight"]["value"] < 0.9
    for metric in ("tight", "loose", "at1"):
        assert figures[metric]["value"] == float(average_map(counts, metric)[0, 0])
    assert figures["per_kind"]["Corner"] is None
    assert "Corner" not in {spot.kind for of_match in spots for spot in of_match}
    assert {spot.half for spot in spots[1]} == {1, 2}


@pytest.mark.skipif(
    importlib.util.find_spec("SoccerNet") is None,
    reason="SoccerNet 0.2.0 is not on the path; soccernet_reference.py says how to have it there",
)
def test_soccernets_own_evaluation_gives_the_figures_of_the_report(
    recordings: list[TestRecording], tmp_path: Path
) -> None:
    spots = predicted(recordings, tmp_path, made_job())
    matches = zip([m.events for m in match_truth(recordings)], spots, strict=True)
    [theirs] = reference_scores([World(KINDS, tuple(matches))])
    figures = reported(recordings)
    for metric in ("tight", "loose"):
        assert figures[metric]["value"] == pytest.approx(theirs[metric]["all"], abs=1e-12)
