"""Every file of the collection of damaged, odd and hostile media comes to its stated end."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from media.opens import recorded_opens
from unmuted.media.ffmpeg import MediaError
from unmuted.media.frames import FrameSample, read_frames
from unmuted.media.probe import Probe, check_file, probe
from unmuted.media.wav import Wav, read_wav

T = 18

REFUSED = {
    "zero_byte.mp4": "empty",
    "text_named.mp4": "unreadable",
    "truncated_no_index.mp4": "unreadable",
    "audio_only.mp4": "no_video",
    "audio_with_cover_picture.mp4": "no_video",
    "two_hours.mp4": "too_long",
    "huge_8192x8192.mp4": "too_large",
    "playlist_hls_passwd.mp4": "not_allowed",
    "playlist_concat_passwd.mp4": "not_allowed",
    "playlist_concat_sibling.mp4": "not_allowed",
    "playlist_hls_sibling.mp4": "not_allowed",
}


class Expected(NamedTuple):
    """What a usable file gives: upright size, seconds, decoded frames, status of the sound."""

    size: tuple[int, int]
    seconds: float
    decoded: int
    sound: str = "ok"


USED = {
    "truncated_half.mp4": Expected((256, 144), 0.72, 18),
    "corrupt_middle.mp4": Expected((256, 144), 3.0, 65),
    "video_only.mp4": Expected((256, 144), 3.0, 75, "no_stream"),
    "silent_audio.mp4": Expected((256, 144), 3.0, 75, "silent"),
    "one_frame.mp4": Expected((256, 144), 0.04, 1, "no_stream"),
    "short_0.2s.mp4": Expected((256, 144), 0.2, 5),
    "variable_frame_rate.mp4": Expected((256, 144), 2.96, 39),
    "fps120.mp4": Expected((256, 144), 2.925, 351),
    "odd_101x77_yuv444.mp4": Expected((137, 77), 3.0, 75),  # its pixels are 137:101
    "odd_101x77.webm": Expected((137, 77), 3.0, 75),
    "rotated_90.mp4": Expected((144, 256), 3.0, 75),
    "audio_shorter.mp4": Expected((256, 144), 3.0, 75),
    "audio_longer.mp4": Expected((256, 144), 1.2, 27),
    "audio_late_start.mp4": Expected((256, 144), 3.0, 75),
    "audio_6_channels.mp4": Expected((256, 144), 3.0, 75),
    "webm_content.mp4": Expected((256, 144), 2.0, 50),
}
DAMAGED = {"truncated_half.mp4", "corrupt_middle.mp4"}


@pytest.fixture(scope="session")
def media(shared: Path) -> Path:
    return shared / "bad_media"


def read(path: Path) -> tuple[Probe, FrameSample, Wav]:
    found = probe(path)
    return found, read_frames(path, found, T, 72), read_wav(path, found)


def test_the_tables_name_every_file(media: Path) -> None:
    clips = {path.name for path in media.iterdir() if path.suffix in (".mp4", ".webm")}
    assert clips == REFUSED.keys() | USED.keys()


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, media: Path) -> None:
    with recorded_opens(media) as opened, pytest.raises(MediaError) as finding:
        probe(media / name)
    assert finding.value.status == REFUSED[name]
    assert finding.value.reason.isprintable()
    assert set(opened) <= {name}


@pytest.mark.parametrize("name", USED)
def test_used(name: str, media: Path) -> None:
    expected = USED[name]
    with recorded_opens(media) as opened:
        found, sample, wav = read(media / name)
    assert set(opened) == {name}
    assert (found.width, found.height) == expected.size
    assert found.duration_s == pytest.approx(expected.seconds, abs=1e-6)
    assert sample.decoded == expected.decoded
    assert (sample.warning != "") == (name in DAMAGED)
    assert len(sample.images) == T and min(sample.images.shape[1:3]) == 72
    assert sample.timestamps.min() >= 0 and sample.timestamps.max() < found.duration_s
    assert (np.diff(sample.timestamps) >= 0).all()
    assert wav.status == expected.sound
    if wav.samples is not None:
        assert len(wav.samples) == round(found.duration_s * 16000)


def test_what_was_lost_is_told(media: Path) -> None:
    assert "18 of 75 frames" in read(media / "truncated_half.mp4")[1].warning
    assert "65 of 75 frames" in read(media / "corrupt_middle.mp4")[1].warning


def test_the_pictures_of_the_turned_clip_are_those_of_the_upright_one(media: Path) -> None:
    turned = read(media / "rotated_90.mp4")[1].images
    upright = read(media / "video_only.mp4")[1].images
    quarters = [np.rot90(upright, turns, axes=(1, 2)).astype(int) for turns in (1, 3)]
    differences = [np.abs(quarter - turned).mean() for quarter in quarters]
    assert min(differences) < 4 < max(differences)


def test_late_sound_is_not_moved_to_the_beginning(media: Path) -> None:
    """The stream begins at 1.372 s with the encoder's 0.128 s of silence, then the known sound."""
    late = read(media / "audio_late_start.mp4")[2].samples.astype(float)
    sound = read(media / "rotated_90.mp4")[2].samples.astype(float)
    half = round(1.5 * 16000)
    assert np.abs(late[: round(1.372 * 16000)]).max() <= 1
    assert np.corrcoef(late[half:], sound[:half])[0, 1] > 0.999


def test_after_the_end_of_the_sound_is_silence(media: Path) -> None:
    samples = read(media / "audio_shorter.mp4")[2].samples
    assert samples[: round(0.9 * 16000)].any() and not samples[round(1.1 * 16000) :].any()


def test_frames_follow_the_times_of_a_variable_rate(media: Path) -> None:
    """In the gap of 0.8 s one frame is shown repeatedly; an index at a mean rate would not."""
    times = read(media / "variable_frame_rate.mp4")[1].timestamps
    _, repeats = np.unique(times, return_counts=True)
    assert repeats.max() >= 4


def test_awkward_names(media: Path, tmp_path: Path) -> None:
    with tarfile.open(media / "names.tar") as archive:
        archive.extractall(tmp_path, filter="data")
    names = sorted(os.listdir(tmp_path / "names"))
    assert len(names) == 14
    found = {name: read(tmp_path / "names" / name) for name in names}
    assert len({clip for clip, _, _ in found.values()}) == 1
    assert len({sample.images.tobytes() for _, sample, _ in found.values()}) == 1
    assert len({wav.samples.tobytes() for _, _, wav in found.values()}) == 1
    assert sorted(os.listdir(tmp_path / "names")) == names


def test_a_name_that_looks_like_an_option_is_read_where_it_lies(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(media / "names")
    check_file(Path("-starts-with-dash.mp4"))
    assert probe(Path("-starts-with-dash.mp4")).packets == 25
