"""Model folders that cannot be read, that lead elsewhere, or that describe absurd networks."""

from __future__ import annotations

import json
import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from models_fixture import save_ast, save_blip, save_cnn, save_vit
from unmuted.errors import UserError
from unmuted.features.ast import AstFeatures
from unmuted.features.backbones import Backbone
from unmuted.features.captions import Captioner
from unmuted.features.label_head import read_label_head
from unmuted.features.sentences import MINILM, SentenceEncoder
from unmuted.features.vit import VitFeatures
from unmuted.models.loading import (
    ModelSpec,
    config_value,
    load_folder,
    model_identity,
    require_models,
)

CPU, SINGLE = torch.device("cpu"), torch.float32
LOADERS: dict[str, Callable[[ModelSpec], object]] = {
    "vit": lambda spec: VitFeatures(spec, CPU, SINGLE),
    "ast": lambda spec: AstFeatures(spec, CPU, SINGLE),
    "blip": lambda spec: Captioner(spec, CPU, SINGLE, 8),
    "cnn": lambda spec: Backbone(spec, CPU, SINGLE),
    "label_head": read_label_head,
}
MAKERS = {"vit": save_vit, "ast": save_ast, "blip": save_blip, "cnn": save_cnn}
DEEP = "[" * 100_000 + "]" * 100_000


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {name: make(tmp_path_factory.mktemp("models") / name) for name, make in MAKERS.items()}
    return made | {"label_head": made["ast"]}


@pytest.fixture
def copy(folders: dict[str, Path], tmp_path: Path) -> Callable[[str], ModelSpec]:
    """A model's copy, which a test may damage, as the configuration names it."""

    def make(name: str) -> ModelSpec:
        return ModelSpec(path=shutil.copytree(folders[name], tmp_path / name), role=f"my_{name}")

    return make


def complaint(call: Callable[[], object]) -> str:
    with pytest.raises(UserError) as error:
        call()
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


def _with_header(text: bytes) -> bytes:
    return len(text).to_bytes(8, "little") + text


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda whole: b"",
    "seven bytes": lambda whole: whole[:7],
    "half": lambda whole: whole[: len(whole) // 2],
    "one byte short": lambda whole: whole[:-1],
    "longer": lambda whole: whole + b"x",
    "no json": lambda whole: b"\x08" + b"\0" * 7 + b"secret-x" + whole,
    "header of 7 bytes": lambda whole: b"\x07" + b"\0" * 7 + b"     {}",
    "deep header": lambda whole: len(DEEP).to_bytes(8, "little") + DEEP.encode(),
    "no offsets": lambda whole: b"\x0e" + b"\0" * 7 + b'{"a": {"b":1}}',
    "offsets of text": lambda whole: _with_header(
        b'{"a": {"data_offsets": ["0", "x"], "shape": []}}'
    ),
    "offsets without end": lambda whole: _with_header(b'{"a": {"data_offsets": [0, Infinity]}}'),
    "pickle": lambda whole: b"\x80\x04\x95" + whole,
    "endless header": lambda whole: b"\xff" * 8 + whole,
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", LOADERS)
def test_weights_that_cannot_be_read_are_one_line_with_file_and_role(
    copy: Callable[[str], ModelSpec], name: str, damage: str
) -> None:
    spec = copy(name)
    weights = spec.path / "model.safetensors"
    weights.write_bytes(DAMAGES[damage](weights.read_bytes()))
    text = complaint(lambda: LOADERS[name](spec))
    if damage != "header of 7 bytes":  # a file of the format, without tensors
        assert str(weights) in text and "secret" not in text
    assert f"models.my_{name} (" in text
    if damage != "header of 7 bytes":  # known before the first job
        assert complaint(lambda: require_models({f"my_{name}": spec})) == text


CONFIGS = {
    "deep": DEEP,
    "list": "[1, 2]",
    "null": "null",
    "text": "secret words",
    "empty": "",
    "latin": b'{"a": "caf\xe9"}',
    "nul": b"\0\0\0\0",
}


@pytest.mark.parametrize("content", CONFIGS)
@pytest.mark.parametrize("file", ["config.json", "preprocessor_config.json", "tokenizer.json"])
@pytest.mark.parametrize("name", ["ast", "blip"])
def test_settings_that_cannot_be_read_are_one_line_with_file_and_role(
    copy: Callable[[str], ModelSpec], name: str, file: str, content: str
) -> None:
    spec = copy(name)
    if not (spec.path / file).is_file():
        pytest.skip(f"{name} has no {file}")
    value = CONFIGS[content]
    (spec.path / file).write_bytes(value if isinstance(value, bytes) else value.encode())
    text = complaint(lambda: LOADERS[name](spec))
    assert f"models.my_{name} (" in text and "secret" not in text
    if file == "config.json":  # when the run is planned
        assert str(spec.path / file) in text
        assert complaint(lambda: load_folder(spec)) == text
        assert complaint(lambda: config_value(spec, "hidden_size")) == text


@pytest.mark.parametrize("name", ["vit", "ast", "blip", "cnn"])
def test_weights_of_another_network_are_one_line_with_the_role(
    copy: Callable[[str], ModelSpec], name: str
) -> None:
    spec = copy(name)
    save_file({"other": np.zeros(3, np.float32)}, spec.path / "model.safetensors")
    assert f"models.my_{name} (" in complaint(lambda: LOADERS[name](spec))


def set_value(file: Path, dotted: str, value: object) -> None:
    content = json.loads(file.read_text())
    *parents, key = dotted.split(".")
    place = content
    for parent in parents:
        place = place[parent]
    place[key] = value
    file.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("name", "file", "key", "value"),
    [
        ("vit", "config.json", "num_hidden_layers", 10**9),
        ("vit", "config.json", "num_hidden_layers", 1e300),
        ("vit", "config.json", "num_hidden_layers", float("nan")),
        ("vit", "config.json", "image_size", 10**6),
        ("vit", "config.json", "image_size", [64, 10**6]),
        ("vit", "config.json", "hidden_size", 10**8),
        ("vit", "preprocessor_config.json", "size", {"height": 10**6, "width": 10**6}),
        ("vit", "preprocessor_config.json", "size", 10**9),
        ("blip", "config.json", "vision_config.num_hidden_layers", 10**9),
        ("blip", "config.json", "text_config.vocab_size", 10**12),
        ("ast", "config.json", "num_mel_bins", 10**9),
        ("cnn", "config.json", "preprocessing.crop_size", 10**6),
        ("cnn", "config.json", "features", 10**9),
    ],
)
def test_absurd_sizes_are_refused_when_the_run_is_planned(
    copy: Callable[[str], ModelSpec], name: str, file: str, key: str, value: object
) -> None:
    spec = copy(name)
    set_value(spec.path / file, key, value)
    text = complaint(lambda: load_folder(spec))
    assert str(spec.path / file) in text and "expected at most" in text
    assert f"models.my_{name} (" in text


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("vit", "num_hidden_layers", 900),
        ("vit", "hidden_size", 48_000),
        ("blip", "vision_config.intermediate_size", 1_000_000),
        ("cnn", "arguments.channels", [60_000, 60_000, 12]),
        ("cnn", "arguments.channels", [8] * 1_000_000),
        ("cnn", "arguments.channels", [10**12, 12]),
    ],
)
def test_networks_larger_than_their_weights_take_no_memory(
    copy: Callable[[str], ModelSpec], name: str, key: str, value: object
) -> None:
    spec = copy(name)
    set_value(spec.path / "config.json", key, value)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    text = complaint(lambda: LOADERS[name](spec))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < before + 500_000  # kB
    assert f"models.my_{name} (" in text
    assert "describes a network of" in text or "makes a network that is too large" in text


def split_weights(folder: Path) -> tuple[Path, dict[str, str]]:
    """The weights in two files with an index, as large models are published."""
    whole = folder / "model.safetensors"
    tensors = load_file(whole)
    names = sorted(tensors)
    places = {}
    for number, part in enumerate((names[::2], names[1::2]), 1):
        file = f"model-{number:05d}-of-00002.safetensors"
        save_file({name: tensors[name] for name in part}, folder / file, metadata={"format": "pt"})
        places |= dict.fromkeys(part, file)
    whole.unlink()
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    return index, places


def test_weights_in_several_files_are_read_and_identified(copy: Callable[[str], ModelSpec]) -> None:
    spec = copy("ast")
    bias = read_label_head(spec).bias
    split_weights(spec.path)
    assert np.array_equal(read_label_head(spec).bias, bias)
    AstFeatures(spec, CPU, SINGLE)
    before = model_identity(spec)
    part = spec.path / "model-00002-of-00002.safetensors"
    tensors = load_file(part)
    save_file({name: value + 1 for name, value in tensors.items()}, part)
    assert model_identity(spec) != before


@pytest.mark.parametrize(
    "place", ["../outside.safetensors", "/outside.safetensors", "sub/x.safetensors", "x.bin", 7]
)
def test_an_index_that_leads_elsewhere_is_refused(
    copy: Callable[[str], ModelSpec], place: object
) -> None:
    spec = copy("ast")
    index, places = split_weights(spec.path)
    for outside in (spec.path.parent / "outside.safetensors", spec.path / "x.bin"):
        shutil.copy(spec.path / "model-00001-of-00002.safetensors", outside)
    (spec.path / "x.bin").unlink()
    index.write_text(json.dumps({"weight_map": dict.fromkeys(places, place)}))
    assert "expected names of safetensors files in this folder" in complaint(
        lambda: model_identity(spec)
    )
    index.write_text(json.dumps({"weight_map": dict.fromkeys(places, "absent.safetensors")}))
    assert "which is not there" in complaint(lambda: model_identity(spec))


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "1_Pooling/config.json"])
def test_links_out_of_the_folder_are_refused(copy: Callable[[str], ModelSpec], file: str) -> None:
    spec = copy("vit")
    place, outside = spec.path / file, spec.path.parent / "outside"
    place.parent.mkdir(exist_ok=True)
    if place.is_file():
        place.rename(outside)
    else:
        outside.write_text("{}")
    place.symlink_to(outside)
    text = complaint(lambda: model_identity(spec))
    assert f"{place} leads out of the model's folder, to {outside}" in text


def test_links_within_the_folder_of_a_cache_are_followed(
    copy: Callable[[str], ModelSpec], tmp_path: Path
) -> None:
    """A snapshot of huggingface_hub links to the blobs of its repository."""
    spec = copy("vit")
    snapshot = tmp_path / "models--a--b" / "snapshots" / ("1" * 40)
    blobs = snapshot.parents[1] / "blobs"
    blobs.mkdir(parents=True)
    snapshot.mkdir(parents=True)
    for number, file in enumerate(sorted(spec.path.iterdir())):
        file.rename(blobs / str(number))
        (snapshot / file.name).symlink_to(os.path.join("../../blobs", str(number)))
    (tmp_path / "linked").symlink_to(snapshot)
    for folder in (snapshot, tmp_path / "linked"):
        VitFeatures(ModelSpec(path=folder), CPU, SINGLE)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "x.pt", "1_Dense/pytorch_model.bin"])
def test_pickles_beside_safetensors_are_refused(
    copy: Callable[[str], ModelSpec], name: str
) -> None:
    spec = copy("vit")
    (spec.path / name).parent.mkdir(exist_ok=True)
    (spec.path / name).write_bytes(b"\x80\x04N.")
    assert f"found {spec.path / name}, expected weights as safetensors alone" in complaint(
        lambda: model_identity(spec)
    )


def test_a_package_is_identified_by_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever version it says that it has."""
    original = load_folder(MINILM)
    identity = model_identity(MINILM)
    assert identity.startswith("sha256:")
    changed = tmp_path / "model"
    shutil.copytree(original, changed, copy_function=os.link)
    monkeypatch.setattr("unmuted.models.loading._package_folder", lambda name: changed)
    assert model_identity(MINILM) == identity == model_identity(ModelSpec(path=changed))
    (changed / "tokenizer.json").unlink()
    shutil.copy(original / "tokenizer.json", changed / "tokenizer.json")
    with (changed / "tokenizer.json").open("a") as file:
        file.write(" ")
    assert model_identity(MINILM) != identity


@pytest.mark.parametrize("file", ["modules.json", "model.safetensors", "1_Pooling/config.json"])
def test_a_sentence_encoder_that_cannot_be_read_is_named(tmp_path: Path, file: str) -> None:
    spec = ModelSpec(path=tmp_path / "sentences", role="sentence")
    shutil.copytree(load_folder(MINILM), spec.path)
    (spec.path / file).write_bytes(b"\x10" + b"\0" * 7 + b"not what it says")
    text = complaint(lambda: SentenceEncoder(spec))
    assert "models.sentence (" in text and str(spec.path / file) in text
