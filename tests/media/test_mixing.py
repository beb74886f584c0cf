"""One channel out of several: nothing that is loud cancels or is left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.clips import write_clip_with_sound
from unmuted.media.ffmpeg import MediaError
from unmuted.media.mixing import choose_mix
from unmuted.media.probe import probe
from unmuted.media.survey import Survey
from unmuted.media.wav import Wav, read_wav

TONE = "0.5*sin(2*PI*440*t)"
TONE_DB = 20 * np.log10(0.5 / np.sqrt(2))
INVERTED, QUIET = f"-{TONE}", "0"


def mixed(tmp_path: Path, channels: list[str], layout: str, name: str = "clip.mov") -> Wav:
    sound = f"aevalsrc={'|'.join(channels)}"
    clip = write_clip_with_sound(
        tmp_path / name, f"{sound}:c={layout}:s=48000:d=3", "-c:a", "pcm_s16le"
    )
    return read_wav(clip, probe(clip))


@pytest.mark.parametrize("share", [-1.0, -0.8, -0.5])
def test_an_inverted_channel_cancels_nothing(share: float, tmp_path: Path) -> None:
    wav = mixed(tmp_path, [TONE, f"{share}*{TONE}"], "stereo")
    assert wav.status == "ok"
    assert wav.rms_db == pytest.approx(TONE_DB + 20 * np.log10((1 - share) / 2), abs=0.1)
    assert wav.note == "mean of all 2 channels, inverted: 2"


@pytest.mark.parametrize("share", [-0.2, 0.0, 0.5, 1.0])
def test_ordinary_stereo_is_the_mean(share: float, tmp_path: Path) -> None:
    wav = mixed(tmp_path, [TONE, f"{share}*{TONE}"], "stereo")
    assert wav.rms_db == pytest.approx(TONE_DB + 20 * np.log10((1 + share) / 2), abs=0.1)
    assert wav.note == ""


def test_channels_that_are_opposite_only_for_a_while(tmp_path: Path) -> None:
    wav = mixed(tmp_path, [TONE, f"{TONE}*(1-2*gt(t\\,1.5))"], "stereo")
    assert wav.note == "channel 1 of 2 alone"
    for half in (wav.samples[:24000], wav.samples[24000:]):
        assert np.sqrt(np.mean(np.square(half / 32768))) == pytest.approx(0.5 / 2**0.5, rel=0.01)


@pytest.mark.parametrize("channel", range(6))
def test_any_channel_alone_is_found(channel: int, tmp_path: Path) -> None:
    """Also the LFE, which ffmpeg's mix leaves out."""
    wav = mixed(tmp_path, [TONE if i == channel else QUIET for i in range(6)], "5.1")
    assert (wav.status, wav.note) == ("ok", f"channel {channel + 1} of 6 alone")
    assert wav.rms_db == pytest.approx(TONE_DB, abs=0.1)


@pytest.mark.parametrize(
    ("layout", "count"), [("7.1", 8), ("hexadecagonal", 16), ("22.2", 24), ("5.0", 5)]
)
@pytest.mark.parametrize("name", ["clip.mkv", "clip.mov"])  # Matroska keeps no layout of PCM
def test_any_layout_and_none(name: str, layout: str, count: int, tmp_path: Path) -> None:
    wav = mixed(tmp_path, [(TONE, INVERTED)[i % 2] for i in range(count)], layout, name)
    assert wav.status == "ok"
    assert wav.rms_db == pytest.approx(TONE_DB, abs=0.1)


def test_too_many_channels_are_refused(tmp_path: Path) -> None:
    clip = write_clip_with_sound(
        *(tmp_path / "clip.mkv", "sine=duration=1", "-c:a", "pcm_s16le"),
        *("-af", "aeval=val(0):c=22.2,asplit[a][b];[a][b]amerge"),
        seconds=1,
    )
    with pytest.raises(MediaError) as caught:
        read_wav(clip, probe(clip))
    assert caught.value.status == "too_many_channels"


def test_a_loud_channel_is_not_silent(tmp_path: Path) -> None:
    """-57.9 dB, whose mean with a silent channel is -63.9 dB."""
    wav = mixed(tmp_path, ["0.0018*sin(2*PI*440*t)", QUIET], "stereo")
    assert (wav.status, wav.note) == ("ok", "channel 1 of 2 alone")
    assert wav.rms_db == pytest.approx(20 * np.log10(0.0018 / np.sqrt(2)), abs=0.2)


@given(
    sound=st.integers(0, 2**32 - 1).map(np.random.default_rng),
    channels=st.integers(1, 8),
    blocks=st.integers(1, 5),
)
def test_the_choice_never_loses_the_sound(
    sound: np.random.Generator, channels: int, blocks: int
) -> None:
    """Whatever the channels are: the mean has at least what independent ones would have."""
    mixing = sound.normal(size=(channels, channels)) * sound.choice([1, -1, 0.01], channels)
    samples = sound.normal(size=(blocks, 50, channels)) @ mixing
    survey = Survey(
        samples=50 * blocks,
        channels=channels,
        is_steady=True,
        products=np.einsum("bni,bnj->bij", samples, samples),
        is_finite=True,
        error="",
    )
    mix = choose_mix(survey, None)
    assert mix is not None
    signs = np.array(mix.signs)
    power = np.square(samples @ signs / np.count_nonzero(signs)).sum()
    used = survey.energies[signs != 0]
    assert power >= 0.2 * used.sum() / len(used) ** 2
    assert used.max() == survey.energies.max()
