"""The four maps of a picture that a CNN, or a PVT-v2, computes on the way to its features."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torchvision.models import ResNet

from unmuted.errors import UserError
from unmuted.models.tiny_cnn import TinyCnn
from unmuted.systems.segmentation.pvt import PvtStage, check_sizes, is_pvt, strides_of


class Encoder(nn.Module):
    """The stages of a ResNet, of a PVT-v2 or of the project's small CNN, fine to coarse.

    channels: of each map. strides: pixels of the picture from one place of a map to the next. A
    ResNet-50 of torchvision has (256, 512, 1024, 2048) and (4, 8, 16, 32), a PVT-v2-b5 of
    transformers (64, 128, 320, 512) and the same, the small CNN (16, 32, 64, 96) and (2, 4, 8, 16).
    Raises UserError for other networks.
    """

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        net: Any = backbone
        if isinstance(backbone, ResNet):
            finest = nn.Sequential(net.conv1, net.bn1, net.relu, net.maxpool, net.layer1)
            self.stages = nn.ModuleList([finest, net.layer2, net.layer3, net.layer4])
            widths = [width * net.layer1[0].expansion for width in (64, 128, 256, 512)]
            strides = _doubled(4, len(widths))
        elif isinstance(backbone, TinyCnn):
            self.stages = nn.ModuleList(net.stages)
            widths = [stage[0].out_channels for stage in net.stages]
            strides = _doubled(2, len(widths))
        elif is_pvt(backbone):
            check_sizes(net.config, "audio-visual segmentation: PVT-v2")
            self.stages = nn.ModuleList(PvtStage(layer) for layer in net.encoder.layers)
            widths, strides = list(net.config.hidden_sizes), strides_of(net.config)
        else:
            raise UserError(
                f"audio-visual segmentation: {type(backbone).__name__} has no stages that are"
                " known; expected a resnet, resnext or wide_resnet of torchvision, a PVT-v2 of"
                " transformers, or tiny_cnn"
            )
        self.channels = tuple(widths)
        self.strides = strides

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Map pictures (N, 3, H, W) to maps (N, channels[i], H / strides[i], W / strides[i])."""
        maps = [self.stages[0](pixels)]
        for stage in self.stages[1:]:
            maps.append(stage(maps[-1]))
        return maps


def _doubled(first: int, count: int) -> tuple[int, ...]:
    return tuple(first * 2**i for i in range(count))
