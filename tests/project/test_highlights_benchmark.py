"""The benchmark of highlights, on seconds in place of matches."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from baselines import source_highlights
from figures import highlights
from unmuted.checkout import ROOT

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(highlights, "SCRATCH", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_source_sees_every_frame_of_a_window_again(scratch: Path) -> None:
    half = highlights.make_half(21)
    seen = []

    def network(pictures: torch.Tensor) -> torch.Tensor:
        seen.append(len(pictures))
        return pictures.mean(dim=(2, 3))

    features, spectrogram = source_highlights.score_half(half, network)
    assert seen == [75, 75, 75]
    assert features.shape == (3, 75, 3)
    assert (features[0, 15:] == features[1, :60]).all()  # the same frames, in two windows
    assert spectrogram.shape[0] == source_highlights.MELS
    # 44.1 kHz is read as it is in the file and brought to 48 kHz.
    hops = 21 * source_highlights.RATE / (source_highlights.FFT // 4)
    assert abs(spectrogram.shape[1] - hops) < 10
    # 900 windows in 45 minutes, as the source counts, 16 in a minute.
    assert highlights.scale_of_source(45 * 60) == pytest.approx(896 / 16)


def test_a_reel_of_a_short_half_is_measured(scratch: Path) -> None:
    half = highlights.make_half(6)
    assert highlights.reel_seconds(half, 3, 1) > 0
    assert (scratch / "highlights-reel.mp4").stat().st_size > 1000


def test_the_stages_lead_from_a_half_to_its_highlights(scratch: Path) -> None:
    half = highlights.make_half(6)
    backbone = ROOT / "resources" / "tiny_models" / "cnn"
    run = highlights.enter(scratch / "project", backbone, half)
    assert Path.cwd() == scratch / "project"
    highlights.run_stages(run, highlights.STAGES, 1)
    rows = [
        row
        for shard in run.dataset.shards
        for row in run.store.rows("match_highlights", shard).values()
    ]
    assert [row.has_artifact for row in rows] == [True] * 3
    assert {row.video_id for row in rows} == {"bench", "train", "val"}
    assert highlights.config_of(backbone, half, "float32")["models"]["step_backbone"] == {
        "path": os.fspath(backbone),
        "dtype": "float32",
    }
