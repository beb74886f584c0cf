"""What the channels of an audio track hold: how loud each is, and how alike they are over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unmuted.media.ffmpeg import MediaError
from unmuted.media.sound import Form, Source, decode

# Numbers of channels for which ffmpeg has a layout with one channel more, which is needed here.
_SIZES = (1, 2, 3, 4, 5, 6, 7, 15, 23)
MAX_CHANNELS = _SIZES[-1]

_BLOCK_S = 1.0
_MAX_BLOCKS = 600  # of a video of any length, so that memory is bounded


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


def block_length(length: int, rate: int) -> int:
    """Return the samples of a block of a clip of `length` samples."""
    return max(round(_BLOCK_S * rate), -(-length // _MAX_BLOCKS))


def survey(source: Source, expected_channels: int | None) -> Survey:
    """Decode a track and measure its channels.

    Args:
        source: the track.
        expected_channels: what the container says; a wrong number costs a second decoding.

    Raises:
        MediaError: `too_many_channels` for more than `MAX_CHANNELS`, `timeout`.
    """
    wanted = min(max(1, expected_channels or 2), MAX_CHANNELS)
    while True:
        size = next(size for size in _SIZES if size >= wanted)
        found = _measure(source, size)
        if found.channels <= size:
            return found
        if found.channels > MAX_CHANNELS:
            raise MediaError(
                "too_many_channels",
                f"the sound has {found.channels} channels, allowed are {MAX_CHANNELS}",
            )
        wanted = found.channels


def _measure(source: Source, size: int) -> Survey:
    """Measure the first `size` channels, and the number of all."""
    block = block_length(source.length, source.rate)
    products = np.zeros((max(1, -(-source.length // block)), size, size))
    count = 0
    fewest, most = MAX_CHANNELS, 0
    is_finite = True
    log: list[str] = []
    for position, samples in decode(source, _form(size), log):
        fewest = min(fewest, int(samples[:, size].min()))
        most = max(most, int(samples[:, size].max()))
        if not np.isfinite(samples).all():
            is_finite = False
            samples = np.nan_to_num(samples, posinf=0.0, neginf=0.0)
        count += len(samples)
        while len(samples):
            here = block - position % block
            part = samples[:here, :size].astype(np.float64)
            products[position // block] += part.T @ part
            position, samples = position + len(part), samples[here:]
    return Survey(count, most, fewest == most, products, is_finite, log[0])


def _form(size: int) -> Form:
    """Return the form with the channels as they are, silence for absent ones, and their number."""
    channel = "if(lt(ch,nb_in_channels),val(ch),0)"
    exprs = "|".join([channel] * size + ["nb_in_channels"])
    filters = (("aeval", {"exprs": exprs, "channel_layout": f"{size + 1}c"}),)
    return Form(filters, size + 1, "pcm_f32le")
