"""CNNs whose pooled features describe a picture, and the folders that they are kept in.

A backbone's folder holds `model.safetensors`, the state of the network without its classifier, and
`config.json`:

    architecture   a name of torchvision's, such as resnet50, or tiny_cnn
    arguments      what its constructor is given besides its defaults
    weights        the published weights' name, or null
    features       F, the length of a feature
    preprocessing  as `Preprocessing`
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
import torchvision
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn
from torchvision.transforms import InterpolationMode
from torchvision.transforms._presets import ImageClassification

from unmuted.errors import UserError
from unmuted.models.checking import check_described, read_json
from unmuted.models.described import described_values
from unmuted.models.tiny_cnn import TinyCnn
from unmuted.text import one_line

TINY = "tiny_cnn"
MOST_LAYERS, MOST_UNITS = 64, 65_536  # in the arguments of a network
SUPPORTED = (
    "resnet*, resnext*, wide_resnet*, regnet*, shufflenet_v2*, inception_v3 and googlenet of"
    f" torchvision, and {TINY}"
)
INCEPTIONS = ("googlenet", "inception_v3")
BARE = {"aux_logits": False, "init_weights": False}  # no heads for training alone, no first values
CLASSIFIERS = ("fc.", "AuxLogits.", "aux1.", "aux2.")  # tensors that pooled features do not need


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes what the network sees, as torchvision's presets for classification do.

    resize_size: pixels of the short side, or height and width; the middle crop_size
    pixels are seen. mean, std: of each channel, values from 0 to 1.
    """

    resize_size: int | list[int]
    crop_size: int
    mean: list[float]
    std: list[float]
    interpolation: str = "bilinear"
    antialias: bool = True

    @staticmethod
    def of(preset: ImageClassification) -> Preprocessing:
        """Return the settings of a preset, such as published weights name theirs."""
        return Preprocessing(
            resize_size=preset.resize_size[0],
            crop_size=preset.crop_size[0],
            mean=list(preset.mean),
            std=list(preset.std),
            interpolation=preset.interpolation.value,
            antialias=bool(preset.antialias),
        )

    def preset(self, square: int | None = None) -> ImageClassification:
        """Return the preset of these settings; `square`: the side that it scales squares to."""
        preset = ImageClassification(
            crop_size=self.crop_size if square is None else square,
            mean=tuple(self.mean),
            std=tuple(self.std),
            interpolation=InterpolationMode(self.interpolation),
            antialias=self.antialias,
        )
        size = self.resize_size if square is None else square
        preset.resize_size = [size] if isinstance(size, int) else list(size)
        return preset


@dataclass(frozen=True)
class BackboneConfig:
    """The content of a backbone's config.json; see above."""

    architecture: str
    features: int
    preprocessing: Preprocessing
    arguments: Mapping[str, Any] = field(default_factory=dict)
    weights: str | None = None


def read_config(folder: Path, title: str = "model") -> BackboneConfig:
    """Return the configuration of the folder of a backbone; raise UserError where it has none.

    title: how messages call the model.
    """
    file = folder / "config.json"
    content = read_json(file, title)
    try:
        shape = Preprocessing(**content.pop("preprocessing"))
        config = BackboneConfig(preprocessing=shape, **content)
        shape.preset()
        _check_arguments(config.arguments)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(
            f"{title}: {file}: no configuration of a CNN ({one_line(repr(error), 160)});"
            f" expected architecture, arguments, weights, features and preprocessing, as"
            f" workflow/scripts/fetch_model.py writes them for torchvision's weights."
            f" Supported: {SUPPORTED}"
        ) from error
    return config


def _check_arguments(arguments: Mapping[str, Any]) -> None:
    """Raise ValueError for arguments of networks that nobody builds."""
    for name, value in arguments.items():
        numbers = value if isinstance(value, list) else [value]
        sizes = [number for number in numbers if isinstance(number, int | float)]
        if len(numbers) > MOST_LAYERS or any(
            not -MOST_UNITS <= size <= MOST_UNITS for size in sizes
        ):
            raise ValueError(f"the argument {name} makes a network that is too large")


def pooled(architecture: str, arguments: Mapping[str, Any]) -> tuple[nn.Module, int]:
    """Return a network with random weights that gives (B, F) pooled features, and F.

    Raises UserError for a name that is none of the supported, or arguments it does not take.
    """
    try:
        if architecture == TINY:
            model = TinyCnn(**arguments)
            return model, model.dim
        if architecture in torchvision.models.list_models(torchvision.models):
            fixed = BARE if architecture in INCEPTIONS else {}
            model = torchvision.models.get_model(architecture, weights=None, **fixed, **arguments)
            if isinstance(getattr(model, "fc", None), nn.Linear):
                dim, model.fc = model.fc.in_features, nn.Identity()
                return model, dim
    except (TypeError, ValueError) as error:
        raise UserError(f"architecture {architecture}: {error}") from error
    raise UserError(f"architecture {architecture!r}: none of {SUPPORTED}")


def load_backbone(folder: Path, title: str = "model") -> tuple[nn.Module, BackboneConfig]:
    """Return the network of a folder with its weights, float32, in evaluation mode, gradients off.

    title: how messages call the model. A classifier among the weights is left out. Raises UserError
    where weights are missing or of another shape, or belong to another network.
    """
    config = read_config(folder, title)
    described = described_values(lambda: pooled(config.architecture, config.arguments)[0])
    check_described(described, folder, title)
    model, dim = pooled(config.architecture, config.arguments)
    if dim != config.features:
        raise UserError(
            f"{title}: {folder / 'config.json'}: {config.architecture} gives"
            f" {dim} features, expected the {config.features} that it says"
        )
    fill(
        model,
        _weights(folder / "model.safetensors", title),
        f"{title}: {folder}: {config.architecture}",
    )
    return model.requires_grad_(False).eval(), config


def _weights(file: Path, title: str) -> dict[str, torch.Tensor]:
    try:
        return load_file(file)
    except (OSError, SafetensorError) as error:
        raise UserError(
            f"{title}: {file}: expected the weights of a CNN in one safetensors file, found none"
            f" that can be read ({error}); copy or fetch it again"
        ) from error


def fill(model: nn.Module, state: Mapping[str, torch.Tensor], what: str) -> None:
    """Give a network its weights; all of them, and no others, must be there.

    what: the beginning of the UserError's message otherwise.
    """
    given = {name: tensor for name, tensor in state.items() if not name.startswith(CLASSIFIERS)}
    expected = model.state_dict()
    absent = sorted(
        name
        for name, tensor in expected.items()
        if (name not in given and not name.endswith("num_batches_tracked"))  # old files lack these
        or (name in given and given[name].shape != tensor.shape)
    )
    foreign = sorted(set(given) - set(expected))
    if absent or foreign:
        raise UserError(
            f"{what} has {len(expected)} tensors; {len(absent)} of them are missing or of another"
            f" shape in its file, and {len(foreign)} of the file are not in the network, such as"
            f" {', '.join([*absent, *foreign][:3])}; are these the weights of this architecture?"
        )
    model.load_state_dict(given, strict=False)


def write_backbone(folder: Path, config: BackboneConfig, state: Mapping[str, torch.Tensor]) -> Path:
    """Write a backbone's folder from the state of its network; what classifies is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = {
        name: tensor.contiguous()
        for name, tensor in state.items()
        if not name.startswith(CLASSIFIERS)
    }
    (folder / "config.json").write_text(json.dumps(asdict(config), indent=2) + "\n")
    # Not by save_file, whose files nobody else may read: the cache may be shared.
    (folder / "model.safetensors").write_bytes(save(kept, metadata={"format": "pt"}))
    return folder
