"""The audio of a clip in the space that all networks read, in every condition that is tested.

Real, silent, noisy, swapped and retrieved sound take one path: tokens of the same network, then the
same projection. So no condition can be told by how its features were computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from unmuted.systems.segmentation.clip_data import OWN, ClipData
from unmuted.systems.shared.projection import Projection, fit_projection

TINY = 1e-6


@dataclass(frozen=True)
class SoundSpace:
    """A projection, and one scale for all of its features: their root mean square is 1."""

    projection: Projection
    scale: float

    def audio(self, tokens: np.ndarray, has_audio: np.ndarray | None = None) -> np.ndarray:
        """Return features float32 (K, A) of tokens (K, D).

        Seconds without a sound stream get zeros, the training mean: not knowing is not silence.
        """
        features = self.projection.apply(tokens) / np.float32(self.scale)
        if has_audio is not None:
            features[~has_audio] = 0
        return features.astype(np.float32)

    def own(self, clip: ClipData) -> np.ndarray:
        """Return the features of a clip's own sound."""
        return self.audio(clip.tokens[OWN], clip.has_audio)

    def pack(self) -> dict[str, np.ndarray]:
        """Return its arrays by name."""
        return {**vars(self.projection), "scale": np.array([self.scale], np.float32)}

    @classmethod
    def unpack(cls, arrays: Mapping[str, np.ndarray]) -> SoundSpace:
        """Return what `pack` was called on."""
        rest = {name: array for name, array in arrays.items() if name != "scale"}
        return cls(Projection(**rest), float(arrays["scale"][0]))


def fit_sound_space(clips: Iterable[ClipData], audio_dim: int) -> SoundSpace:
    """Fit the space on training clips with sound; see `fit_projection` for what it refuses."""
    tokens = [clip.tokens[OWN][clip.has_audio] for clip in clips]
    tokens = [rows for rows in tokens if len(rows)]
    projection = fit_projection(tokens, audio_dim)
    features = np.concatenate([projection.apply(rows) for rows in tokens]).astype(np.float64)
    return SoundSpace(projection, max(float(np.sqrt((features**2).mean())), TINY))
