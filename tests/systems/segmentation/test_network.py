"""The segmentation's network: its fusion equals the reference's, and takes memory for no matrix."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile
from torchvision.models import mobilenet_v2, resnet18, resnet50

from unmuted.errors import UserError
from unmuted.models.architectures import pooled
from unmuted.models.tiny_cnn import TinyCnn
from unmuted.systems.segmentation.decoder import DilatedSum, ResidualUnit
from unmuted.systems.segmentation.encoder import Encoder
from unmuted.systems.segmentation.fusion import Gate, Tpavi
from unmuted.systems.segmentation.model import (
    SegmentationConfig,
    SegmentationHead,
    SegmentationNetwork,
    published,
)

torch.set_num_threads(1)

REFERENCE = json.loads((Path(__file__).parent / "data" / "reference_values.json").read_text())
SMALL = SegmentationConfig(6, "tpavi", 8, "top_down", dilations=(1,), fused=(1, 2, 3))
REFINED = replace(SMALL, decoder="refine", dilations=(1, 2), fused=(0, 1, 2, 3))
MIB = 2**20


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def small_network(config: SegmentationConfig = SMALL, seed: int = 0) -> SegmentationNetwork:
    torch.manual_seed(seed)
    return SegmentationNetwork(Encoder(TinyCnn((4, 6, 8, 10))), config)


# --- TPAVI ----------------------------------------------------------------------------------------


def attended(module: Tpavi, x: Tensor, audio: Tensor) -> Tensor:
    """What the paper writes: attention of each place to all of a window, through the matrix."""
    (b, t, _), (_, _, h, w) = audio.shape, x.shape
    theta = module.theta(x).unflatten(0, (b, t))  # (B, T, K, H, W)
    theta = theta.permute(0, 1, 3, 4, 2).flatten(1, 3)  # (B, N, K)
    phi = module.phi(module.align(audio))  # (B, T, K)
    phi = phi.repeat_interleave(h * w, dim=1)  # (B, N, K)
    g = module.g(x.permute(0, 2, 3, 1)).unflatten(0, (b, t)).flatten(1, 3)  # (B, N, K)
    y = (theta @ phi.transpose(1, 2) / (t * h * w)) @ g  # (B, N, K)
    y = y.unflatten(1, (t, h, w)).permute(0, 1, 4, 2, 3).flatten(0, 1)  # (B T, K, H, W)
    z = module.out_norm(module.out(y)) + x
    norm = module.norm
    return F.layer_norm(z.movedim(1, -1), z.shape[1:2], norm.weight, norm.bias).movedim(-1, 1)


def shuffled(module: Tpavi) -> Tpavi:
    """The module with random numbers in place of all first values."""
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(torch.randn(p.shape) * 0.3)
    return module


def test_tpavi_equals_the_reference() -> None:
    expected, rng = REFERENCE["tpavi"], np.random.default_rng(42)

    def draw(*shape: int) -> Tensor:
        return torch.from_numpy(rng.standard_normal(shape))

    module = Tpavi(channels=8, inner=4, audio_dim=128).double().eval()
    for part, shape in (
        (module.align, (8, 128)),
        (module.norm, (8,)),
        (module.g, (4, 8, 1, 1, 1)),
        (module.out, (8, 4, 1, 1, 1)),
        (module.out_norm, (8,)),
        (module.theta, (4, 8, 1, 1, 1)),
        (module.phi, (4, 8, 1, 1, 1)),
    ):
        part.weight.data = (draw(*shape) * 0.3).view_as(part.weight)
        part.bias.data = draw(shape[0]) * 0.3
    x, audio = draw(2, 8, 3, 4, 4), draw(2, 3, 128)
    z = module(x.transpose(1, 2).flatten(0, 1), audio).unflatten(0, (2, 3)).transpose(1, 2)
    near = {"rtol": 0, "atol": 1e-10}
    np.testing.assert_allclose(z[0, 0, 0].detach(), expected["z_0_0_0"], **near)
    np.testing.assert_allclose(z[1, 7, 2].detach(), expected["z_1_7_2"], **near)
    assert z.abs().sum().item() == pytest.approx(expected["z_abs_sum"], abs=1e-9)
    np.testing.assert_allclose(module.align(audio)[0, 0].detach(), expected["aligned_0_0"], **near)


@settings(max_examples=40)
@given(*(st.integers(1, most) for most in (3, 4, 6, 6, 6)), st.booleans(), st.integers(0, 1000))
def test_association_equals_the_matrix(
    b: int, t: int, h: int, w: int, half: int, trains: bool, seed: int
) -> None:
    torch.manual_seed(seed)
    module = shuffled(Tpavi(2 * half, half, audio_dim=5)).train(trains and b * t * h * w > 1)
    x, audio = torch.randn(b * t, 2 * half, h, w), torch.randn(b, t, 5)
    # In double precision: batch normalisation of few places makes large what differs by rounding.
    found, expected = (
        module.double()(x.double(), audio.double()),
        attended(module, x.double(), audio.double()),
    )
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
    module = module.float().eval()
    torch.testing.assert_close(module(x, audio), attended(module, x, audio), rtol=0, atol=1e-5)


def test_windows_do_not_see_each_other_and_frames_of_a_window_do() -> None:
    torch.manual_seed(0)
    module = shuffled(Tpavi(8, 4, 5)).eval()
    x, audio = torch.randn(2 * 3, 8, 4, 4), torch.randn(2, 3, 5)
    before, other = module(x, audio), audio.clone()
    other[1, 2] += 1
    after = module(x, other)
    assert torch.equal(after[:3], before[:3])
    assert all((after[i] != before[i]).any() for i in (3, 4, 5))
    torch.testing.assert_close(module(x[:3], audio[:1]), before[:3])


@pytest.mark.parametrize("module", [Tpavi(6, 3, 5), Gate(6, 5)], ids=["tpavi", "gate"])
def test_at_the_start_audio_changes_nothing_and_maps_are_normalised(module: nn.Module) -> None:
    x, audio = torch.randn(2 * 3, 6, 4, 5), torch.randn(2, 3, 5)
    z = module(x, audio)
    expected = F.layer_norm(x.movedim(1, -1), (6,)).movedim(-1, 1)
    torch.testing.assert_close(z, expected, rtol=0, atol=1e-6)
    assert torch.equal(z, module(x, -audio))


def gradients(module: Tpavi, x: Tensor, audio: Tensor) -> dict[str, bool]:
    """Whether each tensor has a gradient, of a step of gradient descent that is made."""
    (module(x, audio) * torch.linspace(-1, 1, x.numel()).view_as(x)).sum().backward()
    with torch.no_grad():
        for p in module.parameters():
            p.sub_(0.1 * p.grad)
    found = {name: bool(p.grad.abs().max() > 1e-9) for name, p in module.named_parameters()}
    module.zero_grad()
    return found


def test_audio_has_a_gradient_from_the_second_step_on() -> None:
    torch.manual_seed(0)
    module, x, audio = Tpavi(6, 3, 5).double(), torch.randn(6, 6, 4, 4), torch.randn(2, 3, 5)
    x, audio = x.double(), audio.double()
    first, second = gradients(module, x, audio), gradients(module, x, audio)
    moves = {"out_norm.weight", "out_norm.bias", "norm.weight", "norm.bias"}
    assert {name for name, has in first.items() if has} == moves
    # Batch normalisation takes away what a constant of each channel adds.
    assert {name for name, has in second.items() if not has} == {"out.bias"}


def test_the_gate_is_a_scale_and_a_shift_from_the_frames_own_audio() -> None:
    torch.manual_seed(0)
    module = Gate(4, 5)
    nn.init.normal_(module.scale_and_shift.weight)
    x, audio = torch.randn(2 * 3, 4, 2, 2), torch.randn(2, 3, 5)
    s, b = module.scale_and_shift(audio[1, 2]).chunk(2)
    expected = F.layer_norm((x[5] * (1 + s[:, None, None]) + b[:, None, None]).movedim(0, -1), (4,))
    torch.testing.assert_close(module(x, audio)[5], expected.movedim(-1, 0))
    other = audio.clone()
    other[1, 2] += 1
    assert torch.equal(module(x, other)[:5], module(x, audio)[:5])


def test_sums_over_a_window_are_in_float32_under_bfloat16() -> None:
    torch.manual_seed(0)
    module = shuffled(Tpavi(16, 8, 5)).eval()
    x, audio = torch.randn(2 * 5, 16, 12, 12).bfloat16(), torch.randn(2, 5, 5)
    exact = module.association(x.float(), audio)
    with torch.autocast("cpu", torch.bfloat16):
        m = module.association(x, audio)
        z = module(x, audio)
    assert m.dtype == torch.float32 and z.shape == x.shape
    torch.testing.assert_close(m, exact, rtol=1e-6, atol=1e-7)


# --- memory ---------------------------------------------------------------------------------------


def allocations(function: Callable[[], object], folder: Path) -> tuple[int, int, int]:
    """Bytes of the largest tensor, at the peak, and kept at the end, that a function allocates."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        kept = function()
    profiler.export_chrome_trace(str(folder / "trace.json"))
    del kept
    events = json.loads((folder / "trace.json").read_text())["traceEvents"]
    events = [event for event in events if event["name"] == "[memory]"]
    sizes = [event["args"]["Bytes"] for event in sorted(events, key=lambda event: event["ts"])]
    live = np.cumsum(sizes)
    return max(sizes), int(live.max()), int(live[-1])


@pytest.mark.parametrize("trains", [False, True])
def test_memory_grows_with_the_places_and_not_with_their_square(
    trains: bool, tmp_path: Path
) -> None:
    """At 56 x 56 and 10 frames, the matrix of 31,360 x 31,360 places would take 3.7 GiB."""
    module = Tpavi(256, 128, 128).train(trains)
    x, audio = torch.randn(10, 256, 56, 56), torch.randn(1, 10, 128)
    size = x.numel() * x.element_size()  # 30.6 MiB

    def forward() -> Tensor:
        with torch.set_grad_enabled(trains):
            return module(x, audio)

    largest, peak, kept = allocations(forward, tmp_path)
    assert size <= largest < 1.1 * size
    assert peak - kept < 64 * MIB
    assert kept < (5 if trains else 1.1) * size


def test_the_gradient_takes_no_matrix_either(tmp_path: Path) -> None:
    module = Tpavi(256, 128, 128)
    x, audio = torch.randn(10, 256, 56, 56, requires_grad=True), torch.randn(1, 10, 128)
    largest, _, _ = allocations(lambda: module(x, audio).square().sum().backward(), tmp_path)
    assert x.grad is not None
    assert largest < 1.1 * x.numel() * x.element_size()


def test_the_measure_of_memory_sees_a_matrix(tmp_path: Path) -> None:
    module, x, audio = Tpavi(8, 4, 5).eval(), torch.randn(2, 8, 20, 20), torch.randn(1, 2, 5)
    largest, peak, _ = allocations(lambda: attended(module, x, audio), tmp_path)
    assert largest == 4 * (2 * 20 * 20) ** 2
    assert peak >= 2 * largest


# --- encoder, decoder, network --------------------------------------------------------------------


def test_the_encoders_last_map_is_what_the_backbone_averages() -> None:
    torch.manual_seed(0)
    for name, size in (("tiny_cnn", (32, 48)), ("resnet18", (64, 96))):
        backbone, dim = pooled(name, {})
        encoder, pixels = Encoder(backbone.eval()), torch.rand(2, 3, *size)
        maps = encoder(pixels)
        torch.testing.assert_close(maps[-1].mean(dim=(2, 3)), backbone(pixels))
        assert encoder.channels[-1] == dim
        shapes = zip(encoder.channels, encoder.strides, strict=True)
        expected = [(2, c, size[0] // s, size[1] // s) for c, s in shapes]
        assert [tuple(each.shape) for each in maps] == expected


def test_a_resnet_50_has_the_stages_of_the_published_network() -> None:
    with torch.device("meta"):
        encoder = Encoder(resnet50())
    assert encoder.channels == (256, 512, 1024, 2048)
    assert encoder.strides == (4, 8, 16, 32)
    with torch.device("meta"):
        assert Encoder(resnet18()).channels == (64, 128, 256, 512)


def test_a_network_without_known_stages_is_refused() -> None:
    with torch.device("meta"), pytest.raises(UserError, match=r"MobileNetV2.*tiny_cnn"):
        Encoder(mobilenet_v2())


def test_the_published_sizes_have_the_published_number_of_parameters() -> None:
    """91.40 million, with two layers of a ResNet-50 and a unit that the reference never runs."""
    with torch.device("meta"):
        backbone = resnet50()
        network = SegmentationNetwork(Encoder(backbone), published())
        never_run = [backbone.layer3, backbone.layer4, ResidualUnit(256)]
    total = parameters(network) + sum(parameters(part) for part in never_run)
    assert total / 1e6 == pytest.approx(91.40, abs=0.005)


@pytest.mark.parametrize("fusion", ["tpavi", "gate"])
@pytest.mark.parametrize("config", [SMALL, REFINED], ids=["top_down", "refine"])
def test_each_pixel_has_a_logit_and_each_weight_a_gradient(
    config: SegmentationConfig, fusion: str
) -> None:
    network = small_network(replace(config, fusion=fusion))
    for module in network.modules():
        if isinstance(module, Tpavi):
            nn.init.ones_(module.out_norm.weight)  # as after the first step
    logits = network(torch.rand(2, 3, 3, 32, 48), torch.randn(2, 3, 6))
    assert logits.shape == (2, 3, 32, 48)
    F.binary_cross_entropy_with_logits(logits, torch.rand(2, 3, 32, 48).round()).backward()
    idle = {n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()}
    assert {name for name in idle if not name.endswith("out.bias")} == set()


@pytest.mark.parametrize("fusion", ["tpavi", "gate"])
def test_the_network_learns_what_only_the_audio_says(fusion: str) -> None:
    """One picture, left or right by the sign of its sound: no function of the picture does this."""
    network = small_network(replace(SMALL, fusion=fusion))
    torch.manual_seed(1)
    pixels = torch.rand(1, 1, 3, 16, 32).expand(8, 1, -1, -1, -1)
    sign = torch.tensor([1.0, -1.0] * 4)
    audio = sign[:, None, None] * torch.ones(8, 1, 6)
    is_left = torch.arange(32) < 16
    truth = torch.where(sign[:, None] > 0, is_left, ~is_left)[:, None, None].expand(-1, 1, 16, -1)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(network(pixels, audio), truth.float())
        loss.backward()
        optimizer.step()
    marked = network(pixels, audio) > 0
    assert (marked == truth).float().mean() > 0.9


def test_maps_of_a_frozen_encoder_give_what_the_network_gives() -> None:
    network = small_network().eval()
    pixels, audio = torch.rand(2, 3, 3, 16, 32), torch.randn(2, 3, 6)
    head = SegmentationHead(SMALL, network.encoder.channels, network.encoder.strides).eval()
    head.load_state_dict(network.head.state_dict())
    maps = [m.detach() for m in network.encoder(pixels.flatten(0, 1))]
    torch.testing.assert_close(head(maps, audio), network(pixels, audio))


def test_the_published_decoder_keeps_the_size_at_both_first_strides() -> None:
    for stride in (2, 4):
        head = SegmentationHead(REFINED, (4, 6, 8, 10), [stride << i for i in range(4)])
        maps = [torch.randn(3, c, 8 >> i, 16 >> i) for i, c in enumerate((4, 6, 8, 10))]
        assert head(maps, torch.randn(1, 3, 6)).shape == (1, 3, 8 * stride, 16 * stride)


@pytest.mark.parametrize("config", [SMALL, REFINED], ids=["top_down", "refine"])
def test_maps_finer_than_the_finest_that_is_read_change_nothing(config: SegmentationConfig) -> None:
    network = small_network(replace(config, fused=(1, 3), finest=1)).eval()
    pixels, audio = torch.rand(2, 3, 3, 16, 32), torch.randn(2, 3, 6)
    finest, *read = network.encoder(pixels.flatten(0, 1))
    logits = network(pixels, audio)
    assert logits.shape == (2, 3, 16, 32)
    torch.testing.assert_close(network.head([finest * torch.nan, *read], audio), logits)
    torch.testing.assert_close(network.head(read, audio), logits)
    assert parameters(network.head) < parameters(small_network(config).head)
    assert sorted(network.head.aligned(audio)) == [0, 2]  # among those that `fuse` returns


def test_the_published_network_reads_the_finest_map() -> None:
    assert published().finest == 0 and published().fused == (0, 1, 2, 3)


def test_a_residual_unit_adds_to_what_its_first_relu_leaves() -> None:
    unit = ResidualUnit(3)
    nn.init.zeros_(unit.second.weight)
    nn.init.zeros_(unit.second.bias)
    x = torch.randn(1, 3, 4, 4)
    before = x.clone()
    assert torch.equal(unit(x), x.clamp(min=0))
    assert torch.equal(x, before)


def test_dilated_convolutions_are_summed() -> None:
    torch.manual_seed(0)
    module, x = DilatedSum(3, 5, (1, 3)), torch.randn(2, 3, 8, 8)
    first, second = module.convolutions
    torch.testing.assert_close(module(x), first(x) + second(x))
    assert second.weight.std().item() == pytest.approx(0.01, rel=0.3)


def test_pictures_that_do_not_fit_the_strides_are_refused() -> None:
    with pytest.raises(ValueError, match=r"multiples of 16.*\[17, 32\]"):
        small_network()(torch.rand(1, 1, 3, 17, 32), torch.randn(1, 1, 6))
