"""The network: four maps of each frame, fused with the audio of its window, decoded to masks.

pixels -> encoder -> four maps -> width D each -> fusion with the audio -> decoder -> logits

A network may leave out the finest maps, which cost most: its logits are then coarser.

After Zhou et al., ECCV 2022, whose sizes `published` returns. Audio is this project's projection of
AST, where the paper has VGGish: both have 128 numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeGuard

from torch import Tensor, nn

from unmuted.systems.segmentation.decoder import DilatedSum, RefineDecoder, TopDownDecoder
from unmuted.systems.segmentation.encoder import Encoder
from unmuted.systems.segmentation.fusion import Gate, Tpavi

DECODERS = {"refine": RefineDecoder, "top_down": TopDownDecoder}


@dataclass(frozen=True)
class SegmentationConfig:
    """Sizes of the network after the encoder, saved with the weights.

    audio_dim: A, of a frame's audio. width: D, channels of all maps. dilations: of the convolutions
    that bring the encoder's maps to this width. fused: the maps that the audio enters, 0 is the
    finest. finest: the first map that is read, none of those before it is.
    """

    audio_dim: int
    fusion: Literal["tpavi", "gate"]
    width: int
    decoder: Literal["refine", "top_down"]
    dilations: tuple[int, ...]
    fused: tuple[int, ...]
    finest: int = 0


def published(audio_dim: int = 128) -> SegmentationConfig:
    """Return the sizes of the published network."""
    return SegmentationConfig(audio_dim, "tpavi", 256, "refine", (3, 6, 12, 18), (0, 1, 2, 3))


class SegmentationHead(nn.Module):
    """Everything after the encoder, so that the maps of a frozen encoder are computed once."""

    def __init__(
        self, config: SegmentationConfig, channels: Sequence[int], strides: Sequence[int]
    ) -> None:
        super().__init__()
        self.config = config
        width, read = config.width, channels[config.finest :]
        self.narrow = nn.ModuleList(DilatedSum(c, width, config.dilations) for c in read)
        self.fusions = nn.ModuleDict({str(i): _fusion(config) for i in config.fused})
        self.decoder = DECODERS[config.decoder](width, len(read), strides[config.finest])

    def forward(self, maps: Sequence[Tensor], audio: Tensor) -> Tensor:
        """Compute logits (B, T, H, W) of maps (B T, C_i, H_i, W_i) and audio (B, T, A).

        maps: those that are read, or all of the encoder.
        """
        return self.decode(self.fuse(maps, audio), audio)

    def fuse(self, maps: Sequence[Tensor], audio: Tensor) -> list[Tensor]:
        """Bring maps to one width D and let the audio enter them: (B T, D, H_i, W_i)."""
        read = maps[-len(self.narrow) :]
        x = [narrow(m) for narrow, m in zip(self.narrow, read, strict=True)]
        for i, fuse in self._fusions():
            x[i] = fuse(x[i], audio)
        return x

    def decode(self, fused: Sequence[Tensor], audio: Tensor) -> Tensor:
        """Compute logits (B, T, H, W) of fused maps; audio: (B, T, A), for its shape."""
        return self.decoder(fused).unflatten(0, audio.shape[:2])

    def aligned(self, audio: Tensor) -> dict[int, Tensor]:
        """Return the audio (B, T, D) at the maps' width, by index of `fuse`; of TPAVI alone."""
        return {i: one.align(audio) for i, one in self._fusions() if _aligns(one)}

    def _fusions(self) -> list[tuple[int, nn.Module]]:
        """Return fusions with the indices of their maps among those that are read."""
        return [(int(i) - self.config.finest, fuse) for i, fuse in self.fusions.items()]


class SegmentationNetwork(nn.Module):
    """The whole network, for an encoder that is trained as well, as the published one is."""

    def __init__(self, encoder: Encoder, config: SegmentationConfig) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = SegmentationHead(config, encoder.channels, encoder.strides)

    def forward(self, pixels: Tensor, audio: Tensor) -> Tensor:
        """Compute logits (B, T, H, W) of pixels (B, T, 3, H, W) and audio (B, T, A).

        Raises ValueError unless H and W are multiples of the encoder's coarsest stride.
        """
        stride, size = self.encoder.strides[-1], pixels.shape[-2:]
        if any(side % stride for side in size):
            raise ValueError(f"expected pictures padded to multiples of {stride}, found {size}")
        return self.head(self.encoder(pixels.flatten(0, 1)), audio)


def _fusion(config: SegmentationConfig) -> nn.Module:
    if config.fusion == "tpavi":
        return Tpavi(config.width, config.width // 2, config.audio_dim)
    return Gate(config.width, config.audio_dim)


def _aligns(fusion: nn.Module) -> TypeGuard[Tpavi]:
    return isinstance(fusion, Tpavi)
