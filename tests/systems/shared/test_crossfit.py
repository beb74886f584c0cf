"""Cross-fitting: what a fit may read, and which generator serves which clip."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from arch2_in_memory import FOLDS, Corpus, Run, clips_of, make_corpus, run_arch2
from unmuted.errors import UserError
from unmuted.samples.experiment import Experiment, clips_of_fits, training_folds
from unmuted.samples.fits import ALL_TRAINING, fold_name
from unmuted.samples.folds import NO_FOLD, Generators
from unmuted.systems.shared.crossfit import generate_cross_fitted
from unmuted.systems.shared.data import GeneratorData
from unmuted.systems.shared.training import generate


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return make_corpus(clips=60)


@pytest.fixture(scope="module")
def run(corpus: Corpus) -> Run:
    return run_arch2(corpus)


def cross_fitted(run: Run, data: GeneratorData, serve: str = "full") -> np.ndarray:
    states = {fold: run.generators[fold_name(fold)] for fold in range(FOLDS)}
    if serve == "full":
        states[NO_FOLD] = run.generators[ALL_TRAINING]
    return generate_cross_fitted(Generators.of(states), data, run.fold_of_group, 2, 0).audio


def by(run: Run, fit: str, data: GeneratorData) -> np.ndarray:
    return generate(run.generators[fit], data, 2, 0).audio


def test_a_fit_reads_training_clips_with_sound_outside_its_fold(corpus: Corpus) -> None:
    experiment = Experiment(tuple(clips_of(corpus)), ("class0",), {})
    folds = training_folds(experiment, FOLDS)
    clips = clips_of_fits(experiment, FOLDS)
    training = {c.video_id for c in experiment.clips if c.split == "train" and c.has_sound}
    assert {c.video_id for c in clips[ALL_TRAINING]} == training
    for fold in range(FOLDS):
        read = {c.video_id for c in clips[fold_name(fold)]}
        left_out = {c.video_id for c in clips[ALL_TRAINING] if folds[c.group] == fold}
        assert read | left_out == training
        assert not read & left_out


def test_every_clip_is_served_by_the_generator_that_left_it_out(corpus: Corpus, run: Run) -> None:
    made = cross_fitted(run, run.data)
    test = corpus.of("test")
    np.testing.assert_array_equal(made[test], by(run, ALL_TRAINING, run.data.take(test)))
    folds = np.array([run.fold_of_group.get(group, -1) for group in run.data.groups])
    for fold in range(FOLDS):
        mine = np.flatnonzero(folds == fold)
        np.testing.assert_array_equal(made[mine], by(run, fold_name(fold), run.data.take(mine)))


def test_clips_outside_all_folds_are_served_by_the_average_of_the_folds_generators(
    corpus: Corpus, run: Run
) -> None:
    made, full = (cross_fitted(run, run.data, serve) for serve in ("fold_average", "full"))
    test = corpus.of("test")
    each = [by(run, fold_name(fold), run.data.take(test)) for fold in range(FOLDS)]
    np.testing.assert_allclose(made[test], np.mean(each, axis=0), atol=1e-6)
    training = np.flatnonzero([group in run.fold_of_group for group in run.data.groups])
    np.testing.assert_array_equal(made[training], full[training])  # out of fold either way
    order = np.random.default_rng(0).permutation(len(run.data))
    shuffled = cross_fitted(run, run.data.take(order), "fold_average")
    assert shuffled.tobytes() == made[order].tobytes()


def test_a_copy_elsewhere_is_left_to_the_generators_that_have_not_read_it(
    corpus: Corpus, run: Run
) -> None:
    heard = np.flatnonzero((corpus.split == "train") & corpus.usable)[:6]
    copies = replace(run.data.take(heard), groups=tuple(f"elsewhere{i}" for i in heard))
    np.testing.assert_array_equal(
        cross_fitted(run, copies, "fold_average"), cross_fitted(run, copies, "full")
    )


def test_attention_is_averaged_as_the_audio_is(corpus: Corpus, run: Run) -> None:
    states = {fold: run.generators[fold_name(fold)] for fold in range(FOLDS)}
    test = run.data.take(corpus.of("test"))
    made = generate_cross_fitted(Generators.of(states), test, run.fold_of_group, 2, 0).attention
    each = [generate(state, test, 2, 0).attention for state in states.values()]
    for i, found in enumerate(made):
        np.testing.assert_allclose(found, np.mean([a[i] for a in each], axis=0), atol=1e-6)
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
        assert len(found) == test.mask[i].sum()


def test_a_copy_of_a_training_clip_in_another_group_is_served_out_of_fold(
    corpus: Corpus, run: Run
) -> None:
    heard = np.flatnonzero((corpus.split == "train") & corpus.usable)[:6]
    copies = replace(run.data.take(heard), groups=tuple(f"elsewhere{i}" for i in heard))
    expected = [
        by(run, fold_name(run.fold_of_group[corpus.groups[i]]), copies.take(np.array([n])))[0]
        for n, i in enumerate(heard)
    ]
    np.testing.assert_array_equal(cross_fitted(run, copies), np.stack(expected))


def test_a_clip_that_every_generator_knows_is_refused(corpus: Corpus, run: Run) -> None:
    heard = np.flatnonzero((corpus.split == "train") & corpus.usable)[:1]
    copy = replace(run.data.take(heard), groups=("elsewhere",))
    only_full = {0: run.generators[ALL_TRAINING]}
    with pytest.raises(UserError, match="out of fold"):
        generate_cross_fitted(
            Generators.of(dict(only_full) | {NO_FOLD: run.generators[ALL_TRAINING]}), copy, {}, 2, 0
        )
