"""The recogniser's scripts over a made corpus: what is fitted, chosen and said of each video."""

from __future__ import annotations

from contextlib import chdir
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from guards.corpus import (
    COPIES,
    MADE,
    ORIGINAL,
    SEQUENCE_LENGTH,
    MadeClip,
    make_clips,
    other_name,
    with_other_everything,
    with_permuted_labels,
)
from guards.world import SEEDS, World, make_world
from unmuted.engine.artifacts import write_artifact
from unmuted.engine.executor import Artifact
from unmuted.engine.job import FullReader
from unmuted.engine.ledger import LedgerEntry, read_rows, write_rows
from unmuted.errors import UserError
from unmuted.samples.experiment import Clip, load_experiment
from unmuted.samples.sample import Sample
from unmuted.systems.classifier.selection import select_snapshot
from unmuted.systems.cnn_rnn.sequences import SEQUENCES, load_sequences
from unmuted.systems.cnn_rnn.tail_split import cnn_rnn_clips
from unmuted.systems.cnn_rnn.training import load_cnn_rnn, predict_with
from unmuted.training.checkpoints import unpack_fit

torch.set_num_threads(1)

FITTED = ("cnn_rnn_sources", "cnn_rnn", "cnn_rnn_selection")
STAGES_RUN = (*FITTED, "cnn_rnn_predictions")
PREDICTED = "cnn_rnn_predictions"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cnn_rnn")


@pytest.fixture(scope="module")
def clean(folder: Path) -> World:
    """In the default mode."""
    return make_world(folder / "clean", make_clips()).run(*STAGES_RUN)


@pytest.fixture(scope="module")
def seed_mode(folder: Path) -> World:
    """The same clips, cut as the source cuts them."""
    clips = make_clips()
    return make_world(folder / "tail", clips, cnn_rnn__split="sorted_tail").run(*STAGES_RUN)


def said(world: World) -> dict[str, dict]:
    return {name: artifact.json() for name, artifact in world.artifacts(PREDICTED).items()}


def chosen(world: World) -> dict:
    return world.fits("cnn_rnn_selection")["all"].json()


def clips_of(world: World) -> tuple[list[Clip], list[Clip]]:
    with chdir(world.folder):
        project = world.project()
        experiment = load_experiment(FullReader(project), needs=SEQUENCES)
        return cnn_rnn_clips(experiment, project.config["cnn_rnn"])


# --- what is said of a video ----------------------------------------------------------------------


def test_every_video_is_predicted(clean: World) -> None:
    found = said(clean)
    assert set(found) == {clip.video_id for clip in clean.clips}
    for name, one in found.items():
        assert one["classes"] == ["barking", "cello", "rain"]
        probabilities = np.array(one["probabilities"])
        assert probabilities.shape == (len(SEEDS), 3) and one["arms"] == {
            "cnn_rnn": one["probabilities"]
        }
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
        assert len({tuple(row) for row in one["probabilities"]}) == len(SEEDS)
        mean = dict(zip(one["classes"], 100 * probabilities.mean(axis=0), strict=True))
        assert [part["label"] for part in one["top"]] == sorted(mean, key=mean.get, reverse=True)
        for part in one["top"]:
            assert part["percent"] == pytest.approx(mean[part["label"]], abs=0.0051)
        assert all(a["percent"] >= b["percent"] for a, b in pairwise(one["top"]))
        assert one["predicted"] == one["top"][0]["label"]
        clip = next(clip for clip in clean.clips if clip.video_id == name)
        assert one["split"] == (clip.split or None)
        assert one["frames"] == min(2 + len(clip.steps), SEQUENCE_LENGTH)


def test_it_says_which_clips_prove_nothing(clean: World) -> None:
    found = said(clean)
    for name, one in found.items():
        # The copies are all of a training clip: in the test split, and without label, too.
        assert one["learnt_from"] == (one["split"] == "train" or name in COPIES), name
        assert one["validation"] == (one["split"] == "val"), name
    assert {one["split"] for one in found.values()} == {"train", "val", "test", None}


def test_other_clips_of_a_source_that_was_learnt_from_prove_nothing_either(folder: Path) -> None:
    clips = {clip.video_id: clip for clip in make_clips()}

    def another(name: str, group: str) -> MadeClip:
        clip = replace(clips[ORIGINAL], video_id=name, group=group, label="", split="")
        return with_other_everything(clip)

    # Of the training clip's own source; of a source that is the same one, since it has a copy.
    added = [another("sibling", clips[ORIGINAL].group)]
    added += [another("neighbour", clips["copy-unlabelled"].group), another("stranger", "new")]
    found = said(make_world(folder / "more", [*clips.values(), *added]).run(*STAGES_RUN))
    learnt = {clip.video_id: found[clip.video_id]["learnt_from"] for clip in added}
    assert learnt == {"sibling": True, "neighbour": True, "stranger": False}


def test_seed_mode_says_what_it_has_learnt_from(seed_mode: World) -> None:
    """Validation clips that were trained on, and training clips that it was validated on."""
    train, val = clips_of(seed_mode)
    assert {clip.split for clip in train} == {clip.split for clip in val} == {"train", "val"}
    sources = {clip.group for clip in train}
    found = said(seed_mode)
    for clip in train:
        assert found[clip.video_id]["learnt_from"]
    for clip in val:
        assert found[clip.video_id]["validation"]
        assert found[clip.video_id]["learnt_from"] == (
            clip.group in sources or clip.key in {other.key for other in train}
        )
    honest = [one for name, one in found.items() if one["split"] == "test" and name not in COPIES]
    assert honest and not any(one["learnt_from"] or one["validation"] for one in honest)


def test_seed_mode_starves_a_class(seed_mode: World, clean: World) -> None:
    train, val = clips_of(seed_mode)
    assert sorted({clip.label for clip in train}) == ["barking", "cello"]
    assert "rain" in {clip.label for clip in val}
    assert {clip.label for clip in clips_of(clean)[0]} == {"barking", "cello", "rain"}
    assert chosen(seed_mode)["validation_clips"] == len(val)


# --- what is fitted and chosen --------------------------------------------------------------------


def test_the_least_validation_loss_is_chosen(clean: World) -> None:
    _, val = clips_of(clean)
    choice = chosen(clean)
    assert choice["validation_clips"] == len(val) == 6
    assert len(choice["validated_on"]) == 6
    labels = np.array([["barking", "cello", "rain"].index(clip.label) for clip in val])
    with chdir(clean.folder):
        sequences = load_sequences(val, SEQUENCE_LENGTH)
    for seed, one in zip(SEEDS, choice["arms"]["cnn_rnn"], strict=True):
        fit = unpack_fit(clean.fits("cnn_rnn", seed)["all"].tensors())
        assert fit.epochs == [1, 2]
        found = [predict_with(load_cnn_rnn(state), sequences) for state in fit.snapshots]
        expected = select_snapshot(found, labels)
        assert (one["seed"], one["snapshot"]) == (seed, expected.index)
        assert one["epoch"] == fit.epochs[expected.index]
        np.testing.assert_allclose(one["log_losses"], expected.log_losses, rtol=1e-5)
        assert choice["parameters"] == sum(
            array.size for name, array in fit.snapshots[0].items() if name.startswith("model.")
        )


def test_a_prediction_is_that_of_the_chosen_checkpoints(clean: World) -> None:
    _, (clip, *_) = clips_of(clean)
    expected = []
    with chdir(clean.folder):
        sequence = load_sequences([clip], SEQUENCE_LENGTH)
    for one in chosen(clean)["arms"]["cnn_rnn"]:
        packed = clean.fits("cnn_rnn", one["seed"])["all"].tensors()
        model = load_cnn_rnn(unpack_fit(packed).snapshots[one["snapshot"]])
        expected.append(predict_with(model, sequence)[0])
    np.testing.assert_allclose(said(clean)[clip.video_id]["probabilities"], expected, atol=1e-7)


def test_names_change_nothing(clean: World, folder: Path) -> None:
    clips = [replace(clip, video_id=other_name(clip.video_id)) for clip in make_clips()]
    renamed = make_world(folder / "renamed", clips, videos_per_shard=32).run(*STAGES_RUN)
    for stage in FITTED:
        assert renamed.contents(stage) == clean.contents(stage)
    other = said(renamed)
    assert {other_name(name): one for name, one in said(clean).items()} == other


@pytest.mark.parametrize("split", ["val", "test", ""])
def test_clips_that_are_not_trained_on_cause_no_fit(clean: World, folder: Path, split: str) -> None:
    world = clean.copy(PREDICTED)
    world = world.with_features(with_other_everything, world.ids(split))
    world.run(*FITTED)
    with chdir(world.folder):
        for seed in SEEDS:
            part = f"seed-{seed}"
            before = read_rows(clean.folder / clean.project().layout.ledger("cnn_rnn", part))
            after = read_rows(world.project().layout.ledger("cnn_rnn", part))
            assert before == after  # also the seconds: nothing ran
    assert (chosen(world) == chosen(clean)) == (split != "val")


def test_labels_of_test_clips_change_nothing(clean: World, folder: Path) -> None:
    clips = with_permuted_labels(make_clips(), "test")
    relabelled = make_world(folder / "relabelled", clips).run(*STAGES_RUN)
    assert said(relabelled) == said(clean)


# --- clips without a sequence ---------------------------------------------------------------------


def without_sequences(world: World, names: list[str]) -> World:
    """A copy in which these videos have no sequence."""
    world = world.copy(*FITTED, PREDICTED)
    with chdir(world.folder):
        project = world.project()
        for shard in project.dataset.shards:
            ledger = project.layout.ledger("cnn_sequence", shard)
            rows = read_rows(ledger)
            for name in set(names) & set(rows):
                rows[name] = LedgerEntry(name, "no_frames", "made so", "made", "", 0, 0.0)
            write_rows(ledger, rows.values())
    return world


def test_a_clip_without_sequence_is_no_sample(clean: World) -> None:
    names = [clean.ids(split)[0] for split in ("train", "val", "test")]
    world = without_sequences(clean, names).run(*STAGES_RUN)
    assert set(said(world)) == {clip.video_id for clip in clean.clips} - set(names)
    with chdir(world.folder):
        experiment = load_experiment(FullReader(world.project()), needs=SEQUENCES)
    assert experiment.excluded["no_frames"] == len(names)
    for before, after in zip(clips_of(clean), clips_of(world), strict=True):
        assert [c.video_id for c in before if c.video_id not in names] == [
            c.video_id for c in after
        ]


def test_no_sequence_at_all_is_refused(clean: World) -> None:
    world = without_sequences(clean, [clip.video_id for clip in clean.clips])
    with pytest.raises(UserError, match="the split 'train' has no usable clip"):
        world.run("cnn_rnn_sources")
    with pytest.raises(UserError, match=r"none of the clips .* has a frame sequence"):
        world.run("cnn_rnn")


def test_neither_vit_nor_captions_nor_sound_is_needed(clean: World) -> None:
    """With all of that gone, every byte of the recogniser's artifacts stays the same."""
    others = [stage for stage in MADE if stage not in SEQUENCES.required]
    world = clean.copy(*others, *STAGES_RUN).run(*STAGES_RUN)
    for stage in STAGES_RUN:
        assert world.contents(stage) == clean.contents(stage)


def test_clips_that_only_begin_alike_are_of_different_content(clean: World) -> None:
    """A sequence may be the first second: the same opening titles make no copies."""
    world = clean.copy(*FITTED, PREDICTED)
    with chdir(world.folder):
        store = world.project().store
        first, second = world.ids("train")[0], world.ids("test")[0]
        found = store.artifacts("cnn_sequence", [first, second])
        titles = write_artifact(found[second].path, found[first].tensors(), "made")
        ledger = world.project().layout.ledger("cnn_sequence", world.shard_of(second))
        rows = read_rows(ledger)
        rows[second] = replace(rows[second], digest=titles[0], bytes=titles[1])
        write_rows(ledger, rows.values())
        experiment = load_experiment(FullReader(world.project()), needs=SEQUENCES)
    kept = {clip.video_id: clip for clip in experiment.clips}
    assert kept[first].digests("cnn_sequence") == kept[second].digests("cnn_sequence")
    assert kept[first].key != kept[second].key and kept[first].group != kept[second].group


def test_features_of_two_widths_are_refused(tmp_path: Path) -> None:
    clips = []
    for name, width in (("a", 3), ("b", 4)):
        path = tmp_path / f"{name}.safetensors"
        features = np.ones((2, width), np.float32)
        digest, size = write_artifact(path, {"features": features}, "fingerprint")
        found = Artifact(path, LedgerEntry(name, "ok", "", "fingerprint", digest, size, 0.0))
        clips.append(Clip(Sample.of_video(name, "x"), "train", name, name, {"cnn_sequence": found}))
    with pytest.raises(UserError, match="b: the CNN-RNN reads 3 features a frame, found 4"):
        load_sequences(clips, 5)
    assert load_sequences(clips[:1], 5).features.shape == (1, 5, 3)
    assert load_sequences(clips[:1], 1).mask.tolist() == [[True]]  # no more than the length
