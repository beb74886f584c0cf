"""Networks run on the device that is configured, with the threads of the rule."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from systems.segmentation.made_clips import made_job
from systems.segmentation.toy_clips import toy_clip, toy_encoder, training_world
from unmuted.config.avs_training import (
    AvsNetworkSettings,
    AvsTrainingSettings,
    CropLossSettings,
    NegativeSettings,
)
from unmuted.inference import device as devices
from unmuted.systems.segmentation.arms import ARMS
from unmuted.systems.segmentation.building import training_clips
from unmuted.systems.segmentation.context import ClipMaps, Context
from unmuted.systems.segmentation.inference import clip_maps, predict
from unmuted.systems.segmentation.mask_loss import mask_loss
from unmuted.systems.segmentation.networks import load_network, network_config, new_network
from unmuted.systems.segmentation.sound_space import fit_sound_space
from unmuted.systems.segmentation.training import NetworkSettings, crop_separation, train_network
from unmuted.systems.segmentation.training_data import draw_batches, make_batch

pytestmark = pytest.mark.unit

NETWORK = AvsNetworkSettings(width=8)
on_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here")


@pytest.fixture
def threads() -> Iterator[int]:
    before = torch.get_num_threads()
    yield before
    torch.set_num_threads(before)


def crop_clips(count: int = 8):
    world = training_world(count)
    space = fit_sound_space(world, 4)
    return training_clips(world, toy_encoder(), space, 1, reads_boxes=True, reads_frames=True)


def test_a_job_takes_the_configured_device_and_its_threads_once_it_runs_a_network(
    monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    asked = []

    def use_device(requested: str, count: int) -> torch.device:
        asked.append((requested, count))
        return torch.device("meta")

    monkeypatch.setattr(devices, "use_device", use_device)
    job = made_job({}, device="cuda:1")
    job.threads = 3
    context = Context(job, None)
    assert asked == []  # a job with nothing to do holds no GPU
    weights = context.encoder.encoder.parameters()
    assert {weight.device.type for weight in weights} == {"meta"}
    assert asked == [("cuda:1", 3)]
    assert context.device == "meta"


def test_pictures_are_seen_with_the_threads_of_the_job(threads: int) -> None:
    context = Context(made_job({}), None)
    torch.set_num_threads(2)
    assert ClipMaps(toy_clip(0, "red"), context).of(0)[0].device.type == "cpu"
    assert torch.get_num_threads() == 1


def test_a_batch_moves_as_a_whole() -> None:
    clips = crop_clips()
    chosen, seconds = next(draw_batches(clips.is_labelled, 3, 8))
    batch = make_batch(clips, chosen, seconds, clips.audio).to("meta")
    assert batch.crops is not None
    parts = [*batch.maps, batch.audio, batch.truth, batch.counted, batch.frames]
    parts += vars(batch.crops).values()
    assert {part.device.type for part in parts} == {"meta"}
    assert make_batch(clips, chosen, seconds, clips.audio).audio.device.type == "cpu"


def test_a_network_is_made_where_its_encoder_is() -> None:
    """On the device `meta`, which computes shapes alone, a tensor of the CPU is an error."""
    clips = crop_clips()
    network = new_network(network_config(NETWORK, 4, "gate"), toy_encoder(device="meta"), 1)
    chosen, seconds = next(draw_batches(clips.is_labelled, 3, 8))
    batch = make_batch(clips, chosen, seconds, clips.audio).to("meta")
    losses = mask_loss(network(batch.maps, batch.audio), batch.truth, batch.counted)
    assert {loss.device.type for loss in losses.values()} == {"meta"}
    assert {weight.device.type for weight in network.parameters()} == {"meta"}


def test_first_weights_are_the_same_on_every_device() -> None:
    """They are drawn on the CPU."""
    torch.manual_seed(0)
    new_network(network_config(NETWORK, 4, "gate"), toy_encoder(), 0)
    expected = torch.rand(2)
    torch.manual_seed(0)
    new_network(network_config(NETWORK, 4, "gate"), toy_encoder(device="meta"), 0)
    assert torch.equal(torch.rand(2), expected)


@on_gpu
@pytest.mark.parametrize("arm", ["real_audio", "with_crop_losses", "separate_crop_network"])
def test_a_gpu_trains_and_predicts_as_the_cpu_does(arm: str) -> None:
    clips, clip = crop_clips(16), toy_clip(100, "red")
    training = AvsTrainingSettings(epochs=2, snapshots=1, batch_size=8, trained_stages=1)
    losses = CropLossSettings(dim=4)
    settings = NetworkSettings(NETWORK, training, NegativeSettings(), losses, "gate")
    found = []
    for device in ("cpu", "cuda:0"):
        encoder = toy_encoder(device=device)
        fit = train_network(clips, ARMS[arm], encoder, settings, seed=0)
        network = load_network(fit.snapshots[0], encoder)
        assert next(network.parameters()).device == torch.device(device)
        assert crop_separation(network, clips, encoder) is not None
        audio = np.zeros((clip.seconds, 4), np.float32)
        found.append(predict(network, clip_maps(clip, encoder, 1), audio, 2))
    np.testing.assert_allclose(found[0], found[1], atol=0.02)
