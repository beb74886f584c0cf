"""Frames over the whole length of a video: which they are, and that no length fills the memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from media.clips import read_number, write_numbered_clip
from unmuted.engine.artifacts import write_artifact
from unmuted.engine.executor import Artifact
from unmuted.engine.ledger import LedgerEntry
from unmuted.media.ffmpeg import MediaError
from unmuted.media.frames import TimelineFrames, grid_times, shown_frames
from unmuted.media.images import decode_images, encode_images, image_chunks, spool_images
from unmuted.media.probe import probe

MEGABYTE = 1 << 20
SIDE = 64


def stored(folder: Path, payload: object) -> Artifact:
    path = folder / "frames.safetensors"
    digest, size = write_artifact(path, payload, "fingerprint")
    return Artifact(path, LedgerEntry("frames", "ok", "", "fingerprint", digest, size, 0.0))


def made_frames(count: int, fps: float = 50.0) -> Iterator[tuple[float, np.ndarray]]:
    """Pictures of the same size that are made when they are asked for."""
    rng = np.random.default_rng(0)
    tile = rng.integers(0, 256, (SIDE // 8, SIDE // 8, 3), dtype=np.uint8)
    for i in range(count):
        yield i / fps, np.roll(tile, i, axis=1).repeat(8, axis=0).repeat(8, axis=1)


@pytest.mark.parametrize(
    ("duration", "fps", "steps"),
    [(600.0, 5, 3000), (1.0, 5, 5), (1.1, 5, 6), (0.05, 5, 1), (2 / 3, 3, 2), (10.0, 29.97, 300)],
)
def test_steps_lie_on_the_grid_before_the_end(duration: float, fps: float, steps: int) -> None:
    times = grid_times(duration, fps)
    assert len(times) == steps
    np.testing.assert_allclose(times, np.arange(steps) / fps)
    assert times[0] == 0 and (times < duration).all()


@pytest.mark.parametrize("rate", [2, 24, 30000 / 1001, 50])
def test_each_step_is_the_last_frame_not_after_it(rate: float) -> None:
    times = [i / rate for i in range(round(4 * rate))]
    wanted = grid_times(4.0, 5)
    shown = list(shown_frames(((t, np.array(i)) for i, t in enumerate(times)), wanted + 5e-6))
    assert len(shown) == len(wanted) == 20
    for want, (time_s, number) in zip(wanted, shown, strict=True):
        expected = max(i for i, t in enumerate(times) if t <= want + 5e-6)
        assert (time_s, int(number)) == (times[expected], expected)


@pytest.mark.parametrize("rate", [25, 50, 4])
def test_a_decoded_timeline_shows_the_frames_of_its_steps(tmp_path: Path, rate: int) -> None:
    clip = tmp_path / "a.mkv"
    write_numbered_clip(clip, range(2 * rate), rate)
    timeline = TimelineFrames(clip, probe(clip), fps=5, short_side=SIDE)
    frames = list(timeline)
    assert timeline.steps == len(frames) == 10
    assert (timeline.decoded, timeline.warning) == (2 * rate, "")
    for i, (time_s, image) in enumerate(frames):
        number = i * rate // 5
        assert read_number(image) == number
        assert time_s == pytest.approx(number / rate, abs=1e-3)


def test_a_video_without_a_frame_is_a_finding(tmp_path: Path) -> None:
    clip, broken = tmp_path / "a.mkv", tmp_path / "b.mkv"
    write_numbered_clip(clip, range(5))
    broken.write_bytes(bytes(1000))
    with pytest.raises(MediaError, match="no_frames"):
        list(TimelineFrames(broken, probe(clip), fps=5, short_side=SIDE))


def test_images_in_pieces_are_the_same_file(tmp_path: Path) -> None:
    frames = list(made_frames(70))
    times, images = np.array([t for t, _ in frames]), np.stack([image for _, image in frames])
    whole = encode_images(images, times, 1.4)
    pieces = stored(tmp_path, spool_images(iter(frames), 1.4))
    found = pieces.tensors()
    assert found.keys() == whole.keys()
    for name, array in whole.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)
    for size in (1, 32, 70, 99):
        chunks = list(image_chunks(pieces, size))
        assert [is_last for _, is_last in chunks] == [False] * (len(chunks) - 1) + [True]
        assert max(len(images) for images, _ in chunks) == min(size, 70)
        together = np.concatenate([images for images, _ in chunks])
        np.testing.assert_array_equal(together, decode_images(whole))


def test_a_long_stream_of_frames_needs_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    """A tenth of the frames is chosen, written, and read again; pictures alone would be 24 MB."""

    def peak(seconds: int) -> int:
        tracemalloc.start()
        wanted = grid_times(seconds, 5)
        chosen = shown_frames(made_frames(50 * seconds), wanted)
        artifact = stored(tmp_path, spool_images(chosen, float(seconds)))
        count = sum(len(images) for images, _ in image_chunks(artifact))
        assert count == len(wanted) == 5 * seconds
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(20)  # imports
    short, long = peak(40), peak(400)
    pictures = 5 * 400 * SIDE * SIDE * 3
    assert pictures > 20 * MEGABYTE
    assert long - short < 5 * MEGABYTE  # the part of the file that is kept in memory is 4
