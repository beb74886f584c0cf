"""From four maps of a picture, fine to coarse, to the logits of its pixels."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F


class DilatedSum(nn.Module):
    """3x3 convolutions of several dilations side by side, summed, without normalisation."""

    def __init__(self, channels: int, width: int, dilations: Sequence[int]) -> None:
        super().__init__()
        convolutions = [nn.Conv2d(channels, width, 3, padding=d, dilation=d) for d in dilations]
        for convolution in convolutions:
            nn.init.normal_(convolution.weight, std=0.01)
        self.convolutions = nn.ModuleList(convolutions)

    def forward(self, x: Tensor) -> Tensor:  # (N, C, H, W)
        """Map to (N, width, H, W)."""
        return sum((convolve(x) for convolve in self.convolutions[1:]), self.convolutions[0](x))


class ResidualUnit(nn.Module):
    """Two 3x3 convolutions, added to ReLU(x).

    Not to x: the reference's first ReLU is in place. What a block hands on is rectified so.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:  # (N, D, H, W)
        """Keep the shape."""
        x = F.relu(x)
        return x + self.second(F.relu(self.first(x)))


class RefineBlock(nn.Module):
    """Join what comes from coarser maps with a map, refine it, and double its size."""

    def __init__(self, width: int, has_coarser: bool) -> None:
        super().__init__()
        self.skip = ResidualUnit(width) if has_coarser else None
        self.refine = ResidualUnit(width)

    def forward(self, x: Tensor, coarser: Tensor | None) -> Tensor:  # both (N, D, H, W)
        """Map to (N, D, 2 H, 2 W)."""
        if self.skip is not None and coarser is not None:
            x = coarser + self.skip(x)
        return F.interpolate(self.refine(x), scale_factor=2, mode="bilinear", align_corners=True)


class RefineDecoder(nn.Module):
    """The decoder of the published network, after RefineNet (Lin et al., CVPR 2017)."""

    def __init__(self, width: int, maps: int, finest_stride: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(RefineBlock(width, i < maps - 1) for i in range(maps))
        self.before = nn.Conv2d(width, width // 2, 3, padding=1)
        self.after = nn.Conv2d(width // 2, width // 8, 3, padding=1)
        self.to_logit = nn.Conv2d(width // 8, 1, 1)
        self.scale = finest_stride // 2  # the last block leaves half of the finest stride

    def forward(self, maps: Sequence[Tensor]) -> Tensor:  # (N, D, H / strides[i], W / strides[i])
        """Compute the logits of all pixels: (N, H, W)."""
        x = None
        for block, skip in zip(reversed(self.blocks), reversed(maps), strict=True):
            x = block(skip, x)
        x = F.interpolate(self.before(x), scale_factor=self.scale, mode="bilinear")
        return self.to_logit(F.relu(self.after(x))).squeeze(1)


class TopDownDecoder(nn.Module):
    """A small decoder: one convolution after each sum, and logits at the finest map's size."""

    def __init__(self, width: int, maps: int, finest_stride: int) -> None:
        super().__init__()
        self.joins = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(maps - 1))
        self.to_logit = nn.Conv2d(width, 1, 1)
        self.scale = finest_stride

    def forward(self, maps: Sequence[Tensor]) -> Tensor:  # (N, D, H / strides[i], W / strides[i])
        """Compute the logits of all pixels: (N, H, W)."""
        *finer, x = maps
        for join, skip in zip(reversed(self.joins), reversed(finer), strict=True):
            x = F.relu(join(skip + F.interpolate(x, scale_factor=2, mode="nearest")))
        logits = self.to_logit(x)
        return F.interpolate(logits, scale_factor=self.scale, mode="bilinear").squeeze(1)
