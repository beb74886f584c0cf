"""What the networks of a job run on: encoder, space of sound, settings, device, and conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from unmuted.config.avs_training import (
    AvsMatchingSettings,
    AvsNetworkSettings,
    AvsTrainingSettings,
    CropLossSettings,
    NegativeSettings,
)
from unmuted.engine.job import Job
from unmuted.samples.folds import Generators, load_generators
from unmuted.systems.segmentation.arms import SegmentationArm
from unmuted.systems.segmentation.clip_data import NOISE, OWN, SILENCE, ClipData
from unmuted.systems.segmentation.fitted import Fitted

if TYPE_CHECKING:
    import torch

    from unmuted.systems.segmentation.networks import FrozenEncoder, TrainedPart
    from unmuted.systems.segmentation.retrieval import PictureBank
    from unmuted.systems.segmentation.sound_space import SoundSpace
    from unmuted.systems.segmentation.training import NetworkSettings

QUIET_DB = -60.0  # of the oracle's silence


class Context:
    """The encoder, the space of sound and the settings of a job, loaded once; and its device."""

    def __init__(
        self, job: Job, fitted: Fitted | None, folds: Mapping[str, int] | None = None
    ) -> None:
        self._job, self._fitted, self.folds = job, fitted, folds or {}

    @property
    def avs(self) -> Mapping[str, Any]:
        """The settings of the segmentation that the job's stage declares."""
        return self._job.config["avs"]

    @cached_property
    def device(self) -> str:
        """Where networks run; a job that runs none holds no GPU."""
        from unmuted.inference.device import use_device

        return str(use_device(self._job.config["device"], self._job.threads))

    @cached_property
    def encoder(self) -> FrozenEncoder:
        """The encoder, with the weights of its model."""
        from unmuted.systems.segmentation.networks import FrozenEncoder

        return FrozenEncoder.of(self._job.model_spec("avs_backbone"), self.device)

    @cached_property
    def space(self) -> SoundSpace:
        """The space of the sound."""
        from unmuted.systems.segmentation.sound_space import SoundSpace

        assert self._fitted is not None
        return SoundSpace.unpack(self._fitted.space.tensors())

    @cached_property
    def bank(self) -> PictureBank:
        """The training seconds that are looked up."""
        from unmuted.systems.segmentation.retrieval import PictureBank

        assert self._fitted is not None
        assert self._fitted.bank is not None
        return PictureBank.unpack(self._fitted.bank.tensors())

    @cached_property
    def generators(self) -> Mapping[int, Generators]:
        """The generators of audio, by seed."""
        assert self._fitted is not None
        return {seed: load_generators(fits) for seed, fits in self._fitted.generators.items()}

    @property
    def settings(self) -> NetworkSettings:
        """The settings of networks and their training."""
        from unmuted.systems.segmentation.training import NetworkSettings

        return NetworkSettings(
            AvsNetworkSettings.of(self.avs["network"]),
            AvsTrainingSettings.of(self.avs["training"]),
            NegativeSettings.of(self.avs["negatives"]),
            CropLossSettings.of(self.avs["crop_losses"]),
            self.avs["fusion"],
            AvsMatchingSettings.of(self.avs["matching"]),
        )


class ClipMaps:
    """A clip with its maps, as one clip after another is tested by many networks."""

    def __init__(self, clip: ClipData, context: Context) -> None:
        from unmuted.systems.segmentation.inference import trimmed

        self.clip = trimmed(clip, context.encoder.strides[-1])
        self.context = context
        self._by_stages: dict[int, list[torch.Tensor]] = {}

    def of(self, trained_stages: int) -> list[torch.Tensor]:
        """Return the maps of the frozen stages; computed once."""
        from unmuted.systems.segmentation.inference import clip_maps

        if trained_stages not in self._by_stages:
            self._by_stages[trained_stages] = clip_maps(
                self.clip, self.context.encoder, trained_stages
            )
        return self._by_stages[trained_stages]

    @cached_property
    def looks(self) -> np.ndarray:
        """The mean of the last map of each picture, float32 (K, F)."""
        from unmuted.systems.segmentation.retrieval import picture_looks

        return picture_looks(self.of(0)[-1].numpy(), self.clip.is_padding)

    def predict(self, network: TrainedPart, audio: np.ndarray) -> np.ndarray:
        """Return probabilities float32 (K, H, W)."""
        from unmuted.systems.segmentation.inference import predict

        maps = self.of(len(network.tail))
        return predict(network, maps, audio, self.context.avs["window_s"])


def condition_audio(
    name: str,
    maps: ClipMaps,
    context: Context,
    seed: int,
    partners: Mapping[str, ClipSound] | None = None,
) -> np.ndarray:
    """Return the audio of a clip in a condition, float32 (K, A).

    partners: of the conditions that take another clip's sound; of one that is shorter, the last
    second lasts. Without a partner, the sound is missing.
    """
    clip, space = maps.clip, context.space
    if name == OWN:
        return space.own(clip)
    if name in (SILENCE, NOISE):
        return space.audio(clip.tokens[name])
    if name == "mean":
        return np.zeros_like(space.own(clip))
    if name == "knn":
        return space.audio(context.bank.retrieve(maps.looks, clip.group, context.avs["neighbours"]))
    if name == "generated":
        return generated_audio(maps, context, seed)
    partner = (partners or {}).get(name)
    if partner is None:
        return np.zeros_like(space.own(clip))
    seconds = np.minimum(np.arange(clip.seconds), len(partner.tokens) - 1)
    return space.audio(partner.tokens[seconds], partner.has_audio[seconds])


@dataclass(frozen=True)
class ClipSound:
    """Another clip's own sound: tokens float32 (K, D), and where there is any, bool (K,)."""

    tokens: np.ndarray
    has_audio: np.ndarray


def arm_audio(arm: SegmentationArm, maps: ClipMaps, context: Context, seed: int) -> np.ndarray:
    """Return the audio that an arm is tested with under the condition `own`."""
    if arm.audio == "none":
        return condition_audio("mean", maps, context, seed)
    if arm.audio == "generated":
        return condition_audio("generated", maps, context, seed)
    if arm.is_oracle:
        return class_audio(maps.clip, context.space)
    return condition_audio(OWN, maps, context, seed)


def class_audio(clip: ClipData, space: SoundSpace) -> np.ndarray:
    """Return the class of the clip's sound in place of the sound: an oracle, float32 (K, A).

    A fixed vector for each class in seconds with sound, and zeros in others.
    """
    from unmuted.training.order import stable_hash

    seed = stable_hash("class", clip.label) % 2**32
    size = len(space.projection.components)
    vector = np.random.default_rng(seed).standard_normal(size).astype(np.float32)
    return np.where(is_audible(clip, QUIET_DB)[:, None], vector, np.float32(0))


def is_audible(clip: ClipData, silence_db: float) -> np.ndarray:
    """Return in which seconds there is sound, bool (K,)."""
    return clip.has_audio & (clip.rms_db >= silence_db)


def generated_audio(maps: ClipMaps, context: Context, seed: int) -> np.ndarray:
    """Return audio that was generated from the pictures alone, float32 (K, A)."""
    from unmuted.systems.segmentation.generation import generate

    return generate(
        maps.looks,
        maps.clip.key,
        maps.clip.group,
        context.generators[seed],
        context.folds,
        context.avs["window_s"],
        seed,
        context.device,
    )


def each_with_maps(clips: Sequence[ClipData], context: Context) -> Iterator[ClipMaps]:
    """Yield clips with their maps, one at a time; those of equal pictures share them."""
    known: ClipMaps | None = None
    for clip in clips:
        found = ClipMaps(clip, context)
        if known is not None and known.clip.key == clip.key:
            found._by_stages = known._by_stages
        known = found
        yield found
