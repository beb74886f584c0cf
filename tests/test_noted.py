"""The note of a run's videos: jobs see those of their shard as planned, and read no others."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from small_project import changed, make_config
from unmuted.dataset.videos import Video
from unmuted.engine.job import make_jobs
from unmuted.engine.noted import note_videos, read_note
from unmuted.engine.plan import NOTED
from unmuted.engine.project import Project
from unmuted.errors import UserError
from unmuted.pipeline.registry import REGISTRY, open_run
from unmuted.pipeline.stages import STAGES

LABELS = {f"{label}{i}": label for label in ("cats", "dogs") for i in range(4)} | {"loose": None}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    monkeypatch.chdir(tmp_path)
    return make_config(tmp_path, LABELS)


@pytest.fixture
def planned(config: dict[str, object]) -> Project:
    project = open_run(config)
    project.note_source()
    return project


def test_a_job_finds_what_was_planned(config, planned) -> None:
    job = Project.of_job(config, REGISTRY)
    assert job.noted is not None
    assert [job.videos_of(shard) for shard in planned.shards] == [
        planned.videos_of(shard) for shard in planned.shards
    ]
    assert job.dataset.videos == planned.dataset.videos
    assert job.shards == planned.shards
    shard = min(planned.shards)
    for stage in ("probe", "ast", "mapping"):
        assert job.visit_recipe(stage, shard) == planned.visit_recipe(stage, shard)
    assert job.visit_recipe("projection") == planned.visit_recipe("projection")


def test_a_job_of_one_shard_never_looks_at_the_source(
    config, planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    never_look(monkeypatch)
    job = Project.of_job(config, REGISTRY)
    for shard in planned.shards:
        job.visit_recipe("mapping", shard)
        job.stage_inputs("mapping", shard)
        (probing,) = make_jobs(job, "probe_videos", shard)
        assert probing.videos == planned.videos_of(shard)
        assert [job.find_shard(name) for name in probing.videos] == [shard] * len(probing.videos)
    assert job.classes == planned.classes
    with pytest.raises(AssertionError, match="all videos were read"):
        open_run(config).visit_recipe("mapping", shard)


def never_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on nothing may look at more videos than those of a shard."""

    def refuse(*_: object) -> None:
        raise AssertionError("all videos were read")

    monkeypatch.setattr("unmuted.pipeline.datasets.read_folder", refuse)
    monkeypatch.setattr("unmuted.engine.noted.NotedVideos.all", refuse)


BEHIND_FITS = [name for name, stage in STAGES.items() if stage.is_sharded and stage.fits]


@pytest.mark.parametrize("variant", ["", "generator.dropout=0.5"])
def test_a_job_behind_the_fits_looks_at_no_other_video(
    config, monkeypatch: pytest.MonkeyPatch, variant: str
) -> None:
    planned = open_run(config)
    shard, other = sorted(planned.shards)[:2]
    run = planned.variant_of(variant)
    expected = {name: run.home(name).visit_recipe(name, shard) for name in BEHIND_FITS}
    planned.note_source()
    for video in planned.videos_of(other).values():
        video.path.unlink()
    never_look(monkeypatch)
    job = Project.of_job(config, REGISTRY).variant_of(variant)
    assert {name: job.home(name).visit_recipe(name, shard) for name in BEHIND_FITS} == expected
    for name in BEHIND_FITS:
        job.home(name).stage_inputs(name, shard)


def test_what_was_planned_with_other_settings_does_not_count(config) -> None:
    planned = open_run(config)
    shard = min(planned.shards)
    planned.visit_recipe("generated", shard)
    planned.note_source()
    other = changed(config, "generator.dropout", 0.5)
    job = Project.of_job(other, REGISTRY)
    assert job.noted is not None
    assert job.visit_recipe("generated", shard) == open_run(other).visit_recipe("generated", shard)


def test_a_job_keeps_the_note_that_it_has_opened(config, planned) -> None:
    job = Project.of_job(config, REGISTRY)
    others = changed(config, "videos.follow_links", True)
    open_run(changed(others, "videos_per_shard", 1)).note_source()  # in its place, laid out anew
    assert job.dataset.videos == planned.dataset.videos


def test_a_job_in_a_variant_reads_the_note_too(config, planned) -> None:
    job = Project.of_job(config, REGISTRY).variant_of("frames.short_side=99")
    assert job.noted is not None


def test_the_videos_that_were_planned_count_not_those_that_came_since(
    config, planned, tmp_path: Path
) -> None:
    (tmp_path / "videos" / "cats" / "late.mp4").touch()
    assert "late" not in Project.of_job(config, REGISTRY).videos
    assert "late" in open_run(config).videos


@pytest.mark.parametrize(("key", "value"), [("videos_per_shard", 2), ("videos.follow_links", True)])
def test_a_note_of_another_configuration_is_not_read(config, planned, key, value) -> None:
    assert Project.of_job(changed(config, key, value), REGISTRY).noted is None


def test_without_a_note_the_source_is_read(config) -> None:
    job = Project.of_job(config, REGISTRY)
    assert job.noted is None
    assert set(job.videos) == set(LABELS)


@pytest.mark.parametrize("length", [0, 5, 40, -1])
def test_a_damaged_note_is_not_read(config, planned, length: int) -> None:
    NOTED.write_bytes(NOTED.read_bytes()[:length])
    assert Project.of_job(config, REGISTRY).noted is None


def test_a_note_of_another_version_is_not_read(config, planned) -> None:
    content = NOTED.read_bytes()
    NOTED.write_bytes(content.replace(b'"classes"', b'"clauses"'))
    assert NOTED.read_bytes() != content
    assert Project.of_job(config, REGISTRY).noted is None


def test_a_shard_that_was_not_noted_has_no_videos(config, planned) -> None:
    job = Project.of_job(config, REGISTRY)
    assert job.videos_of("00099-of-00100") == {}
    shutil.rmtree("videos")
    with pytest.raises(UserError, match="no shard '00099-of-00100'"):
        job.visit_recipe("probe", "00099-of-00100")


def test_any_name_comes_back(tmp_path: Path) -> None:
    odd = Path(os.fsdecode(b"in \xff\n/\xc3\xa9.mp4"))
    videos = [
        Video("a", odd, "label, é", "train", "g", root=odd.parent, extra={"note": "\n\u2028"}),
        Video("b", None, None, None, "b"),
    ]
    shards = [("s", videos[:1]), ("t", []), ("u", videos[1:])]
    note_videos(tmp_path / "note", "source", ["a", "label, é"], shards, {"": {"all": {}}})
    found = read_note(tmp_path / "note", "source")
    assert found.visits == {"": {"all": {}}} and found.classes == ["a", "label, é"]
    assert found.all() == videos
    assert [found.of_shard(shard) for shard in "stu"] == [videos[:1], [], videos[1:]]
    assert read_note(tmp_path / "note", "other") is None
    assert "s" in found and "v" not in found


def test_the_demo_notes_nothing(tmp_path: Path, config, monkeypatch: pytest.MonkeyPatch) -> None:
    demo = {**config, "videos": {"source": "demo"}}
    open_run(demo).note_source()
    assert not NOTED.exists()
