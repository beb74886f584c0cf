"""The four maps of a picture that a CNN computes on the way to its features."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torchvision.models import ResNet

from unmuted.errors import UserError
from unmuted.models.tiny_cnn import TinyCnn


class Encoder(nn.Module):
    """The stages of a ResNet of torchvision or of the project's small CNN, fine to coarse.

    channels: of each map. strides: pixels of the picture from one place of a map to the next. A
    ResNet-50 has (256, 512, 1024, 2048) and (4, 8, 16, 32), the small CNN (16, 32, 64, 96) and
    (2, 4, 8, 16). Raises UserError for other networks.
    """

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        net: Any = backbone
        if isinstance(backbone, ResNet):
            finest = nn.Sequential(net.conv1, net.bn1, net.relu, net.maxpool, net.layer1)
            self.stages = nn.ModuleList([finest, net.layer2, net.layer3, net.layer4])
            widths = [width * net.layer1[0].expansion for width in (64, 128, 256, 512)]
            first_stride = 4
        elif isinstance(backbone, TinyCnn):
            self.stages = nn.ModuleList(net.stages)
            widths = [stage[0].out_channels for stage in net.stages]
            first_stride = 2
        else:
            raise UserError(
                f"audio-visual segmentation: {type(backbone).__name__} has no stages that are"
                " known; expected a resnet, resnext or wide_resnet of torchvision, or tiny_cnn"
            )
        self.channels = tuple(widths)
        self.strides = tuple(first_stride * 2**i for i in range(len(widths)))

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Map pictures (N, 3, H, W) to maps (N, channels[i], H / strides[i], W / strides[i])."""
        maps = [self.stages[0](pixels)]
        for stage in self.stages[1:]:
            maps.append(stage(maps[-1]))
        return maps
