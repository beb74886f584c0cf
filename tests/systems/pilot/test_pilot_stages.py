"""The pilot's stages over a made corpus: what is fitted on what, chosen, generated, predicted."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import train_pilot
from guards.corpus import (
    AUDIO_DIM,
    COPIES,
    STEPS,
    make_clips,
    other_name,
    silent,
    with_other_everything,
    with_other_sound,
)
from guards.world import SEEDS, World, make_world
from small_project import changed
from unmuted.engine.executor import Artifact
from unmuted.engine.job import FullReader
from unmuted.engine.ledger import read_rows
from unmuted.engine.scenarios import changed_setting, scenario_path
from unmuted.engine.seeds import parse_fit
from unmuted.errors import UserError
from unmuted.features.visual import PILOT_VISUAL
from unmuted.samples.experiment import Clip, Experiment, load_clips, load_experiment, training_folds
from unmuted.samples.fits import ALL_TRAINING, fold_name
from unmuted.samples.sample import Sample
from unmuted.samples.source_groups import Sources
from unmuted.systems.classifier.selection import log_loss
from unmuted.systems.pilot.data import load_pilot_data
from unmuted.systems.pilot.fits import (
    CLASSIFICATION,
    GENERATION,
    candidate_weights,
    joint_fit,
    pilot_fits,
)
from unmuted.systems.pilot.training import generate, load_pilot, predict_with
from unmuted.training.checkpoints import unpack_fit
from unmuted.training.order import hash_keys

BEFORE = ("sources", "projection")
PILOT = ("pilot", "pilot_selection", "pilot_generated", "pilot_predictions")
WEIGHTS = (0.1, 1.0)
FITS = {
    *(joint_fit(w, part) for w in WEIGHTS for part in (ALL_TRAINING, fold_name(0), fold_name(1))),
    *(CLASSIFICATION, GENERATION),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pilot")


def made(folder: Path, clips: list, **settings: object) -> World:
    of_pilot = {"pilot__lambdas": list(WEIGHTS), "pilot__snapshots": 2}
    return make_world(folder, clips, **{**of_pilot, **settings})


@pytest.fixture(scope="module")
def clean(folder: Path) -> World:
    return made(folder / "clean", make_clips()).run(*BEFORE, *PILOT)


def with_canonical_groups(world: World) -> dict[str, Clip]:
    """Clips by id, in the groups that they count as, with paths that hold anywhere."""
    with chdir(world.folder):
        project = world.project()
        found = Sources.read(FullReader(project)).with_canonical_groups(
            load_clips(FullReader(project), project.dataset.videos, PILOT_VISUAL)
        )
    for clip in found:
        for stage, one in clip.artifacts.items():
            clip.artifacts[stage] = replace(one, path=world.folder / one.path)
    return {clip.video_id: clip for clip in found}


def choice_of(world: World) -> dict:
    return world.fits("pilot_selection")["all"].json()


def state(world: World, fit: str, seed: int, snapshot: int = -1) -> dict[str, np.ndarray]:
    packed = world.fits("pilot", seed)[fit].tensors()
    return unpack_fit(packed).snapshots[snapshot]


def rows(world: World, *seeds: int) -> Mapping[str, object]:
    """Rows of the pilot's ledgers: a row that is the same was not fitted again."""
    with chdir(world.folder):
        project = world.project()
        return {
            name: row
            for seed in seeds or SEEDS
            for name, row in read_rows(project.layout.ledger("pilot", f"seed-{seed}")).items()
        }


def fitted_again(before: World, after: World, *seeds: int) -> set[str]:
    old, new = rows(before, *seeds), rows(after, *seeds)
    return {parse_fit(name)[1] for name in new if new[name] != old.get(name)}


# --- which clips ----------------------------------------------------------------------------------


def clip(name: str, group: str, label: str | None, sound: bool) -> Clip:
    split = None if label is None else "train"
    return Clip(Sample.of_video(name, label), split, group, name, {"ast": None} if sound else {})


def experiment() -> Experiment:
    """Training sources, each with a silent clip and one that sounds; clips without label beside."""
    trained = [
        clip(f"{'ab'[i % 2]}{i}{sound}", f"g{i}", "ab"[i % 2], sound)
        for i in range(6)
        for sound in (True, False)
    ]
    more = [clip(f"u{i}", f"u{i // 2}", None, sound=i % 3 > 0) for i in range(6)]
    tested = [replace(clip(f"t{i}", f"h{i}", "a", True), split="test") for i in range(2)]
    return Experiment((*trained, *tested), ("a", "b"), {}, {}, tuple(more))


def ids(clips: object) -> set[str]:
    return {one.video_id for one in clips}


def test_joint_fits_read_what_has_a_label_or_sound_and_no_group_of_their_fold() -> None:
    found, folds = experiment(), training_folds(experiment(), 3)
    fits = pilot_fits(found, WEIGHTS, 3, with_ablations=True)
    everyone = ids(found.split("train")) | {c.video_id for c in found.unlabelled if c.has_sound}
    assert len(everyone) < len(found.clips_for_fits())
    for weight in WEIGHTS:
        full = fits.pop(joint_fit(weight, ALL_TRAINING))
        assert ids(full.clips) == everyone and full.keeps_snapshots
        for fold in range(3):
            fit = fits.pop(joint_fit(weight, fold_name(fold)))
            assert not fit.keeps_snapshots and fit.weight == weight
            assert fit.classifies and fit.generates
            left_out = {c.video_id for c in full.clips if folds[c.group] == fold}
            assert left_out and ids(fit.clips) == everyone - left_out
    classes, audio = fits.pop(CLASSIFICATION), fits.pop(GENERATION)
    assert not fits
    assert ids(classes.clips) == ids(found.split("train"))
    assert ids(audio.clips) == {c.video_id for c in found.clips_for_fits() if c.has_sound}
    assert (classes.classifies, classes.generates, classes.keeps_snapshots) == (True, False, True)
    assert (audio.classifies, audio.generates, audio.keeps_snapshots) == (False, True, False)


def test_a_fit_without_sound_or_without_a_label_is_refused() -> None:
    found = experiment()
    mute = [replace(c, artifacts={} if c.group != "g0" else c.artifacts) for c in found.clips]
    mute = replace(found, clips=tuple(mute), unlabelled=())
    with pytest.raises(UserError, match="leaves none for the models without-fold-"):
        pilot_fits(mute, WEIGHTS, 3, with_ablations=True)
    unknown = {
        c.video_id: Sample.of_video(c.video_id, None) for c in found.clips if c.split == "train"
    }
    nameless = [replace(c, sample=unknown.get(c.video_id, c.sample)) for c in found.clips]
    with pytest.raises(UserError, match="no labelled training clip is left for the models full"):
        pilot_fits(replace(found, clips=tuple(nameless)), WEIGHTS, 3, with_ablations=True)


def test_fits_are_named_by_their_weights() -> None:
    assert candidate_weights({"lambdas": [10, 0.1, 1]}) == [0.1, 1.0, 10.0]
    assert [joint_fit(w, ALL_TRAINING) for w in (0.1, 1.0)] == ["joint-0.1-full", "joint-1-full"]


# --- what causes a fit ----------------------------------------------------------------------------


def test_every_fit_is_made_up_front_with_every_seed(clean: World) -> None:
    for seed in SEEDS:
        assert set(clean.fits("pilot", seed)) == FITS


def test_another_lambda_in_the_list_fits_only_itself(clean: World) -> None:
    other = replace(clean.copy(), config=changed(clean.config, "pilot.lambdas", [1, 10, 0.1]))
    other.run("pilot", seeds=[0])
    assert fitted_again(clean, other, 0) == {
        joint_fit(10, part) for part in (ALL_TRAINING, fold_name(0), fold_name(1))
    }
    fewer = replace(clean.copy(), config=changed(clean.config, "pilot.lambdas", [1]))
    fewer.run("pilot", seeds=[0])
    assert fitted_again(clean, fewer, 0) == set()
    assert set(fewer.fits("pilot", 0)) == {u for u in FITS if not u.startswith("joint-0.1")}


def test_a_changed_validation_clip_causes_other_choices_alone(clean: World) -> None:
    """Among them that of the checkpoint of a fold's fit, whose training stays as it was."""
    other = clean.copy().with_features(with_other_everything, clean.ids("val")).run(*BEFORE, *PILOT)
    of_folds = {joint_fit(w, fold_name(fold)) for w in WEIGHTS for fold in (0, 1)}
    assert fitted_again(clean, other) == of_folds
    for fit in of_folds:
        old, new = (world.fits("pilot", 0)[fit].tensors() for world in (clean, other))
        assert old["history.loss"].tobytes() == new["history.loss"].tobytes()
        assert old["history.validation_r2"].tobytes() != new["history.validation_r2"].tobytes()
    before, after = choice_of(clean), choice_of(other)
    assert before["validation_clips"] == after["validation_clips"]
    assert before["candidates"] != after["candidates"]


def test_changed_test_clips_and_clips_without_label_cause_no_fit(clean: World) -> None:
    names = [name for name in clean.ids("test", "") if name not in COPIES]
    other = clean.copy().with_features(with_other_everything, names).run(*BEFORE, *PILOT)
    assert fitted_again(clean, other) == set()
    assert choice_of(other) == choice_of(clean)


def test_the_sound_of_a_training_clip_reaches_all_that_generates_and_nothing_else(
    clean: World,
) -> None:
    name = clean.ids("train")[5]
    other = clean.copy().with_features(with_other_sound, [name]).run("pilot")  # the space is kept
    unread = fold_name(
        Sources.read(in_folder(clean)).folds[with_canonical_groups(clean)[name].group]
    )
    expected = {u for u in FITS if u != CLASSIFICATION and not u.endswith(unread)}
    assert fitted_again(clean, other) == expected


def in_folder(world: World):
    """The project of a world whose folder is not the working directory, for `Sources.read`."""

    class Elsewhere:
        def fits(self, stage: str) -> dict[str, Artifact]:
            return world.fits(stage)

    return Elsewhere()


def test_names_and_order_of_clips_change_no_byte(clean: World, folder: Path) -> None:
    clips = [replace(one, video_id=other_name(one.video_id)) for one in make_clips()]
    renamed = made(folder / "renamed", clips, videos_per_shard=32).run(*BEFORE, *PILOT)
    for stage in ("pilot", "pilot_selection"):
        assert clean.contents(stage) == renamed.contents(stage)
    for stage in ("pilot_generated", "pilot_predictions"):
        before, after = clean.artifacts(stage), renamed.artifacts(stage)
        assert {other_name(n): a.row.digest for n, a in before.items()} == {
            n: a.row.digest for n, a in after.items()
        }


def test_where_more_training_audio_is_missing_neither_branch_is_fitted_alone(clean: World) -> None:
    path = scenario_path(changed_setting("missing.training_rate", 0.3))
    rarer = clean.copy().scenario(path).run(*BEFORE, *PILOT)
    assert set(rarer.fits("pilot", 0)) == FITS - {CLASSIFICATION, GENERATION}
    assert choice_of(rarer)[CLASSIFICATION] == []
    assert not any("alone" in one.tensors() for one in rarer.artifacts("pilot_generated").values())
    for one in rarer.artifacts("pilot_predictions").values():
        assert one.json()["arms"].keys() == {"pilot"}


# --- what is chosen -------------------------------------------------------------------------------


def test_checkpoints_and_lambda_have_the_least_log_loss_on_validation_clips(clean: World) -> None:
    with chdir(clean.folder):
        read = load_experiment(FullReader(clean.project()), PILOT_VISUAL)
        clips = read.split("val")
        data, labels = load_pilot_data(clips), read.labels(clips)
    choice = choice_of(clean)
    assert choice["validation_clips"] == len(clips)

    def losses_of(fit: str, seed: int) -> list[float]:
        states = [state(clean, fit, seed, snapshot) for snapshot in (0, 1)]
        return [log_loss(predict_with(load_pilot(one), data), labels) for one in states]

    by_weight = {w: [losses_of(joint_fit(w, ALL_TRAINING), s) for s in SEEDS] for w in WEIGHTS}
    means = {w: np.mean([min(one) for one in found]) for w, found in by_weight.items()}
    assert choice["lambda"] == min(means, key=means.get)
    found = {one["lambda"]: one["log_loss"] for one in choice["candidates"]}
    assert found == pytest.approx(means)
    alone = [losses_of(CLASSIFICATION, seed) for seed in SEEDS]
    for name, expected in (("joint", by_weight[choice["lambda"]]), (CLASSIFICATION, alone)):
        for seed, one in enumerate(choice[name]):
            best = int(np.argmin(expected[seed]))
            assert one["log_losses"] == pytest.approx(expected[seed])
            assert (one["seed"], one["snapshot"], one["epoch"]) == (seed, best, best + 1)


def test_of_lambdas_that_do_equally_well_the_smallest_is_chosen(
    clean: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "unmuted.systems.pilot.training.predict_with",
        lambda model, data, device: np.full((len(data), model.config.classes), 1 / 3, np.float32),
    )
    assert choice_of(clean.again("pilot_selection"))["lambda"] == min(WEIGHTS)


# --- what is generated ----------------------------------------------------------------------------


def test_audio_of_training_clips_is_out_of_fold_and_of_others_the_average_of_folds(
    clean: World,
) -> None:
    clips, folds = with_canonical_groups(clean), Sources.read(in_folder(clean)).folds
    weight = choice_of(clean)["lambda"]
    served = set()
    for name, artifact in clean.artifacts("pilot_generated").items():
        one, found = clips[name], artifact.tensors()
        fold = folds.get(one.group)
        fits = [joint_fit(weight, fold_name(f)) for f in ((0, 1) if fold is None else (fold,))]
        data = load_pilot_data([one])
        for seed in SEEDS:
            each = [generate(state(clean, fit, seed), data).audio[0] for fit in fits]
            np.testing.assert_allclose(found["audio"][seed], np.mean(each, axis=0), atol=1e-5)
        assert found["audio"].shape == (len(SEEDS), STEPS, AUDIO_DIM)
        assert found["seeds"].tolist() == list(SEEDS) and not found["spread"].any()
        assert ("alone" in found) == (fold is None)
        if fold is None:
            of_all = {"alone": GENERATION, "joint": joint_fit(weight, ALL_TRAINING)}
            for part, fit in of_all.items():
                expected = generate(state(clean, fit, SEEDS[-1]), data).audio[0]
                np.testing.assert_array_equal(found[part][-1], expected)
        served.add(fold)
    assert served == {None, 0, 1}
    assert clips.keys() == clean.artifacts("pilot_generated").keys()


def test_copies_of_a_training_clip_are_served_as_it_is(clean: World) -> None:
    found = clean.artifacts("pilot_generated")
    original = found["clip00"].tensors()["audio"]
    for copy in COPIES:
        assert found[copy].tensors()["audio"].tobytes() == original.tobytes()
        assert "alone" not in found[copy].tensors()


def test_a_pilot_that_has_read_all_folds_is_refused(
    clean: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = pilot_fits

    def leaky(*given: object) -> dict:
        fits = honest(*given)
        full = fits[joint_fit(WEIGHTS[0], ALL_TRAINING)].clips
        return {name: replace(fit, clips=full) for name, fit in fits.items()}

    monkeypatch.setattr(train_pilot, "pilot_fits", leaky)
    with pytest.raises(UserError, match="must be out of fold"):
        clean.again("pilot", "pilot_generated")


def test_a_pilot_that_would_serve_its_own_training_clips_is_refused(
    clean: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where folds are forgotten the full fit is asked, and knows the clip: a fold's serves it."""
    monkeypatch.setattr("unmuted.samples.source_groups.training_folds", lambda *_: {})
    forgetful = clean.again("sources", "pilot_generated")
    before, after = (world.artifacts("pilot_generated") for world in (clean, forgetful))
    for name in clean.ids("train"):
        old, new = (found[name].tensors()["audio"] for found in (before, after))
        assert old.tobytes() == new.tobytes()
    # Without fits of folds there is nobody left who does not know the clip.
    monkeypatch.setattr("unmuted.systems.pilot.generation_job.fold_name", lambda fold: ALL_TRAINING)
    with pytest.raises(UserError, match="must be out of fold"):
        clean.again("sources", "pilot_generated")


# --- what is predicted ----------------------------------------------------------------------------


def test_what_was_learnt_with_its_label_is_not_predicted(clean: World) -> None:
    predicted = clean.artifacts("pilot_predictions")
    learnt = {*clean.ids("train"), *COPIES}
    assert predicted.keys() == {one.video_id for one in clean.clips} - learnt
    with chdir(clean.folder):
        project = clean.project()
        for shard in project.dataset.shards:
            for name, row in read_rows(project.layout.ledger("pilot_predictions", shard)).items():
                assert row.status == ("training_clip" if name in learnt else "ok")


def test_predictions_are_those_of_the_chosen_checkpoints(clean: World) -> None:
    clips, choice = with_canonical_groups(clean), choice_of(clean)
    fits = {"pilot": ("joint", joint_fit(choice["lambda"], ALL_TRAINING))}
    fits["pilot_classification"] = (CLASSIFICATION, CLASSIFICATION)
    for name, artifact in clean.artifacts("pilot_predictions").items():
        said = artifact.json()
        assert said["classes"] == ["barking", "cello", "rain"]
        assert said["arms"].keys() == fits.keys()
        for arm, (chosen, fit) in fits.items():
            for seed, one in enumerate(choice[chosen]):
                model = load_pilot(state(clean, fit, seed, one["snapshot"]))
                expected = predict_with(model, load_pilot_data([clips[name]]))[0]
                np.testing.assert_allclose(said["arms"][arm][seed], expected, atol=6e-8)


def test_a_clip_without_label_that_taught_sound_is_predicted(folder: Path) -> None:
    """It is read, by the joint fits, but its class is not known to them."""
    clips = make_clips()
    name = next(c.video_id for c in clips if c.split == "test" and c.tokens is not None)
    source = next(c.group for c in clips if c.video_id == name)
    clips = [replace(c, label="", split="") if c.group == source else c for c in clips]
    world = made(folder / "unlabelled", clips, fits__unlabelled=True).run(*BEFORE, *PILOT)
    key = int(hash_keys([world.keys()[name]])[0])
    full = state(world, joint_fit(1, ALL_TRAINING), 0)
    assert key in full["fitted_on"].tolist() and key not in full["labelled_on"].tolist()
    assert key not in state(world, CLASSIFICATION, 0)["fitted_on"].tolist()
    assert name in world.artifacts("pilot_predictions")
    assert "alone" not in world.artifacts("pilot_generated")[name].tensors()


def test_a_class_without_a_clip_in_a_fold_and_silent_clips_are_fine(folder: Path) -> None:
    clips = [silent(c) if c.label == "rain" else c for c in make_clips()]
    kept = {c.group for c in clips if c.label == "cello" and c.split == "train"}
    dropped = kept - {min(kept)}
    clips = [c for c in clips if c.group not in dropped]
    world = made(folder / "rare", clips).run(*BEFORE, *PILOT)
    for one in world.artifacts("pilot_predictions").values():
        for by_seed in one.json()["arms"].values():
            assert np.isfinite(by_seed).all() and np.allclose(np.sum(by_seed, axis=1), 1, atol=1e-6)


def test_a_second_run_makes_nothing_again(clean: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for job in ("training", "selection", "generation", "prediction"):
        monkeypatch.setattr(f"unmuted.systems.pilot.{job}_job.load_pilot_data", None)
    before = rows(clean)
    clean.run(*PILOT)
    assert rows(clean) == before
