"""The record of a run's videos: jobs see those of their shard as planned, and read no others."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from small_project import changed, make_config
from unmuted.dataset.videos import Video
from unmuted.engine.job import make_jobs
from unmuted.engine.layout import RUN_RECORD
from unmuted.engine.run import Run
from unmuted.engine.run_record import read_record, write_record
from unmuted.errors import UserError
from unmuted.pipeline.registry import REGISTRY, STAGES, open_run

LABELS = {f"{label}{i}": label for label in ("cats", "dogs") for i in range(4)} | {"loose": None}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    monkeypatch.chdir(tmp_path)
    return make_config(tmp_path, LABELS)


@pytest.fixture
def planned(config: dict[str, object]) -> Run:
    project = open_run(config)
    project.record()
    return project


def test_a_job_finds_what_was_planned(config, planned) -> None:
    job = Run.of_job(config, REGISTRY)
    assert job.dataset.record is not None
    assert [job.dataset.videos_of(shard) for shard in planned.dataset.shards] == [
        planned.dataset.videos_of(shard) for shard in planned.dataset.shards
    ]
    assert job.dataset.videos == planned.dataset.videos
    assert job.dataset.shards == planned.dataset.shards
    shard = min(planned.dataset.shards)
    for stage in ("probe", "ast", "mapping"):
        assert job.planner.job_fingerprint(stage, shard) == planned.planner.job_fingerprint(
            stage, shard
        )
    assert job.planner.job_fingerprint("projection") == planned.planner.job_fingerprint(
        "projection"
    )


def test_a_job_finds_the_videos_of_a_unit_in_one_shard(tmp_path: Path, config) -> None:
    rows = [f"videos/cats/cats{i}.mp4,cats,match{i % 2}" for i in range(4)]
    rows += [f"videos/dogs/dogs{i}.mp4,dogs," for i in range(4)]
    (tmp_path / "m.csv").write_text("\n".join(["path,label,unit", *rows]))
    config["videos"] = {"source": "manifest", "manifest": str(tmp_path / "m.csv")}
    for per_shard in (1, 2):
        planned = open_run(changed(config, "videos_per_shard", per_shard))
        planned.record()
        job = Run.of_job(planned.config, REGISTRY).dataset
        assert job.record is not None
        found = {name: job.find_shard(name) for name in planned.dataset.videos}
        assert found == planned.dataset.shard_of
        assert found["cats0"] == found["cats2"] and found["cats1"] == found["cats3"]
        assert job.videos_of(found["cats0"]) == planned.dataset.videos_of(found["cats0"])
        assert job.shards == planned.dataset.shards


def test_a_job_of_one_shard_never_looks_at_the_source(
    config, planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    never_look(monkeypatch)
    job = Run.of_job(config, REGISTRY)
    for shard in planned.dataset.shards:
        job.planner.job_fingerprint("mapping", shard)
        job.planner.stage_inputs("mapping", shard)
        (probing,) = make_jobs(job, "probe_videos", shard)
        assert probing.videos == planned.dataset.videos_of(shard)
        assert [job.dataset.find_shard(name) for name in probing.videos] == [shard] * len(
            probing.videos
        )
    assert job.dataset.classes == planned.dataset.classes
    with pytest.raises(AssertionError, match="all videos were read"):
        open_run(config).planner.job_fingerprint("mapping", shard)


def never_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on nothing may look at more videos than those of a shard."""

    def refuse(*_: object) -> None:
        raise AssertionError("all videos were read")

    monkeypatch.setattr("unmuted.pipeline.datasets.read_folder", refuse)
    monkeypatch.setattr("unmuted.engine.run_record.RunRecord.all", refuse)


def owner(run: Run, stage: str) -> Run:
    """The run in which the results of a stage lie."""
    return run if run.layout.owns(stage) else run.base


BEHIND_FITS = [name for name, stage in STAGES.items() if stage.is_sharded and stage.fits]


@pytest.mark.parametrize("scenario", ["", "generator.dropout=0.5"])
def test_a_job_behind_the_fits_looks_at_no_other_video(
    config, monkeypatch: pytest.MonkeyPatch, scenario: str
) -> None:
    planned = open_run(config)
    shard, other = sorted(planned.dataset.shards)[:2]
    run = planned.scenario(scenario)
    expected = {name: owner(run, name).planner.job_fingerprint(name, shard) for name in BEHIND_FITS}
    planned.record()
    for video in planned.dataset.videos_of(other).values():
        video.path.unlink()
    never_look(monkeypatch)
    job = Run.of_job(config, REGISTRY).scenario(scenario)
    assert {
        name: owner(job, name).planner.job_fingerprint(name, shard) for name in BEHIND_FITS
    } == expected
    for name in BEHIND_FITS:
        owner(job, name).planner.stage_inputs(name, shard)


def test_what_was_planned_with_other_settings_does_not_count(config) -> None:
    planned = open_run(config)
    shard = min(planned.dataset.shards)
    planned.planner.job_fingerprint("generated", shard)
    planned.record()
    other = changed(config, "generator.dropout", 0.5)
    job = Run.of_job(other, REGISTRY)
    assert job.dataset.record is not None
    assert job.planner.job_fingerprint("generated", shard) == open_run(
        other
    ).planner.job_fingerprint("generated", shard)


def test_a_job_keeps_the_record_that_it_has_opened(config, planned) -> None:
    job = Run.of_job(config, REGISTRY)
    others = changed(config, "videos.follow_links", True)
    open_run(changed(others, "videos_per_shard", 1)).record()  # in its place, laid out anew
    assert job.dataset.videos == planned.dataset.videos


def test_a_job_in_a_scenario_reads_the_record_too(config, planned) -> None:
    job = Run.of_job(config, REGISTRY).scenario("frames.short_side=99")
    assert job.dataset.record is not None


def test_the_videos_that_were_planned_count_not_those_that_came_since(
    config, planned, tmp_path: Path
) -> None:
    (tmp_path / "videos" / "cats" / "late.mp4").touch()
    assert "late" not in Run.of_job(config, REGISTRY).dataset.videos
    assert "late" in open_run(config).dataset.videos


@pytest.mark.parametrize(("key", "value"), [("videos_per_shard", 2), ("videos.follow_links", True)])
def test_a_record_of_another_configuration_is_not_read(config, planned, key, value) -> None:
    assert Run.of_job(changed(config, key, value), REGISTRY).dataset.record is None


def test_without_a_record_the_source_is_read(config) -> None:
    job = Run.of_job(config, REGISTRY)
    assert job.dataset.record is None
    assert set(job.dataset.videos) == set(LABELS)


@pytest.mark.parametrize("length", [0, 5, 40, -1])
def test_a_damaged_record_is_not_read(config, planned, length: int) -> None:
    RUN_RECORD.write_bytes(RUN_RECORD.read_bytes()[:length])
    assert Run.of_job(config, REGISTRY).dataset.record is None


def test_a_record_of_another_version_is_not_read(config, planned) -> None:
    content = RUN_RECORD.read_bytes()
    RUN_RECORD.write_bytes(content.replace(b'"classes"', b'"clauses"'))
    assert RUN_RECORD.read_bytes() != content
    assert Run.of_job(config, REGISTRY).dataset.record is None


def test_a_shard_that_was_not_recorded_has_no_videos(config, planned) -> None:
    job = Run.of_job(config, REGISTRY)
    assert job.dataset.videos_of("00099-of-00100") == {}
    shutil.rmtree("videos")
    with pytest.raises(UserError, match="no shard '00099-of-00100'"):
        job.planner.job_fingerprint("probe", "00099-of-00100")


def test_any_name_comes_back(tmp_path: Path) -> None:
    odd = Path(os.fsdecode(b"in \xff\n/\xc3\xa9.mp4"))
    videos = [
        Video("a", odd, "label, é", "train", "g", root=odd.parent, extra={"note": "\n\u2028"}),
        Video("b", None, None, None, "b"),
    ]
    videos[0] = replace(videos[0], planned=[3, 4, True])
    shards = [("s", videos[:1]), ("t", []), ("u", videos[1:])]
    planned, tools = {"": {"all": {}}}, {"reader": "1.2"}
    path, classes = tmp_path / "record", ["a", "label, é"]
    write_record(path, "source", classes, shards, planned, 4, {"v": "u"}, "no labels", tools)
    found = read_record(tmp_path / "record", "source")
    assert found.job_fingerprints == {"": {"all": {}}} and found.classes == ["a", "label, é"]
    assert (found.videos_per_shard, found.units) == (4, {"v": "u"})
    assert found.tools == tools and found.missing_labels == "no labels"
    assert found.all() == videos
    assert [video.planned for video in found.all()] == [[3, 4, True], None]
    assert [found.of_shard(shard) for shard in "stu"] == [videos[:1], [], videos[1:]]
    assert read_record(tmp_path / "record", "other") is None
    assert "s" in found and "v" not in found


def test_the_demo_records_nothing(tmp_path: Path, config, monkeypatch: pytest.MonkeyPatch) -> None:
    demo = {**config, "videos": {"source": "demo"}}
    open_run(demo).record()
    assert not RUN_RECORD.exists()
