"""Training: what reaches which weights, what is counted, and that networks learn to follow."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from systems.segmentation.toy_clips import (
    SIDE,
    family,
    toy_clip,
    toy_encoder,
    training_world,
)
from unmuted.config.avs_training import (
    AvsNetworkSettings,
    AvsTrainingSettings,
    CropLossSettings,
    NegativeSettings,
)
from unmuted.errors import UserError
from unmuted.systems.segmentation.arms import ARMS, CROP_LOSSES
from unmuted.systems.segmentation.building import training_clips
from unmuted.systems.segmentation.choosing import choose, count_clip
from unmuted.systems.segmentation.inference import clip_maps, predict
from unmuted.systems.segmentation.mask_loss import mask_loss
from unmuted.systems.segmentation.metrics import iou, is_empty
from unmuted.systems.segmentation.networks import load_network, pack_network
from unmuted.systems.segmentation.sound_space import fit_sound_space
from unmuted.systems.segmentation.training import (
    CropTraining,
    NetworkSettings,
    crop_separation,
    train_network,
)
from unmuted.systems.segmentation.training_data import (
    draw_batches,
    make_batch,
    shuffled_sound,
    trainable_seconds,
    with_negatives,
)
from unmuted.training.checkpoints import Fit
from unmuted.training.states import SETTINGS, settings_of

torch.set_num_threads(1)
pytestmark = pytest.mark.unit

ENCODER = toy_encoder()
NETWORK = AvsNetworkSettings(width=16)
SHORT = AvsTrainingSettings(epochs=2, snapshots=1, batch_size=8)


def settings(training: AvsTrainingSettings = SHORT, fusion: str = "gate") -> NetworkSettings:
    return NetworkSettings(NETWORK, training, NegativeSettings(), CropLossSettings(dim=4), fusion)


@pytest.fixture(scope="module")
def world() -> list:
    return training_world()


@pytest.fixture(scope="module")
def space(world):
    return fit_sound_space(world, 4)


@pytest.fixture(scope="module")
def clips(world, space):
    return training_clips(world, ENCODER, space)


@pytest.fixture(scope="module")
def crop_clips(world, space):
    return training_clips(world, ENCODER, space, 1, reads_boxes=True, reads_frames=True)


def assert_same(first: dict, second: dict) -> None:
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


@pytest.mark.parametrize("fusion", ["gate", "tpavi"])
def test_a_trained_network_follows_the_sound_and_is_empty_without(clips, space, fusion) -> None:
    training = AvsTrainingSettings(epochs=30, snapshots=3, batch_size=8, learning_rate=0.01)
    fit = train_network(clips, ARMS["real_audio"], ENCODER, settings(training, fusion), seed=0)
    assert fit.epochs == [10, 20, 30]
    validation = [clip for i in (100, 101, 102) for clip in family(i)]

    def predicted(state, clip):
        maps = clip_maps(clip, ENCODER, 0)
        return predict(load_network(state, ENCODER), maps, space.own(clip), 5)

    choice = choose(fit, validation, predicted)
    state = fit.snapshots[choice.snapshot]
    red, green, blue, silence = family(200)
    masks = {c.label: predicted(state, c) for c in (red, green, blue, silence)}
    own = iou(count_clip(masks["red"], red))[:, choice.threshold]
    others = iou(count_clip(masks["green"], red))[:, choice.threshold]
    assert own.mean() > 0.6
    assert others.mean() < 0.2
    assert is_empty(count_clip(masks["silence"], silence))[:, choice.threshold].all()


@pytest.mark.parametrize("arm", ["real_audio", "encoder_trained"])
def test_a_network_of_coarser_maps_is_trained_without_the_finest(world, space, arm) -> None:
    stages = int(ARMS[arm].trains_encoder)
    coarser = replace(settings(), network=NETWORK.changed(finest=1))
    kept = training_clips(world, ENCODER, space, stages, finest=1)
    whole = training_clips(world, ENCODER, space, stages)
    assert len(kept.maps) == len(whole.maps) - 1 == 3 - stages
    fit = train_network(kept, ARMS[arm], ENCODER, coarser, seed=0)
    assert_same(
        fit.snapshots[0], train_network(whole, ARMS[arm], ENCODER, coarser, seed=0).snapshots[0]
    )
    network, clip = load_network(fit.snapshots[0], ENCODER), family(200)[0]
    assert network.head.config.finest == 1
    masks = predict(network, clip_maps(clip, ENCODER, stages), space.own(clip), 5)
    assert masks.shape == clip.truth.shape


def test_what_the_trained_stages_read_is_kept_whatever_map_is_the_finest(world, space) -> None:
    for stages, left in ((4, 1), (3, 1), (2, 1), (1, 1), (0, 1)):
        clips = training_clips(world[:2], ENCODER, space, stages, finest=3)
        assert len(clips.maps) == left
        coarsest = replace(settings(), network=NETWORK.changed(finest=3, fused=(3,)))
        training = SHORT.changed(trained_stages=stages, epochs=1)
        train_network(clips, ARMS["real_audio"], ENCODER, replace(coarsest, training=training), 0)


def test_networks_of_folders_that_name_no_finest_map_read_all(clips) -> None:
    state = train_network(clips, ARMS["real_audio"], ENCODER, settings(), seed=0).snapshots[0]
    named = settings_of(state)
    assert named.pop("finest") == 0
    older = {**state, SETTINGS: np.frombuffer(json.dumps(named).encode(), np.uint8)}
    assert_same(pack_network(load_network(older, ENCODER)), state)


def test_finer_maps_than_are_read_cannot_be_fused() -> None:
    with pytest.raises(ValueError, match="fused has map 1, but the finest map that is read is 2"):
        AvsNetworkSettings(finest=2)
    assert AvsNetworkSettings().finest == 0


def test_a_threshold_may_lose_some_iou_to_leave_more_seconds_empty() -> None:
    """Pixels that sound are at 0.9, one row of them at 0.5; where nothing does, some are at 0.6."""

    def predicted(state, clip):
        p = np.where(clip.truth, 0.9, 0.0).astype(np.float32)
        for second in np.flatnonzero(clip.has_truth):
            p[second, np.flatnonzero(clip.truth[second].any(axis=1))[0]] *= 5 / 9
        p[~clip.has_truth, 0, 0] = 0.6
        return p

    fit, clips = Fit([{}], [1], []), family(100)
    strict = choose(fit, clips, predicted)
    assert strict.probability <= 0.5
    loose = choose(fit, clips, predicted, slack=0.11)  # of ten rows, one is lost
    assert 0.6 < loose.probability <= 0.9
    assert loose.score > strict.score
    assert choose(fit, clips, predicted, slack=0.09) == strict


def test_video_only_gives_the_same_masks_whatever_sounds(clips, space) -> None:
    fit = train_network(clips, ARMS["video_only"], ENCODER, settings(), seed=0)
    other = replace(clips, audio=clips.audio.flip(0))
    assert_same(
        fit.snapshots[0],
        train_network(other, ARMS["video_only"], ENCODER, settings(), seed=0).snapshots[0],
    )


def test_the_same_seed_gives_the_same_bytes_and_leaves_random_numbers_alone(clips) -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    first = train_network(clips, ARMS["real_audio"], ENCODER, settings(), seed=1)
    assert torch.equal(torch.rand(2), expected)
    second = train_network(clips, ARMS["real_audio"], ENCODER, settings(), seed=1)
    assert_same(first.snapshots[0], second.snapshots[0])
    third = train_network(clips, ARMS["real_audio"], ENCODER, settings(), seed=2)
    assert any((first.snapshots[0][n] != third.snapshots[0][n]).any() for n in first.snapshots[0])


# --- crop losses ----------------------------------------------------------------------------------


def test_the_sources_second_network_changes_no_byte_of_the_segmentation(crop_clips) -> None:
    """With and without it, training is the same: its losses have no path to the masks."""
    with_it = train_network(crop_clips, ARMS["separate_crop_network"], ENCODER, settings(), seed=0)
    without = train_network(crop_clips, ARMS["encoder_trained"], ENCODER, settings(), seed=0)
    assert_same(with_it.snapshots[0], without.snapshots[0])
    assert with_it.history[-1]["separate"] < with_it.history[0]["separate"]  # it does learn


def crop_gradients(arm, clips):
    """Return the gradient of an arm's crop losses alone on each weight of the segmentation."""
    from unmuted.systems.segmentation.networks import network_config, new_network

    torch.manual_seed(0)
    network = new_network(network_config(NETWORK, 4, "gate"), ENCODER, 1)
    crops = CropTraining(arm, clips, ENCODER, CropLossSettings(dim=4))
    usable = trainable_seconds(clips, negatives=False)
    chosen, seconds = next(draw_batches(usable, 3, 8))
    batch = make_batch(clips, chosen, seconds, clips.audio)
    if arm.separate:
        crops.step_separate(batch)
    else:
        crops.loss(network.all_maps(batch.maps), batch).backward()
    return {name: weight.grad for name, weight in network.named_parameters()}


def test_the_gradient_of_the_second_network_on_every_segmentation_weight_is_zero(crop_clips):
    gradients = crop_gradients(ARMS["separate_crop_network"], crop_clips)
    assert all(gradient is None for gradient in gradients.values())


@pytest.mark.parametrize("loss", CROP_LOSSES)
def test_each_crop_loss_reaches_the_encoder_that_the_segmentation_reads(crop_clips, loss) -> None:
    gradients = crop_gradients(ARMS[f"with_{loss}"], crop_clips)
    convolutions = [g for name, g in gradients.items() if name.startswith("tail.0.0.")]
    assert convolutions
    assert all(g is not None and g.abs().sum() > 0 for g in convolutions)


def test_crop_losses_change_the_masks_that_are_learnt(crop_clips) -> None:
    plain = train_network(crop_clips, ARMS["encoder_trained"], ENCODER, settings(), seed=0)
    crops = train_network(crop_clips, ARMS["with_crop_losses"], ENCODER, settings(), seed=0)
    assert any((plain.snapshots[0][n] != crops.snapshots[0][n]).any() for n in plain.snapshots[0])
    network = load_network(crops.snapshots[0], ENCODER)
    assert 0 < crop_separation(network, crop_clips, ENCODER) < 1


def test_boxes_of_mirrored_pictures_lie_on_what_sounds(crop_clips) -> None:
    """The truth of these clips fills its boxes, so boxes in place of masks are the truth."""
    from unmuted.systems.segmentation.crops import box_masks

    torch.manual_seed(0)
    for chosen, seconds in draw_batches(crop_clips.is_labelled, 2, 16):
        batch = make_batch(crop_clips, chosen, seconds, crop_clips.audio)
        assert torch.equal(box_masks(batch.crops, batch.truth), batch.truth)
        labels = [crop_clips.classes[i] for i in batch.crops.labels.tolist()]
        assert labels == [crop_clips.labels[chosen[w]] for w in batch.crops.windows.tolist()]


# --- what is drawn and counted --------------------------------------------------------------------


def test_a_batch_keeps_pictures_truth_and_sound_of_a_second_together(world, space) -> None:
    """Of mirrored clips, truth and padding are mirrored with the pixels."""
    world = [toy_clip(i, "red", padded=4) for i in range(12)]
    clips = training_clips(world, ENCODER, space, trained_stages=4)  # the maps are the pixels
    torch.manual_seed(1)
    chosen, seconds = next(draw_batches(clips.is_labelled, 2, 12))
    batch = make_batch(clips, chosen, seconds, clips.audio)
    red = (batch.maps[0][:, 0] > 0.5) & (batch.maps[0][:, 1] < 0)
    assert torch.equal(red.view_as(batch.truth).float(), batch.truth)
    assert torch.equal(batch.audio, clips.audio[chosen[:, None], seconds])
    assert (seconds[:, 0] < seconds[:, 1]).all()
    # Pictures of 28 rows are cut to what the network needs, 32, and the rest is not counted.
    assert not batch.counted[:, :, SIDE - 4 :].any()
    assert batch.counted[:, :, : SIDE - 4].all()
    mirrored = [
        not torch.equal(batch.truth[i], clips.truth[chosen[i], seconds[i]].float())
        for i in range(12)
    ]
    assert 0 < sum(mirrored) < 12


def test_unlabelled_seconds_are_never_drawn(clips) -> None:
    """They are no empty truth; clips with fewer labelled seconds are in batches of their own."""
    labelled = clips.is_labelled.clone()
    labelled[:10, 1:] = False
    labelled[10] = False
    drawn = set()
    for chosen, seconds in draw_batches(labelled, 3, 4):
        assert seconds.shape[1] in (1, 3)
        drawn |= {
            (c, s) for c, row in zip(chosen.tolist(), seconds.tolist(), strict=True) for s in row
        }
    assert drawn == {tuple(pair) for pair in torch.nonzero(labelled).tolist()}


def test_the_loss_ignores_padding_and_unlabelled_frames() -> None:
    torch.manual_seed(0)
    logits, truth = torch.randn(2, 3, 4, 4), (torch.rand(2, 3, 4, 4) > 0.5).float()
    counted = torch.ones(2, 3, 4, 4, dtype=torch.bool)
    counted[0, 1], counted[:, :, 2:] = False, False
    expected = mask_loss(logits, truth, counted)
    changed = torch.where(counted, logits, 100 * torch.randn(logits.shape))
    flipped = torch.where(counted, truth, 1 - truth)
    for name, loss in mask_loss(changed, flipped, counted).items():
        assert loss == pytest.approx(expected[name].item())
    perfect = mask_loss(100 * (truth - 0.5), truth, counted)
    assert perfect["dice"] < 1e-4 < expected["dice"]


def test_without_negatives_no_empty_truth_is_drawn(clips) -> None:
    usable = trainable_seconds(clips, negatives=False)
    assert torch.equal(usable, clips.truth.flatten(2).any(dim=2))
    assert usable.sum() < trainable_seconds(clips, negatives=True).sum()


def test_made_negatives_are_silent_or_swapped_and_have_an_empty_truth(clips) -> None:
    torch.manual_seed(0)
    chosen, seconds = next(draw_batches(clips.is_labelled, 3, 40))
    batch = make_batch(clips, chosen, seconds, clips.audio)
    silent = with_negatives(
        batch, clips, chosen, seconds, NegativeSettings(silent=1.0, swapped=0.0)
    )
    assert not silent.truth.any()
    assert torch.equal(silent.audio, clips.silence.expand_as(silent.audio))
    swapped = with_negatives(
        batch, clips, chosen, seconds, NegativeSettings(silent=0.0, swapped=1.0)
    )
    assert not swapped.truth.any()
    assert not (swapped.audio == batch.audio).all(dim=2).any()
    assert with_negatives(batch, clips, chosen, seconds, NegativeSettings()) is batch


def test_shuffled_sound_is_that_of_another_clip_each_used_once(clips) -> None:
    shuffled = shuffled_sound(clips, seed=0)
    same = (shuffled[:, None] == clips.audio[None]).flatten(2).all(dim=2)  # (N, N)
    assert (same.sum(dim=0) >= 1).all()
    assert not (shuffled == clips.audio).flatten(1).all(dim=1).all()
    silent = [i for i, label in enumerate(clips.labels) if label == "silence"]
    others = [i for i in range(len(clips)) if i not in silent]
    assert not same[others, others].any()


def test_training_needs_a_mask_that_marks_something(clips) -> None:
    nothing = replace(clips, truth=torch.zeros_like(clips.truth))
    with pytest.raises(UserError, match="no labelled second of a training video has a pixel"):
        train_network(nothing, ARMS["real_audio"], ENCODER, settings(), seed=0)


def test_a_clip_without_a_stream_has_the_mean_sound_and_its_own_truth(world, space) -> None:
    """Its truth is what its masks say: missing sound is no reason for an empty one."""
    without = replace(world[0], has_audio=np.zeros(world[0].seconds, bool))
    unlabelled = replace(without, is_labelled=np.zeros(world[0].seconds, bool))
    made = training_clips([without, unlabelled, world[1]], ENCODER, space)
    assert not made.audio[:2].any() and made.audio[2].any()
    assert not torch.equal(made.audio[0, 0], made.silence)
    assert torch.equal(made.truth[0], torch.from_numpy(world[0].truth)) and made.truth[0].any()
    assert trainable_seconds(made, negatives=True).tolist() == [[True] * 3, [False] * 3, [True] * 3]


def test_a_choice_needs_a_second_of_validation_that_marks_something(clips, space) -> None:
    fit = train_network(clips, ARMS["real_audio"], ENCODER, settings(), seed=0)
    empty = toy_clip(100, "silence")
    unlabelled = replace(toy_clip(101, "red"), is_labelled=np.zeros(3, bool))
    with pytest.raises(UserError, match="no validation video has a second in which a mask marks"):
        choose(fit, [empty, unlabelled], lambda state, clip: np.zeros(clip.truth.shape, np.float32))
