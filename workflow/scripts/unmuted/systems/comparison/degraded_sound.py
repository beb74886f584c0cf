"""What the comparison's classifiers predict from degraded sound, at each level of severity.

An arm that imputes missing audio gets what is left of a clip's sound, and imputes the time steps
whose sound is lost. Real audio hears what is left, silence and all, as a system does that does not
know that sound is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from unmuted.engine.executor import Artifact
from unmuted.engine.job import Job
from unmuted.samples.experiment import Clip
from unmuted.samples.fits import ONLY_FIT
from unmuted.systems.comparison.chosen_arms import REAL_OR
from unmuted.systems.comparison.inputs import ArmInputs
from unmuted.systems.shared.projection import Projection

if TYPE_CHECKING:  # torch, which takes seconds to import
    from unmuted.systems.classifier.lstm import Classifier

STAGE = "degraded_ast"
REAL = "real_audio"


@dataclass(frozen=True)
class RealAudio:
    """The classifiers of real audio, which the main experiment trains: by seed, and by arm."""

    classifiers: Mapping[int, Mapping[str, Artifact]]
    selection: Artifact

    @property
    def digests(self) -> list[object]:
        """The digests of all that is read, for fingerprints."""
        fits = [of_seed[REAL].row.digest for of_seed in self.classifiers.values()]
        return [self.selection.row.digest, fits]

    def load(self, device: str) -> list[Classifier]:
        """Build the network of each seed's chosen checkpoint."""
        from unmuted.systems.classifier.states import load_chosen

        choices = self.selection.json()["arms"][REAL]
        return load_chosen(self.classifiers, {REAL: choices}, device)[REAL]


def read_real_audio(job: Job) -> RealAudio:
    """Read the classifiers of real audio."""
    return RealAudio(job.fits_by_seed("classifier"), job.fits("selection")[ONLY_FIT])


def replaced_audio(clip: Clip, projection: Projection) -> np.ndarray:
    """Read projected audio (1, T, A) of noise that replaces the clip's sound."""
    if not clip.has_sound:
        return clip.audio(projection)[None]
    return projection.apply(clip.artifacts[STAGE].tensors()["replaced"])[None]


def predict_degraded(
    clip: Clip,
    arms: Mapping[str, Sequence[Classifier]],
    inputs: ArmInputs,
    projection: Projection,
    device: str,
) -> dict[str, list[list[int]]] | None:
    """Predict the class index [level][seed] of each arm for one clip; None for one without sound.

    arms: the classifiers by seed of real audio and of arms that impute missing audio. inputs: of
    the clip alone.
    """
    if STAGE not in clip.artifacts:
        return None
    tensors = clip.artifacts[STAGE].tensors()
    audio = np.stack([projection.apply(tokens) for tokens in tensors["tokens"]])  # (L, T, A)
    is_lost = tensors["lost_steps"].astype(bool)  # (L, T)
    return {
        arm.removeprefix(REAL_OR): _predict(arm, models, inputs, audio, is_lost, device)
        for arm, models in arms.items()
    }


def _predict(
    arm: str,
    models: Sequence[Classifier],
    inputs: ArmInputs,
    audio: np.ndarray,
    is_lost: np.ndarray,
    device: str,
) -> list[list[int]]:
    """Predict class indices [level][seed]; the levels of a clip are one batch."""
    import torch

    by_seed = []
    for index, model in enumerate(models):
        x = torch.from_numpy(_features(arm, inputs, index, audio, is_lost))
        with torch.inference_mode():
            by_seed.append(model(x.to(device)).argmax(dim=1).tolist())
    return np.transpose(by_seed).tolist()


def _features(
    arm: str, inputs: ArmInputs, index: int, audio: np.ndarray, is_lost: np.ndarray
) -> np.ndarray:
    """Return the input (L, T, F) of an arm's classifier at all levels.

    audio: (L, T, A). is_lost: bool (L, T).
    """
    if arm == REAL:
        visual = np.repeat(inputs.clips.visual, len(audio), axis=0)
        return np.concatenate([visual, audio], axis=2)
    rows = []
    for real, has_audio in zip(audio[:, None], ~is_lost[:, None], strict=True):
        rows.append(inputs.with_real_audio(real).of_fit(arm, index, has_audio)[:])
    return np.concatenate(rows)
