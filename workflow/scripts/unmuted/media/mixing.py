"""One channel out of several, by a rule under which loud channels cannot cancel each other.

1. ffmpeg's mix: the mean of left and right; of 5.1, the fronts, the centre at +3 dB, the surrounds
   at -3 dB and no LFE, scaled so that nothing can clip.
2. Where that mix loses the sound, and where the number of channels changes, so that it would change
   the level: the mean of the channels that sound; those that would cancel the others are
   inverted. A channel sounds that is at most 30 dB weaker than the loudest.
3. Where that loses it too (the channels are alike now and opposite then): the loudest channel.

A mix loses the sound of a second where it has less than a fifth (-7 dB) of the power that the mean
of rule 2 would have if it were chosen for that second alone. It is given up where it loses seconds
that hold more than a tenth of the sound, or where it is silent and a channel is not. The choice
holds for the whole clip.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unmuted.media.sound import OutputFormat
from unmuted.media.survey import Survey

_SOUNDING = 1e-3  # of the power of the loudest channel
_KEPT = 0.2  # of the power that can be had
_LOST = 0.1  # of the energy that can be had

FFMPEGS_MIX = OutputFormat(
    (("aformat", {"sample_fmts": "s16", "channel_layouts": "mono"}),), 1, "pcm_s16le"
)


@dataclass(frozen=True)
class Mix:
    """Signs of the channels `(K,)`, 0 for those that are left out, and a note for the ledger."""

    signs: tuple[int, ...]
    note: str

    @property
    def output_format(self) -> OutputFormat:
        """The filters that mix: the mean of those of the channels that are there."""
        used = [channel for channel, sign in enumerate(self.signs) if sign]
        if len(used) == 1:
            mean = f"val({used[0]})"  # the last where there are fewer
        else:
            there = [f"lt({channel},nb_in_channels)" for channel in used]
            signs = ["-" if self.signs[channel] < 0 else "+" for channel in used]
            terms = [f"{s}{t}*val({c})" for s, t, c in zip(signs, there, used, strict=True)]
            mean = f"({''.join(terms)})/max(1,{'+'.join(there)})"
        mixed = ("aeval", {"exprs": mean, "channel_layout": "mono"})
        return OutputFormat((mixed, *FFMPEGS_MIX.filters), 1, FFMPEGS_MIX.codec)


def choose_mix(
    survey: Survey, ffmpegs_mix: np.ndarray | None, least_energy: float = 0.0
) -> Mix | None:
    """Return how the channels are mixed; None for ffmpeg's mix.

    Args:
        survey: the channels.
        ffmpegs_mix: energy of ffmpeg's mix in each of the survey's blocks; None where ffmpeg has
            none for these channels.
        least_energy: of a clip that is not silent.
    """
    energies = survey.energies
    sounding = (energies > 0) & (energies >= _SOUNDING * energies.max())
    if not sounding.any():
        return None
    loudest = int(energies.argmax())
    is_loud = energies[loudest] >= least_energy
    best = np.array([_mean_energy(block, _signs(block) * sounding) for block in survey.products])

    def keeps(mixed: np.ndarray) -> bool:
        lost = mixed < _KEPT * best
        is_silent = mixed.sum() < least_energy
        return best[lost].sum() <= _LOST * best.sum() and not (is_silent and is_loud)

    if ffmpegs_mix is not None and survey.is_steady and keeps(ffmpegs_mix):
        return None
    signs = _signs(survey.products.sum(axis=0)) * sounding
    if keeps(np.array([_mean_energy(block, signs) for block in survey.products])):
        return Mix(tuple(map(int, signs)), _note_of_mean(signs, survey.channels))
    alone = tuple(int(channel == loudest) for channel in range(len(energies)))
    return Mix(alone, f"channel {loudest + 1} of {survey.channels} alone")


def _mean_energy(products: np.ndarray, signs: np.ndarray) -> float:
    """Return the energy of the mean of the channels whose sign is not 0."""
    return float(signs @ products @ signs) / np.count_nonzero(signs) ** 2


def _signs(products: np.ndarray) -> np.ndarray:
    """Return 1 or -1 for each channel `(K,)`, so that none cancels the sum of the louder ones."""
    signs = np.zeros(len(products))
    for channel in np.argsort(-products.diagonal(), kind="stable"):
        signs[channel] = 1.0 if products[channel] @ signs >= 0 else -1.0
    first = np.flatnonzero(signs)[0]
    return signs * signs[first]


def _note_of_mean(signs: np.ndarray, channels: int) -> str:
    used, inverted = np.flatnonzero(signs) + 1, np.flatnonzero(signs < 0) + 1
    if len(used) == 1:
        return f"channel {used[0]} of {channels} alone"
    of_all = f"the channels {', '.join(map(str, used))} of {channels}"
    which = f"all {channels} channels" if len(used) == channels else of_all
    tail = f", inverted: {', '.join(map(str, inverted))}" if len(inverted) else ""
    return f"mean of {which}{tail}"
