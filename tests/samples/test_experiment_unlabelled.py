"""Clips without label that fits of audio learn from: which, in which fold, and only if asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from small_project import changed, make_config, row, write_ledgers
from unmuted.dataset.splits import write_splits
from unmuted.engine.job import FullReader
from unmuted.engine.run import Run
from unmuted.pipeline.registry import STAGES, open_run
from unmuted.samples.experiment import (
    VISUAL,
    Clip,
    Experiment,
    clips_of_fits,
    load_experiment,
    merge_duplicate_groups,
    training_folds,
    training_sound,
    unlabelled_clips,
)
from unmuted.samples.fits import ALL_TRAINING, fold_name
from unmuted.samples.missing_audio import is_missing
from unmuted.samples.sample import Sample

FOLDS = 3


def clip(name: str, key: str, group: str, split: str | None, sound: bool = True) -> Clip:
    label = None if split is None else name[0]
    return Clip(Sample.of_video(name, label), split, group, key, {"ast": None} if sound else {})


anywhere = st.lists(
    st.tuples(
        st.sampled_from("abcdefghijkl"),
        st.integers(1, 8),
        st.sampled_from(["train", "val", "test", None, None, None]),
    ),
    min_size=1,
    max_size=14,
).map(
    # a labelled group lies in one split; clips without label may be of any source
    lambda found: [
        clip(f"x{i}", k, f"{('train', 'val', 'test')[g % 3] if s is None else s}{g % 4}", s)
        for i, (k, g, s) in enumerate(found)
    ]
)


def linked(found: list[Clip]) -> dict[str, set[str]]:
    """Ids of all clips of each clip's source: by content, group, and through others."""
    same = {c.video_id: {c.video_id} for c in found}
    for _ in found:
        for one in found:
            for other in found:
                if one.key == other.key or one.group == other.group:
                    union = same[one.video_id] | same[other.video_id]
                    same[one.video_id] = same[other.video_id] = union
    return same


@given(anywhere)
def test_none_has_anything_to_do_with_a_tested_clip(found: list[Clip]) -> None:
    by_id = {c.video_id: c for c in found}
    fit_video_ids = {c.video_id for c in found if c.split is None}
    chosen = unlabelled_clips(found, merge_duplicate_groups(found), fit_video_ids)
    sources = linked(found)
    for one in chosen:
        assert one.label is None and one.video_id in fit_video_ids
        assert {by_id[name].split for name in sources[one.video_id]} <= {None, "train"}
    assert len({c.key for c in chosen}) == len(chosen)
    assert not {c.key for c in chosen} & {c.key for c in found if c.split is not None}


@given(anywhere)
def test_all_that_have_nothing_to_do_with_labelled_clips_are_there_once(found: list[Clip]) -> None:
    by_id = {c.video_id: c for c in found}
    sources = linked(found)
    free = {c.key for c in found if all(by_id[name].split is None for name in sources[c.video_id])}
    fit_video_ids = {c.video_id for c in found if c.split is None}
    chosen = unlabelled_clips(found, merge_duplicate_groups(found), fit_video_ids)
    assert free <= {c.key for c in chosen}
    again = unlabelled_clips(found[::-1], merge_duplicate_groups(found), fit_video_ids)
    assert [(c.key, c.group) for c in chosen] == [(c.key, c.group) for c in again]


def test_of_equal_contents_fits_read_the_one_with_sound() -> None:
    mute, with_sound = clip("x0", "k", "g1", None, sound=False), clip("x1", "k", "g2", None)
    for found in ([mute, with_sound], [with_sound, mute]):
        assert unlabelled_clips(found, merge_duplicate_groups(found), {"x0", "x1"}) == [
            replace(with_sound, group="g1")
        ]


@st.composite
def experiments(draw) -> Experiment:
    groups = [f"g{i}" for i in range(FOLDS + 2)]
    trained = [clip(f"{'ab'[i % 2]}{i}", f"k{i}", group, "train") for i, group in enumerate(groups)]
    others = draw(st.lists(st.sampled_from([*groups, "u1", "u2", "u3"]), max_size=12))
    unlabelled = [
        clip(f"u{i}", f"u{i}", group, None, draw(st.booleans())) for i, group in enumerate(others)
    ]
    tested = [clip(f"a-test{i}", f"t{i}", f"h{i}", "test") for i in range(3)]
    return Experiment((*trained, *tested), ("a", "b"), {}, {}, tuple(unlabelled))


@given(experiments())
def test_folds_of_labelled_groups_do_not_depend_on_the_others(experiment: Experiment) -> None:
    folds = training_folds(experiment, FOLDS)
    without = training_folds(replace(experiment, unlabelled=()), FOLDS)
    assert {group: folds[group] for group in without} == without
    assert {clip.group for clip in experiment.unlabelled} <= set(folds)
    assert set(folds.values()) <= set(range(FOLDS))


@given(experiments())
def test_fits_read_all_of_them_that_sound_and_none_that_they_serve(experiment: Experiment) -> None:
    clips, fold_of = clips_of_fits(experiment, FOLDS), training_folds(experiment, FOLDS)
    with_audio = {c.video_id for c in experiment.clips_for_fits() if c.has_sound}
    assert {c.video_id for c in clips[ALL_TRAINING]} == with_audio
    for fold in range(FOLDS):
        read = clips[fold_name(fold)]
        assert not {c.group for c in read} & {g for g, own in fold_of.items() if own == fold}
        assert all(c.split in ("train", None) for c in read)


# --- read from ledgers ---------------------------------------------------------------------------

SPLIT_OF = {
    f"{label}{i}": split
    for label in ("cats", "dogs")
    for i, split in enumerate(("train", "train", "val", "test", "val", "test"))
}
PLAIN = [f"plain{i}" for i in range(6)]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    monkeypatch.chdir(tmp_path)
    labels = {name: name[:4] for name in SPLIT_OF} | dict.fromkeys(PLAIN)
    return changed(make_config(tmp_path, labels), "folds", 2)


def written(config: dict[str, object], **rows: dict) -> Run:
    project = open_run(config)
    Path("results").mkdir(exist_ok=True)
    write_splits(Path("results/splits.csv"), project.dataset.listing.videos, SPLIT_OF)
    for stage in (*VISUAL, "ast"):
        write_ledgers(project, stage, rows.get(stage, {}))
    return project


def taught(project: Run) -> list[str]:
    return sorted(c.video_id for c in load_experiment(FullReader(project), ["ast"]).unlabelled)


def test_fits_read_labelled_clips_alone_unless_asked(config) -> None:
    assert taught(written(config)) == []
    assert taught(written(changed(config, "fits.unlabelled", True))) == PLAIN


def test_labelled_clips_stay_who_they_are(config) -> None:
    without = load_experiment(FullReader(written(config)), ["ast"])
    asked = load_experiment(FullReader(written(changed(config, "fits.unlabelled", True))), ["ast"])
    names = [[c.video_id for c in one.clips] for one in (without, asked)]
    assert names[0] == names[1] and asked.excluded == without.excluded
    for split in ("train", "val", "test"):
        assert not {c.video_id for c in asked.split(split)} & set(PLAIN)


def test_fits_read_a_clip_with_a_given_split_only_if_that_is_train(config, monkeypatch) -> None:
    project = written(changed(config, "fits.unlabelled", True))
    given_splits = dict(zip(PLAIN, ("train", "val", "test"), strict=False))
    videos = {
        name: replace(video, split=given_splits.get(name))
        for name, video in project.dataset.videos.items()
    }
    monkeypatch.setattr(project.dataset, "videos", videos)
    assert taught(project) == ["plain0", *PLAIN[3:]]


def test_no_fit_reads_a_copy_of_a_test_clip(config) -> None:
    asked = changed(config, "fits.unlabelled", True)
    same = {
        stage: {name: row(name, f"one {stage}") for name in ("cats3", "plain1")} for stage in VISUAL
    }
    project = written(asked, **same)
    assert taught(project) == [name for name in PLAIN if name != "plain1"]


def test_their_sound_is_part_of_the_audio_space(config) -> None:
    asked = changed(config, "fits.unlabelled", True)
    silent = {name: row(name, None, "silent") for name in SPLIT_OF}
    project = written(asked, ast=silent)  # none of the labelled clips has sound
    found = training_sound(FullReader(project), load_experiment(FullReader(project), ["ast"]))
    assert sorted(c.video_id for c in found) == PLAIN


def test_audio_declared_missing_is_missing_there_too(config) -> None:
    asked = changed(config, "fits.unlabelled", True)
    project = written(changed(asked, "missing.training_rate", 0.5))
    clips = load_experiment(FullReader(project), ["ast"]).unlabelled
    has_sound = {c.video_id: c.has_sound for c in clips}
    assert has_sound == {c.video_id: not is_missing(c.key, 0, 0.5) for c in clips}
    assert set(has_sound.values()) == {True, False}


def test_the_option_reaches_all_that_learns_from_sound_and_no_other_stage(config) -> None:
    project = written(config)
    asked = project.scenario("fits.unlabelled=true")
    changed_stages = {name for name in STAGES if asked.layout.owns(name)}
    assert changed_stages >= {"projection", "prototypes", "generator", "video_generator"}
    assert changed_stages >= {"retrieved", "generated", "video_generated"}
    assert not changed_stages & {"probe", "frames", "wav", *VISUAL, "ast", "mapping", "dictionary"}
