"""HDR and wide-gamut video as an SDR screen shows it; ordinary video as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from media.clips import run_ffmpeg
from unmuted.media.colour import HLG, PQ, Colours, compress, to_sdr
from unmuted.media.frames import FrameSample, TimelineFrames, read_frames
from unmuted.media.probe import probe

PATCHES = ((200, 30, 30), (118, 118, 118), (220, 170, 140))
SIDE = 48

_WITH_HEVC = ("-c:v", "libx265", "-x265-params", "log-level=error", "-qp", "2")
_XYZ_OF_709 = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)
_XYZ_OF_2020 = np.array([[0.6370, 0.1446, 0.1689], [0.2627, 0.6780, 0.0593], [0.0, 0.0281, 1.0610]])


def codes_of(patch: tuple[int, int, int], transfer: str, gamut: np.ndarray) -> np.ndarray:
    """The signal, 0 to 1, of a patch whose white shall be 100 cd/m2, by the standards' formulas."""
    light = np.linalg.inv(gamut) @ _XYZ_OF_709 @ (np.array(patch) / 255) ** 2.4
    if transfer == PQ:
        power = (100 * light / 10000) ** 0.1593017578125
        return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375
    if transfer == HLG:
        scene = (100 * light / 1000) ** (1 / 1.2)
        logarithm = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
        return np.where(scene <= 1 / 12, np.sqrt(3 * scene), logarithm)
    return light ** (1 / 2.4)


def write_patches(
    path: Path,
    transfer: str,
    options: tuple[object, ...],
    tags: str = "color_primaries=bt2020:colorspace=bt2020nc",
    patches: tuple[tuple[int, int, int], ...] = PATCHES,
) -> Path:
    """Write patches side by side as 10-bit video of BT.2020, tagged as told."""
    codes = np.stack([codes_of(patch, transfer, _XYZ_OF_2020) for patch in patches])
    row = np.repeat(np.round(np.clip(codes, 0, 1) * 65535).astype("<u2"), SIDE, axis=0)
    picture = np.broadcast_to(row, (SIDE, *row.shape))
    size = f"{SIDE * len(patches)}x{SIDE}"
    to_yuv = "scale=out_color_matrix=bt2020:out_range=tv,format=yuv420p10le"
    run_ffmpeg(
        *("-f", "rawvideo", "-pix_fmt", "rgb48le", "-s", size, "-r", "25", "-i", "-"),
        *("-vf", f"{to_yuv},setparams=range=tv:color_trc={transfer}:{tags}"),
        *(*options, path),
        data=picture.tobytes() * 5,
    )
    return path


def read(path: Path) -> FrameSample:
    return read_frames(path, probe(path), 3, SIDE)


def shown(image: np.ndarray, count: int = len(PATCHES)) -> np.ndarray:
    """The colour in the middle of each patch."""
    columns = (np.arange(count) + 0.5) * image.shape[1] / count
    return image[image.shape[0] // 2, columns.astype(int)].astype(int)


CODECS = {
    "hevc.mp4": _WITH_HEVC,
    "hevc.mov": _WITH_HEVC,
    "hevc.mkv": _WITH_HEVC,
    "vp9.webm": ("-c:v", "libvpx-vp9", "-crf", "4"),
    "prores.mov": ("-c:v", "prores_ks"),  # tagged by the container alone, as the next
    "ffv1.mkv": ("-c:v", "ffv1"),
    "h264.ts": ("-c:v", "libx264", "-crf", "1"),
}


@pytest.mark.parametrize("transfer", [PQ, HLG])
@pytest.mark.parametrize("name", CODECS)
def test_hdr_is_shown_as_sdr(name: str, transfer: str, tmp_path: Path) -> None:
    clip = write_patches(tmp_path / name, transfer, CODECS[name])
    sample = read(clip)
    assert np.abs(shown(sample.images[1]) - PATCHES).max() <= 5
    assert "HDR" in sample.note and sample.warning == ""
    assert sample.note == probe(clip).note


def test_frames_of_a_whole_video_are_shown_so_too(tmp_path: Path) -> None:
    clip = write_patches(tmp_path / "a.mkv", PQ, ("-c:v", "ffv1"))
    timeline = TimelineFrames(clip, probe(clip), 5, SIDE)
    for _, image in timeline:
        assert np.abs(shown(image) - PATCHES).max() <= 5
    assert "HDR (PQ)" in timeline.note


@pytest.mark.parametrize(
    "tags",
    [
        "color_primaries=unknown:colorspace=bt2020nc",
        "color_primaries=bt2020:colorspace=unknown",
        "color_primaries=unknown:colorspace=unknown",
    ],
)
def test_what_hdr_does_not_say_is_taken_for_bt_2020(tags: str, tmp_path: Path) -> None:
    clip = write_patches(tmp_path / "a.mp4", HLG, _WITH_HEVC, tags)
    assert np.abs(shown(read(clip).images[1]) - PATCHES).max() <= 5


@pytest.mark.parametrize("transfer", ["bt2020-10", "bt709"])
def test_sdr_with_the_primaries_of_bt_2020(transfer: str, tmp_path: Path) -> None:
    white = ((255, 255, 255), *PATCHES)
    sample = read(write_patches(tmp_path / "a.mkv", transfer, ("-c:v", "ffv1"), patches=white))
    assert np.abs(shown(sample.images[1], len(white)) - white).max() <= 3
    assert "BT.2020" in sample.note and "HDR" not in sample.note


@pytest.mark.parametrize("matrix", ["bt709", "smpte170m"])
@pytest.mark.parametrize("color_range", ["tv", "pc"])
def test_ordinary_video_needs_no_note(matrix: str, color_range: str, tmp_path: Path) -> None:
    row = np.repeat(np.array(PATCHES, dtype=np.uint8), SIDE, axis=0)
    run_ffmpeg(
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{3 * SIDE}x{SIDE}", "-r", "25", "-i", "-"),
        *("-vf", f"scale=out_color_matrix={matrix}:out_range={color_range},format=yuv420p"),
        *("-c:v", "ffv1", "-colorspace", matrix, "-color_range", color_range, tmp_path / "a.mkv"),
        data=np.broadcast_to(row, (SIDE, *row.shape)).tobytes() * 5,
    )
    sample = read(tmp_path / "a.mkv")
    assert np.abs(shown(sample.images[1]) - PATCHES).max() <= 2
    assert sample.note == "" and probe(tmp_path / "a.mkv").colours == ""


def test_highlights_are_compressed_in_their_order() -> None:
    light = np.linspace(0, 10, 1000, dtype=np.float32)
    bent = compress(light)
    assert np.array_equal(bent[light <= 0.8], light[light <= 0.8])
    assert (np.diff(bent) > 0).all() and bent[-1] == pytest.approx(1.0, abs=1e-6)
    assert np.diff(bent).max() <= np.diff(light).max() * 1.001  # no step at the knee


def test_extreme_codes_stay_in_range() -> None:
    corners = np.array(np.meshgrid(*[[0, 65535]] * 3)).reshape(3, 1, -1).T.astype(np.uint16)
    for transfer in (PQ, HLG, "bt2020-10"):
        found = to_sdr(corners, Colours(transfer, "bt2020", "bt2020nc"))
        assert found.dtype == np.uint8 and found.shape == corners.shape
        assert found.reshape(-1, 3)[0].tolist() == [0, 0, 0]
        assert found.reshape(-1, 3)[-1].min() >= 254


def test_colours_as_text() -> None:
    colours = Colours(PQ, "bt2020", "bt2020nc")
    assert Colours.parse(str(colours)) == colours
    assert not colours.is_ordinary and Colours("bt709", "bt709", "bt709").is_ordinary
    with pytest.raises(ValueError, match="unpack"):
        Colours.parse("PQ")
