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
from unmuted.samples.experiment import Clip, Experiment
from unmuted.samples.swap_partners import swap_partners_of
from unmuted.systems.arch1.feature_filter import true_similarity
from unmuted.systems.arch1.filter_rule import FilterRule, keep, similarities
from unmuted.systems.classifier.inputs import ClipFeatures, load_features, stored_audio
from unmuted.systems.comparison.arm_audio import audio_of
from unmuted.systems.comparison.chosen_arms import (
    REAL_OR,
    VIDEO,
    at_percentile,
    base_of,
)
from unmuted.systems.comparison.imputation import (
    AudioStatistics,
    audio_statistics,
    random_features,
)
from unmuted.systems.shared.projection import Projection
from unmuted.training.clip_arrays import ClipArray, Index, memmap_stack, with_audio


class StoredAudio(dict):
    """The audio of the clips by stage, (N, ...), read when it is first used."""

    def __init__(self, clips: Sequence[Clip]) -> None:
        super().__init__()
        self._clips = clips

    def __missing__(self, stage: str) -> np.ndarray:
        return self.setdefault(stage, stored_audio(self._clips, stage))


@dataclass(frozen=True)
class ArmInputs:
    """The inputs of all arms for N clips.

    Attributes:
        clips: their own features.
        stored: audio by stage, (N, T, A), or (N, S, T, A) with one row per seed.
        random, swapped: audio (N, T, A); None if no chosen arm uses it.
        kept: which clips a filter keeps, bool (N, S), by its name with percentile.
    """

    clips: ClipFeatures
    stored: Mapping[str, np.ndarray]
    random: np.ndarray | None
    swapped: np.ndarray | None
    kept: Mapping[str, np.ndarray]

    def of_fit(self, fit: str, seed_index: int, has_audio: np.ndarray | None = None) -> ClipArray:
        """Return the input (N, T, F) of a classifier.

        has_audio: bool (N,), the clips whose own audio a real_or_ fit gets; by default all clips
        with usable sound.
        """
        if fit == VIDEO:
            return self.clips.visual
        usable = self.clips.usable if has_audio is None else self.clips.usable & has_audio

        def audio(clips: Index) -> np.ndarray:
            imputed = audio_of(self, fit.removeprefix(REAL_OR), clips, seed_index)
            if fit.startswith(REAL_OR):
                return np.where(usable[clips, None, None], self.clips.real[clips], imputed)
            return imputed

        return with_audio(self.clips.visual, self.clips.real.shape[2], audio)

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
    features = load_features(clips, projection, with_generated=False, audio_dim=audio_dim)
    keys, steps = [clip.key for clip in clips], features.real.shape[1]
    return ArmInputs(
        clips=features,
        stored=StoredAudio(clips),
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


# --- which clips the filters keep -----------------------------------------------------------------


def training_kept(
    experiment: Experiment, clips: Sequence[Clip], rule: FilterRule, filters: Sequence[str]
) -> dict[str, np.ndarray]:
    """Tell which training clips each filter keeps, by its name with percentile: bool (N, S).

    Training clips are judged by their true labels, with thresholds from these clips, so that the
    filter rejects the same share of clips in training as in use.
    """
    labels = experiment.labels(clips)
    kept = {}
    for arm in filters:
        true = true_similarity(similarities(clips, arm), labels)
        for percentile in rule.percentiles:
            limits = rule.thresholds(true, percentile)
            kept[at_percentile(arm, percentile)] = keep(true, limits)
    return kept


def digests_read(fit: str, clip: Clip, pca: Artifact) -> list[str]:
    """Return the digests of the artifacts that a classifier reads of a clip: for fingerprints."""
    stages = [
        *COMPARISON_ARMS[base_of(fit)].stages,
        *(["ast"] if fit.startswith(REAL_OR) else []),
    ]
    digests = clip.digests("vit_rgb", "vit_flow", *stages)
    return [*digests, pca.row.digest] if "ast" in stages else digests
