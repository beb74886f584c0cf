"""The matching loss: as the paper defines it, and its gradient on the audio's way into the maps.

The reference values in `data` hold no case of it, so a plain loop over frames stands for it.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor
from torch.nn import functional as F

from systems.segmentation.toy_clips import toy_encoder, training_world
from unmuted.config.avs_training import (
    AvsMatchingSettings,
    AvsNetworkSettings,
    AvsSection,
    AvsTrainingSettings,
    CropLossSettings,
    NegativeSettings,
)
from unmuted.systems.segmentation.arms import ARMS
from unmuted.systems.segmentation.building import training_clips
from unmuted.systems.segmentation.matching_loss import matching_loss
from unmuted.systems.segmentation.sound_space import fit_sound_space
from unmuted.systems.segmentation.training import NetworkSettings, train_network

torch.set_num_threads(1)
pytestmark = pytest.mark.unit

B, T, D = 2, 3, 5
SETTINGS = NetworkSettings(
    AvsNetworkSettings(width=8),
    AvsTrainingSettings(epochs=2, snapshots=1, batch_size=4),
    NegativeSettings(),
    CropLossSettings(dim=4),
    "tpavi",
)


def inputs(frames: int = B * T) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """Random maps of two stages, their audio, and logits of 8 x 8 pixels."""
    torch.manual_seed(0)
    maps = [torch.randn(frames, D, side, side) for side in (4, 2)]
    audio = [torch.randn(frames // T, T, D) for _ in maps]
    return maps, audio, 3 * torch.randn(frames // T, T, 8, 8)


def softmax(values: list[float]) -> list[float]:
    powers = [math.exp(value) for value in values]
    return [power / sum(powers) for power in powers]


def by_hand(kind: str, maps: list[Tensor], audio: list[Tensor], logits: Tensor) -> float:
    """Each frame, channel and place in turn, in double precision."""
    stages = []
    for features, sound in zip(maps, audio, strict=True):
        side, found = features.shape[-1], []
        block = logits.shape[-1] // side
        for n, one in enumerate(features.double().clamp(min=0)):
            of_frame = logits[n // T, n % T].double()
            visual = [0.0] * D
            for y in range(side):
                for x in range(side):
                    rows, columns = (slice(block * i, block * (i + 1)) for i in (y, x))
                    weight = 1 / (1 + math.exp(-float(of_frame[rows, columns].mean())))
                    for c in range(D):
                        visual[c] += float(one[c, y, x]) * weight / side**2
            heard = sound[n // T, n % T].double().tolist()
            if kind == "kl":
                pairs = zip(softmax(heard), softmax(visual), strict=True)
                found.append(sum(p * math.log(p / q) for p, q in pairs))
            else:
                found.append(math.dist(heard, visual))
        stages.append(sum(found) if kind == "kl" else sum(found) / len(found))
    return sum(stages) / len(stages)


@pytest.mark.parametrize("kind", ["kl", "euclidean"])
def test_the_loss_is_that_of_a_loop_over_frames_channels_and_places(kind: str) -> None:
    found = matching_loss(kind, *inputs())
    assert found.item() == pytest.approx(by_hand(kind, *inputs()), rel=1e-4)


def test_the_divergence_grows_with_the_batch_as_in_the_reference_and_the_distance_does_not() -> (
    None
):
    maps, audio, logits = inputs()
    twice = [torch.cat([m, m]) for m in maps], [torch.cat([a, a]) for a in audio]
    for kind, factor in (("kl", 2), ("euclidean", 1)):
        once = matching_loss(kind, maps, audio, logits)
        more = matching_loss(kind, *twice, torch.cat([logits, logits]))
        assert more.item() == pytest.approx(factor * once.item(), rel=1e-5)


def test_audio_that_equals_what_is_marked_costs_nothing() -> None:
    maps, _, logits = inputs()
    equal = []
    for features in maps:
        pooled = F.adaptive_avg_pool2d(logits.flatten(0, 1)[:, None], features.shape[-2:])
        equal.append((features.relu() * pooled.sigmoid()).mean(dim=(2, 3)).unflatten(0, (B, T)))
    assert matching_loss("kl", maps, equal, logits).item() == pytest.approx(0, abs=1e-6)
    assert matching_loss("euclidean", maps, equal, logits).item() < 1e-4


@pytest.fixture(scope="module")
def clips():
    world = training_world(16)
    return training_clips(world, toy_encoder(), fit_sound_space(world, 4))


def trained(clips, fusion: str = "tpavi", arm: str = "real_audio", **matching):
    settings = replace(SETTINGS, fusion=fusion, matching=AvsMatchingSettings(**matching))
    return train_network(clips, ARMS[arm], toy_encoder(), settings, seed=0)


@pytest.mark.parametrize("kind", ["kl", "euclidean"])
def test_training_with_it_changes_the_network_and_is_in_its_history(clips, kind: str) -> None:
    without, with_loss = trained(clips), trained(clips, loss=kind)
    assert all("matching" not in row for row in without.history)
    assert all(np.isfinite(row["matching"]) and row["matching"] > 0 for row in with_loss.history)
    name = next(name for name in without.snapshots[0] if name.endswith("align.weight"))
    assert (without.snapshots[0][name] != with_loss.snapshots[0][name]).any()


def test_of_weight_zero_it_changes_no_byte(clips) -> None:
    without, nothing = trained(clips), trained(clips, loss="kl", weight=0)
    for name, array in without.snapshots[0].items():
        np.testing.assert_array_equal(array, nothing.snapshots[0][name])


def test_the_arm_of_the_gate_is_trained_without_it(clips) -> None:
    fit = trained(clips, arm="other_fusion", loss="kl")
    assert all("matching" not in row for row in fit.history)


def test_it_is_refused_with_the_gate() -> None:
    with pytest.raises(ValidationError, match=r"fusion is gate: set fusion to tpavi"):
        AvsSection(fusion="gate", matching={"loss": "kl"})
    assert AvsSection(fusion="tpavi", matching={"loss": "kl"}).matching.weight == 0.5
