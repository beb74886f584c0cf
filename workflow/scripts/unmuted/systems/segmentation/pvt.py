"""PVT-v2 (Wang et al., CVMJ 2022) of transformers as an encoder: stages that map maps to maps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from unmuted.errors import UserError
from unmuted.models.checking import read_json
from unmuted.models.loading import PROCESSOR, ModelSpec, checked_folder

MODEL_TYPE = "pvt_v2"
MAPS = 4
COARSEST = 32  # pictures are padded to multiples of it


class PvtStage(nn.Module):
    """A stage of a PVT-v2 with its patch embedding: (N, C, H, W) to (N, C', H / s, W / s)."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """Compute the stage's map."""
        (rows,), height, width = self.layer(x, False)  # (N, H W, C)
        return rows.unflatten(1, (height, width)).permute(0, 3, 1, 2).contiguous()


def is_pvt(backbone: nn.Module) -> bool:
    """Return whether a network is a PVT-v2 of transformers, without importing transformers."""
    return getattr(getattr(backbone, "config", None), "model_type", "") == MODEL_TYPE


def is_pvt_folder(folder: Path, title: str) -> bool:
    """Return whether a model's folder holds a PVT-v2."""
    return read_json(folder / "config.json", title).get("model_type") == MODEL_TYPE


def load_pvt(spec: ModelSpec) -> tuple[nn.Module, list[float], list[float]]:
    """Return a PVT-v2 with its weights, float32, and the mean and scale of its pictures' channels.

    Raises UserError where files are missing or of another network, where its maps do not fit the
    decoders, or where its preprocessing names no mean and scale of three channels.
    """
    from transformers import PvtV2Config, PvtV2Model

    from unmuted.models.pretrained import load_model

    folder = checked_folder(spec, PROCESSOR, fetch=False)
    check_sizes(PvtV2Config.from_pretrained(folder), f"{spec.title}: {folder / 'config.json'}")
    mean, std = _preprocessing(folder, spec.title)
    model = load_model(PvtV2Model, spec, folder, torch.device("cpu"), torch.float32)
    return model, mean, std


def check_sizes(config: Any, where: str) -> None:
    """Raise UserError unless the maps of a configuration are those that the decoders join.

    where: the beginning of the message. The decoders double a map's size four times.
    """
    strides, patches = list(config.strides), list(config.patch_sizes)
    sizes = (strides, patches, config.hidden_sizes, config.depths, config.sr_ratios)
    if config.num_encoder_blocks != MAPS or any(len(one) != MAPS for one in sizes):
        problem = f"{config.num_encoder_blocks} stages, expected {MAPS} in each of its lists"
    elif config.num_channels != 3:
        problem = f"pictures of {config.num_channels} channels, expected 3"
    elif strides[0] not in (2, 4) or any(stride != 2 for stride in strides[1:]):
        problem = f"strides {strides}, expected 4 (or 2), 2, 2, 2: each map half of the one before"
    elif any(patch % 2 == 0 for patch in patches):
        problem = f"patch_sizes {patches}, expected odd ones: others do not divide a picture evenly"
    elif not config.linear_attention and (widest := _widest_reduction(config)) > COARSEST:
        problem = (
            f"sr_ratios {list(config.sr_ratios)}, which need pictures of {widest} pixels and more;"
            f" expected at most {COARSEST} of ratio times stride"
        )
    else:
        return
    raise UserError(
        f"{where}: {problem}; audio-visual segmentation takes PVT-v2 as published (b0 to b5), or a"
        " resnet of torchvision"
    )


def strides_of(config: Any) -> tuple[int, ...]:
    """Return the pixels of the picture from one place of each map to the next."""
    strides = [int(config.strides[0])]
    for stride in config.strides[1:]:
        strides.append(strides[-1] * int(stride))
    return tuple(strides)


def _widest_reduction(config: Any) -> int:
    """Return the pixels that the keys and values of attention are reduced over, at most."""
    return max(
        ratio * stride for ratio, stride in zip(config.sr_ratios, strides_of(config), strict=True)
    )


def _preprocessing(folder: Path, title: str) -> tuple[list[float], list[float]]:
    name = next(name for name in PROCESSOR if (folder / name).is_file())
    content = read_json(folder / name, title)
    found = [content.get(key) for key in ("image_mean", "image_std")]
    for values in found:
        if not isinstance(values, list) or len(values) != 3 or not all(map(_is_number, values)):
            raise UserError(
                f"{title}: {folder / name}: expected image_mean and image_std of three channels,"
                f" found {values!r}; fetch the model again"
            )
    mean, std = ([float(value) for value in values] for values in found if values is not None)
    if min(std) <= 0:
        raise UserError(f"{title}: {folder / name}: image_std is {std}, expected numbers above 0")
    return mean, std


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
