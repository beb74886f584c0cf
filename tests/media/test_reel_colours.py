"""HDR and wide-gamut segments of reels: playable, and shown as an SDR screen would show them."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from media.test_colour import CODECS, PATCHES, SIDE, shown, write_patches
from unmuted.media import ffmpeg, tone_mapping
from unmuted.media.colour import HLG, PQ
from unmuted.media.probe import probe
from unmuted.media.reel import Cut, Reel, make_reel

pytestmark = pytest.mark.unit
BRIGHT = ((255, 255, 255), *PATCHES)
FRAMES = 4


def reel_of(*paths: Path, to: Path) -> Reel:
    cuts = [Cut(path, probe(path), Fraction(0), Fraction(FRAMES, 25), None) for path in paths]
    reel = make_reel(cuts)
    reel.write(to)
    return reel


def said_of(path: Path) -> str:
    """What ffmpeg says of a file that it decodes to its end without an error."""
    command = [ffmpeg.binary(), "-hide_banner", "-xerror", "-i", str(path), "-f", "null", "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stderr


def pictures(path: Path, patches: int) -> np.ndarray:
    command = [ffmpeg.binary(), "-v", "error", "-i", str(path), "-f", "rawvideo"]
    raw = subprocess.run([*command, "-pix_fmt", "rgb24", "-"], capture_output=True, check=True)
    return np.frombuffer(raw.stdout, np.uint8).reshape(-1, SIDE, SIDE * patches, 3)


@pytest.fixture
def needs_zscale() -> None:
    if not tone_mapping.is_possible():
        pytest.skip("this ffmpeg has no zscale")


@pytest.mark.usefixtures("needs_zscale")
@pytest.mark.parametrize(
    ("transfer", "tags", "note"),
    [
        (PQ, "color_primaries=bt2020:colorspace=bt2020nc", "HDR (PQ) video, shown as SDR"),
        (HLG, "color_primaries=unknown:colorspace=unknown", "HDR (HLG) video, shown as SDR"),
        (
            *("bt2020-10", "color_primaries=bt2020:colorspace=bt2020nc"),
            "wide-gamut (BT.2020) video, shown as BT.709",
        ),
    ],
)
def test_a_reel_of_ten_bit_video_shows_the_colours_of_sdr(
    transfer: str, tags: str, note: str, tmp_path: Path
) -> None:
    clip = write_patches(tmp_path / "a.mp4", transfer, CODECS["hevc.mp4"], tags)
    reel = reel_of(clip, to=tmp_path / "reel.mp4")
    assert (reel.remarks, reel.notes, reel.frames) == ((), (note,), (FRAMES,))
    said = said_of(tmp_path / "reel.mp4")
    assert "Video: h264 (High)" in said and "yuv420p(tv, bt709" in said
    images = pictures(tmp_path / "reel.mp4", len(PATCHES))
    assert len(images) == FRAMES
    for image in images:
        assert np.abs(shown(image) - PATCHES).max() <= 8


@pytest.mark.usefixtures("needs_zscale")
def test_what_is_brighter_than_white_stays_brighter_than_grey(tmp_path: Path) -> None:
    """A curve and not a cut: white of SDR is below the white of the reel, as in the features."""
    clip = write_patches(tmp_path / "a.mkv", PQ, ("-c:v", "ffv1"), patches=BRIGHT)
    reel_of(clip, to=tmp_path / "reel.mp4")
    white, *others = shown(pictures(tmp_path / "reel.mp4", len(BRIGHT))[0], len(BRIGHT))
    assert 230 <= white.min() <= white.max() < 250
    assert np.abs(np.array(others) - PATCHES).max() <= 8


@pytest.mark.usefixtures("needs_zscale")
def test_hdr_and_ordinary_segments_are_in_one_reel(tmp_path: Path) -> None:
    hdr = write_patches(tmp_path / "a.mp4", PQ, CODECS["hevc.mp4"])
    tags = "color_primaries=bt709:colorspace=bt709"
    sdr = write_patches(tmp_path / "b.mkv", "bt709", ("-c:v", "ffv1"), tags)
    both = reel_of(sdr, hdr, to=tmp_path / "reel.mp4")
    assert both.frames == (FRAMES, FRAMES) and len(both.notes) == 1
    assert len(pictures(tmp_path / "reel.mp4", len(PATCHES))) == 2 * FRAMES
    assert reel_of(sdr, to=tmp_path / "sdr.mp4").notes == ()


def test_without_zscale_the_reel_plays_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tone_mapping, "_FILTERS", ("zscale", "a filter that no ffmpeg has"))
    monkeypatch.setattr(tone_mapping, "_has_filters", tone_mapping._has_filters.__wrapped__)
    clip = write_patches(tmp_path / "a.mp4", PQ, CODECS["hevc.mp4"])
    reel = reel_of(clip, to=tmp_path / "reel.mp4")
    assert reel.notes == (
        "HDR (PQ) video, its colours are not converted: this ffmpeg has no filter zscale",
    )
    assert (reel.remarks, reel.frames) == ((), (FRAMES,))
    said = said_of(tmp_path / "reel.mp4")
    assert "Video: h264 (High)" in said and "yuv420p" in said
