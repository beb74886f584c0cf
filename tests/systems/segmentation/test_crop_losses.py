"""Losses on crops: each reaches the shared encoder, and none reaches it from a second network."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from unmuted.models.tiny_cnn import TinyCnn
from unmuted.systems.segmentation.crop_losses import (
    CropHeads,
    Crops,
    SeparateCropNetwork,
    class_loss,
    class_separation,
    cosine_loss,
    crop_features,
    crop_losses,
    distance_loss,
    weighted_sum,
)
from unmuted.systems.segmentation.encoder import Encoder
from unmuted.systems.segmentation.model import SegmentationConfig, SegmentationNetwork

torch.set_num_threads(1)

A, CLASSES, STRIDE = 6, 3, 16
NAMES = ("crop_cross_entropy", "crop_distance", "crop_cosine")
CONFIG = SegmentationConfig(A, "gate", 8, "top_down", dilations=(1,), fused=(1, 2, 3))
# Two windows of two frames, an object in each frame.
CROPS = Crops(
    boxes=torch.tensor([[0.0, 0, 20, 30], [8, 8, 40, 30], [0, 0, 48, 32], [20, 4, 44, 28]]),
    frames=torch.arange(4),
    windows=torch.tensor([0, 0, 1, 1]),
    labels=torch.tensor([0, 0, 2, 2]),
)
NONE = Crops(torch.zeros(0, 4), *(torch.zeros(0, dtype=torch.int64) for _ in range(3)))


def batch() -> tuple[SegmentationNetwork, Tensor, Tensor, Tensor]:
    """A network, pixels, audio and truth."""
    torch.manual_seed(0)
    network = SegmentationNetwork(Encoder(TinyCnn((4, 6, 8, 10))), CONFIG)
    pixels, audio = torch.rand(2, 2, 3, 32, 48), torch.randn(2, 2, A)
    return network, pixels, audio, torch.rand(2, 2, 32, 48).round()


def shared_losses(crops: Crops = CROPS) -> tuple[SegmentationNetwork, dict[str, Tensor]]:
    network, pixels, audio, _ = batch()
    heads = CropHeads(10, A, CLASSES, dim=4)
    features = crop_features(network.encoder(pixels.flatten(0, 1))[-1], crops, STRIDE)
    return network, crop_losses(heads, features, crops, audio)


# --- shared encoder -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_each_loss_reaches_every_weight_of_the_shared_encoder(name: str) -> None:
    network, losses = shared_losses()
    assert tuple(losses) == NAMES
    losses[name].backward()
    for parameter in network.encoder.parameters():
        assert parameter.grad is not None and parameter.grad.any()
    assert all(parameter.grad is None for parameter in network.head.parameters())


def test_without_crops_all_losses_are_zero() -> None:
    network, losses = shared_losses(NONE)
    assert {name: loss.item() for name, loss in losses.items()} == dict.fromkeys(NAMES, 0.0)
    sum(losses.values()).backward()
    assert not any(p.grad.any() for p in network.encoder.parameters() if p.grad is not None)


def test_a_crop_is_the_region_of_its_own_frame() -> None:
    maps = torch.zeros(4, 2, 8, 12)
    maps[2, :, 2:6, 4:8] = torch.tensor([3.0, 5.0])[:, None, None]  # 4 px a place: rows 8 to 24
    inside = torch.tensor([[18.0, 10.0, 30.0, 22.0]])
    at = {
        frame: Crops(inside, torch.tensor([frame]), torch.tensor([0]), torch.tensor([0]))
        for frame in (2, 1)
    }
    torch.testing.assert_close(crop_features(maps, at[2], 4), torch.tensor([[3.0, 5.0]]))
    torch.testing.assert_close(crop_features(maps, at[1], 4), torch.zeros(1, 2))


def test_crops_of_bfloat16_maps_find_their_frame() -> None:
    maps = torch.zeros(260, 1, 2, 2, dtype=torch.bfloat16)
    maps[257] = 1
    of_257 = Crops(torch.tensor([[0.0, 0, 8, 8]]), *(torch.tensor([n]) for n in (257, 0, 0)))
    assert crop_features(maps, of_257, 4).item() == 1


def test_distances_are_within_a_window_and_a_class() -> None:
    vectors = torch.tensor([[0.0, 0], [3, 4], [100, 0], [0, 100]], requires_grad=True)
    assert distance_loss(vectors, CROPS).item() == pytest.approx((5 + 2**0.5 * 100) / 2, rel=1e-4)
    one_class = Crops(CROPS.boxes, CROPS.frames, CROPS.windows, torch.zeros(4, dtype=torch.int64))
    assert distance_loss(vectors, one_class) == distance_loss(vectors, CROPS)
    labels = torch.tensor([0, 0, 1, 2])
    of_classes = Crops(CROPS.boxes, CROPS.frames, CROPS.windows, labels)
    assert distance_loss(vectors, of_classes).item() == pytest.approx(5, rel=1e-4)


def test_distances_of_crops_do_not_depend_on_the_scale_of_their_projection() -> None:
    torch.manual_seed(0)
    heads, features, audio = CropHeads(10, A, CLASSES, 4), torch.randn(4, 10), torch.randn(2, 2, A)
    before = crop_losses(heads, features, CROPS, audio)["crop_distance"]
    with torch.no_grad():
        heads.project.weight *= 0.01
        heads.project.bias *= 0.01
    after = crop_losses(heads, features, CROPS, audio)["crop_distance"]
    assert before.item() > 0.1
    torch.testing.assert_close(after, before)


def test_equal_crops_have_no_distance_and_a_gradient_that_is_finite() -> None:
    vectors = torch.ones(4, 3, requires_grad=True)
    loss = distance_loss(vectors, CROPS)
    loss.backward()
    assert loss.item() < 1e-5 and vectors.grad.isfinite().all()


def test_the_cosine_is_with_the_mean_sound_of_the_crops_window() -> None:
    _, _, audio, _ = batch()
    heads, features = CropHeads(10, A, CLASSES, dim=4), torch.randn(4, 10)
    loss = crop_losses(heads, features, CROPS, audio)["crop_cosine"]
    vectors = heads.project(features)
    sound = [heads.project_audio((audio[w, 0] + audio[w, 1]) / 2) for w in (0, 0, 1, 1)]
    cosines = [F.cosine_similarity(v, s, dim=0) for v, s in zip(vectors, sound, strict=True)]
    torch.testing.assert_close(loss, 1 - torch.stack(cosines).mean())
    assert cosine_loss(vectors, 3 * vectors).item() == pytest.approx(0, abs=1e-6)
    assert cosine_loss(vectors, -vectors).item() == pytest.approx(2)


@given(st.permutations(range(4)))
def test_the_order_of_crops_changes_no_loss(order: list[int]) -> None:
    torch.manual_seed(0)
    heads, features, audio = CropHeads(10, A, CLASSES, 4), torch.randn(4, 10), torch.randn(2, 2, A)
    other = Crops(*(values[order] for values in vars(CROPS).values()))
    found = crop_losses(heads, features[order], other, audio)
    expected = crop_losses(heads, features, CROPS, audio)
    for name in NAMES:
        torch.testing.assert_close(found[name], expected[name])


def test_losses_of_weight_zero_have_no_part() -> None:
    losses = {"a": torch.tensor(2.0), "b": torch.tensor(float("nan")), "c": torch.tensor(3.0)}
    assert weighted_sum(losses, {"a": 1.0, "b": 0.0, "c": 0.5}).item() == 3.5
    assert weighted_sum(losses, dict.fromkeys(losses, 0.0)).item() == 0.0


# --- collapse -------------------------------------------------------------------------------------


def test_the_distance_alone_makes_all_crops_alike_and_the_separation_says_so() -> None:
    torch.manual_seed(0)
    labels = torch.arange(30) % 3
    centres = torch.randn(3, 5)
    apart = centres[labels] + 0.01 * torch.randn(30, 5)
    assert class_separation(apart, labels) > 0.99
    assert class_separation(torch.randn(30, 5), labels) < 0.5
    assert class_separation(torch.full((30, 5), 0.1), labels) is None  # collapsed
    assert class_separation(apart[labels == 0], labels[labels == 0]) == pytest.approx(0, abs=1e-12)


# --- the source's second network ------------------------------------------------------------------


def separate_network() -> tuple[SeparateCropNetwork, Tensor]:
    torch.manual_seed(1)
    network = SeparateCropNetwork(TinyCnn((4, 6)), 6, A, CLASSES)
    torch.nn.init.constant_(network.classify[1].bias, 1.0)  # logits that the ReLU lets through
    return network, torch.rand(4, 3, 16, 16)


def test_losses_of_a_second_network_have_no_gradient_on_the_segmentation() -> None:
    network, pixels, audio, truth = batch()
    second, crops = separate_network()
    F.binary_cross_entropy_with_logits(network(pixels, audio), truth).backward()
    alone = {name: p.grad.clone() for name, p in network.named_parameters()}
    network.zero_grad()
    losses = second.losses(crops, CROPS, audio)
    segmentation = F.binary_cross_entropy_with_logits(network(pixels, audio), truth)
    (segmentation + weighted_sum(losses, dict.fromkeys(NAMES, 1.0))).backward()
    assert all(torch.equal(p.grad, alone[name]) for name, p in network.named_parameters())
    assert all(p.grad.any() for p in second.parameters())
    network.zero_grad()
    weighted_sum(second.losses(crops, CROPS, audio), dict.fromkeys(NAMES, 1.0)).backward()
    assert all(p.grad is None or not p.grad.any() for p in network.parameters())


def test_training_with_and_without_a_second_network_gives_the_same_bytes() -> None:
    network, pixels, audio, truth = batch()
    second, crops = separate_network()
    states = []
    for weight in (0.0, 1.0):
        trained, other = copy.deepcopy(network), copy.deepcopy(second)
        optimizer = torch.optim.Adam([*trained.parameters(), *other.parameters()], lr=1e-2)
        for _ in range(3):
            optimizer.zero_grad()
            loss = F.binary_cross_entropy_with_logits(trained(pixels, audio), truth)
            losses = other.losses(crops, CROPS, audio)
            (loss + weighted_sum(losses, dict.fromkeys(NAMES, weight))).backward()
            optimizer.step()
        states.append((trained.state_dict(), other.state_dict()))
    (without, _), (with_losses, moved) = states
    assert all(torch.equal(without[name], with_losses[name]) for name in without)
    trained_weight = "head.decoder.to_logit.weight"
    assert not torch.equal(without[trained_weight], network.state_dict()[trained_weight])
    assert not torch.equal(moved["classify.0.weight"], second.classify[0].weight)


def test_a_crop_without_a_positive_logit_teaches_the_second_network_nothing() -> None:
    logits = torch.tensor([[-1.0, -0.5, -2.0]], requires_grad=True)
    class_loss(F.relu(logits), torch.tensor([1])).backward()
    assert not logits.grad.any()
    class_loss(logits, torch.tensor([1])).backward()
    assert logits.grad.all()
    second, crops = separate_network()
    torch.nn.init.constant_(second.classify[1].bias, -100.0)
    losses = second.losses(crops, CROPS, torch.randn(2, 2, A))
    losses["crop_cross_entropy"].backward()
    assert not any(p.grad is not None and p.grad.any() for p in second.parameters())
