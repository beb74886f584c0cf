"""CNN features against plain torchvision on the same weights, and folders that are no backbone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torchvision import models
from torchvision.transforms import functional

from models_fixture import save_vit
from published_size_models import draw_cnn, write_cnn
from unmuted.errors import UserError
from unmuted.features.backbones import Backbone
from unmuted.models.architectures import SUPPORTED, pooled, read_config
from unmuted.models.loading import ModelSpec, model_identity
from unmuted.models.tiny_cnn import TinyCnn
from unmuted.models.torchvision_weights import convert

CPU = torch.device("cpu")
DTYPES = [torch.float32, torch.bfloat16]
NAMES = {
    "resnet50": "ResNet50_Weights.IMAGENET1K_V2",
    "inception_v3": "Inception_V3_Weights.IMAGENET1K_V1",
}
SMALL = "ShuffleNet_V2_X0_5_Weights.IMAGENET1K_V1"


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    """Five different pictures with structure at several scales: uint8 (5, 96, 160, 3)."""
    rng = np.random.default_rng(5)
    coarse = rng.integers(0, 200, (5, 6, 10, 3)).repeat(16, axis=1).repeat(16, axis=2)
    return (coarse + rng.integers(0, 55, coarse.shape)).astype(np.uint8)


def reference(architecture: str) -> nn.Module:
    """A classifier of torchvision's with random weights, as it is made for published ones."""
    heads = {"transform_input": True, "init_weights": False, "aux_logits": True}
    arguments = heads if architecture in ("inception_v3", "googlenet") else {}
    return draw_cnn(models.get_model(architecture, weights=None, **arguments), seed=3).eval()


@pytest.fixture(scope="module", params=list(NAMES))
def published(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[nn.Module, models.WeightsEnum, Path]:
    """A classifier of torchvision's, its weights' entry, and the folder that its pickle became."""
    model, weights = reference(request.param), models.get_weight(NAMES[request.param])
    folder = tmp_path_factory.mktemp(request.param)
    torch.save(model.state_dict(), folder / "weights.pth")
    converted = convert(weights, folder / "weights.pth", folder / "converted")
    model.fc = nn.Identity()
    return model, weights, converted


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small network with random weights."""
    return write_cnn(tmp_path_factory.mktemp("small") / "cnn", 1, SMALL)


def one_by_one(model: nn.Module, seen: list[torch.Tensor]) -> np.ndarray:
    with torch.inference_mode():
        return np.concatenate([model(pixels[None]).numpy() for pixels in seen])


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)


# ------------------------------------------------------------------------------------------ parity


def test_features_equal_torchvisions_own_transforms_and_model(
    published: tuple[nn.Module, models.WeightsEnum, Path], pictures: np.ndarray
) -> None:
    model, weights, folder = published
    pictures = pictures[:3]
    transforms = weights.transforms()
    seen = [transforms(torch.from_numpy(picture).permute(2, 0, 1)) for picture in pictures]
    expected = one_by_one(model, seen)
    found = Backbone(ModelSpec(path=folder), CPU, torch.float32, 3).extract(pictures)
    assert (found.dtype, found.shape) == (np.float32, (len(pictures), 2048))
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found / scale, expected / scale, atol=1e-5)
    assert expected.std(axis=0).mean() > 1e-3 * scale  # else the comparison would prove nothing


@pytest.mark.parametrize("wide", [True, False])
def test_the_centre_square_is_cut_out_then_resized_then_normalised(
    published: tuple[nn.Module, models.WeightsEnum, Path], pictures: np.ndarray, wide: bool
) -> None:
    model, weights, folder = published
    pictures = pictures[:2] if wide else pictures[:2].swapaxes(1, 2)
    middle = pictures[:, :, 32:128] if wide else pictures[:, 32:128]  # 96 x 96 of 96 x 160
    preset = weights.transforms()
    seen = []
    for picture in middle:
        pixels = torch.from_numpy(picture.copy()).permute(2, 0, 1)
        resized = functional.resize(pixels, [224, 224], preset.interpolation, antialias=True)
        seen.append(functional.normalize(resized / 255, preset.mean, preset.std))
    expected = one_by_one(model, seen)
    found = Backbone(ModelSpec(path=folder), CPU, torch.float32, 2, square=224).extract(pictures)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found / scale, expected / scale, atol=1e-5)


def test_features_in_bfloat16_point_the_same_way(
    published: tuple[nn.Module, models.WeightsEnum, Path], pictures: np.ndarray
) -> None:
    spec = ModelSpec(path=published[2])
    exact, fast = (
        Backbone(spec, CPU, dtype, batch_size=2, square=96).extract(pictures[:2])
        for dtype in DTYPES
    )
    assert fast.dtype == np.float32
    assert cosines(exact, fast).min() >= 0.999


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here")
@pytest.mark.parametrize("dtype", DTYPES)
def test_features_on_the_gpu_point_the_way_of_the_cpu(
    small: Path, pictures: np.ndarray, dtype: torch.dtype
) -> None:
    spec = ModelSpec(path=small)
    exact = Backbone(spec, CPU, torch.float32).extract(pictures)
    found = Backbone(spec, torch.device("cuda", 0), dtype, batch_size=4).extract(pictures)
    assert cosines(exact, found).min() >= 0.999


def test_googles_weights_see_the_values_that_they_were_trained_on(
    tmp_path: Path, pictures: np.ndarray
) -> None:
    """GoogLeNet's heads for training lie in the published file, and its input is transformed."""
    model = reference("googlenet")
    torch.save(model.state_dict(), tmp_path / "weights.pth")
    weights = models.GoogLeNet_Weights.IMAGENET1K_V1
    folder = convert(weights, tmp_path / "weights.pth", tmp_path / "converted")
    assert any(name.startswith("aux1.") for name in model.state_dict())
    kept = load_file(folder / "model.safetensors")
    assert not [name for name in kept if name.startswith(("aux", "fc"))]
    model.fc = nn.Identity()
    images = torch.from_numpy(pictures[:2]).permute(0, 3, 1, 2)
    expected = one_by_one(model, list(weights.transforms()(images)))
    found = Backbone(ModelSpec(path=folder), CPU, torch.float32, 2).extract(pictures[:2])
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())

    change(folder, arguments={"transform_input": False})
    other = Backbone(ModelSpec(path=folder), CPU, torch.float32, 2).extract(pictures[:2])
    assert np.abs(other - found).max() > 1e-3 * np.abs(expected).max()


def test_height_and_width_may_be_given_to_press_a_picture_into_a_square(
    small: Path, tmp_path: Path, pictures: np.ndarray
) -> None:
    folder = shutil.copytree(small, tmp_path / "cnn")
    change(folder, preprocessing={"resize_size": [64, 64], "crop_size": 64})
    found = Backbone(ModelSpec(path=folder), CPU, torch.float32).extract(pictures)
    images = torch.from_numpy(pictures).permute(0, 3, 1, 2)
    pressed = functional.resize(images, [64, 64], antialias=True).permute(0, 2, 3, 1).numpy()
    np.testing.assert_array_equal(
        found, Backbone(ModelSpec(path=folder), CPU, torch.float32).extract(pressed)
    )


# ----------------------------------------------------------------------------------------- batches


@pytest.mark.parametrize("dtype", DTYPES)
def test_features_do_not_depend_on_the_company(
    small: Path, pictures: np.ndarray, dtype: torch.dtype
) -> None:
    model = Backbone(ModelSpec(path=small), CPU, dtype, batch_size=4, square=64)
    together = model.extract(pictures)
    np.testing.assert_array_equal(model.extract(pictures[::-1]), together[::-1])
    np.testing.assert_array_equal(model.extract(pictures[3:5]), together[3:5])
    np.testing.assert_array_equal(model.extract(pictures[4:5]), together[4:5])
    assert len(np.unique(together, axis=0)) == len(pictures)


def test_batches_cross_the_borders_of_clips_of_any_size(small: Path, pictures: np.ndarray) -> None:
    model = Backbone(ModelSpec(path=small), CPU, torch.float32, batch_size=4, square=64)
    clips = {"a": pictures[:1], "none": pictures[:0], "wide": pictures[1:4, :20], "b": pictures[4:]}
    found = dict(model.extract_clips(clips.items()))
    assert list(found) == list(clips)
    for name, own in clips.items():
        assert found[name].shape == (len(own), model.dim)
        np.testing.assert_array_equal(found[name], model.extract(own))


def test_anything_but_rgb_bytes_is_refused(small: Path, pictures: np.ndarray) -> None:
    model = Backbone(ModelSpec(path=small), CPU, torch.float32)
    for wrong in (pictures.astype(np.float32), pictures[0], pictures[..., :1]):
        with pytest.raises(ValueError, match="uint8"):
            model.extract(wrong)


# -------------------------------------------------------------------------------- what is supported


@pytest.mark.parametrize(
    ("name", "dim"),
    [
        *(("resnet18", 512), ("resnext50_32x4d", 2048), ("regnet_x_400mf", 400)),
        *(("regnet_y_400mf", 440), ("shufflenet_v2_x0_5", 1024), ("tiny_cnn", 96)),
    ],
)
def test_every_supported_family_gives_pooled_features(name: str, dim: int) -> None:
    model, found = pooled(name, {})
    assert found == dim
    assert model.eval()(torch.zeros(2, 3, 96, 96)).shape == (2, dim)
    assert name[:6] in SUPPORTED


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "r3d_18", "fcn_resnet50", "no_such_net"])
def test_other_networks_are_refused_with_those_that_are_supported(name: str) -> None:
    with pytest.raises(UserError, match=f"{name}.*resnet.*inception_v3 and googlenet.*tiny_cnn"):
        pooled(name, {})


def test_arguments_that_a_network_does_not_take_are_refused() -> None:
    with pytest.raises(UserError, match=r"tiny_cnn: .*depth"):
        pooled("tiny_cnn", {"depth": 3})


def test_the_tiny_cnn_is_the_mean_of_what_it_sees_at_each_place() -> None:
    torch.manual_seed(0)
    model, pixels = TinyCnn((4, 8, 12)).eval(), torch.rand(2, 3, 32, 48)
    maps = model.maps(pixels)
    assert maps.shape == (2, 12, 4, 6)
    torch.testing.assert_close(model(pixels), maps.flatten(2).mean(2))


# ------------------------------------------------------------------------------------------ folders


def change(folder: Path, **settings: object) -> None:
    """Write other settings to a folder's config.json; those of preprocessing beside the others."""
    config = json.loads((folder / "config.json").read_text())
    settings["preprocessing"] = config["preprocessing"] | settings.get("preprocessing", {})
    (folder / "config.json").write_text(json.dumps(config | settings))


def refused(folder: Path, match: str, square: int | None = None) -> None:
    with pytest.raises(UserError, match=match):
        Backbone(ModelSpec(path=folder), CPU, torch.float32, square=square)


def test_a_folder_says_what_it_holds(small: Path) -> None:
    config = read_config(small)
    assert (config.architecture, config.features) == ("shufflenet_v2_x0_5", 1024)
    assert (config.weights, config.arguments) == (SMALL, {})
    assert (config.preprocessing.resize_size, config.preprocessing.crop_size) == (256, 224)
    assert config.preprocessing.std == [0.229, 0.224, 0.225]


def test_the_same_seed_gives_the_same_folder(small: Path, tmp_path: Path) -> None:
    same, other = (write_cnn(tmp_path / str(seed), seed, SMALL) for seed in (1, 2))
    assert model_identity(ModelSpec(path=same)) == model_identity(ModelSpec(path=small))
    assert model_identity(ModelSpec(path=other)) != model_identity(ModelSpec(path=small))


def test_a_model_of_transformers_is_no_backbone(tmp_path: Path) -> None:
    refused(save_vit(tmp_path), r"config\.json: no configuration of a CNN.*expected architecture")


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"preprocessing": {"resize": 3}}, r"resize(.|\n)*expected architecture"),
        ({"preprocessing": {"interpolation": "blurry"}}, "blurry"),
        ({"depth": 50}, "depth"),
        ({"architecture": "vgg"}, "'vgg': none of resnet"),
        ({"features": 2048}, "gives 1024 features, expected the 2048"),
        ({"architecture": "shufflenet_v2_x1_0"}, "of another shape"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(
    small: Path, tmp_path: Path, settings: dict[str, object], complaint: str
) -> None:
    folder = shutil.copytree(small, tmp_path / "cnn")
    change(folder, **settings)
    refused(folder, complaint)


def test_incomplete_or_foreign_weights_are_refused_not_filled_in(
    small: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(small, tmp_path / "cnn")
    whole = load_file(folder / "model.safetensors")
    without = {name: tensor for name, tensor in whole.items() if name != "conv5.0.weight"}
    reshaped = without | {"conv5.0.weight": torch.zeros(1, 2)}
    more = whole | {"stage9.0.weight": torch.zeros(1)}  # as of a deeper network of the family
    for weights, name in ((without, "conv5"), (reshaped, "conv5"), (more, "stage9")):
        save_file(weights, folder / "model.safetensors")
        refused(folder, rf"1 .*{name}.*are these the weights of this architecture")
    (folder / "model.safetensors").unlink()
    refused(folder, r"no model\.safetensors")


def test_a_classifier_among_the_weights_and_absent_counters_do_not_matter(
    small: Path, tmp_path: Path, pictures: np.ndarray
) -> None:
    folder = shutil.copytree(small, tmp_path / "cnn")
    weights = load_file(folder / "model.safetensors") | {"fc.weight": torch.zeros(7, 1024)}
    kept = {name: each for name, each in weights.items() if "num_batches" not in name}
    save_file(kept, folder / "model.safetensors")
    before, after = (
        Backbone(ModelSpec(path=each), CPU, torch.float32, 2).extract(pictures[:2])
        for each in (small, folder)
    )
    np.testing.assert_array_equal(before, after)


def test_pictures_that_shrink_to_nothing_are_refused_before_any_is_read(tmp_path: Path) -> None:
    folder = write_cnn(tmp_path / "cnn", 1, NAMES["inception_v3"])
    refused(folder, r"cannot see pictures of 64 x 64 pixels(.|\n)*image_size", square=64)
    assert Backbone(ModelSpec(path=folder), CPU, torch.float32, square=96).dim == 2048
