"""PVT-v2 as encoder: its maps are those of transformers, and other sizes are refused in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import PvtV2Backbone, PvtV2Config, PvtV2ForImageClassification, PvtV2Model

from systems.segmentation.toy_clips import training_world
from unmuted.config.avs_training import (
    AvsNetworkSettings,
    AvsTrainingSettings,
    CropLossSettings,
    NegativeSettings,
)
from unmuted.errors import UserError
from unmuted.models.loading import ModelSpec
from unmuted.systems.segmentation.arms import ARMS
from unmuted.systems.segmentation.building import training_clips
from unmuted.systems.segmentation.encoder import Encoder
from unmuted.systems.segmentation.networks import FrozenEncoder, load_network
from unmuted.systems.segmentation.pvt import check_sizes
from unmuted.systems.segmentation.sound_space import fit_sound_space
from unmuted.systems.segmentation.training import NetworkSettings, train_network

torch.set_num_threads(1)
pytestmark = pytest.mark.unit

TINY = {
    "hidden_sizes": [4, 6, 8, 10],
    "depths": [1, 1, 1, 1],
    "num_attention_heads": [1, 2, 2, 2],
    "mlp_ratios": [2, 2, 2, 2],
}
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def write_pvt(folder: Path, **changes: Any) -> Path:
    """Write a classifier with random weights, as published models of this kind are."""
    torch.manual_seed(0)
    model = PvtV2ForImageClassification(PvtV2Config(**{**TINY, **changes}))
    model.save_pretrained(folder)
    preprocessing = {"image_mean": MEAN, "image_std": STD, "size": {"height": 224, "width": 224}}
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessing))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pvt(tmp_path_factory.mktemp("pvt"))


@pytest.fixture(scope="module")
def encoder(folder: Path) -> FrozenEncoder:
    return FrozenEncoder.of(ModelSpec(path=folder, role="avs_backbone"))


def test_the_maps_are_those_of_the_library_on_normalised_pictures(
    folder: Path, encoder: FrozenEncoder
) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 64, 96, 3), dtype=np.uint8)
    stages = ["stage1", "stage2", "stage3", "stage4"]
    library = PvtV2Backbone.from_pretrained(folder, out_features=stages).eval()
    pixels = (frames / 255 - np.array(MEAN)) / np.array(STD)
    with torch.inference_mode():
        expected = library(torch.from_numpy(pixels).permute(0, 3, 1, 2).float()).feature_maps
    maps = encoder.maps(frames)
    assert encoder.channels == (4, 6, 8, 10)
    assert encoder.strides == (4, 8, 16, 32)
    assert [m.shape for m in maps] == [(2, 4, 16, 24), (2, 6, 8, 12), (2, 8, 4, 6), (2, 10, 2, 3)]
    for found, one in zip(maps, expected, strict=True):
        np.testing.assert_allclose(found, one.numpy(), atol=2e-3)  # stored as float16


def test_the_largest_published_one_has_the_channels_of_the_published_network() -> None:
    sizes = {"hidden_sizes": (64, 128, 320, 512), "depths": (3, 6, 40, 3)}
    with torch.device("meta"):
        encoder = Encoder(PvtV2Model(PvtV2Config(**sizes, mlp_ratios=(4, 4, 4, 4))))
    assert encoder.channels == (64, 128, 320, 512)
    assert encoder.strides == (4, 8, 16, 32)


def test_a_network_on_it_is_trained_and_loaded_with_its_last_stage(encoder: FrozenEncoder) -> None:
    clips = training_world(8)
    data = training_clips(clips, encoder, fit_sound_space(clips, 4), 1)
    settings = NetworkSettings(
        AvsNetworkSettings(width=8),
        AvsTrainingSettings(epochs=1, snapshots=1, batch_size=4),
        NegativeSettings(),
        CropLossSettings(dim=4),
        "gate",
    )
    before = encoder.tail(1)[0].state_dict()
    fit = train_network(data, ARMS["encoder_trained"], encoder, settings, seed=0)
    network = load_network(fit.snapshots[0], encoder)
    trained = network.tail[0].state_dict()
    assert any(not torch.equal(trained[name], before[name]) for name in before)
    assert not any(parameter.requires_grad for parameter in encoder.encoder.parameters())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_encoder_blocks": 3}, "3 stages, expected 4"),
        ({"strides": [4, 2, 2, 4]}, r"strides \[4, 2, 2, 4\], expected 4 \(or 2\), 2, 2, 2"),
        ({"strides": [8, 2, 2, 2]}, r"strides \[8, 2, 2, 2\]"),
        ({"patch_sizes": [4, 3, 3, 3]}, r"patch_sizes \[4, 3, 3, 3\], expected odd ones"),
        ({"sr_ratios": [16, 4, 2, 1]}, "which need pictures of 64 pixels"),
        ({"num_channels": 1}, "pictures of 1 channels, expected 3"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=f"somewhere: .*{message}"):
        check_sizes(PvtV2Config(**{**TINY, **change}), "somewhere")


def test_a_folder_of_other_sizes_is_refused_by_its_name(tmp_path: Path) -> None:
    write_pvt(tmp_path, strides=[4, 2, 2, 1])
    with pytest.raises(UserError, match=r"models.avs_backbone.*config\.json: strides"):
        FrozenEncoder.of(ModelSpec(path=tmp_path, role="avs_backbone"))


@pytest.mark.parametrize("change", [{"image_mean": [0.5]}, {"image_std": None}, {"image_std": "1"}])
def test_preprocessing_without_three_channels_is_refused(
    change: dict[str, Any], folder: Path, tmp_path: Path
) -> None:
    write_pvt(tmp_path)
    file = tmp_path / "preprocessor_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(UserError, match="image_mean and image_std of three channels"):
        FrozenEncoder.of(ModelSpec(path=tmp_path, role="avs_backbone"))


def test_a_folder_without_preprocessing_is_refused(tmp_path: Path) -> None:
    write_pvt(tmp_path)
    (tmp_path / "preprocessor_config.json").unlink()
    with pytest.raises(UserError, match=r"has no preprocessor_config\.json"):
        FrozenEncoder.of(ModelSpec(path=tmp_path, role="avs_backbone"))
