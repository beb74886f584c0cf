"""Features of pictures that are read in pieces: the same, whatever the pieces are."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from unmuted.engine.artifacts import read_tensors, write_artifact
from unmuted.engine.executor import Artifact, Task
from unmuted.engine.ledger import LedgerEntry
from unmuted.features.backbones import Backbone
from unmuted.features.extraction import PictureExtractor
from unmuted.media import images
from unmuted.media.images import decode_images, encode_images
from unmuted.models.loading import ModelSpec

TINY = Path(__file__).resolve().parents[2] / "resources" / "tiny_models" / "cnn"


def build(spec: ModelSpec, device: torch.device, dtype: torch.dtype) -> Backbone:
    return Backbone(spec, device, dtype, batch_size=4)


@pytest.mark.parametrize("size", [1, 5, 16, 99])
def test_pieces_change_no_feature(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    rng = np.random.default_rng(0)
    tasks, expected = [], {}
    spec = ModelSpec(path=TINY, dtype="float32")
    model = build(spec, torch.device("cpu"), torch.float32)
    for name, count in (("long", 37), ("one", 1), ("short", 6)):
        coarse = rng.integers(0, 256, (count, 9, 16, 3), dtype=np.uint8)
        tensors = encode_images(coarse.repeat(8, 1).repeat(8, 2), np.arange(count) / 5, count / 5)
        path = tmp_path / f"{name}.safetensors"
        digest, bytes_ = write_artifact(path, tensors, "fingerprint")
        row = LedgerEntry(name, "ok", "", "fingerprint", digest, bytes_, 0.0)
        tasks.append(Task(name, "fingerprint", {"frames": Artifact(path, row)}))
        expected[name] = model.extract(decode_images(tensors))
    monkeypatch.setattr(images.image_chunks, "__defaults__", (size,))
    job = SimpleNamespace(model_spec=lambda _: spec, config={"device": "cpu"}, threads=1)
    found = list(PictureExtractor(job, "pilot_backbone", build).extract(tasks, "frames"))
    assert [result.name for result in found] == [task.name for task in tasks]
    for result in found:
        path = tmp_path / "features.safetensors"
        write_artifact(path, result.payload, "fingerprint")
        features = read_tensors(path)["features"]
        assert features.dtype == np.float32
        np.testing.assert_array_equal(features, expected[result.name])
