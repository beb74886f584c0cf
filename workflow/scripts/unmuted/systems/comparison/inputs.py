"""The inputs of the comparison's classifiers: video, and the audio of an arm.

The classifier `<arm>` gets the arm's audio for every clip; `real_or_<arm>` only for clips without
usable sound, which it imputes. How the audio of each arm is made: `arm_audio`. Which arms there
are, and what each reads: `chosen_arms`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from unmuted.engine.executor import Artifact
from unmuted.evaluation.arms import COMPARISON_ARMS
from unmuted.samples.experiment import Clip
from unmuted.samples.swap_partners import swap_partners_of
from unmuted.systems.classifier.inputs import ClipFeatures, load_features
from unmuted.systems.comparison.arm_audio import audio_of
from unmuted.systems.comparison.chosen_arms import REAL_OR, base_of
from unmuted.systems.comparison.imputation import (
    AudioStatistics,
    audio_statistics,
    random_features,
)
from unmuted.systems.shared.projection import Projection
from unmuted.training.clip_arrays import ClipArray, Index, LazyConcat, memmap_stack, with_audio


@dataclass(frozen=True)
class ArmInputs:
    """The inputs of all arms for N clips.

    Attributes:
        clips: their own features.
        stored: audio by stage, (N, T, A), or (N, S, T, A) with one row per seed; read when used.
        random, swapped: audio (N, T, A); None if no chosen arm uses it.
        kept: which clips a filter keeps, bool (N, S), by its name with percentile.
    """

    clips: ClipFeatures
    stored: Mapping[str, np.ndarray]
    random: np.ndarray | None
    swapped: np.ndarray | None
    kept: Mapping[str, np.ndarray]

    def of_fit(
        self,
        fit: str,
        seed_index: int,
        has_audio: np.ndarray | None = None,
        is_muted: bool = False,
    ) -> ClipArray:
        """Return the input (N, T, F) of a classifier.

        has_audio: bool (N,), the clips whose own audio a real_or_ fit gets, or (N, T), their time
        steps; by default all clips with usable sound. is_muted: whether all audio is replaced by
        zeros. The classifier with a learned token for missing audio gets one more feature: 1 where
        clips have their own audio.
        """
        arm = COMPARISON_ARMS[base_of(fit)]
        if arm.audio is None:
            return self.clips.visual
        usable = self._usable_steps(has_audio)
        is_imputing = fit.startswith(REAL_OR)

        def audio(clips: Index) -> np.ndarray:
            given = audio_of(self, fit.removeprefix(REAL_OR), clips, seed_index)
            own = usable[clips]
            if is_imputing:
                given = np.where(own, self.clips.real[clips], given)
            if is_muted:
                given = np.zeros_like(given)
            if arm.is_one_classifier:
                indicator = np.broadcast_to(own, (*given.shape[:2], 1)).astype(np.float32)
                given = np.concatenate([given, indicator], axis=2)
            return given

        width = self.clips.real.shape[2] + arm.is_one_classifier
        return with_audio(self.clips.visual, width, audio)

    def with_and_without_audio(self, fit: str, seed_index: int) -> tuple[np.ndarray, ClipArray]:
        """Return every clip without its audio, and those with usable sound once more with it.

        Returns the index of the clip of each of M rows, int (M,), and the rows (M, T, F).
        """
        count = len(self.clips.usable)
        rows = np.concatenate([np.arange(count), np.flatnonzero(self.clips.usable)])
        with_own = self.of_fit(fit, seed_index)
        without = self.of_fit(fit, seed_index, np.zeros(count, bool))

        def read(chosen: Index) -> np.ndarray:
            places = np.arange(len(rows))[chosen]
            features = without[rows[places]]
            has_own = places >= count
            features[has_own] = with_own[rows[places[has_own]]]
            return features

        return rows, LazyConcat((len(rows), *with_own.shape[1:]), read)

    def _usable_steps(self, has_audio: np.ndarray | None) -> np.ndarray:
        """Return where clips have usable audio, bool (N, 1, 1), or (N, T, 1) of time steps."""
        usable = self.clips.usable[:, None]
        if has_audio is not None:
            usable = usable & (has_audio if has_audio.ndim == 2 else has_audio[:, None])
        return usable[..., None]

    def with_real_audio(self, real: np.ndarray) -> ArmInputs:
        """Replace the clips' own audio by other audio (N, T, A)."""
        return replace(self, clips=replace(self.clips, real=real))


def load_arm_inputs(
    clips: Sequence[Clip],
    projection: Projection | None,
    statistics: AudioStatistics | None,
    swapped: np.ndarray | None,
    kept_by_filter: Mapping[str, np.ndarray],
    seed: int,
    audio_dim: int = 0,
) -> ArmInputs:
    """Read the features of clips.

    projection, audio_dim: as in `load_features`. statistics: of training sound, for random
    features. swapped: audio (N, T, A) of the swap partners.
    """
    features = load_features(clips, projection, audio_dim)
    keys, steps = [clip.key for clip in clips], features.real.shape[1]
    return ArmInputs(
        clips=features,
        stored=features.stored,
        random=None if statistics is None else random_features(keys, statistics, steps, seed),
        swapped=swapped,
        kept=kept_by_filter,
    )


def training_statistics(clips: Sequence[Clip], projection: Projection) -> AudioStatistics:
    """Compute how the sound of the training clips varies."""
    real = memmap_stack(clip.audio(projection) for clip in clips)
    usable = np.array([clip.has_sound for clip in clips])
    return audio_statistics([clip.key for clip in clips], real, usable)


def swapped_audio(clips: Sequence[Clip], projection: Projection, seed: int) -> np.ndarray:
    """Read a control: the real audio (N, T, A) of the swap partner of each clip."""
    pairs = zip(clips, swap_partners_of(clips, seed), strict=True)
    return memmap_stack(audio_of_partner(clip, partner, projection) for clip, partner in pairs)


def audio_of_partner(clip: Clip, partner: Clip | None, projection: Projection) -> np.ndarray:
    """Read the partner's real audio (T, A); without a partner zeros, the training mean."""
    return np.zeros_like(clip.audio(projection)) if partner is None else partner.audio(projection)


def digests_read(fit: str, clip: Clip, pca: Artifact) -> list[str]:
    """Return the digests of the artifacts that a classifier reads of a clip: for fingerprints."""
    arm = COMPARISON_ARMS[base_of(fit)]
    stages = [
        *arm.stages,
        *(["ast"] if fit.startswith(REAL_OR) else []),
        *(["video_posterior"] if arm.is_filter else []),
        *([arm.teacher] if arm.teacher else []),
    ]
    digests = clip.digests("vit_rgb", "vit_flow", *stages)
    return [*digests, pca.row.digest] if "ast" in stages else digests
