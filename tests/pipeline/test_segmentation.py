"""The first stages of segmentation, of the world of families and of a table with masks."""

from __future__ import annotations

import subprocess
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import extract_avs_audio
import extract_avs_frames
import extract_wav
import make_avs_truth
import make_clips
import make_splits
import make_truth
import probe_videos
import read_avs_boxes
from media.clips import run_ffmpeg
from unmuted.checkout import ROOT
from unmuted.engine.executor import Artifact
from unmuted.engine.job import Job, UndeclaredRead
from unmuted.engine.run import Run
from unmuted.media.ffmpeg import binary
from unmuted.pipeline.registry import REGISTRY, open_run
from unmuted.systems.segmentation.artifacts import (
    EMPTY,
    LABELLED,
    open_pictures,
    unpack_masks,
)

MODELS = {
    role: {"path": str(ROOT / "resources/tiny_models" / name), "dtype": "float32"}
    for role, name in {
        "vit": "vit",
        "ast": "ast",
        "blip": "blip",
        **dict.fromkeys(("pilot_backbone", "cnn_rnn_backbone", "step_backbone"), "cnn"),
    }.items()
}
SCRIPTS = (
    (make_clips, "clips"),
    (make_truth, "truth"),
    (probe_videos, "probe"),
    (extract_wav, "wav"),
    (extract_avs_frames, "avs_frames"),
    (extract_avs_audio, "avs_audio"),
    (make_avs_truth, "avs_truth"),
    (read_avs_boxes, "avs_boxes"),
)


def make(run: Run, *wanted: str) -> None:
    for script, name in SCRIPTS:
        for shard in run.dataset.shards if name in wanted else ():
            script.main(Job(run, run.stages[name], shard))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Eight training pictures and a family of each other split, as far as the stages go."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("world")
    config = {
        "videos": {
            "source": "demo",
            "demo": {
                "kind": "segmentation",
                "families": {"pictures": 8, "val": 2, "test": 2, "extra": 1},
            },
        },
        "clips": {"seconds": 2, "fps": 4},
        "avs": {"short_side": 36},
        "models": MODELS,
        "folds": 2,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run = open_run(config)
        run.check()
        run.check_experiment()
        run.record()
        planned = Run.of_job(run.config, REGISTRY)
        make_splits.main(run, "results/splits.csv")
        make(planned, *(name for _, name in SCRIPTS))
        yield run


def artifacts(run: Run, stage: str) -> dict[str, Artifact]:
    return dict(run.store.artifacts(stage, run.dataset.videos))


def families(run: Run) -> list[dict[str, str]]:
    """Video id by soundtrack, of every group with more than one clip."""
    videos = sorted(run.dataset.videos.values(), key=lambda video: video.group)
    groups = (list(group) for _, group in groupby(videos, key=lambda video: video.group))
    return [{v.extra["soundtrack"]: v.video_id for v in group} for group in groups if group[1:]]


def test_the_clips_of_a_family_have_one_picture_stream(world: Run) -> None:
    clips, frames = artifacts(world, "clips"), artifacts(world, "avs_frames")
    found = families(world)
    assert sorted(map(len, found)) == [2, 4, 4, 4, 4]

    def stream(video: str, kind: str) -> bytes:
        command = [binary(), "-v", "error", "-i", clips[video].path, "-map", f"0:{kind}"]
        return subprocess.run(
            [*command, "-c", "copy", "-f", "framemd5", "-"], capture_output=True, check=True
        ).stdout

    for family in found:
        assert len({stream(video, "v") for video in family.values()}) == 1
        assert len({stream(video, "a") for video in family.values()}) == len(family)
        pictures = [frames[video].tensors()["frames"] for video in family.values()]
        assert all((one == pictures[0]).all() for one in pictures)


def test_the_truth_of_a_family(world: Run) -> None:
    truths = {name: one.tensors() for name, one in artifacts(world, "avs_truth").items()}
    assert truths.keys() == world.dataset.videos.keys()
    for family in families(world):
        of = {track: truths[video] for track, video in family.items()}
        objects = of["a"]["objects"]
        for track, mark in (("a", 1), ("b", 2)):
            masks, status = unpack_masks(of[track]["masks"]), of[track]["status"]
            heard = status == LABELLED
            assert heard.any() and (of[track]["objects"] == objects).all()
            assert (masks[heard] == (objects[heard] == mark)).all()
            assert not masks[~heard].any() and (status[~heard] == EMPTY).all()
            assert 0.005 < masks[heard].mean() < 0.1
        for track in {"off_screen", "silence"} & of.keys():
            assert not of[track]["masks"].any() and (of[track]["status"] == EMPTY).all()


def test_pictures_and_their_padding(world: Run) -> None:
    for artifact in artifacts(world, "avs_frames").values():
        with open_pictures(artifact) as pictures:
            assert pictures.content == (36, 48) and pictures.native == (144, 192)
            images = pictures.read(0, 2)
            assert images.shape == (2, 64, 64, 3) and pictures.seconds == 2
            assert images[:, pictures.inside].mean() > 30 and not images[:, ~pictures.inside].any()
            assert pictures.file.rows("frame_times").tolist() == [0.5, 1.5]
        assert not artifact.tensors()["frames"][:, 36:].any()


def test_the_sound_of_every_second_under_each_condition(world: Run) -> None:
    sounds = {name: one.tensors() for name, one in artifacts(world, "avs_audio").items()}
    tracks = {name: video.extra["soundtrack"] for name, video in world.dataset.videos.items()}
    silent = next(name for name, track in tracks.items() if track == "silence")
    silence = sounds[silent]["own"]
    for name, sound in sounds.items():
        assert sound["own"].shape == (2, 128) and sound["own"].dtype == np.float32
        assert sound["valid"].all()  # silence is a sound, too
        assert (sound["silence"] == silence).all()  # to the bit: one way from sound to features
        is_silent = tracks[name] == "silence"
        assert (sound["own"] == silence).all() == is_silent == (sound["rms_db"] < -60).all()
        assert (sound["noise"] != sound["own"]).any()
    found = artifacts(world, "avs_audio")
    assert {name for name, one in found.items() if one.row.status == "silent"} == {
        name for name, track in tracks.items() if track == "silence"
    }


def test_boxes_are_of_training_clips_and_of_what_sounds(world: Run) -> None:
    boxes, truths = artifacts(world, "avs_boxes"), artifacts(world, "avs_truth")
    splits = world.dataset.splits
    assert set(boxes) == {name for name, split in splits.items() if split == "train"}
    for name, artifact in boxes.items():
        truth = truths[name].tensors()
        rows = artifact.json()["boxes"]
        masks = unpack_masks(truth["masks"])
        assert {row["second"] for row in rows} == set(np.flatnonzero(truth["status"] == LABELLED))
        filled = np.zeros_like(masks)
        for row in rows:
            top, bottom = (round(row[edge] * 36) for edge in ("top", "bottom"))
            left, right = (round(row[edge] * 48) for edge in ("left", "right"))
            filled[row["second"], top:bottom, left:right] = True
        assert filled[masks].all() and masks.sum() >= 0.3 * filled.sum()


def test_only_declared_stages_are_told_what_is_true(world: Run) -> None:
    shard = next(iter(world.dataset.shards))
    for name in ("avs_frames", "avs_audio"):
        job = Job(world, world.stages[name], shard)
        assert {video.targets for video in job.videos.values()} == {None}
        with pytest.raises(UndeclaredRead):
            job.specifications  # noqa: B018


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Six videos of 2.6 s with masks in their first second, the first without a stream of sound."""
    torch.set_num_threads(1)
    monkeypatch.chdir(tmp_path)
    lines = ["path,masks,boxes"]
    for number in range(6):
        sound = ("-f", "lavfi", "-i", f"sine=frequency={300 + 90 * number}:duration=2.6")
        run_ffmpeg(
            *("-f", "lavfi", "-i", f"testsrc=size=80x60:rate=10:duration=2.6:decimals={number}"),
            *(sound if number else ()),
            f"v{number}.mp4",
        )
        Path(f"masks/v{number}").mkdir(parents=True)
        mask = np.zeros((60, 80), np.uint8)
        mask[:30, 10 * number : 10 * number + 20] = 255
        Image.fromarray(mask).save(f"masks/v{number}/0.png")
        lines.append(f"v{number}.mp4,masks/v{number},{'boxes' if number < 3 else ''}")
    Path("boxes").mkdir()
    Path("boxes/0.xml").write_text(
        "<annotation><size><width>8</width><height>6</height></size><object><name>dog</name><bndbox>"
        "<xmin>0</xmin><ymin>0</ymin><xmax>4</xmax><ymax>3</ymax></bndbox></object></annotation>"
    )
    Path("m.csv").write_text("\n".join(lines))
    config = {
        "videos": {"source": "manifest", "manifest": "m.csv"},
        "avs": {"short_side": 32},
        "models": MODELS,
        "splits": {"train": 0.4, "val": 0.2},
        "folds": 2,
        "videos_per_shard": 3,
    }
    run = open_run(config)
    run.check()
    run.check_experiment()
    run.record()
    make_splits.main(run, "results/splits.csv")
    return run


def test_own_videos_with_masks(own: Run) -> None:
    (Path("masks/v1/0.png")).rename("masks/v1/gone.txt")  # jobs look at the files themselves
    make(Run.of_job(own.config, REGISTRY), *(name for _, name in SCRIPTS[2:]))
    truths = {name: one.tensors() for name, one in artifacts(own, "avs_truth").items()}
    assert {name: truth["status"].tolist() for name, truth in truths.items()} == {
        f"v{number}": [EMPTY - 1 if number != 1 else 0, 0, 0] for number in range(6)
    }
    for number in (0, 2, 5):
        columns = unpack_masks(truths[f"v{number}"]["masks"])[0].any(axis=0)
        left = np.flatnonzero(columns)[0]
        assert left == pytest.approx(number * 43 / 8, abs=1)
    sounds = artifacts(own, "avs_audio")
    assert sounds.keys() == truths.keys()
    assert sounds["v0"].row.status == "no_stream" and not sounds["v0"].tensors()["valid"].any()
    assert sounds["v1"].row.status == "ok" and sounds["v1"].tensors()["valid"].all()
    boxes, splits = artifacts(own, "avs_boxes"), own.dataset.splits
    assert set(boxes) == {f"v{n}" for n in range(3) if splits[f"v{n}"] == "train"}
    for artifact in boxes.values():
        assert [row["label"] for row in artifact.json()["boxes"]] == ["dog"]


def test_a_changed_mask_is_work_for_its_truth_alone(own: Run) -> None:
    def fingerprints() -> set[tuple[str, str, str]]:
        run = open_run(own.config)
        return {
            (stage, shard, run.planner.job_fingerprint(stage, shard))
            for stage in ("avs_frames", "avs_audio", "avs_truth")
            for shard in run.dataset.shards
        }

    before = fingerprints()
    Path("masks/v3/1.png").write_bytes(Path("masks/v3/0.png").read_bytes())
    changed = {(stage, shard) for stage, shard, _ in fingerprints() - before}
    assert changed == {("avs_truth", open_run(own.config).dataset.find_shard("v3"))}
