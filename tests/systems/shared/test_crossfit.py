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


def cross_fitted(run: Run, data: GeneratorData) -> np.ndarray:
    folds = {fold: run.generators[fold_name(fold)] for fold in range(FOLDS)}
    full = run.generators[ALL_TRAINING]
    return generate_cross_fitted(
        Generators.of(dict(folds) | {NO_FOLD: full}), data, run.fold_of_group, 2, 0
    ).audio


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
