"""The network in two parts: a frozen part, whose maps are computed once, and what is trained."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from unmuted.config.avs_training import AvsNetworkSettings, Fusion
from unmuted.models.architectures import load_backbone
from unmuted.models.loading import ModelSpec, checked_folder
from unmuted.systems.segmentation.encoder import Encoder
from unmuted.systems.segmentation.model import SegmentationConfig, SegmentationHead
from unmuted.systems.segmentation.pvt import is_pvt_folder, load_pvt
from unmuted.training.states import State, load_weights, pack, settings_of

PICTURES_AT_ONCE = 16


class FrozenEncoder:
    """The first stages of an encoder, with the preprocessing of its weights.

    trained_stages: of the last stages, which are left to the trained part. Deterministic: batches
    have the shape of their clip, and a picture's maps depend on the picture alone. device: where
    it runs, and the networks that are made with it; what it takes and returns is on the CPU.
    """

    def __init__(
        self,
        encoder: Encoder,
        mean: Sequence[float],
        std: Sequence[float],
        device: str = "cpu",
    ) -> None:
        self.encoder = encoder.eval().requires_grad_(False).to(device)
        self.device = device
        self.channels, self.strides = encoder.channels, encoder.strides
        self._mean = torch.tensor(mean)[:, None, None]
        self._std = torch.tensor(std)[:, None, None]

    @classmethod
    def of(cls, spec: ModelSpec, device: str = "cpu") -> FrozenEncoder:
        """Load the encoder of a model's folder: a CNN's, or that of a PVT-v2."""
        folder = checked_folder(spec, fetch=False)
        if is_pvt_folder(folder, spec.title):
            pvt, mean, std = load_pvt(spec)
            return cls(Encoder(pvt), mean, std, device)
        model, config = load_backbone(folder, spec.title)
        return cls(Encoder(model), config.preprocessing.mean, config.preprocessing.std, device)

    def pixels(self, frames: np.ndarray) -> Tensor:
        """Return normalised pixels (N, 3, H, W) of frames uint8 (N, H, W, 3)."""
        rgb = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2)
        return (rgb.float() / 255 - self._mean) / self._std

    @torch.inference_mode()
    def maps(self, frames: np.ndarray, trained_stages: int = 0) -> list[np.ndarray]:
        """Compute the maps (N, C, H, W) of the frozen stages, float16.

        frames: uint8 (N, H, W, 3), sides multiples of the coarsest stride.

        With no frozen stage, the pixels themselves are returned.
        """
        frozen = len(self.encoder.stages) - trained_stages
        parts: list[list[Tensor]] = []
        for start in range(0, len(frames), PICTURES_AT_ONCE):
            x = self.pixels(frames[start : start + PICTURES_AT_ONCE]).to(self.device)
            found = [] if frozen else [x]
            for stage in self.encoder.stages[:frozen]:
                x = stage(x)
                found.append(x)
            parts.append([one.half().cpu() for one in found])
        return [torch.cat(of_map).numpy() for of_map in zip(*parts, strict=True)]

    def tail(self, trained_stages: int) -> nn.ModuleList:
        """Return a copy of the last stages, whose weights can be trained."""
        kept = len(self.encoder.stages) - trained_stages
        return copy.deepcopy(self.encoder.stages[kept:]).requires_grad_(True)


class TrainedPart(nn.Module):
    """The last stages of the encoder, if any of them are trained, and all that follows.

    The batch normalisation of these stages keeps the statistics of the pretrained weights.
    """

    def __init__(
        self, config: SegmentationConfig, channels: Sequence[int], strides: Sequence[int], tail: Any
    ) -> None:
        super().__init__()
        self.tail = tail
        self.head = SegmentationHead(config, channels, strides)

    def train(self, mode: bool = True) -> TrainedPart:
        """Set the mode of everything but the encoder's stages."""
        super().train(mode)
        self.tail.eval()
        return self

    def all_maps(self, frozen: Sequence[Tensor]) -> list[Tensor]:
        """Return the maps (B T, C_i, H_i, W_i) that the head reads, those of frozen stages given.

        frozen: all of them or those that `maps_read` keeps; pixels, where no stage is frozen.
        """
        maps = list(frozen)
        for stage in self.tail:
            maps.append(stage(maps[-1]))
        return maps[-len(self.head.narrow) :]

    def forward(self, frozen: Sequence[Tensor], audio: Tensor) -> Tensor:
        """Compute logits (B, T, H, W) of frozen maps (B T, ...) and audio (B, T, A)."""
        return self.head(self.all_maps(frozen), audio)


def network_config(
    settings: AvsNetworkSettings, audio_dim: int, fusion: Fusion
) -> SegmentationConfig:
    """Return the sizes of the network that is configured."""
    fused = tuple(sorted(set(settings.fused)))
    return SegmentationConfig(
        audio_dim,
        fusion,
        settings.width,
        settings.decoder,
        tuple(settings.dilations),
        fused,
        settings.finest,
    )


def maps_read(frozen: Sequence[np.ndarray], finest: int) -> Sequence[np.ndarray]:
    """Return the maps of frozen stages that a network with this finest map reads.

    The last one is always among them: the trained stages read it.
    """
    return frozen[min(finest, len(frozen) - 1) :]


def new_network(
    config: SegmentationConfig, encoder: FrozenEncoder, trained_stages: int
) -> TrainedPart:
    """Make a network with first weights from torch's random numbers, the same on every device."""
    tail = encoder.tail(trained_stages)
    return TrainedPart(config, encoder.channels, encoder.strides, tail).to(encoder.device)


def pack_network(network: TrainedPart) -> State:
    """Return weights and sizes as a flat dict of arrays."""
    settings = {**asdict(network.head.config), "trained_stages": len(network.tail)}
    return pack(network, settings)


def load_network(state: State, encoder: FrozenEncoder) -> TrainedPart:
    """Return a network that `pack_network` was given, ready for inference."""
    settings = settings_of(state)
    trained_stages = settings.pop("trained_stages")
    sizes: dict[str, Any] = {
        name: tuple(v) if isinstance(v, list) else v for name, v in settings.items()
    }
    config = SegmentationConfig(**sizes)
    network = new_network(config, encoder, trained_stages)
    load_weights(network, state, encoder.device)
    return network
