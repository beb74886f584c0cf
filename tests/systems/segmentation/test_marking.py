"""Masks of videos without truth: the rule for silence, windows, files, and drawings."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from systems.segmentation.made_clips import made_clip, made_job
from systems.segmentation.toy_clips import family, toy_clip, toy_encoder, training_world
from unmuted.config.avs_training import AvsNetworkSettings
from unmuted.engine.executor import Task
from unmuted.errors import UserError
from unmuted.systems.segmentation.arms import ARMS, conditions_of
from unmuted.systems.segmentation.context import Context
from unmuted.systems.segmentation.inference import needed_size, predict, trimmed
from unmuted.systems.segmentation.marking import MarkingRule
from unmuted.systems.segmentation.masks_job import Trained, mark_shard
from unmuted.systems.segmentation.native_masks import Drawer, native_mask, write_archive
from unmuted.systems.segmentation.networks import network_config, new_network
from unmuted.systems.segmentation.results_job import regions
from unmuted.systems.segmentation.retrieval import build_bank, picture_looks
from unmuted.systems.segmentation.scoring import pair_areas, paired_names
from unmuted.systems.segmentation.sound_space import SoundSpace, fit_sound_space
from unmuted.systems.segmentation.stored_probabilities import quantised
from unmuted.systems.segmentation.windows import windows

torch.set_num_threads(1)
pytestmark = pytest.mark.unit
ENCODER = toy_encoder()


def test_silence_marks_nothing_by_rule_and_missing_sound_never() -> None:
    has_audio = np.array([True, True, False])
    rms_db = np.array([-20.0, -80.0, -140.0])
    rule = MarkingRule(marks_silence=False, fills_missing=False, silence_db=-60.0)
    assert rule.statuses(has_audio, rms_db) == ["ok", "silent", "no_stream"]
    assert [rule.is_empty(s) for s in ("ok", "silent", "no_stream")] == [False, True, True]
    model = replace(rule, marks_silence=True)
    assert [model.is_empty(s) for s in ("ok", "silent", "no_stream")] == [False, False, True]
    filled = replace(rule, fills_missing=True)
    assert filled.statuses(has_audio, rms_db) == ["ok", "silent", "hypothetical"]
    assert not filled.is_empty("hypothetical")


@pytest.mark.parametrize("seconds", [1, 4, 5, 6, 12])
def test_windows_keep_each_second_once_and_repeat_none(seconds: int) -> None:
    found = list(windows(seconds, 5))
    assert [k for w in found for k in range(w.first, w.stop)] == list(range(seconds))
    assert all(w.stop - w.start == min(5, seconds) and w.start >= 0 for w in found)


def test_a_second_does_not_depend_on_what_follows_its_window() -> None:
    torch.manual_seed(0)
    network = new_network(network_config(AvsNetworkSettings(width=8), 4, "tpavi"), ENCODER, 0)
    for weights in network.parameters():  # what starts at zero would hide a dependence
        torch.nn.init.normal_(weights, std=0.2)
    clips = [toy_clip(i, "red") for i in range(3)]
    frames = np.concatenate([clip.frames for clip in clips])
    maps = [torch.from_numpy(m) for m in ENCODER.maps(frames)]
    audio = np.random.default_rng(0).standard_normal((9, 4)).astype(np.float32)
    whole = predict(network, maps, audio, 3)
    shorter = predict(network, [m[:7] for m in maps], audio[:7], 3)
    np.testing.assert_array_equal(whole[:6], shorter[:6])
    assert (whole[6] != shorter[6]).any()  # the last window is shifted back
    with pytest.raises(ValueError, match="no numbers"):
        predict(network, maps, audio * np.nan, 3)


def test_probabilities_that_are_no_numbers_fail_the_job_by_the_videos_name(tmp_path: Path) -> None:
    found = [made_clip(tmp_path, toy_clip(i, "red", f"video-{i}"), "test") for i in range(2)]
    clips = {clip.video_id: clip for clip in found}
    context = Context(made_job({"network": {"width": 8}}), None)
    context.space = fit_sound_space(training_world(8), 4)
    network = new_network(
        network_config(AvsNetworkSettings(width=8), 4, "gate"), context.encoder, 0
    )
    rule = MarkingRule(marks_silence=False, fills_missing=False, silence_db=-60.0)
    trained = Trained("real_audio", {0: network}, 0.5)
    tasks = [Task(name, "made") for name in clips]
    assert len(list(mark_shard(tasks, clips, trained, rule, context))) == 2
    torch.nn.init.constant_(network.head.decoder.to_logit.bias, torch.nan)
    with pytest.raises(UserError, match=r"avs: video-0: .*no numbers; no mask is written"):
        list(mark_shard(tasks, clips, trained, rule, context))


def test_padding_that_the_network_does_not_need_is_cut_off() -> None:
    is_padding = np.ones((96, 128), bool)
    is_padding[:72, :96] = False
    assert needed_size(is_padding, 16) == (80, 96)
    clip = trimmed(toy_clip(0, "red", padded=12), 4)
    assert clip.frames.shape[1:3] == clip.truth.shape[1:] == clip.is_padding.shape == (20, 32)
    with pytest.raises(ValueError, match="padded to multiples of 16"):
        needed_size(np.zeros((20, 32), bool), 16)


def test_masks_have_the_size_of_the_video_and_archives_the_same_bytes(tmp_path: Path) -> None:
    stored = np.zeros((32, 32), np.uint8)
    stored[4:12, 8:16] = 255
    stored[24:] = 255  # padding is left out
    mask = native_mask(stored, (24, 32), (97, 131), 0.5)
    assert mask.shape == (97, 131)
    assert regions(mask) == 1
    assert mask.mean() == pytest.approx(64 / (24 * 32), rel=0.05)
    for name in ("a.zip", "b.zip"):
        write_archive(tmp_path / name, [mask, ~mask])
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        image = Image.open(io.BytesIO(archive.read("1.png")))
    assert image.mode == "L"
    np.testing.assert_array_equal(np.asarray(image), 255 * ~mask)


def test_drawings_tint_the_mask_of_their_second_and_write_notes() -> None:
    mask = np.zeros((60, 80), bool)
    mask[20:40, 40:60] = True
    drawer = Drawer(lambda second: mask if second == 0 else np.zeros_like(mask), ["", "no sound"])
    grey = np.full((60, 80, 3), 128, np.uint8)
    marked = drawer.draw(0.99, grey.copy())
    assert (marked[30, 50] != grey[30, 50]).any()
    np.testing.assert_array_equal(marked[:15], grey[:15])
    silent = drawer.draw(1.0, grey.copy())
    np.testing.assert_array_equal(silent[20:40, 40:60], grey[20:40, 40:60])
    assert (silent[:12, :12] != 128).any()
    np.testing.assert_array_equal(drawer.draw(2.0, grey.copy()), grey)  # behind the last second


def test_clips_of_the_same_pictures_are_paired_both_ways() -> None:
    clips = [("c", "k", True), ("a", "k", True), ("b", "k", False), ("d", "other", True)]
    assert paired_names(clips) == {"a": "c", "c": "a"}
    truth = np.zeros((2, 4, 4), bool)
    other = np.zeros((1, 4, 4), bool)
    truth[:, 0], other[:, :, 0] = True, True
    np.testing.assert_array_equal(pair_areas(truth, other), [[4, 4, 1], [4, 0, 0]])


def test_silence_is_a_sound_and_missing_audio_is_the_mean() -> None:
    world = training_world(16)
    space = fit_sound_space(world, 4)
    own = np.concatenate([space.own(clip) for clip in world])
    np.testing.assert_allclose(own.mean(axis=0), 0, atol=1e-5)
    assert np.sqrt((own.astype(np.float64) ** 2).mean()) == pytest.approx(1, rel=1e-5)
    silence = space.audio(world[0].tokens["silence"])
    assert np.abs(silence).max() > 0.1
    lost = replace(world[0], has_audio=np.zeros(3, bool))
    assert not space.own(lost).any()
    again = SoundSpace.unpack(space.pack())
    np.testing.assert_array_equal(again.own(world[0]), space.own(world[0]))


def test_retrieved_sound_is_that_of_similar_pictures_of_other_sources() -> None:
    clips = [toy_clip(i, "red") for i in range(4)]
    looks = [picture_looks(ENCODER.maps(c.frames)[-1], c.is_padding) for c in clips]
    tokens = [np.full((3, 2), i, np.float32) for i in range(4)]
    bank = build_bank(looks, tokens, ["g0", "g1", "g2", "g2"])
    np.testing.assert_array_equal(bank.retrieve(looks[1], "elsewhere", 1), tokens[1])
    assert not (bank.retrieve(looks[2], "g2", 1) >= 2).any()
    lone = build_bank(looks[:1], tokens[1:2], ["g0"])
    np.testing.assert_array_equal(lone.retrieve(looks[0], "g0", 3), np.ones((3, 2)))


def test_conditions_of_arms() -> None:
    available = {"own", "silence", "mean", "knn", "other"}
    assert conditions_of(ARMS["video_only"], available) == ("own",)
    assert conditions_of(ARMS["told_class"], available) == ("own",)
    assert conditions_of(ARMS["real_audio"], available) == (
        "own",
        "silence",
        "mean",
        "knn",
        "other",
    )
    assert conditions_of(ARMS["generated_audio"], available) == ("own", "silence", "mean")


def test_probabilities_are_stored_to_the_nearest_step() -> None:
    assert quantised(np.array([0.0, 0.5, 1.0])).tolist() == [0, 128, 255]


def test_families_differ_in_sound_and_truth_alone() -> None:
    first, *others = family(3)
    for other in others:
        np.testing.assert_array_equal(first.frames, other.frames)
