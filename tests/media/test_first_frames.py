"""The first frames of a clip are its first frames, however many there are and whatever its rate."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

import extract_sequence_frames
import probe_videos
from media.clips import HEIGHT, WIDTH, read_number, write_numbered_clip
from small_project import changed, make_config
from unmuted.engine.job import make_jobs
from unmuted.engine.ledger import read_rows
from unmuted.engine.run import Run
from unmuted.media import process
from unmuted.media.ffmpeg import MediaError
from unmuted.media.first_frames import read_first_frames
from unmuted.media.frames import read_frames, sample_times
from unmuted.media.images import decode_images
from unmuted.media.probe import Limits, probe
from unmuted.pipeline.registry import open_run

LENGTH = 20


def numbers(images: np.ndarray) -> list[int]:
    return [read_number(image) for image in images]


@pytest.mark.parametrize("rate", [5, Fraction(24000, 1001), 25, Fraction(30000, 1001), 60], ids=str)
def test_the_first_frames_are_the_first_frames(rate: Fraction | int, tmp_path: Path) -> None:
    clip = write_numbered_clip(tmp_path / "clip.mp4", range(50), rate)  # with B-frames
    sample = read_first_frames(clip, probe(clip), LENGTH, HEIGHT)
    assert numbers(sample.images) == list(range(LENGTH))
    assert np.allclose(
        sample.timestamps, [float(n / Fraction(rate)) for n in range(LENGTH)], atol=2e-6
    )
    assert sample.images.shape == (LENGTH, HEIGHT, WIDTH, 3) and sample.images.dtype == np.uint8
    assert (sample.decoded, sample.warning) == (50, "")


def test_they_are_those_that_opencv_reads(tmp_path: Path) -> None:
    """The source's tool."""
    clip = write_numbered_clip(tmp_path / "clip.avi", range(30), 25, ("-c:v", "mpeg4", "-bf", "2"))
    capture, expected = cv2.VideoCapture(str(clip)), []
    while len(expected) < LENGTH and (frame := capture.read())[0]:
        expected.append(read_number(frame[1]))
    assert numbers(read_first_frames(clip, probe(clip), LENGTH, HEIGHT).images) == expected


@pytest.mark.parametrize("count", [1, 2, LENGTH - 1, LENGTH])
def test_short_clips_give_fewer(count: int, tmp_path: Path) -> None:
    clip = write_numbered_clip(tmp_path / "clip.mp4", range(count), 25)
    sample = read_first_frames(clip, probe(clip), LENGTH, HEIGHT)
    assert numbers(sample.images) == list(range(count))
    assert len(sample.timestamps) == sample.decoded == count


@pytest.mark.parametrize("container", ["mp4", "mkv"])
def test_variable_rates(container: str, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    ticks = sorted({0, *random.choice(np.arange(1, 100), size=35, replace=False).tolist()})
    clip = write_numbered_clip(tmp_path / f"clip.{container}", ticks, 100)
    sample = read_first_frames(clip, probe(clip), LENGTH, HEIGHT)
    assert numbers(sample.images) == ticks[:LENGTH]
    assert np.allclose(sample.timestamps, np.array(ticks[:LENGTH]) / 100, atol=1.1e-3)


def test_a_damaged_file_says_so_and_gives_the_same_again(shared: Path) -> None:
    clip = shared / "bad_media" / "corrupt_middle.mp4"
    found = probe(clip)
    first, second = (read_first_frames(clip, found, LENGTH, 64) for _ in range(2))
    assert (first.images == second.images).all()
    assert first.warning == second.warning == read_frames(clip, found, 5, 64).warning != ""


def test_a_file_cut_off_within_the_sequence(tmp_path: Path) -> None:
    options = ("-c:v", "mjpeg", "-movflags", "+faststart")
    whole = write_numbered_clip(tmp_path / "whole.mp4", range(LENGTH), 25, options)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    sample = read_first_frames(cut, probe(cut), LENGTH, HEIGHT)
    assert 5 < len(sample.images) == sample.decoded < LENGTH
    assert numbers(sample.images[:-1]) == list(range(len(sample.images) - 1))
    assert f"{sample.decoded} of {LENGTH} frames" in sample.warning


def test_the_time_limit_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "PATIENCE", 1000)  # the machine may be busy
    clip = write_numbered_clip(tmp_path / "clip.mp4", range(300), 100)
    with pytest.raises(MediaError) as finding:
        read_first_frames(clip, probe(clip), LENGTH, 720, Limits(timeout_s=0.02))
    assert finding.value.status == "timeout"


# --- the script -----------------------------------------------------------------------------------


def test_the_script_follows_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = make_config(tmp_path, {"long": "cats", "short": "dogs", "broken": "dogs"})
    config = changed(config, "frames", {"short_side": 36})
    config = changed(config, "cnn_rnn", {"sequence_length": 8})
    write_numbered_clip(tmp_path / "videos/cats/long.mp4", range(50), 25)
    write_numbered_clip(tmp_path / "videos/dogs/short.mp4", range(3), 25)
    found = run(open_run(config), probe_videos, extract_sequence_frames)
    assert numbers(found["long"]) == list(range(8)) and numbers(found["short"]) == [0, 1, 2]
    assert found["long"].shape == (8, 36, 64, 3)
    assert "broken" not in found
    even = run(open_run(changed(config, "cnn_rnn.sampling", "even")), extract_sequence_frames)
    assert numbers(even["long"]) == [int(time * 25) for time in sample_times(0, 2.0, 8)]
    assert len(even["short"]) == 8  # as of all frames spread evenly: the same shown again


def run(project: Run, *scripts: ModuleType) -> dict[str, np.ndarray]:
    for script in scripts:
        for shard in project.dataset.shards:
            script.main(*make_jobs(project, script.__name__, shard))
    if extract_sequence_frames not in scripts:
        return {}
    found = project.store.artifacts("sequence_frames", project.dataset.videos)
    for shard in project.dataset.shards:
        rows = read_rows(project.layout.ledger("sequence_frames", shard))
        assert set(rows) == set(project.dataset.shards[shard])
        assert all(row.status == "ok" for name, row in rows.items() if name != "broken")
    return {name: decode_images(artifact.tensors()) for name, artifact in found.items()}


@pytest.mark.parametrize("sampling", ["first", "even"])
def test_both_ways_of_sampling_obey_the_limits(
    sampling: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = changed(make_config(tmp_path, {"a": "cats"}), "cnn_rnn.sampling", sampling)
    write_numbered_clip(tmp_path / "videos/cats/a.mp4", range(10), 25)
    run(open_run(config), probe_videos)
    project = open_run(changed(config, "videos.max_megapixels", 1e-6 * (WIDTH * HEIGHT - 1)))
    extract_sequence_frames.main(*make_jobs(project, "extract_sequence_frames", "00000-of-00001"))
    (row,) = project.store.rows("sequence_frames", "00000-of-00001").values()
    assert row.status == "no_frames" and "max pixel count" in row.reason
