"""Made recordings of matches, as the workflow's scripts find them, and what may change in them."""

from __future__ import annotations

import csv
import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from guards.world import World
from small_project import ROLES
from systems.highlights.toy_matches import KINDS, RATE, toy_recording
from unmuted.engine.artifacts import write_artifact
from unmuted.engine.ledger import OK, LedgerEntry, write_rows
from unmuted.engine.run import Run
from unmuted.engine.sharded_dataset import RESULTS
from unmuted.pipeline.registry import STAGES

SPLITS = {
    **dict.fromkeys(("m0", "m1", "m2", "m3"), "train"),
    "m4": "val",
    **dict.fromkeys(("m5", "m6", "m7"), "test"),
}
HALVES = {"train": (1, 2), "val": (1, 2), "test": (1,)}
SECONDS = 54.0
PATCH = 2  # hops of sound in a step
FITS = ("step_projection", "step_bank", "step_generator", "spotter")
SELECTION = "spotter_selection"
CHAIN = ("step_sources", *FITS, SELECTION)  # everything that is fitted or chosen


@dataclass(frozen=True)
class MadeRecording:
    """A recording: what its match's table says of it, and its features at S steps.

    events: seconds and kind of each.
    """

    video_id: str
    match: str
    half: int
    split: str
    visual: np.ndarray  # (S, V)
    mel: np.ndarray  # (S, PATCH, M)
    events: tuple[tuple[float, str], ...]
    others: tuple[float, ...]


def make_recordings() -> list[MadeRecording]:
    """Draw the recordings of all matches."""
    return [_draw(match, half, split) for match, split in SPLITS.items() for half in HALVES[split]]


def _draw(match: str, half: int, split: str) -> MadeRecording:
    name = f"{match}-{half}"
    toy = toy_recording(name, 10 * int(match[1:]) + half, SECONDS).recording
    return MadeRecording(
        name,
        match,
        half,
        split,
        np.float16(toy.visual[:]),
        np.float16(np.repeat(toy.sound[:][:, None], PATCH, axis=1)),
        tuple((round(event.seconds, 3), KINDS[event.kind]) for event in toy.events),
        toy.others,
    )


# --- the same recordings, but for some ------------------------------------------------------------

Change = Callable[[MadeRecording], MadeRecording]


def in_split(split: str, change: Change) -> list[MadeRecording]:
    """Change the recordings of one split."""
    return [change(one) if one.split == split else one for one in make_recordings()]


def with_other_everything(one: MadeRecording) -> MadeRecording:
    """Another picture, another sound, and many other events, so that scores are wrong."""
    shown = np.roll(one.visual[::-1], 37, axis=0) * np.float16(8)
    mel = one.mel[:, :, ::-1] * np.float16(8) + np.float16(3)
    times = np.arange(2.0, SECONDS - 1, 3)
    events = tuple((float(at), KINDS[i % len(KINDS)]) for i, at in enumerate(times))
    return replace(one, visual=shown, mel=mel, events=events)


def with_other_events(one: MadeRecording) -> MadeRecording:
    """Events of other kinds at other times."""
    events = [(round(SECONDS - 1 - at, 3), KINDS[KINDS.index(kind) - 1]) for at, kind in one.events]
    return replace(one, events=tuple(sorted(events)))


def with_shifted_events(one: MadeRecording) -> MadeRecording:
    """The same events, 2 s later."""
    events = tuple((round(min(at + 2, SECONDS - 0.5), 3), kind) for at, kind in one.events)
    return replace(one, events=events)


def renamed(one: MadeRecording) -> MadeRecording:
    """The same content under another name of file and match."""
    match = f"of-another-folder-{one.match}"
    return replace(one, match=match, video_id=f"{match}-{one.half}")


def without_match(match: str) -> list[MadeRecording]:
    """Leave out a match."""
    return [one for one in make_recordings() if one.match != match]


# --- on disk --------------------------------------------------------------------------------------


def make_match_world(folder: Path, recordings: Sequence[MadeRecording], **highlights: Any) -> World:
    """Write table, events, models and features; highlights: settings of that section."""
    folder.mkdir(parents=True)
    _write_tables(folder, recordings)
    for role in ROLES:
        model = folder / "models" / role
        model.mkdir(parents=True)
        (model / "config.json").write_text("{}")
        (model / "model.safetensors").write_text(role)
    world = World(folder, make_match_config(folder, **highlights), tuple(recordings))
    with chdir(folder):
        RESULTS.mkdir()
        run = world.project()
        importlib.import_module("make_splits").main(run, str(RESULTS / "splits.csv"))
        _write_features(run, {one.video_id: one for one in recordings})
    return world


def make_match_config(folder: Path, **highlights: Any) -> dict[str, Any]:
    """Return settings of small networks and short trainings, with several of what is chosen."""
    return {
        "videos": {"source": "matches"},
        "matches": {
            "source": "manifest",
            "manifest": str(folder / "matches.csv"),
            "kinds": list(KINDS),
        },
        "videos_per_shard": 4,
        "steps": {"rate": RATE},
        "models": {role: {"path": str(folder / "models" / role)} for role in ROLES},
        "device": "cpu",
        "seeds": [0],
        "folds": 2,
        "audio_dim": 4,
        # One checkpoint: validation matches then have no part in what a generator becomes.
        "video_generator": {"steps": 6, "validate_every": 6, "hidden": 4, "bottleneck": 3},
        "highlights": {
            "arms": ["both", "generated_audio"],
            "generator_seconds": 6,
            "spotter": {
                "hidden": 8,
                "width": 8,
                "epochs": 6,
                "snapshots": 6,
                "batch_size": 16,
                "learning_rate": 0.02,
            },
            "sampling": {"seconds": 15},
            "inference": {"stretch": 40, "margin": 15},
            **highlights,
        },
    }


def _write_tables(folder: Path, recordings: Iterable[MadeRecording]) -> None:
    for name in ("videos", "events"):
        (folder / name).mkdir()
    rows: list[Sequence[object]] = [("path", "match", "half", "events", "split")]
    for one in recordings:
        video, events = f"videos/{one.video_id}.mkv", f"events/{one.video_id}.csv"
        (folder / video).write_bytes(one.video_id.encode())
        _write_csv(folder / events, [("time", "kind"), *one.events])
        rows.append((video, one.match, one.half, events, one.split))
    _write_csv(folder / "matches.csv", rows)


def _write_csv(path: Path, rows: Iterable[Sequence[object]]) -> None:
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows(rows)


def _write_features(run: Run, recordings: Mapping[str, MadeRecording]) -> None:
    """Write artifacts and ledgers of all stages before the first fit."""
    for stage in ("step_visual", "step_sound", "events"):
        for shard, names in run.dataset.shards.items():
            rows = [_write(run, stage, shard, recordings[name]) for name in names]
            write_rows(run.layout.ledger(stage, shard), rows)


def _write(run: Run, stage: str, shard: str, one: MadeRecording) -> LedgerEntry:
    path = run.layout.folder(stage, shard) / f"{one.video_id}{STAGES[stage].suffix}"
    digest, size = write_artifact(path, _features(one)[stage], "made")
    return LedgerEntry(one.video_id, OK, "", "made", digest, size, 0.0)


def _features(one: MadeRecording) -> dict[str, dict[str, Any]]:
    valid = np.ones(len(one.visual), bool)
    events = [
        {
            "half": one.half,
            "milliseconds": round(1000 * at),
            "file_milliseconds": round(1000 * at),
            "kind": kind,
            "is_shown": True,
        }
        for at, kind in one.events
    ]
    others = [{"file_milliseconds": round(1000 * at)} for at in one.others]
    level = np.full(len(valid), -30, np.float32)
    return {
        "step_visual": {"features": one.visual, "valid": valid},
        "step_sound": {"mel": one.mel, "rms": level, "valid": valid},
        "events": {"events": events, "others": others, "halves": {str(one.half): 0.0}},
    }


def bytes_of(world: World, *stages: str) -> dict[str, bytes]:
    """Return every artifact of stages, by its path in results/."""
    with chdir(world.folder):
        run = world.project()
        return {
            str(path): path.read_bytes()
            for stage in stages
            for path in sorted(run.layout.folder(stage).rglob(f"*{STAGES[stage].suffix}"))
        }
