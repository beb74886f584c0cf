"""Recordings of matches as a dataset of a run: read before the first job, handed to the jobs."""

from __future__ import annotations

from pathlib import Path

import pytest

import hear_match
import probe_videos
import read_events
from media.clips import run_ffmpeg
from unmuted.engine.job import Job
from unmuted.engine.run import Run
from unmuted.errors import UserError
from unmuted.pipeline.datasets import dataset_identity
from unmuted.pipeline.registry import REGISTRY, open_run

MODELS = {role: {"path": "resources/tiny_models/cnn"} for role in ("vit", "ast", "blip")}


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("media") / "a.mkv"
    run_ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=64x64:rate=25:duration=3"),
        *("-f", "lavfi", "-i", "sine=frequency=400:duration=3", "-c:a", "pcm_s16le", path),
    )
    return path.read_bytes()


@pytest.fixture
def config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recording: bytes
) -> dict[str, dict[str, object]]:
    """Six matches of two halves; the events of m0 end after the video."""
    monkeypatch.chdir(tmp_path)
    lines = ["path,match,events"]
    for i in range(6):
        seconds = 1 + i if i else 30
        Path(f"m{i}.csv").write_text(f"time,kind,half\n1,Goal,1\n{seconds},Goal,2\n")
        for half in (1, 2):
            Path(f"m{i}_{half}.mkv").write_bytes(recording + bytes([i, half]))
            lines.append(f"m{i}_{half}.mkv,m{i},m{i}.csv")
    Path("m.csv").write_text("\n".join(lines))
    return {
        "videos": {"source": "matches", "max_seconds": 7200},
        "matches": {"source": "manifest", "manifest": "m.csv"},
        "models": {**MODELS, "step_backbone": MODELS["vit"]},
        "videos_per_shard": 4,
        "splits": {"train": 0.4, "val": 0.2},
        "folds": 2,
    }


def make(run: Run, *scripts: object) -> None:
    for main, name in scripts:
        for shard in run.dataset.shards:
            main(Job(run, run.stages[name], shard))


def test_jobs_are_told_of_the_events_that_were_read_when_the_run_was_planned(
    config: dict[str, object],
) -> None:
    run = open_run(config)
    run.check()
    run.check_experiment()
    run.record()
    Path("m1.csv").unlink()  # no job reads it again
    planned = Run.of_job(run.config, REGISTRY)
    make(planned, (probe_videos.main, "probe"), (read_events.main, "events"))
    found = planned.store.artifacts("events", run.dataset.videos)
    records = {name: artifact.json() for name, artifact in found.items()}
    assert len(records) == 12
    assert [event["milliseconds"] for event in records["m1-2"]["events"]] == [2000]
    assert records["m0-2"]["events"] == [] and records["m0-2"]["rejected_count"] == 1
    shard = run.dataset.find_unit_shard("m0")
    assert planned.store.rows("events", shard)["m0-2"].reason == "1 events rejected"


def test_changed_events_are_work_for_their_shard_alone(config: dict[str, object]) -> None:
    def fingerprints() -> dict[str, str]:
        run = open_run(config)
        return {shard: run.planner.job_fingerprint("events", shard) for shard in run.dataset.shards}

    before = fingerprints()
    Path("m3.csv").write_text("time,kind,half\n2,Goal,1\n")
    after = fingerprints()
    shard = open_run(config).dataset.find_unit_shard("m3")
    assert {name for name in before if before[name] != after[name]} == {shard}


def test_other_matches_are_another_dataset_and_no_scenario_changes_them(
    config: dict[str, object],
) -> None:
    run = open_run(config)
    assert dataset_identity(run.config) == {"source": "manifest", "path": "m.csv"}
    with pytest.raises(UserError, match=r"matches\.source must be the same in all scenarios"):
        run.scenario("matches.source=demo")


def test_a_split_without_events_stops_the_run_before_any_job(config: dict[str, object]) -> None:
    for i in range(6):
        Path(f"m{i}.csv").write_text("time,kind,half\n1,Corner,1\n")
    run = open_run(config)
    run.check()  # features can be made all the same
    with pytest.raises(UserError, match="the split 'train' has no event of the kinds"):
        run.check_experiment()


def test_the_sound_of_a_shard(config: dict[str, object]) -> None:
    run = open_run(config)
    make(run, (probe_videos.main, "probe"), (hear_match.main, "step_sound"))
    found = run.store.artifacts("step_sound", ["m0-1"])["m0-1"].tensors()
    assert found["mel"].shape == (15, 20, 64) and found["valid"].all()
