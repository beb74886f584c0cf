"""The experiment's clips: who is in, in which group, and what each fit may read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import join_sources
from small_project import CLIP_STAGES, changed, make_config, row, write_ledgers
from unmuted.dataset.splits import write_splits
from unmuted.engine.job import FullReader, make_jobs
from unmuted.engine.ledger import LedgerEntry
from unmuted.engine.run import Run
from unmuted.errors import UserError
from unmuted.pipeline.registry import open_run
from unmuted.samples.experiment import (
    VISUAL,
    Clip,
    Experiment,
    clips_of_fits,
    joined_groups,
    load_clips,
    load_experiment,
    load_whole_experiment,
    merge_duplicate_groups,
    training_folds,
    training_sound,
)
from unmuted.samples.fits import ALL_TRAINING, fold_name
from unmuted.samples.missing_audio import is_missing
from unmuted.samples.sample import Sample

FOLDS = 3


def clip(name: str, key: str, group: str, split: str = "train", has_sound: bool = True) -> Clip:
    label = name[0]
    return Clip(Sample.of_video(name, label), split, group, key, {"ast": None} if has_sound else {})


clips = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["g1", "g2", "g3", "g4", "g5", "g6"])),
    min_size=1,
    max_size=12,
).map(lambda found: [clip(f"x{i}", key, group) for i, (key, group) in enumerate(found)])


@given(clips)
def test_clips_of_equal_content_or_group_end_in_one_group_and_no_others(found) -> None:
    canonical = merge_duplicate_groups(found)
    linked = {c.group: {c.group} for c in found}  # plain transitive closure, for comparison
    for _ in found:
        for one in found:
            for other in found:
                if one.key == other.key or other.group in linked[one.group]:
                    union = linked[one.group] | linked[other.group]
                    linked[one.group] = linked[other.group] = union
    for one in found:
        for other in found:
            together = other.group in linked[one.group]
            assert (canonical[one.group] == canonical[other.group]) == together
    assert canonical == merge_duplicate_groups(found[::-1])


def merged_one_by_one(found: list[Clip]) -> list[list[Clip]]:
    """Sources by joining two groups at a time; the first name in the alphabet stays."""
    name = {c.group: c.group for c in found}
    for one in found:
        for other in found:
            if one.key == other.key:
                kept, lost = sorted((name[one.group], name[other.group]))
                name = {
                    group: kept if group_name == lost else group_name
                    for group, group_name in name.items()
                }
    return [[c for c in found if name[c.group] == merged] for merged in sorted({*name.values()})]


@given(
    st.lists(
        st.tuples(st.text("ab\0\udcff", max_size=2), st.text("01\udcfe", max_size=2)), max_size=9
    )
)
def test_sources_come_by_their_first_group_and_keep_the_order_of_clips(found) -> None:
    given_clips = [clip(f"x{i}", key, group) for i, (group, key) in enumerate(found)]
    assert joined_groups(given_clips) == merged_one_by_one(given_clips)
    canonical = merge_duplicate_groups(given_clips)
    for source in merged_one_by_one(given_clips):
        assert {canonical[c.group] for c in source} == {min(c.group for c in source)}


splits = st.sampled_from(["train", "val", "test", None])
anywhere = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.integers(1, 6), splits), min_size=1, max_size=14
).map(lambda found: [clip(f"x{i}", k, f"{s}{g}", s) for i, (k, g, s) in enumerate(found)])


@given(anywhere)
def test_clips_elsewhere_join_training_groups_and_move_none(found) -> None:
    """Named by split and number, a group lies in one split; contents are shared at will."""
    canonical = merge_duplicate_groups(found)
    assert canonical == merge_duplicate_groups(found[::-1])
    earlier = []
    for split in ("train", "val", "test", None):
        earlier += [c for c in found if c.split == split]
        before = merge_duplicate_groups(earlier)
        assert {group: canonical[group] for group in before} == before
    trained = {c.key for c in found if c.split == "train"}
    training_groups = {canonical[c.group] for c in found if c.split == "train"}
    for c in found:
        if c.key in trained:
            assert canonical[c.group] in training_groups


def test_a_test_group_with_clips_of_two_training_groups_merges_neither() -> None:
    copies = [clip("c", "k1", "film", "test"), clip("d", "k2", "film", "test")]
    canonical = merge_duplicate_groups([clip("a", "k1", "g1"), clip("b", "k2", "g2"), *copies])
    assert canonical == {"g1": "g1", "g2": "g2", "film": "g1"}


@given(anywhere)
def test_every_clip_of_a_training_source_is_at_home_in_a_fold(found) -> None:
    """Without this, the generator fitted on all training clips would serve what it has read."""
    canonical = merge_duplicate_groups(found)
    kept = [replace(c, group=canonical[c.group]) for c in found if c.split]
    experiment = Experiment(tuple(kept), ("x",), {}, canonical)
    trained = {c.key: c.group for c in kept if c.split == "train"}
    raw = {c.group for c in found if c.key in trained}  # sources with a copy of a training clip
    for c, canonical in zip(found, experiment.with_canonical_groups(found), strict=True):
        if c.key in trained:
            assert canonical.group == trained[c.key]
        elif c.group in raw:
            assert canonical.group in set(trained.values())


@st.composite
def experiments(draw) -> Experiment:
    groups = draw(st.lists(st.sampled_from([f"g{i}" for i in range(9)]), min_size=9, max_size=30))
    groups += [f"g{i}" for i in range(FOLDS)]
    found = [
        clip(f"{'ab'[i % 2]}{i}", f"k{i}", group, has_sound=draw(st.booleans()))
        for i, group in enumerate(groups)
    ]
    found += [clip(f"a-test{i}", f"t{i}", f"h{i}", split="test") for i in range(3)]
    return Experiment(tuple(found), ("a", "b"), {})


def fits_of(experiment: Experiment) -> dict[str, list[Clip]]:
    """The clips of each fit of an experiment in which every fold leaves a clip with sound."""
    with_audio = {c.group for c in experiment.clips if c.split == "train" and c.has_sound}
    assume(len({training_folds(experiment, FOLDS)[group] for group in with_audio}) >= 2)
    return clips_of_fits(experiment, FOLDS)


def test_a_fold_that_leaves_no_clip_with_sound_is_refused_in_words() -> None:
    silent = [clip(f"a{i}", f"k{i}", f"g{i}", has_sound=False) for i in range(FOLDS)]
    lonely = clip("b", "k", "g", has_sound=True)
    with pytest.raises(UserError, match="1 clips with usable sound, which leaves none for"):
        clips_of_fits(Experiment((*silent, lonely), ("a", "b"), {}), FOLDS)


@given(experiments())
def test_no_fit_reads_the_clips_that_it_is_to_serve(experiment) -> None:
    clips, fold_of = fits_of(experiment), training_folds(experiment, FOLDS)
    assert list(clips) == [ALL_TRAINING, *(fold_name(fold) for fold in range(FOLDS))]
    for fold in range(FOLDS):
        seen = {c.group for c in clips[fold_name(fold)]}
        assert not seen & {group for group, its_fold in fold_of.items() if its_fold == fold}


@given(experiments())
def test_fits_read_training_clips_with_sound_and_all_of_them(experiment) -> None:
    clips = fits_of(experiment)
    with_audio = {c.video_id for c in experiment.clips if c.split == "train" and c.has_sound}
    assert {c.video_id for c in clips[ALL_TRAINING]} == with_audio
    without = [{c.video_id for c in clips[fold_name(fold)]} for fold in range(FOLDS)]
    for video_id in with_audio:
        assert sum(video_id in fit for fit in without) == FOLDS - 1


# --- read from ledgers ---------------------------------------------------------------------------

SPLITS_OF_CLASS = ("train", "train", "val", "test", "val", "test")
SPLIT_OF = {
    f"{label}{i}": split for label in ("cats", "dogs") for i, split in enumerate(SPLITS_OF_CLASS)
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    labels = {name: name[:4] for name in SPLIT_OF} | {"plain": None}
    project = open_run(changed(make_config(tmp_path, labels), "folds", 2))
    (tmp_path / "results").mkdir()
    write_splits(Path("results/splits.csv"), project.dataset.listing.videos, SPLIT_OF)
    return project


def write(project: Run, **rows: dict[str, LedgerEntry]) -> None:
    """Ledgers of the visual stages and of AST; rows: by stage, those that are not plain "ok"."""
    for stage in (*VISUAL, "ast"):
        write_ledgers(project, stage, rows.get(stage, {}))


def same_content(*names: str) -> dict[str, dict[str, LedgerEntry]]:
    return {stage: {name: row(name, f"one {stage}") for name in names} for stage in VISUAL}


def test_every_labelled_clip_is_in_its_split(project: Run) -> None:
    write(project)
    experiment = load_experiment(FullReader(project), ["ast"])
    assert {c.video_id: c.split for c in experiment.clips} == SPLIT_OF
    assert experiment.excluded == {"no_label": 1}
    assert experiment.classes == ("cats", "dogs")
    assert list(experiment.labels(experiment.split("val"))) == [
        ["cats", "dogs"].index(c.label) for c in experiment.split("val")
    ]


def test_the_order_of_clips_does_not_come_from_names(project: Run) -> None:
    write(project)
    before = [c.key for c in load_experiment(FullReader(project)).clips]
    assert before == sorted(before)
    # The same contents under each other's names: the same order of contents.
    names = sorted(SPLIT_OF)
    of_other = dict(zip(names, names[::-1], strict=True))
    swapped = {name: replace(row(other), video_id=name) for name, other in of_other.items()}
    write(project, **dict.fromkeys(VISUAL, swapped))
    assert [c.key for c in load_experiment(FullReader(project)).clips] == before


def test_a_clip_that_failed_is_excluded_and_counted_by_its_first_reason(project: Run) -> None:
    write(
        project,
        vit_rgb={"cats0": row("cats0", None, "too_long")},
        vit_flow={"cats0": row("cats0", None, "no_flow"), "dogs1": row("dogs1", None, "no_flow")},
        caption_embeddings={"plain": row("plain", None, "empty")},
    )
    experiment = load_experiment(FullReader(project))
    assert {c.video_id for c in experiment.clips} == set(SPLIT_OF) - {"cats0", "dogs1"}
    assert experiment.excluded == {"no_flow": 1, "no_label": 1, "too_long": 1}


def test_classes_that_no_usable_clip_shows_in_a_split_are_named(project: Run) -> None:
    write(project, vit_rgb={name: row(name, None, "empty") for name in ("cats2", "cats4")})
    experiment = load_experiment(FullReader(project))
    assert experiment.classes_without("val") == ["cats"]
    assert experiment.classes_without("test") == []


def test_a_silent_clip_is_in_without_sound(project: Run) -> None:
    write(project, ast={"cats0": row("cats0", None, "silent")})
    with_audio = {
        c.video_id: c.has_sound for c in load_experiment(FullReader(project), ["ast"]).clips
    }
    assert with_audio == {name: name != "cats0" for name in SPLIT_OF}


def test_training_sound_that_is_declared_missing_is_not_there_and_no_other(
    project: Run,
) -> None:
    write(project)
    write_ledgers(project, "degraded_ast", {})
    half = project.scenario("missing.training_rate=0.5")
    found = load_clips(FullReader(half), SPLIT_OF, ["ast", "degraded_ast"])
    assert [c.key for c in found] == [
        c.key for c in load_clips(FullReader(project), SPLIT_OF, ["ast"])
    ]
    silent = {c.video_id for c in found if not c.has_sound}
    assert silent == {c.video_id for c in found if c.split == "train" and is_missing(c.key, 0, 0.5)}
    assert silent == {c.video_id for c in found if "degraded_ast" not in c.artifacts}
    assert 0 < len(silent) < 4


def test_a_corpus_whose_training_sound_is_all_declared_missing_is_told_so(project: Run) -> None:
    write(project, ast={"cats0": row("cats0", None, "silent")})
    none = project.scenario("missing.training_rate=0.999999")
    with pytest.raises(UserError, match=r"none of the 4 .* \(declared_missing 3, silent 1\)"):
        training_sound(FullReader(none), load_experiment(FullReader(none), ["ast"]))


def test_a_corpus_without_usable_sound_is_told_so_with_what_became_of_it(project: Run) -> None:
    status = dict.fromkeys(SPLIT_OF, "no_stream") | {"cats0": "silent"}
    rows = {name: row(name, None, found) for name, found in status.items()}
    write(project, ast=rows)
    with pytest.raises(UserError, match=r"none of the 4 .* sound \(no_stream 3, silent 1\)"):
        training_sound(FullReader(project), load_experiment(FullReader(project), ["ast"]))
    write(project, ast=rows | {name: row(name) for name in ("dogs1", "cats1", "cats3")})
    found = training_sound(FullReader(project), load_experiment(FullReader(project), ["ast"]))
    assert [c.video_id for c in found] == sorted(
        ["cats1", "dogs1"], key=lambda name: row(name).digest
    )


def test_a_clip_that_repeats_one_of_an_earlier_split_is_left_out(project: Run) -> None:
    same = same_content("cats0", "cats3", "dogs2")  # train, test, val
    other = {stage: {n: row(n, f"two {stage}") for n in ("cats2", "dogs3")} for stage in VISUAL}
    write(project, **{stage: same[stage] | other[stage] for stage in VISUAL})  # val, test
    experiment = load_experiment(FullReader(project))
    assert {c.video_id for c in experiment.clips} == set(SPLIT_OF) - {"cats3", "dogs2", "dogs3"}
    assert experiment.excluded == {
        "duplicate_as_in_train": 2,
        "duplicate_as_in_val": 1,
        "no_label": 1,
    }


def test_the_source_of_a_repeated_clip_is_left_out_with_it(
    project: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """dogs3 is cut from the film whose other clip, cats3, turns out to be a training clip."""
    film = {"cats3": "film", "dogs3": "film"}
    videos = {
        name: replace(video, group=film.get(name, name))
        for name, video in project.dataset.videos.items()
    }
    monkeypatch.setattr(project.dataset, "videos", videos)
    write(project, **same_content("cats0", "cats3"))
    experiment = load_experiment(FullReader(project))
    assert {c.video_id for c in experiment.clips} == set(SPLIT_OF) - {"cats3", "dogs3"}
    assert experiment.excluded == {
        "duplicate_as_in_train": 1,
        "no_label": 1,
        "same_source_as_in_train": 1,
    }


def test_training_clips_of_equal_content_share_a_group(project: Run) -> None:
    write(project, **same_content("cats0", "dogs0"))
    group_of = {c.video_id: c.group for c in load_experiment(FullReader(project)).clips}
    assert group_of["cats0"] == group_of["dogs0"]
    assert len(set(group_of.values())) == len(SPLIT_OF) - 1


@pytest.mark.parametrize(
    ("unusable", "expected"),
    [
        (["cats2", "cats4", "dogs2", "dogs4"], "the split 'val' has no usable clip"),
        (["cats0", "cats1"], "class 'cats' has no usable training clip"),
        (["cats0", "cats1", "dogs0"], "2 folds need at least 2 source groups .*, found 1"),
        (["cats3", "cats5", "dogs3"], "at least 2 source groups, found 1"),
    ],
)
def test_what_is_left_must_allow_an_experiment(
    project: Run, unusable: list[str], expected: str
) -> None:
    write(project, vit_rgb={name: row(name, None, "empty") for name in unusable})
    with pytest.raises(UserError, match=expected) as error:
        load_whole_experiment(FullReader(project), folds=2)
    with pytest.raises(UserError, match=expected):
        join_sources.main(*make_jobs(project, "join_sources"))
    train = 4 - sum(name[-1] in "01" for name in unusable)
    first = str(error.value).splitlines()[0]
    assert first.startswith(f"usable clips: {train} train, ")
    assert f"(left out: empty {len(unusable)}, no_label 1): " in first


def test_all_that_is_fitted_on_clips_waits_for_this_check() -> None:
    pooled = {name for name, stage in CLIP_STAGES.items() if stage.pooled}
    fit_nothing = {"sources", "cnn_rnn_sources", "swap_partners"}
    own = {name for name in pooled - fit_nothing if name.startswith("cnn_rnn")}
    for check, stages in (("sources", pooled - fit_nothing - own), ("cnn_rnn_sources", own)):
        assert {name for name, stage in CLIP_STAGES.items() if check in stage.after} == stages


def test_a_clip_without_label_counts_as_of_the_source_that_its_content_shows(
    project: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`plain` shares a film with dogs3, which turns out to be a copy of training clip cats0."""
    film = {"plain": "film", "dogs3": "film"}
    videos = {
        name: replace(video, group=film.get(name, name))
        for name, video in project.dataset.videos.items()
    }
    monkeypatch.setattr(project.dataset, "videos", videos)
    write(project, **same_content("cats0", "dogs3"))
    experiment = load_experiment(FullReader(project))
    (plain,) = experiment.with_canonical_groups(load_clips(FullReader(project), ["plain"], ()))
    assert plain.group == "cats0"
    assert plain.group in training_folds(experiment, 2)


def test_digests_for_fingerprints_say_what_is_missing(project: Run) -> None:
    write(project, ast={"cats0": row("cats0", None, "silent")})
    found = {c.video_id: c for c in load_experiment(FullReader(project), ["ast"]).clips}
    assert found["cats0"].digests("vit_rgb", "ast") == [row("cats0").digest, ""]
