"""What the channels of an audio track hold: how loud each is, and how alike they are over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unmuted.media.blocks import block_count, block_length, split
from unmuted.media.ffmpeg import MediaError
from unmuted.media.sound import OutputFormat, Source, decode

_SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 16, 24)  # numbers of channels for which ffmpeg has a layout
MAX_CHANNELS = _SIZES[-1]

_ABSENT = 1e9  # in place of the samples of channels that are not there; no format has such samples


@dataclass(frozen=True)
class Survey:
    """A track's channels over the clip, which is cut into blocks of equal length.

    Attributes:
        samples: that were decoded within the clip, at the wanted rate.
        channels: the most that the track has at once.
        is_steady: whether it has as many all the time.
        products: float64 `(blocks, K, K)`, sums of the products of channels i and j, full scale
            being 1; the diagonal holds the energy of each channel. K is at least `channels`.
        is_finite: whether all samples were numbers.
        error: the first that the decoder met, empty without one.
    """

    samples: int
    channels: int
    is_steady: bool
    products: np.ndarray
    is_finite: bool
    error: str

    @property
    def energies(self) -> np.ndarray:
        """Energy of each channel over the clip, float64 `(K,)`."""
        return self.products.sum(axis=0).diagonal()


def survey(source: Source, expected_channels: int | None) -> Survey:
    """Decode a track and measure its channels.

    Args:
        source: the track.
        expected_channels: what the container says; a wrong number costs a second decoding.

    Raises:
        MediaError: `too_many_channels` for more than `MAX_CHANNELS`, `timeout`.
    """
    wanted = min(max(1, expected_channels or 2), MAX_CHANNELS)
    for size in _SIZES:
        found = _measure(source, size) if size >= wanted else None
        if found is not None:
            return found
    raise MediaError(
        "too_many_channels", f"the sound has more than the {MAX_CHANNELS} channels allowed"
    )


def _measure(source: Source, size: int) -> Survey | None:
    """Measure up to `size` channels; None where there are more."""
    block = block_length(source.length, source.rate)
    products = np.zeros((block_count(source.length, block), size, size))
    count = 0
    fewest, most = MAX_CHANNELS, 0
    is_finite = True
    log: list[str] = []
    for position, decoded in decode(source, _all_channels(size), log):
        if decoded[:, 0].min() == -_ABSENT:
            return None
        is_there = decoded[[0, -1]] != _ABSENT
        fewest = min(fewest, int(is_there.sum(axis=1).min()))
        most = max(most, int(is_there.sum(axis=1).max()))
        is_finite &= bool(np.isfinite(decoded).all())
        count += len(decoded)
        samples = np.where(decoded == _ABSENT, 0, decoded).astype(np.float64)
        samples = np.nan_to_num(samples, posinf=0.0, neginf=0.0)
        for index, part in split(position, samples, block):
            products[index] += part.T @ part
    return Survey(count, most, fewest == most, products, is_finite, log[0])


def _all_channels(size: int) -> OutputFormat:
    """Return a format with the channels as they are; the first tells where there are more."""
    channel = f"if(lt(ch,nb_in_channels),val(ch),{_ABSENT:.0f})"
    first = f"if(gt(nb_in_channels,{size}),-{_ABSENT:.0f},val(0))"
    exprs = "|".join([first] + [channel] * (size - 1))
    filters = (("aeval", {"exprs": exprs, "channel_layout": f"{size}c"}),)
    return OutputFormat(filters, size, "pcm_f32le")
