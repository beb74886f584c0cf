"""Classifiers and class means without each fold: who serves whom, and what is expected."""

from __future__ import annotations

import numpy as np
import pytest

from unmuted.errors import UserError
from unmuted.samples.experiment import Clip
from unmuted.samples.folds import read_in_fit
from unmuted.samples.sample import Sample
from unmuted.systems.classifier.class_sound import expected_sound, mean_sound_of_classes
from unmuted.systems.classifier.cross_fitting import serving_folds

T, A = 3, 2
# Two folds: the first fit has read the groups b and c, the second a.
STATES = [read_in_fit(["2", "3"], ["b", "c"]), read_in_fit(["1"], ["a"])]


def clip(key: str, group: str) -> Clip:
    return Clip(Sample.of_video(f"clip {key}", None), None, group, key, {})


def test_training_clips_are_served_by_the_fit_that_left_them_out() -> None:
    assert serving_folds(STATES, clip("1", "a"), 0) == [0]
    assert serving_folds(STATES, clip("3", "c"), 1) == [1]


@pytest.mark.parametrize(("key", "group"), [("1", "elsewhere"), ("new", "a")])
def test_a_fit_that_has_read_a_clip_or_its_source_does_not_serve_it(key: str, group: str) -> None:
    with pytest.raises(UserError, match="must be out of fold"):
        serving_folds(STATES, clip(key, group), 1)


def test_other_clips_are_served_by_all_that_have_not_read_their_content() -> None:
    assert serving_folds(STATES, clip("new", "new"), None) == [0, 1]
    assert serving_folds(STATES, clip("1", "copied"), None) == [0]


def test_a_clip_that_all_fits_have_read_is_refused() -> None:
    states = [read_in_fit(["1"], ["a"]), read_in_fit(["1"], ["a"])]
    with pytest.raises(UserError, match="clip 1: every fold has a copy"):
        serving_folds(states, clip("1", "copied"), None)


def test_class_means_are_by_time_step_and_zeros_without_clips() -> None:
    rng = np.random.default_rng(0)
    audio, labels = rng.normal(size=(7, T, A)).astype(np.float32), np.array([0, 2, 0, 2, 2, 0, 0])
    order = rng.permutation(7)
    means = mean_sound_of_classes(audio, labels, order, 4)
    assert means.shape == (4, T, A) and means.dtype == np.float32
    np.testing.assert_allclose(means[0], audio[labels == 0].mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(means[2], audio[labels == 2].mean(axis=0), atol=1e-6)
    assert not means[[1, 3]].any()
    none = mean_sound_of_classes(audio[:0], labels[:0], np.arange(0), 2)
    assert none.shape == (2, T, A) and not none.any()


def test_the_expected_sound_weights_the_classes_by_the_posterior() -> None:
    rng = np.random.default_rng(1)
    posterior, sounds = rng.dirichlet(np.ones(4), size=5), rng.normal(size=(4, T, A))
    found = expected_sound(posterior, sounds)
    assert found.shape == (5, T, A)
    for seed in range(5):
        expected = sum(p * sound for p, sound in zip(posterior[seed], sounds, strict=True))
        np.testing.assert_allclose(found[seed], expected, atol=1e-6)
    sure = np.eye(4)[[3]]
    np.testing.assert_allclose(expected_sound(sure, sounds)[0], sounds[3], atol=1e-6)
