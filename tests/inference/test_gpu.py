"""What only a GPU can show: features like the CPU's, copies that overlap, too large batches."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from features.test_models import cosines, sound
from figures.gpu import idle_share
from models_fixture import save_ast, save_vit
from unmuted.features.ast import AstFeatures
from unmuted.features.vit import VitFeatures
from unmuted.inference.device import to_device
from unmuted.models.loading import ModelSpec

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here")

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)
MB = 2**20


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    """Different pictures of coarse blocks: uint8 (20, 48, 80, 3)."""
    blocks = np.random.default_rng(5).integers(0, 255, (20, 6, 10, 3), dtype=np.uint8)
    return blocks.repeat(8, axis=1).repeat(8, axis=2)


@pytest.fixture
def little_memory() -> Iterator[None]:
    """64 MB on the GPU beyond what this process holds; the models are to be there already."""
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(GPU).total_memory
    room = torch.cuda.memory_reserved(GPU) + 64 * MB
    torch.cuda.set_per_process_memory_fraction(room / total, GPU)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0, GPU)


@pytest.fixture(scope="module")
def vit_features(
    tmp_path_factory: pytest.TempPathFactory, pictures: np.ndarray
) -> tuple[VitFeatures, np.ndarray]:
    """A model on the GPU whose batches of 4,096 take 192 MB, and the features of the pictures."""
    spec = ModelSpec(path=save_vit(tmp_path_factory.mktemp("vit")))
    expected = VitFeatures(spec, GPU, torch.float32, batch_size=4).extract(pictures)
    return VitFeatures(spec, GPU, torch.float32, batch_size=4096), expected


def test_vit_on_the_gpu_points_the_way_of_the_cpu(tmp_path: Path, pictures: np.ndarray) -> None:
    spec = ModelSpec(path=save_vit(tmp_path))
    exact = VitFeatures(spec, CPU, torch.float32).extract(pictures)
    fast = VitFeatures(spec, GPU, torch.bfloat16, batch_size=6).extract(pictures)
    assert fast.dtype == np.float32
    assert cosines(fast, exact).min() >= 0.999


def test_ast_on_the_gpu_points_the_way_of_the_cpu(tmp_path: Path) -> None:
    spec = ModelSpec(path=save_ast(tmp_path))
    clips = [(str(seed), sound(1.2, seed)) for seed in range(5)]
    exact = dict(AstFeatures(spec, CPU, torch.float32).extract_clips(clips, 7))
    fast = dict(AstFeatures(spec, GPU, torch.bfloat16, batch_size=2).extract_clips(clips, 7))
    for name, result in exact.items():
        assert cosines(fast[name].tokens, result.tokens).min() >= 0.999


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_is_sent_arrives_whole_however_busy_the_gpu_is(dtype: torch.dtype) -> None:
    """A copy that is read before it is there, or whose memory is given away, has other values."""
    arrays = np.random.default_rng(1).normal(size=(20, 1000, 500)).astype(np.float32)
    busy = torch.randn(4096, 4096, device=GPU)
    arrived = []
    for array in arrays:
        busy @ busy
        arrived.append(2 * to_device(array, GPU, dtype))
    for array, found in zip(arrays, arrived, strict=True):
        assert torch.equal(found.cpu(), 2 * torch.from_numpy(array).to(dtype))


def test_batches_shrink_where_the_gpu_is_full(
    vit_features: tuple[VitFeatures, np.ndarray],
    pictures: np.ndarray,
    little_memory: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    model, expected = vit_features
    with caplog.at_level(logging.WARNING, logger="unmuted"):
        found = model.extract(pictures)
    sizes = [record.args[0] for record in caplog.records if "not enough memory" in record.msg]
    assert sizes[:1] == [2048]
    # Other sizes, other kernels, which may multiply in TF32; pictures differ by far more.
    np.testing.assert_allclose(found, expected, atol=0.02)
    assert expected.std(axis=0).mean() > 0.1


def test_a_gpu_idles_while_it_copies_or_waits_and_not_while_it_computes() -> None:
    a = torch.randn(8192, 8192, device=GPU)

    def compute() -> None:
        for _ in range(20):
            a @ a
        torch.cuda.synchronize(GPU)

    def wait() -> None:
        a @ a
        a.cpu()
        time.sleep(0.5)

    compute()  # kernels are chosen
    assert idle_share(compute) < 0.5 < idle_share(wait)
