"""torchvision's weights by name: fetched once, checked, converted; the message without them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from torch import nn
from torchvision import models

import fetch_model
from published_size_models import draw_cnn
from unmuted.errors import UserError
from unmuted.features.backbones import Backbone
from unmuted.models import architectures, hub, torchvision_weights
from unmuted.models.loading import (
    ModelSpec,
    config_value,
    from_config,
    load_folder,
    model_identity,
    require_models,
)

NAME = "ShuffleNet_V2_X0_5_Weights.IMAGENET1K_V1"
OTHER = "ShuffleNet_V2_X1_0_Weights.IMAGENET1K_V1"
SPEC = ModelSpec(id=f"torchvision:{NAME}")
WEIGHTS = models.ShuffleNet_V2_X0_5_Weights.IMAGENET1K_V1
SCRIPTS = Path(__file__).resolve().parents[2] / "workflow" / "scripts"
Publish = Callable[..., Path]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Torch's own cache, empty."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch" / "hub"


@pytest.fixture(scope="module")
def model() -> nn.Module:
    return draw_cnn(models.shufflenet_v2_x0_5(weights=None), seed=2).eval()


@pytest.fixture
def publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publish:
    """Publishes a file under the name that torchvision knows, with its digest or another one."""

    def publish(content: object, digest: str | None = None) -> Path:
        (tmp_path / "site").mkdir(exist_ok=True)
        file = tmp_path / "site" / "weights.pth"
        torch.save(content, file)
        digest = digest or hashlib.sha256(file.read_bytes()).hexdigest()[:8]
        file = file.rename(file.with_name(f"shufflenet-{digest}.pth"))
        monkeypatch.setattr(WEIGHTS.value, "url", file.as_uri())
        return file

    return publish


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No network; what was asked for nevertheless."""
    asked: list[str] = []

    def fail(url: str) -> None:
        asked.append(url)
        raise URLError("no route to host")

    monkeypatch.setattr(torchvision_weights, "ask", fail)
    return asked


def unfinished(cache: Path) -> list[Path]:
    return [path for path in cache.glob("unmuted-*/*") if path.name != NAME]


# ----------------------------------------------------------------------------------------- by name


def test_weights_are_fetched_and_converted_once(
    model: nn.Module, publish: Publish, cache: Path
) -> None:
    published = publish(model.state_dict())
    folder = load_folder(SPEC)
    assert cache in folder.parents and folder.name == NAME
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
    for path in folder.iterdir():  # the cache may be shared
        assert path.stat().st_mode == published.stat().st_mode
    published.unlink()
    (cache / "checkpoints" / published.name).unlink()  # the pickle is not read again
    assert load_folder(SPEC) == folder

    pictures = np.random.default_rng(0).integers(0, 255, (2, 40, 50, 3)).astype(np.uint8)
    found = Backbone(SPEC, torch.device("cpu"), torch.float32, 2).extract(pictures)
    pixels = WEIGHTS.transforms()(torch.from_numpy(pictures).permute(0, 3, 1, 2))
    with torch.inference_mode():
        logits = model(pixels).numpy()
        classified = model.fc(torch.from_numpy(found)).numpy()
    np.testing.assert_allclose(classified, logits, atol=1e-5 * np.abs(logits).max())


def test_a_file_that_torchvision_fetched_before_is_used(
    model: nn.Module, publish: Publish, cache: Path, no_network: list[str]
) -> None:
    (cache / "checkpoints").mkdir(parents=True)
    shutil.copy(publish(model.state_dict()), cache / "checkpoints")
    assert (load_folder(SPEC) / "model.safetensors").is_file()
    assert no_network == []


def test_what_is_not_the_published_file_is_refused(
    model: nn.Module, publish: Publish, cache: Path
) -> None:
    published = publish(model.state_dict(), digest="0123abcd")
    with pytest.raises(UserError, match=r"expected 0123abcd.*try again"):
        load_folder(SPEC)
    assert not list((cache / "checkpoints").iterdir())

    cached = Path(shutil.copy(published, cache / "checkpoints"))
    with pytest.raises(UserError, match=rf"{cached}.*expected 0123abcd.*delete it"):
        load_folder(SPEC)
    assert cached.is_file()
    assert not torchvision_weights.folder_of(NAME).exists()


def test_a_job_that_finds_no_converted_weights_fetches_none(
    model: nn.Module, publish: Publish, cache: Path
) -> None:
    publish(model.state_dict())
    with pytest.raises(UserError, match=r"jobs fetch nothing.*let TORCH_HOME be a folder that all"):
        Backbone(SPEC, torch.device("cpu"), torch.float32)
    assert not cache.exists()


def test_weights_that_cannot_be_read_are_named(model: nn.Module, publish: Publish) -> None:
    publish(model.state_dict())
    weights = load_folder(SPEC) / "model.safetensors"
    whole = weights.read_bytes()
    for half in (whole[: len(whole) // 2], b""):
        weights.write_bytes(half)
        with pytest.raises(UserError, match=rf"{weights}: expected .* as safetensors, found"):
            Backbone(SPEC, torch.device("cpu"), torch.float32)


class Harmful:
    """What a pickle can do when it is read."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple:
        return Path.touch, (self.file,)


def test_a_pickle_of_anything_but_tensors_is_not_run(tmp_path: Path, publish: Publish) -> None:
    publish({"fc.weight": Harmful(tmp_path / "harmed")})
    with pytest.raises(UserError, match="something else than tensors"):
        load_folder(SPEC)
    assert not (tmp_path / "harmed").exists()


# -------------------------------------------------------------------------------------- conversion


def test_a_broken_off_conversion_leaves_nothing_that_could_be_taken_for_a_model(
    model: nn.Module, publish: Publish, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(model.state_dict())

    def full_disk(*_: object, **__: object) -> None:
        assert list(cache.glob("unmuted-*/*/*/config.json"))  # half of it is written
        raise OSError("no space left on device")

    save = architectures.save
    monkeypatch.setattr(architectures, "save", full_disk)
    with pytest.raises(OSError, match="no space"):
        load_folder(SPEC)
    assert not torchvision_weights.folder_of(NAME).exists()
    assert unfinished(cache) == []
    monkeypatch.setattr(architectures, "save", save)
    assert load_folder(SPEC).is_dir()


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_folder_that_appeared_meanwhile_is_kept_if_it_is_whole(
    model: nn.Module,
    publish: Publish,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_whole: bool,
) -> None:
    publish(model.state_dict())
    folder = torchvision_weights.folder_of(NAME)
    convert = torchvision_weights.convert

    def overtaken(weights: models.WeightsEnum, file: Path, target: Path) -> Path:
        folder.mkdir()
        (folder / ("model.safetensors" if is_whole else "config.json")).write_text("another's")
        return convert(weights, file, target)

    monkeypatch.setattr(torchvision_weights, "convert", overtaken)
    assert torchvision_weights.fetch(NAME) == folder
    assert ((folder / "model.safetensors").read_bytes() == b"another's") == is_whole
    assert unfinished(cache) == []


def test_published_weights_that_do_not_fit_their_network_are_refused(
    model: nn.Module, publish: Publish
) -> None:
    state = model.state_dict()
    del state["conv1.0.weight"]
    publish(state)
    with pytest.raises(UserError, match=rf"{NAME}: shufflenet_v2_x0_5 .*conv1\.0\.weight"):
        load_folder(SPEC)


# ------------------------------------------------------------------------------------------- names


def test_they_are_identified_by_name_and_format(no_network: list[str]) -> None:
    spec = from_config({"id": f"torchvision:{NAME}"}, Path("."))
    assert (spec.weights, spec.is_torchvision, spec.is_hub) == (NAME, True, False)
    assert model_identity(spec) == f"torchvision:{NAME}@format-{torchvision_weights.FORMAT}"
    assert config_value(spec, "features") is None
    assert no_network == []
    assert ModelSpec(id="google/vit", revision="1" * 40).weights is None


def test_what_the_converted_folder_says_is_asked_without_network(
    model: nn.Module, publish: Publish
) -> None:
    publish(model.state_dict())
    require_models({"pilot_backbone": SPEC})
    assert config_value(SPEC, "features") == 1024
    assert config_value(SPEC, "weights") == NAME


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({"id": "torchvision:ResNet50_Weights.DEFAULT"}, "not DEFAULT"),
        ({"id": "torchvision:resnet50"}, "'resnet50' names no weights"),
        ({"id": "torchvision:../ResNet50_Weights.X"}, "names no weights"),
        ({"id": f"torchvision:{NAME}", "revision": "1" * 40}, "revision"),
    ],
)
def test_names_of_no_weights_are_refused_on_sight(entry: dict[str, str], complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        from_config(entry, Path("."))


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("ResNet50_Weights.IMAGENET1K_V9", "no weights of this name; this lists"),
        ("NoSuchNet_Weights.IMAGENET1K_V1", "no weights of this name; this lists"),
        ("Models_Weights.X", "no weights of this name; this lists"),
        ("AlexNet_Weights.IMAGENET1K_V1", "alexnet.*none of resnet"),
        ("FCN_ResNet50_Weights.COCO_WITH_VOC_LABELS_V1", "not of a picture classifier"),
    ],
)
def test_names_that_torchvision_or_we_do_not_know_are_refused(
    name: str, complaint: str, no_network: list[str]
) -> None:
    with pytest.raises(UserError, match=complaint):
        load_folder(ModelSpec(id=f"torchvision:{name}"))
    assert no_network == []


def test_the_command_that_lists_the_names_does() -> None:
    code = torchvision_weights.LIST_NAMES.removeprefix('python -c "').removesuffix('"')
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {NAME, "ResNet50_Weights.IMAGENET1K_V2"} <= set(ran.stdout.split())


@pytest.mark.parametrize(
    "given", [{"TORCH_HOME": "/a/b"}, {"TORCH_HOME": "~/c"}, {"XDG_CACHE_HOME": "/d"}, {}]
)
def test_the_cache_lies_in_torch_hubs_folder(
    given: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert torchvision_weights.cache_folder().parent == Path(torch.hub.get_dir())


def test_identities_and_cached_folders_need_no_heavy_imports(tmp_path: Path) -> None:
    code = (
        "import sys; from unmuted.models.loading import *; from pathlib import Path;"
        f"spec = from_config({{'id': {SPEC.id!r}}}, Path('.'));"
        "print(model_identity(spec), config_value(spec, 'features'));"
        "print(sorted({'torch', 'torchvision', 'numpy', 'huggingface_hub'} & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=SCRIPTS,
        env={**os.environ, "TORCH_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.splitlines() == [
        f"{SPEC.id}@format-{torchvision_weights.FORMAT} None",
        "[]",
    ]


# --------------------------------------------------------------------------------- without network


def test_without_network_one_message_says_all_that_is_needed(
    cache: Path, no_network: list[str]
) -> None:
    with pytest.raises(torchvision_weights.Unavailable) as caught:
        load_folder(SPEC)
    message = str(caught.value)
    assert no_network == [WEIGHTS.url]
    assert not cache.exists()
    for part in (
        *(NAME, WEIGHTS.url, str(torchvision_weights.cache_folder()), "no route to host"),
        *(f"python workflow/scripts/fetch_model.py torchvision:{NAME} DIR", "path: DIR"),
        "TORCH_HOME",
    ):
        assert part in message


def test_all_missing_models_are_named_at_once_and_each_publisher_asked_once(
    tmp_path: Path, no_network: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    commits: list[str] = []

    def no_hub(repository: str, revision: str) -> None:
        commits.append(repository)
        raise ConnectionError("no hub")

    monkeypatch.setattr(hub, "ask", no_hub)
    monkeypatch.setattr(hub, "snapshot_folder", lambda *_: tmp_path / "none")
    specs = {
        "ast": ModelSpec(id="MIT/ast", revision="1" * 40),
        "pilot_backbone": SPEC,
        "blip": ModelSpec(id="a/blip", revision="2" * 40),
        "cnn_rnn_backbone": ModelSpec(id=f"torchvision:{OTHER}"),
        "other": ModelSpec(id="torchvision:No_Weights.X"),
        "vit": ModelSpec(path=tmp_path / "nowhere"),
    }
    with pytest.raises(UserError) as caught:
        require_models(specs)
    message = str(caught.value)
    assert (commits, no_network) == (["MIT/ast"], [WEIGHTS.url])
    assert message.count("could not be downloaded") == 2
    for part in (NAME, OTHER, "MIT/ast", "a/blip", "models.vit", "models.other", "No_Weights.X"):
        assert part in message


# ------------------------------------------------------------------------------------- fetch_model


def test_fetch_model_writes_a_folder_for_a_machine_without_network(
    model: nn.Module, publish: Publish, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    publish(model.state_dict())
    fetch_model.main([SPEC.id, str(tmp_path / "brought")])
    assert capsys.readouterr().out.strip().endswith(str(tmp_path / "brought"))
    brought = ModelSpec(path=tmp_path / "brought")
    assert model_identity(brought) == model_identity(ModelSpec(path=load_folder(SPEC)))
    assert Backbone(brought, torch.device("cpu"), torch.float32).dim == 1024


def test_fetch_model_says_what_to_do_without_network(
    no_network: list[str], capsys: pytest.CaptureFixture
) -> None:
    with pytest.raises(SystemExit, match="1"):
        fetch_model.main([SPEC.id, "brought"])
    printed = capsys.readouterr().err
    assert NAME in printed and "copy brought here" in printed
    with pytest.raises(SystemExit, match="1"):
        fetch_model.main(["google/vit", "main", "brought"])
    assert "commit hash" in capsys.readouterr().err
