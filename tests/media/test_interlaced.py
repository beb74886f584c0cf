"""Frames that consist of two fields of different moments come out as pictures of one moment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from media.clips import run_ffmpeg
from unmuted.media.decoder import DecodedFrames
from unmuted.media.frames import TimelineFrames, read_frames
from unmuted.media.probe import Limits, probe

WIDTH, HEIGHT, BAR, STEP = 192, 96, 24, 5
FRAMES = 12

Options = tuple[object, ...]


def pictures(is_interlaced: bool, top_first: bool = True, count: int = FRAMES) -> np.ndarray:
    """A white bar that moves `STEP` pixels a field: uint8 `(count, HEIGHT, WIDTH, 3)`."""
    fields = np.full((2 * count, HEIGHT, WIDTH, 3), 20, dtype=np.uint8)
    for number, field in enumerate(fields):
        left = STEP * number
        field[8:-8, left : left + BAR] = 220
    whole = fields[::2].copy()
    if is_interlaced:
        later = slice(1, None, 2) if top_first else slice(0, None, 2)
        whole[:, later] = fields[1::2, later]
    return whole


def write(path: Path, frames: np.ndarray, options: Options, field: str = "prog") -> Path:
    run_ffmpeg(
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", "25", "-i", "-"),
        *("-vf", f"scale=interl={int(field != 'prog')},format=yuv420p,setfield={field}"),
        *(*options, path),
        data=frames.tobytes(),
    )
    return path


def combs(images: np.ndarray) -> float:
    """The share of pixels that differ from both neighbours above and below in the same sense."""
    lines = images.astype(int).mean(axis=-1)
    here, above, below = lines[:, 2:-2], lines[:, 1:-3], lines[:, 3:-1]
    both = np.minimum(np.abs(here - above), np.abs(here - below))
    is_comb = (both > 60) & (np.sign(here - above) == np.sign(here - below))
    return float(is_comb.mean())


_FIELDS = ("-flags", "+ildct+ilme")
KINDS = {
    "mpeg2.mpg": (("-c:v", "mpeg2video", "-q:v", "2", *_FIELDS), "tff"),
    "mpeg2.ts": (("-c:v", "mpeg2video", "-q:v", "2", *_FIELDS), "bff"),
    "mbaff.mp4": (("-c:v", "libx264", "-crf", "10", *_FIELDS), "tff"),
    "mbaff_bff.mkv": (("-c:v", "libx264", "-crf", "10", "-x264-params", "bff=1"), "bff"),
    "mpeg4.avi": (("-c:v", "mpeg4", "-q:v", "2", *_FIELDS), "tff"),
    "prores.mov": (("-pix_fmt", "yuv422p10le", "-c:v", "prores_ks", *_FIELDS), "tff"),
    "ffv1.mkv": (("-c:v", "ffv1"), "tff"),
}


@pytest.mark.parametrize("name", KINDS)
def test_interlaced_video_is_deinterlaced(name: str, tmp_path: Path) -> None:
    options, order = KINDS[name]
    woven = pictures(is_interlaced=True, top_first=order == "tff")
    clip = write(tmp_path / name, woven, options, order)
    found = probe(clip)
    sample = read_frames(clip, found, FRAMES, HEIGHT)
    assert combs(woven) > 0.03  # what it would be
    assert combs(sample.images) < 0.002
    assert found.is_interlaced and "deinterlaced" in sample.note
    assert sample.decoded == found.packets == FRAMES
    assert sample.timestamps == pytest.approx(np.arange(FRAMES) / 25, abs=0.011)
    bars = (sample.images[:, HEIGHT // 2, :, 0] > 120).sum(axis=1)
    assert (np.abs(bars - BAR) <= 3).all()  # neither a ghost nor a gap


def test_progressive_video_is_left_as_it_is(tmp_path: Path) -> None:
    """Also where the encoder was allowed to use fields: the frames are not marked as such."""
    for name, options in {
        "a.mp4": ("-c:v", "libx264", "-qp", "0"),
        "b.mkv": ("-c:v", "ffv1"),
    }.items():
        clip = write(tmp_path / name, pictures(False), options)
        sample = read_frames(clip, probe(clip), FRAMES, HEIGHT)
        run_ffmpeg("-i", clip, "-vf", "format=gray", "-f", "rawvideo", tmp_path / "plain")
        plain = np.fromfile(tmp_path / "plain", dtype=np.uint8).reshape(FRAMES, HEIGHT, WIDTH)
        assert np.abs(sample.images[..., 0].astype(int) - plain).max() <= 24  # video levels
        assert not probe(clip).is_interlaced and sample.note == ""


def joined(folder: Path, name: str, *parts: bool) -> Path:
    """Write an MPEG-2 video whose parts are interlaced or not."""
    for number, is_interlaced in enumerate(parts):
        options = ("-c:v", "mpeg2video", "-q:v", "2", "-bf", "0", "-g", "1")
        offset = ("-output_ts_offset", 1 + number * FRAMES / 25, "-muxdelay", "0", "-f", "mpegts")
        field, flags = ("tff", _FIELDS) if is_interlaced else ("prog", ())
        write(folder / f"{number}", pictures(is_interlaced), (*options, *flags, *offset), field)
    data = b"".join((folder / str(number)).read_bytes() for number in range(len(parts)))
    (folder / name).write_bytes(data)
    return folder / name


@pytest.mark.parametrize(
    "parts", [(False, True), (True, False), (False, True, False)], ids=["pi", "ip", "pip"]
)
def test_a_video_that_changes_between_both(parts: tuple[bool, ...], tmp_path: Path) -> None:
    """No frame is lost or given twice where decoding begins again, and whole frames stay exact."""
    clip = joined(tmp_path, "a.ts", *parts)
    count = len(parts) * FRAMES
    found = probe(clip)
    frames = DecodedFrames(clip, found, (WIDTH, HEIGHT), Limits())
    times, images = zip(*((time, image.copy()) for time, image in frames), strict=True)
    assert found.is_interlaced == parts[0] and "deinterlaced" in frames.note
    assert frames.count == count and frames.warning == ""
    assert np.array(times) == pytest.approx(np.arange(count) / 25, abs=1e-5)
    for number, is_interlaced in enumerate(parts):
        part = np.stack(images[number * FRAMES : (number + 1) * FRAMES])
        assert combs(part) < 0.002
        if not is_interlaced:
            alone = tmp_path / str(number)
            alone_frames = DecodedFrames(alone, probe(alone), (WIDTH, HEIGHT), Limits())
            assert np.array_equal(part, np.stack([image.copy() for _, image in alone_frames]))


def test_frames_of_a_whole_video_are_deinterlaced_too(tmp_path: Path) -> None:
    clip = joined(tmp_path, "a.ts", False, True)
    timeline = TimelineFrames(clip, probe(clip), 25, HEIGHT)
    images = np.stack([image.copy() for _, image in timeline])
    assert len(images) == timeline.decoded == 2 * FRAMES
    assert combs(images) < 0.002
    assert "deinterlaced" in timeline.note
