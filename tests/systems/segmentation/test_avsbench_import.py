"""A miniature of AVSBench in each layout, with pickles that leave a trace if they are read."""

from __future__ import annotations

import csv
import os
import pickle
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import import_avsbench as script
from unmuted.dataset.avsbench import (
    AvsBenchClip,
    read_avsbench,
    straddling,
    straddling_text,
)
from unmuted.dataset.manifest import read_manifest
from unmuted.dataset.masks import MASKS
from unmuted.dataset.videos import check_experiment
from unmuted.errors import UserError
from unmuted.media.frames import read_frames
from unmuted.media.probe import probe
from unmuted.media.wav import read_wav
from unmuted.systems.segmentation.avsbench_import import import_avsbench

SIDE = 32
CLASS = "dog_barking"


class Poison:
    """Unpickling it creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.path),)


def write_wav(path: Path, seconds: int = 5) -> np.ndarray:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = (8000 * np.sin(np.arange(16_000 * seconds) / 9)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(samples.tobytes())
    return samples


def write_picture(path: Path, shade: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.full((SIDE, SIDE, 3), shade, np.uint8)
    picture[:4, :4] = (255, 0, 0)
    Image.fromarray(picture).save(path, quality=95)


def write_mask(path: Path, left: int, mode: str = "L") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[8:16, left : left + 8] = 255
    Image.fromarray(mask).convert(mode).save(path)


def write_table(path: Path, rows: list[dict[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def poison(path: Path, trace: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(Poison(trace)))


def s4(root: Path, trace: Path) -> list[dict[str, str]]:
    """Six clips, each of a source of its own; train has one mask, as published."""
    base, rows = root / "Single-source" / "s4_data", []
    for number, split in enumerate(["train", "train", "train", "val", "test", "test"]):
        name = f"source{number:05d}_{number}000_{number + 5}000"
        rows.append({"name": name, "start": str(number), "category": CLASS, "split": split})
        inner = Path(split, CLASS)
        write_wav(base / "audio_wav" / inner / f"{name}.wav")
        poison(base / "audio_log_mel" / inner / f"{name}.pkl", trace)
        for k in range(1, 6):
            write_picture(base / "visual_frames" / inner / name / f"{name}_{k}.png", 40 * k)
        for k in range(1, 2 if split == "train" else 6):
            write_mask(base / "gt_masks" / inner / name / f"{name}_{k}.png", 2 * k, "1")
    write_table(root / "Single-source" / "s4_meta_data.csv", rows)
    return rows


def ms3(root: Path, trace: Path) -> list[dict[str, str]]:
    """A test clip and a validation clip have siblings in train."""
    base, rows = root / "ms3_data", []
    sources = [
        "aaaaaaaaaaa",
        "bbbbbbbbbbb",
        "aaaaaaaaaaa",
        "ccccccccccc",
        "ddddddddddd",
        "bbbbbbbbbbb",
    ]
    splits = ["train", "train", "test", "test", "val", "val"]
    for number, (source, split) in enumerate(zip(sources, splits, strict=True)):
        name = f"{source}_{number}"
        rows.append({"video_id": name, "split": split})
        write_wav(base / "audio_wav" / split / f"{name}.wav")
        poison(base / "audio_log_mel" / split / f"{name}.pkl", trace)
        for k in range(1, 6):
            write_picture(base / "visual_frames" / name / f"{name}.mp4_{k}.png", 40 * k)
            write_mask(base / "gt_masks" / split / name / f"{name}_{k}.png", 2 * k, "P")
    write_table(base / "ms3_meta_data.csv", rows)
    return rows


def avss(root: Path, trace: Path) -> list[dict[str, str]]:
    rows = []
    for number, (part, split) in enumerate([("v1s", "train"), ("v1m", "val"), ("v2", "test")]):
        uid = f"source{number:05d}_0_10000"
        count = 10 if part == "v2" else 5
        rows.append(
            {"vid": uid[:11], "uid": uid, "s_min": "0", "s_sec": "0", "a_obj": "man_dog",
             "split": split, "label": part}
        )  # fmt: skip
        write_wav(root / part / uid / "audio.wav", count)
        poison(root / part / uid / "audio.pkl", trace)
        for k in range(count):
            write_picture(root / part / uid / "frames" / f"{k}.jpg", 20 * k)
            if part != "v1s" or k == 0:
                write_mask(root / part / uid / "labels_rgb" / f"{k}.png", 2 * k, "RGB")
    write_table(root / "metadata.csv", rows)
    return rows


def rows_of(manifest: Path) -> list[dict[str, str]]:
    with open(manifest, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_s4_becomes_videos_of_the_same_pictures_and_sound(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    rows = s4(tmp_path / "in", trace)
    assert script.main([str(tmp_path / "in"), str(tmp_path / "out")]) is None
    assert not trace.exists()
    imported = rows_of(tmp_path / "out" / "manifest.csv")
    assert [row["video_id"] for row in imported] == [row["name"] for row in rows]
    assert {row["label"] for row in imported} == {CLASS} and "split" not in imported[0]
    assert [row["group"] for row in imported] == [f"source{number:05d}" for number in range(6)]
    video = tmp_path / "out" / imported[0]["path"]
    found = probe(video)
    assert found.duration_s == pytest.approx(5, abs=0.01)
    shown = read_frames(video, found, 5, SIDE).images
    assert [int(image[20, 20, 0]) for image in shown] == [40, 80, 120, 160, 200]
    assert (shown[:, 2, 2] == (255, 0, 0)).all()
    expected = write_wav(tmp_path / "again.wav")
    assert (read_wav(video, found).samples == expected).all()
    masks = [len(list((tmp_path / "out" / row["masks"]).iterdir())) for row in imported]
    assert masks == [1, 1, 1, 5, 5, 5]
    first = np.array(Image.open(tmp_path / "out" / imported[3]["masks"] / "0.png"))
    assert first[8:16, 2:10].all() and first.sum() == 64


def test_an_imported_set_is_a_dataset(tmp_path: Path) -> None:
    s4(tmp_path / "in", tmp_path / "trace")
    imported = import_avsbench(tmp_path / "in", tmp_path / "out")
    dataset = read_manifest(imported.manifest, None, {})
    check_experiment(dataset)  # of one class: the masks are what is to be found
    assert dataset.has_targets and len(dataset.videos) == 6
    assert all(video.targets["masks"]["folder"].startswith("masks/") for video in dataset.videos)
    assert "frame_at: 0.9375" in imported.settings and "squashed" in imported.settings


def test_sources_of_ms3_straddle_its_published_splits(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    ms3(tmp_path / "in", trace)
    own = import_avsbench(tmp_path / "in", tmp_path / "own")
    published = import_avsbench(tmp_path / "in", tmp_path / "published", "published")
    assert not trace.exists() and own.never_read == 6
    assert own.straddling == ""
    assert published.straddling == "test 1 of 2, val 1 of 2"
    assert "sources_straddle: test 1 of 2, val 1 of 2" in str(published)
    mine, theirs = rows_of(own.manifest), rows_of(published.manifest)
    assert "split" not in mine[0] and "sources_straddle" not in mine[0]
    assert {row["sources_straddle"] for row in theirs} == {"test 1 of 2, val 1 of 2"}
    assert [row["group"] for row in mine].count("aaaaaaaaaaa") == 2
    dataset = read_manifest(published.manifest, None, {})
    check_experiment(dataset)  # the groups are those of the splits, and the flag says so
    assert {video.extra["sources_straddle"] for video in dataset.videos} == {
        "test 1 of 2, val 1 of 2"
    }
    assert {video.label for video in dataset.videos} == {MASKS}
    # The planted leak: the published splits with the sources as groups.
    leaking = [{**row, "group": row["group"].removesuffix(f"-{row['split']}")} for row in theirs]
    write_table(published.manifest, leaking)
    with pytest.raises(UserError, match="group 'aaaaaaaaaaa' straddles the splits test, train"):
        check_experiment(read_manifest(published.manifest, None, {}))


def test_avss_has_masks_of_classes(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    avss(tmp_path / "in", trace)
    imported = import_avsbench(tmp_path / "in", tmp_path / "out", "published")
    assert not trace.exists()
    assert "foreground: nonzero" in imported.settings
    rows = rows_of(imported.manifest)
    assert [len(list((tmp_path / "out" / row["masks"]).iterdir())) for row in rows] == [1, 5, 10]
    assert probe(tmp_path / "out" / rows[2]["path"]).duration_s == pytest.approx(10, abs=0.01)


def test_raw_videos_are_taken_as_they_are(tmp_path: Path) -> None:
    rows = s4(tmp_path / "in", tmp_path / "trace")
    raw = tmp_path / "in" / "Single-source" / "s4_data" / "raw_videos" / "train" / CLASS
    raw.mkdir(parents=True)
    (raw / f"{rows[0]['name']}.mp4").write_bytes(b"any video")
    imported = import_avsbench(tmp_path / "in", tmp_path / "out")
    path = tmp_path / "out" / rows_of(imported.manifest)[0]["path"]
    assert path.suffix == ".mp4" and path.read_bytes() == b"any video"


def test_pickles_alone_are_not_enough(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    s4(tmp_path / "in", trace)
    for path in (tmp_path / "in").rglob("*.wav"):
        path.unlink()
    with pytest.raises(UserError, match="audio_wav or raw_videos needed; pickles are never read"):
        import_avsbench(tmp_path / "in", tmp_path / "out")
    assert not trace.exists() and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"category": "quacking"}, "line 2: category 'quacking' is none of the 23"),
        ({"split": "dev"}, "line 2: split 'dev' is none of train, val, test"),
        ({"name": "source00001_1000_6000"}, "line 3: name 'source00001_1000_6000' is there twice"),
        ({"name": "../../etc"}, "line 2: name '../../etc' is no name of a file"),
    ],
)
def test_rows_that_are_not_as_published_are_listed(
    change: dict[str, str], message: str, tmp_path: Path
) -> None:
    rows = s4(tmp_path, tmp_path / "trace")
    write_table(tmp_path / "Single-source" / "s4_meta_data.csv", [rows[0] | change, *rows[1:]])
    with pytest.raises(UserError, match="1 problem") as found:
        read_avsbench(tmp_path)
    assert message in str(found.value)


def test_linked_masks_are_not_followed(tmp_path: Path) -> None:
    rows = s4(tmp_path / "in", tmp_path / "trace")
    secret = tmp_path / "secret.png"
    write_mask(secret, 2)
    mask = next((tmp_path / "in").rglob(f"gt_masks/**/{rows[0]['name']}_1.png"))
    mask.unlink()
    mask.symlink_to(secret)
    imported = import_avsbench(tmp_path / "in", tmp_path / "out")
    assert imported.videos == 5 and "found a link" in imported.problems[0]


def test_straddling_is_counted_by_source() -> None:
    def clip(source: str, split: str) -> AvsBenchClip:
        return AvsBenchClip(f"{source}_1", source, split, None, None, None, (), {})

    clips = [clip("a", "train"), clip("a", "test"), clip("b", "test"), clip("a", "val")]
    assert straddling(clips) == {"test": (1, 2), "val": (1, 1)}


def ms3_clips(rows: list[dict[str, str]]) -> list[AvsBenchClip]:
    return [
        AvsBenchClip(r["video_id"], r["video_id"][:11], r["split"], None, None, None, (), {})
        for r in rows
    ]


def test_counts_of_the_published_size_are_found() -> None:
    """A miniature of the published counts: 424 clips, 38 of 64 and 41 of 64 with a sibling."""
    rows = [{"video_id": f"{n % 150:011d}_{n}", "split": "train"} for n in range(296)]
    for split, siblings in (("test", 38), ("val", 41)):
        for n in range(64):
            source = n if n < siblings else 1000 + n + 64 * (split == "val")
            rows.append({"video_id": f"{source:011d}_{split}{n}", "split": split})
    assert len(rows) == 424
    counts = straddling(ms3_clips(rows))
    assert straddling_text(counts) == "test 38 of 64, val 41 of 64"


def test_the_published_ids_straddle_as_stated() -> None:
    """With the table that AVSBench's authors hand out: AVSBENCH_MS3_TABLE=.../ms3_meta_data.csv."""
    table = os.environ.get("AVSBENCH_MS3_TABLE")
    if not table:
        pytest.skip(
            "AVSBENCH_MS3_TABLE does not name ms3_meta_data.csv, which its authors hand out"
        )
    rows = rows_of(Path(table))
    assert straddling_text(straddling(ms3_clips(rows))) == "test 38 of 64, val 41 of 64"
