"""The benchmark of masks, on seconds of video and a small network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from figures import avs_masks
from unmuted.checkout import ROOT
from unmuted.pipeline.registry import open_run
from unmuted.systems.segmentation.model import SegmentationConfig
from unmuted.systems.segmentation.stored_probabilities import SCALE

pytestmark = pytest.mark.unit
BACKBONE = ROOT / "resources" / "tiny_models" / "cnn"
SIZES = SegmentationConfig(16, "tpavi", 8, "refine", (3, 6), (0, 1, 2, 3))
VIDEOS, SECONDS = 2, 6  # the last window of each is shifted back


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(avs_masks, "SCRATCH", tmp_path)
    monkeypatch.setattr(avs_masks, "SIDE", 64)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_stage_and_the_bare_network_compute_the_same_masks(scratch: Path) -> None:
    videos = avs_masks.make_videos(VIDEOS, SECONDS)
    tasks = avs_masks.prepare(0, videos, BACKBONE, SIZES)
    bare = tasks["bare"]()
    assert {name: array.shape for name, array in bare.items()} == {
        f"video{number}": (SECONDS, 64, 64) for number in range(VIDEOS)
    }
    for _ in range(2):  # a repeat does the same again
        tasks["empty"]()
        tasks["stage"]()
        project = scratch / "avs-0"
        run = open_run(avs_masks.config_of(project, videos, BACKBONE))
        found = avs_masks.artifacts(run, avs_masks.STAGE)
        assert found.keys() == bare.keys()
        for name, artifact in found.items():
            stored = artifact.tensors()["probabilities"].astype(np.float32) / SCALE
            np.testing.assert_allclose(stored, bare[name], atol=1.5 / SCALE)


def test_a_figure_of_the_table_measures_it() -> None:
    import run as benchmarks

    assert "avs_masks" in benchmarks.ORDER
    assert benchmarks.command("avs_masks")[-1] == "figures.avs_masks"
