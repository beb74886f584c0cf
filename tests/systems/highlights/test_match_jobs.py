"""What is made of a match from the artifacts of its recordings: table, timeline and reel."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.media.clips import run_ffmpeg

from unmuted.config.root import Configuration
from unmuted.dataset.events import Spot
from unmuted.dataset.videos import Video
from unmuted.engine.artifacts import write_artifact
from unmuted.engine.executor import Artifact, Task
from unmuted.engine.ledger import LedgerEntry
from unmuted.errors import UserError
from unmuted.media import ffmpeg
from unmuted.media.probe import probe
from unmuted.systems.highlights.found import LOUD, find_in_match
from unmuted.systems.highlights.picking_job import Picker
from unmuted.systems.highlights.predictions import read_predictions
from unmuted.systems.highlights.reel_job import ReelCutter
from unmuted.systems.highlights.reel_stages import METRICS, PREDICTIONS, TABLE
from unmuted.systems.highlights.timeline_job import TimelineDrawer

pytestmark = pytest.mark.unit
KINDS = ("Goal", "Penalty")
RATE, SECONDS = 5, 8
STEPS = RATE * SECONDS
SIZE = "64x48"


def artifact(folder: Path, name: str, payload: Any, status: str = "ok") -> Artifact:
    path = folder / name
    digest, size = write_artifact(path, payload, "fingerprint")
    return Artifact(path, LedgerEntry(path.stem, status, "", "fingerprint", digest, size, 0.0))


def job(**highlights: Any) -> Any:
    given = {
        "videos": {"source": "matches"},
        "matches": {"manifest": "m.csv", "source": "manifest", "kinds": list(KINDS)},
        "highlights": highlights,
    }
    models = {role: {"path": role} for role in ("vit", "ast", "blip")}
    config = Configuration.model_validate(given | {"models": models}).model_dump()
    return SimpleNamespace(config=config, threads=1)


def recording(
    folder: Path,
    name: str,
    half: int,
    peaks: list[tuple[int, int, float]],
    events: list[tuple[int, str]] | None,
    sound: str = "ok",
    kinds: int = len(KINDS),
    trained_on: bool = False,
) -> dict[str, Artifact]:
    """Artifacts of a recording. peaks: step, kind and score. events: milliseconds and kind."""
    scores = np.zeros((STEPS, kinds), np.float32)
    for step, kind, score in peaks:
        scores[step, kind] = score
    steps, of_kind, values = zip(*peaks, strict=True) if peaks else ((), (), ())
    has_sound = np.full(STEPS, sound == "ok")
    spots = {
        "scores": scores,
        "thresholds": np.full(kinds, 0.5, np.float32),
        "shown": np.ones(STEPS, bool),
        "has_sound": has_sound,
        "trained_on": np.array([trained_on]),
        "spot_halves": np.full(len(steps), half, np.int32),
        "spot_milliseconds": np.array([1000 * step // RATE for step in steps], np.int32),
        "spot_kinds": np.array(of_kind, np.int32),
        "spot_scores": np.array(values, np.float32),
    }
    listed = [
        {"half": half, "milliseconds": ms, "file_milliseconds": ms, "kind": k, "is_shown": True}
        for ms, k in events or ()
    ]
    targets = {
        "match": "league/season/A - B",
        "halves": {str(half): 0.0},
        "has_labels": events is not None,
        "events": listed,
        "seconds": float(SECONDS),
    }
    heard = {"rms": np.full(STEPS, -20, np.float32), "valid": has_sound}
    return {
        f"spots/{name}": artifact(folder, f"{name}-spots.safetensors", spots),
        f"events/{name}": artifact(folder, f"{name}-events.json", targets),
        f"step_sound/{name}": artifact(folder, f"{name}-sound.safetensors", heard, sound),
    }


def match(folder: Path, sound: str = "ok", score: float = 0.9) -> Task:
    inputs = {
        **recording(folder, "m-2", 2, [(20, 1, score)], [(4_000, "Penalty")], sound),
        **recording(folder, "m-1", 1, [(10, 0, score), (35, 0, 0.2)], [(2_000, "Goal")], sound),
    }
    members = {
        name: Video(name, folder / f"{name}.mp4", "events", None, "m", root=folder, unit="m")
        for name in ("m-2", "m-1")
    }
    return Task("m", "fingerprint", inputs, members=members)


def test_the_files_of_a_match(tmp_path: Path) -> None:
    settings = {"before": 1, "after": 1}
    [result] = Picker(job(reel=settings)).pick([match(tmp_path)])
    assert (result.status, result.reason) == ("ok", "")
    record = result.payload
    assert [(s["recording"], s["start_ms"], s["end_ms"]) for s in record["segments"]] == [
        ("m-1", 1_000, 3_000),
        ("m-2", 3_000, 5_000),
    ]
    assert record[TABLE].startswith("# arm: both\nrank,recording,half,")
    predictions = tmp_path / PREDICTIONS
    predictions.write_text(record[PREDICTIONS])
    assert json.loads(record[PREDICTIONS])["UrlLocal"] == "league/season/A - B"
    assert [(s.half, s.milliseconds, s.kind) for s in read_predictions(predictions).spots] == [
        (1, 2_000, "Goal"),
        (1, 7_000, "Goal"),
        (2, 4_000, "Penalty"),
    ]
    metrics = json.loads(record[METRICS])
    assert metrics["spotting"]["average_map"]["tight"]["all"] == 1.0
    assert metrics["reel"]["segments_without_event"] == 0


@pytest.mark.parametrize("trained_on", [True, False])
@pytest.mark.parametrize("events", [[(2_000, "Goal")], None])
def test_a_record_says_whether_the_match_was_trained_on(
    tmp_path: Path, trained_on: bool, events: list[tuple[int, str]] | None
) -> None:
    """Without labelled events too, of which there are no metrics to say it."""
    inputs = recording(tmp_path, "m-1", 1, [(10, 0, 0.9)], events, trained_on=trained_on)
    video = Video("m-1", tmp_path / "m-1.mp4", "events", None, "m", root=tmp_path, unit="m")
    [result] = Picker(job()).pick([Task("m", "f", inputs, members={"m-1": video})])
    assert result.payload["trained_on"] is trained_on
    if events is not None:
        assert json.loads(result.payload[METRICS])["trained_on"] is trained_on
    assert len(result.payload["segments"]) == 1  # there is a reel all the same


def test_a_match_without_events_has_no_metrics(tmp_path: Path) -> None:
    inputs = recording(tmp_path, "m-1", 1, [(10, 0, 0.9)], None)
    video = Video("m-1", tmp_path / "m-1.mp4", None, None, "m", root=tmp_path, unit="m")
    [result] = Picker(job()).pick([Task("m", "f", inputs, members={"m-1": video})])
    assert result.status == "ok"
    assert METRICS not in result.payload


def test_spots_of_both_halves_of_one_file_are_on_one_clock(tmp_path: Path) -> None:
    task = match(tmp_path)
    content = task.inputs["events/m-1"].json()
    content |= {"halves": {"1": 0.0, "2": 6.0}}
    spots = task.inputs["spots/m-1"].tensors() | {
        "spot_halves": np.array([1, 2], np.int32),
        "spot_milliseconds": np.array([2_000, 1_000], np.int32),
    }
    spots.pop("fingerprint", None)
    inputs = {
        **task.inputs,
        "events/m-1": artifact(tmp_path, "both.json", content),
        "spots/m-1": artifact(tmp_path, "both.safetensors", spots),
    }
    one = Task("m", "f", inputs, members={"m-1": task.members["m-1"]})
    [found] = find_in_match(one, RATE, "spotter", "both", KINDS)
    assert found.scores.spots == (
        Spot(1, 2_000, "Goal", float(np.float32(0.9))),
        Spot(2, 1_000, "Goal", float(np.float32(0.2))),
    )
    assert [moment.milliseconds for moment in found.scores.moments()] == [2_000, 7_000]


def test_loudness_knows_one_kind_and_says_when_a_recording_is_silent(tmp_path: Path) -> None:
    inputs = recording(tmp_path, "m-1", 1, [(10, 0, 0.95)], [(2_000, "Goal")], kinds=1)
    video = Video("m-1", tmp_path / "m-1.mp4", None, None, "m", root=tmp_path, unit="m")
    task = Task("m", "f", inputs, members={"m-1": video})
    [result] = Picker(job(method="loudness")).pick([task])
    assert result.payload["kinds"] == [LOUD]
    metrics = json.loads(result.payload[METRICS])
    assert metrics["spotting"] is None
    assert metrics["any_kind"]["average_map"]["tight"]["all"] == 1.0
    [result] = Picker(job()).pick([match(tmp_path, sound="silent")])
    assert result.payload[TABLE].startswith("# arm: both (silent)\n")


def test_a_kind_that_was_not_learnt_is_null_and_never_shown(tmp_path: Path) -> None:
    inputs = recording(tmp_path, "m-1", 1, [(10, 0, 0.9)], [(2_000, "Goal"), (6_000, "Penalty")])
    spots = inputs["spots/m-1"].tensors() | {"thresholds": np.array([0.5, np.nan])}
    spots.pop("fingerprint", None)
    inputs["spots/m-1"] = artifact(tmp_path, "some.safetensors", spots)
    video = Video("m-1", tmp_path / "m-1.mp4", None, None, "m", root=tmp_path, unit="m")
    [result] = Picker(job()).pick([Task("m", "f", inputs, members={"m-1": video})])
    assert result.payload["thresholds"] == {"Goal": 0.5}
    spotting = json.loads(result.payload[METRICS])["spotting"]
    assert spotting["kinds"]["Penalty"] == {"events": 1, "tight": None, "loose": None}
    assert spotting["kinds"]["Goal"]["tight"] == 1.0
    assert spotting["average_map"]["tight"]["all"] == 0.5  # as the reference counts


def test_spots_of_other_kinds_are_refused(tmp_path: Path) -> None:
    inputs = recording(tmp_path, "m-1", 1, [(10, 0, 0.95)], [], kinds=3)
    video = Video("m-1", tmp_path / "m-1.mp4", None, None, "m", root=tmp_path, unit="m")
    with pytest.raises(UserError, match="3 kinds"):
        find_in_match(
            Task("m", "f", inputs, members={"m-1": video}), RATE, "spotter", "both", KINDS
        )


def test_a_timeline_is_drawn_of_a_match(tmp_path: Path) -> None:
    task = match(tmp_path)
    [picked] = Picker(job()).pick([task])
    chosen = artifact(tmp_path, "picked.json", picked.payload)
    both = Task("m", "f", {**task.inputs, "match_highlights": chosen}, members=task.members)
    [result] = TimelineDrawer(job()).draw([both])
    for name in ("one.png", "two.png"):
        result.payload(tmp_path / name)
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def with_videos(folder: Path, sound: tuple[str, str], score: float = 0.9) -> Task:
    """A match with files, and with what was picked. sound: statuses of m-1 and m-2."""
    task = match(folder, score=score)
    [picked] = Picker(job(reel={"before": 1, "after": 1})).pick([task])
    inputs = dict(task.inputs)
    inputs["match_highlights"] = artifact(folder, "picked.json", picked.payload)
    for name, status in zip(("m-1", "m-2"), sound, strict=True):
        path = folder / f"{name}.mp4"
        picture = f"testsrc2=size={SIZE}:rate=25:duration={SECONDS}"
        tone = ("-f", "lavfi", "-i", f"sine=frequency=440:duration={SECONDS}", "-c:a", "aac")
        codec = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
        run_ffmpeg("-f", "lavfi", "-i", picture, *(tone if status == "ok" else ()), *codec, path)
        inputs[f"probe/{name}"] = artifact(folder, f"{name}-probe.json", probe(path).as_json())
        heard = inputs[f"step_sound/{name}"]
        row = LedgerEntry(name, status, "", "f", heard.row.digest, heard.row.bytes, 0.0)
        inputs[f"step_sound/{name}"] = Artifact(heard.path, row)
    return Task("m", "f", inputs, members=task.members)


@pytest.mark.parametrize(
    ("sound", "has_sound"),
    [(("ok", "ok"), True), (("ok", "silent"), True), (("no_stream", "silent"), False)],
)
def test_a_reel_shows_the_segments_of_both_halves(
    tmp_path: Path, sound: tuple[str, str], has_sound: bool
) -> None:
    task = with_videos(tmp_path, sound)
    [result] = ReelCutter(job()).cut([task])
    assert (result.status, result.reason) == ("ok", "")
    path = tmp_path / "reel.mp4"
    result.payload(path)
    command = [ffmpeg.binary(), "-hide_banner", "-i", str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    assert "Duration: 00:00:04.00" in said
    assert ("Audio: aac" in said) == has_sound


def test_a_match_without_highlights_has_no_reel(tmp_path: Path) -> None:
    task = with_videos(tmp_path, ("ok", "ok"), score=0.3)
    [result] = ReelCutter(job()).cut([task])
    assert (result.payload, result.status) == (None, "no_highlights")
    assert "0.300" in result.reason
