"""Segmentation: no test video reaches a fit or a choice, no truth a mask, no sound a picture.

The jobs run one after the other over made clips; what a leak would change is then compared. Each
guard has a planted leak that turns it red.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from systems.segmentation.made_clips import MadeArtifact, made_clip, made_job
from systems.segmentation.toy_clips import family, training_world
from unmuted.engine.executor import Task
from unmuted.errors import UserError
from unmuted.samples.experiment import Clip
from unmuted.samples.fits import fold_name
from unmuted.samples.folds import Generators
from unmuted.systems.segmentation import (
    context as context_module,
)
from unmuted.systems.segmentation import (
    fitting_jobs,
    masks_job,
    partners_job,
    scores_job,
    selection_job,
    space_job,
    training_job,
)
from unmuted.systems.segmentation.clip_data import ClipData
from unmuted.systems.segmentation.context import ClipMaps, ClipSound, Context
from unmuted.systems.segmentation.fitted import Fitted, in_order
from unmuted.systems.segmentation.loading import load_clip
from unmuted.systems.segmentation.marking import MarkingRule
from unmuted.systems.segmentation.measured import TestClip
from unmuted.systems.segmentation.network_stages import STAGES
from unmuted.systems.segmentation.report import build_report
from unmuted.systems.segmentation.scores_job import Partner

torch.set_num_threads(1)
SEED = 0
ARMS = ("real_audio", "video_only", "generated_audio", "boxes_as_masks")
CONDITIONS = ("own", "silence", "noise", "swapped", "mean", "knn", "generated")
AVS = {
    "arms": ARMS,
    "conditions": CONDITIONS,
    "network": {"width": 8},
    "training": {"epochs": 4, "snapshots": 2, "batch_size": 8},
    "neighbours": 2,
}
FOLDS = 2
Change = Callable[[ClipData, str], ClipData]


@dataclass
class Chain:
    """Everything that the jobs make of the made clips."""

    space: dict
    bank: dict
    generators: dict
    networks: dict
    selection: dict
    masks: dict
    scores: dict
    clips: dict
    context: Context


def unchanged(clip: ClipData, split: str) -> ClipData:
    """Leave a clip as it is."""
    return clip


def task(name: str) -> Task:
    return Task(name, "made")


def only(results: Any) -> Any:
    (result,) = results
    return result.payload


def worlds() -> dict[str, list[ClipData]]:
    """Return the clips of each split: pictures of their own to train on, else families."""
    return {
        "train": training_world(16),
        "val": [clip for i in (100, 101) for clip in family(i)],
        "test": [clip for i in (200, 201, 202) for clip in family(i)],
    }


def clips_on_disk(folder: Path, change: Change = unchanged) -> dict[str, list[Clip]]:
    """Write the clips of each split; change: alters what they hold."""
    folder.mkdir()
    return {
        split: in_order([made_clip(folder, change(clip, split), split) for clip in of_split])
        for split, of_split in worlds().items()
    }


def run_chain(folder: Path, change: Change = unchanged) -> Chain:
    """Run the jobs; change: alters what the clips of a split hold."""
    job = made_job(AVS)
    clips = clips_on_disk(folder, change)
    train, val, test = (clips[split] for split in ("train", "val", "test"))
    folds = {clip.group: i % FOLDS for i, clip in enumerate(train)}
    space = only(space_job.fit_space([task("all")], train, job))
    space_artifact = MadeArtifact(None, space)
    bank = only(fitting_jobs.build_bank([task("all")], train, Context(job, None)))
    of_folds = {
        fold_name(fold): [clip for clip in train if folds[clip.group] != fold]
        for fold in range(FOLDS)
    }
    fitted = Fitted(space_artifact, MadeArtifact(None, bank), {})
    made = fitting_jobs.train_generators(
        [task(f"seed-{SEED}.{name}") for name in of_folds], of_folds, val, fitted, job
    )
    generators = {result.name.split(".")[1]: result.payload for result in made}
    by_fold = {name: MadeArtifact(None, state) for name, state in generators.items()}
    context = Context(job, replace(fitted, generators={SEED: by_fold}), folds)
    tasks = [task(f"seed-{SEED}.{arm}") for arm in ARMS]
    trained = training_job.train(tasks, train, context)
    networks = {result.name.split(".")[1]: result.payload for result in trained}
    fits = {SEED: {arm: MadeArtifact(None, state) for arm, state in networks.items()}}
    selection = only(selection_job.select([task("all")], val, fits, context))
    by_name = {clip.video_id: clip for clip in test}
    masks = mark(by_name, fits, selection, context)
    table = only(partners_job.partner_table([task("all")], test, job))
    partners = read_partners(table, by_name)
    choices = selection["arms"]
    loaded = {arm: masks_job.load_arm(arm, choices[arm], fits, context) for arm in choices}
    scored = scores_job.score_shard(
        [task(name) for name in by_name], by_name, partners, loaded, choices, context
    )
    scores = {result.name: result.payload for result in scored}
    return Chain(space, bank, generators, networks, selection, masks, scores, by_name, context)


def mark(clips: Mapping, fits: Mapping, selection: Mapping, context: Context) -> dict:
    rule = MarkingRule(marks_silence=True, fills_missing=False, silence_db=-60.0)
    trained = masks_job.Trained.of("real_audio", selection["arms"]["real_audio"], fits, context)
    tasks = [task(name) for name in clips]
    found = masks_job.mark_shard(tasks, clips, trained, rule, context)
    return {result.name: result.payload for result in found}


def read_partners(table: Mapping, clips: Mapping) -> dict[str, dict[str, Partner]]:
    partners: dict[str, dict[str, Partner]] = {}
    for name, entries in table.items():
        for condition, entry in entries.items():
            if entry is not None:
                other = load_clip(clips[entry["video_id"]])
                sound = ClipSound(other.tokens["own"], other.has_audio)
                truth = other.truth if condition == "other" else None
                partners.setdefault(name, {})[condition] = Partner(sound, truth)
    return partners


def report_of(chain: Chain) -> dict[str, Any]:
    """Return the report on the scores of a chain."""
    clips = [
        TestClip(name, clip.group, clip.label or "", "", chain.scores[name])
        for name, clip in chain.clips.items()
    ]
    config = made_job(AVS).config
    return build_report(config, clips, chain.selection["arms"], [SEED])


def assert_equal(first: Any, second: Any) -> None:
    """Compare nested dicts of arrays and values, to the bit."""
    if isinstance(first, Mapping):
        assert first.keys() == second.keys()
        for name in first:
            assert_equal(first[name], second[name])
    elif isinstance(first, np.ndarray):
        np.testing.assert_array_equal(first, second)
    else:
        assert first == second


def differ(first: Any, second: Any) -> bool:
    try:
        assert_equal(first, second)
    except AssertionError:
        return True
    return False


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chains")


@pytest.fixture(scope="module")
def clean(folder: Path) -> Chain:
    return run_chain(folder / "clean")


def spoilt(clip: ClipData) -> ClipData:
    """Other pictures, sounds, boxes and truth."""
    tokens = {name: 3 - 2 * rows[::-1] for name, rows in clip.tokens.items()}
    boxes = tuple(replace(box, edges=(0, 0, 5, 5)) for box in clip.boxes)
    return replace(
        clip,
        frames=255 - clip.frames,
        tokens=tokens,
        truth=clip.truth[:, ::-1],
        boxes=boxes,
    )


def in_splits(*splits: str, spoil: Callable[[ClipData], ClipData] = spoilt) -> Change:
    """Change the clips of some splits."""
    return lambda clip, split: spoil(clip) if split in splits else clip


def test_the_stages_that_fit_or_choose_may_not_read_test_videos() -> None:
    """A job is refused the artifacts of other splits than its stage declares."""
    rows = {stage.name: stage for stage in STAGES}
    for name in ("avs_space", "avs_bank", "avs"):
        assert rows[name].splits == ("train",), name
    for name in ("avs_generator", "avs_selection"):
        assert set(rows[name].splits) == {"train", "val"}, name
    assert not any(stage.all_videos_if for stage in STAGES)
    # No truth reaches a mask, and boxes are for training alone.
    for name in ("avs_masks", "avs_overlays", "avs_mask_files", "avs_tables"):
        assert not {"avs_truth", "avs_boxes", "avs_partners"} & set(rows[name].upstream), name
        assert not rows[name].reads_targets, name
    assert [stage.name for stage in STAGES if "avs_boxes" in stage.upstream] == ["avs"]


def test_what_test_videos_hold_changes_no_fit_and_no_choice(clean: Chain, folder: Path) -> None:
    other = run_chain(folder / "spoilt_test", in_splits("test"))
    for name in ("space", "bank", "generators", "networks", "selection"):
        assert_equal(getattr(clean, name), getattr(other, name))
    assert differ(clean.masks, other.masks)


def test_what_validation_videos_hold_changes_choices_alone(clean: Chain, folder: Path) -> None:
    """Generators too are chosen on them, so networks that read generated audio change."""
    other = run_chain(folder / "spoilt_val", in_splits("val"))
    for name in ("space", "bank"):
        assert_equal(getattr(clean, name), getattr(other, name))
    for arm in ("real_audio", "video_only", "boxes_as_masks"):
        assert_equal(clean.networks[arm], other.networks[arm])
    assert differ(clean.selection, other.selection)


def test_the_planted_leak_of_a_test_video_in_training_is_seen(clean: Chain, folder: Path) -> None:
    other = run_chain(folder / "spoilt_train", in_splits("train"))
    for name in ("space", "bank", "networks"):
        assert differ(getattr(clean, name), getattr(other, name)), name


def test_the_planted_leak_of_test_sound_in_a_fit_is_seen(folder: Path) -> None:
    """The space and the bank of training and test clips, by mistake, change with the latter."""
    found = []
    for name, change in (("leak", unchanged), ("leak_spoilt", in_splits("test"))):
        clips, job = clips_on_disk(folder / name, change), made_job(AVS)
        both = in_order([*clips["train"], *clips["test"]])
        space = only(space_job.fit_space([task("all")], both, job))
        bank = only(fitting_jobs.build_bank([task("all")], both, Context(job, None)))
        found.append((space, bank))
    (space, bank), (other_space, other_bank) = found
    assert differ(space, other_space) and differ(bank, other_bank)


def test_the_planted_leak_of_test_clips_in_a_choice_is_seen(clean: Chain, folder: Path) -> None:
    """Thresholds and epochs of validation and test clips, by mistake, change with the latter."""
    fits = {SEED: {"real_audio": MadeArtifact(None, clean.networks["real_audio"])}}
    chosen = []
    for name, change in (("choice", unchanged), ("choice_spoilt", in_splits("test"))):
        clips = clips_on_disk(folder / name, change)
        both = [*clips["val"], *clips["test"]]
        chosen.append(
            [
                only(selection_job.select([task("all")], of_split, fits, clean.context))["arms"]
                for of_split in (clips["val"], both)
            ]
        )
    (honest, leaking), (honest_again, leaking_again) = chosen
    assert_equal(honest["real_audio"], clean.selection["arms"]["real_audio"])
    assert_equal(honest, honest_again)
    assert differ(leaking, leaking_again)


def test_permuted_test_truths_change_no_byte_of_a_mask(clean: Chain, folder: Path) -> None:
    def permute(clip: ClipData) -> ClipData:
        return replace(clip, truth=clip.truth[::-1, :, ::-1], label="other")

    other = run_chain(folder / "permuted", in_splits("test", spoil=permute))
    assert_equal(clean.masks, other.masks)
    assert differ(clean.scores, other.scores)
    # The planted leak: the same done to training truths does change them.
    leaking = run_chain(folder / "leaking", in_splits("train", spoil=permute))
    assert differ(clean.masks, leaking.masks)


def test_boxes_are_read_of_training_videos_alone(clean: Chain, folder: Path) -> None:
    def move(clip: ClipData) -> ClipData:
        return replace(clip, boxes=tuple(replace(b, edges=(0, 0, 5, 5)) for b in clip.boxes))

    other = run_chain(folder / "boxes", in_splits("train", spoil=move))
    assert differ(clean.networks["boxes_as_masks"], other.networks["boxes_as_masks"])
    assert_equal(clean.networks["real_audio"], other.networks["real_audio"])
    elsewhere = run_chain(folder / "boxes_of_tests", in_splits("val", "test", spoil=move))
    assert_equal(clean.networks, elsewhere.networks)
    assert_equal(clean.selection, elsewhere.selection)
    assert_equal(clean.scores, elsewhere.scores)


def test_a_source_that_was_trained_on_is_not_chosen_on_or_tested(clean: Chain) -> None:
    clip = next(iter(clean.clips.values()))
    network = clean.networks["real_audio"]
    selection_job.check_unseen(network, [clip])
    with pytest.raises(UserError, match="or on another video of that source"):
        selection_job.check_unseen(network, [replace(clip, group="picture-0")])
    with pytest.raises(UserError, match="was trained on"):
        selection_job.check_unseen(network, [replace(clip, key="key-0")])


def test_audio_of_training_clips_is_generated_out_of_fold(clean: Chain) -> None:
    """The planted leak: the generators of the folds are exchanged."""
    first, second = clean.generators
    states = [clean.generators[second], clean.generators[first]]
    context = clean.context
    clip = next(c for c in training_world(16) if c.label == "red")
    maps = ClipMaps(clip, context)
    context_module.generated_audio(maps, context, SEED)
    exchanged = Generators([0, 1], states.__getitem__, averages=True)
    from unmuted.systems.segmentation.generation import generate

    with pytest.raises(UserError, match="must be out of fold"):
        generate(maps.looks, clip.key, clip.group, exchanged, context.folds, 5, SEED)


def test_swapped_sound_is_the_other_clips_own_to_the_bit(clean: Chain) -> None:
    """All conditions take one path, so that none can be told by how it was computed."""
    first, second = list(clean.clips.values())[:2]
    context = clean.context
    maps, other = (ClipMaps(load_clip(clip), context) for clip in (first, second))
    sound = ClipSound(other.clip.tokens["own"], other.clip.has_audio)
    swapped = context_module.condition_audio("swapped", maps, context, SEED, {"swapped": sound})
    own = context_module.condition_audio("own", other, context, SEED)
    np.testing.assert_array_equal(swapped, own)
    # The planted leak: a condition through features of another scale.
    planted = copy.copy(context)
    planted.__dict__["space"] = replace(context.space, scale=1.01 * context.space.scale)
    by_scale = context_module.condition_audio("swapped", maps, planted, SEED, {"swapped": sound})
    assert differ(by_scale, own)
    silence = context_module.condition_audio("silence", maps, context, SEED)
    missing = context_module.condition_audio("mean", maps, context, SEED)
    assert not missing.any()
    assert silence.any()  # a sound, not what is not known


def test_functions_of_the_picture_are_at_most_half(clean: Chain) -> None:
    report = report_of(clean)
    bounded = report["bound"]["of_pairs"]
    assert set(bounded) == {
        "video_only.own",
        "generated_audio.own",
        "generated_audio.mean",
        *(f"real_audio.{name}" for name in ("mean", "knn", "generated")),
        *(f"boxes_as_masks.{name}" for name in ("mean", "knn", "generated")),
    }
    assert all(mean <= 0.5 + 1e-9 for means in bounded.values() for mean in means)
    assert report["bound"]["union_of_both"] == pytest.approx(0.5)


def test_real_sound_in_what_is_called_generated_breaks_the_bound(clean: Chain) -> None:
    """The planted leak: masks of the truth itself, under the name of generated audio."""
    leaking = {}
    for name, clip in clean.clips.items():
        loaded = load_clip(clip)
        arrays = dict(clean.scores[name])
        for kind in ("inside", "outside"):
            counts = np.zeros_like(arrays[f"real_audio.generated.{kind}"])
            sums = loaded.truth if kind == "inside" else ~loaded.truth
            counts[0, :, -1 if kind == "inside" else 0] = sums.sum(axis=(1, 2))
            arrays[f"real_audio.generated.{kind}"] = counts
        leaking[name] = arrays
    with pytest.raises(UserError, match=r"real_audio\.generated reads the picture alone.*leaked"):
        report_of(replace(clean, scores=leaking))


def test_the_same_seed_gives_the_same_bytes(clean: Chain, folder: Path) -> None:
    again = run_chain(folder / "again")
    for name in ("space", "bank", "generators", "networks", "selection", "masks", "scores"):
        assert_equal(getattr(clean, name), getattr(again, name))
