"""Guards against leaks, on the real functions; each with a planted leak that turns it red."""

from __future__ import annotations

import numpy as np
import pytest

from arch2_in_memory import FOLDS, GENERATOR, Corpus, Run, make_corpus, run_arch2
from unmuted.errors import UserError
from unmuted.experiment import fold_name
from unmuted.fitting.order import hash_keys
from unmuted.generation.training import GeneratorSettings
from unmuted.report.metrics import r2

BLIND = ("video_only", "generated")  # arms that must not depend on any audio of validation and test


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return make_corpus(clips=60)


@pytest.fixture(scope="module")
def clean(corpus: Corpus) -> Run:
    return run_arch2(corpus)


def with_permuted_test_labels(corpus: Corpus) -> Corpus:
    labels = corpus.labels.copy()
    labels[corpus.of("test")] = (labels[corpus.of("test")] + 1) % corpus.classes
    return corpus.replace(labels=labels)


def with_noise_for_audio(corpus: Corpus, clips: np.ndarray) -> Corpus:
    rng = np.random.default_rng(1)
    tokens, scores = corpus.tokens.copy(), corpus.scores.copy()
    tokens[clips] = 5 * rng.normal(size=tokens[clips].shape)
    scores[clips] = rng.random(scores[clips].shape)
    return corpus.replace(tokens=tokens, scores=scores)


def unseen_audio(corpus: Corpus) -> np.ndarray:
    """Clips whose audio no fit may read: not of the training split, or without usable sound."""
    return (corpus.split != "train") | ~corpus.usable


def assert_same_states(first: list[dict], second: list[dict]) -> None:
    for a, b in zip(first, second, strict=True):
        assert a.keys() == b.keys()
        for name in a:
            assert a[name].tobytes() == b[name].tobytes(), name


def assert_same_fits(first: Run, second: Run, arms: tuple[str, ...]) -> None:
    """Projection, prototypes, generators and the classifiers of `arms` agree to the last bit."""
    assert first.projection.components.tobytes() == second.projection.components.tobytes()
    assert first.projection.mean.tobytes() == second.projection.mean.tobytes()
    for fold, prototypes in first.prototypes.items():
        assert prototypes.vectors.tobytes() == second.prototypes[fold].vectors.tobytes()
    assert_same_states([*first.generators.values()], [*second.generators.values()])
    for arm in arms:
        assert first.chosen[arm] == second.chosen[arm]
        assert_same_states(first.classifiers[arm], second.classifiers[arm])
        assert first.predictions[arm].tobytes() == second.predictions[arm].tobytes()


def assert_test_labels_unused(corpus: Corpus, leak: str | None = None) -> None:
    """However the test labels are permuted, every prediction of every arm stays as it is."""
    runs = [run_arch2(c, leak=leak) for c in (corpus, with_permuted_test_labels(corpus))]
    for arm in runs[0].predictions:
        assert runs[0].predictions[arm].tobytes() == runs[1].predictions[arm].tobytes(), arm


def assert_unseen_audio_unread(corpus: Corpus, leak: str | None = None) -> None:
    """With noise for every sound that no fit may read, fits and blind arms stay as they are."""
    noisy = with_noise_for_audio(corpus, unseen_audio(corpus))
    assert_same_fits(run_arch2(corpus, leak=leak), run_arch2(noisy, leak=leak), BLIND)


def test_test_labels_change_no_prediction(corpus: Corpus) -> None:
    assert_test_labels_unused(corpus)


def test_a_checkpoint_chosen_on_test_is_caught(corpus: Corpus) -> None:
    with pytest.raises(AssertionError):
        assert_test_labels_unused(corpus, leak="checkpoint chosen on test")


def test_no_fit_reads_audio_of_validation_or_test(corpus: Corpus) -> None:
    assert_unseen_audio_unread(corpus)


@pytest.mark.parametrize("fit", ["projection", "prototypes", "generator"])
def test_a_fit_that_reads_test_audio_is_caught(corpus: Corpus, fit: str) -> None:
    with pytest.raises((AssertionError, UserError)):
        assert_unseen_audio_unread(corpus, leak=f"{fit} reads test audio")


def test_validation_and_test_audio_matter_where_they_should(corpus: Corpus, clean: Run) -> None:
    noisy = run_arch2(with_noise_for_audio(corpus, unseen_audio(corpus)))
    assert clean.predictions["real_audio"].tobytes() != noisy.predictions["real_audio"].tobytes()


def test_an_in_sample_generator_is_refused(corpus: Corpus) -> None:
    with pytest.raises(UserError, match="out of fold"):
        run_arch2(corpus, leak="in-sample generator")


def training_skill(leak: str | None) -> float:
    """R2 of generated audio of training clips whose sound has nothing to do with the picture."""
    corpus = make_corpus(clips=60, audio_follows_video=False)
    eager = GeneratorSettings(hidden=32, epochs=50, batch_size=16, dropout=0.0)
    run = run_arch2(corpus, generator=eager, leak=leak)
    heard = (corpus.split == "train") & corpus.usable
    return r2(run.generated[heard], run.data.audio[heard])


def test_generated_audio_of_training_clips_is_not_copied_from_the_answer() -> None:
    assert training_skill(leak=None) < 0.05


def test_a_copied_answer_is_caught_by_its_skill() -> None:
    assert training_skill(leak="in-sample generator, unmarked") > 0.3


def test_a_clip_is_never_served_by_a_generator_of_its_group(clean: Run) -> None:
    for fold in range(FOLDS):
        state = clean.generators[fold_name(fold)]
        left_out = [group for group, own in clean.fold_of_group.items() if own == fold]
        assert left_out
        assert not np.isin(hash_keys(left_out), state["fitted_groups"]).any()


def test_same_seed_same_bytes(corpus: Corpus, clean: Run) -> None:
    again = run_arch2(corpus)
    assert_same_fits(clean, again, tuple(clean.predictions))
    assert clean.generated.tobytes() == again.generated.tobytes()


def test_another_seed_other_bytes(corpus: Corpus, clean: Run) -> None:
    other = run_arch2(corpus, seed=1)
    with pytest.raises(AssertionError):
        assert_same_fits(clean, other, tuple(clean.predictions))


def test_the_order_of_the_clips_changes_nothing(corpus: Corpus, clean: Run) -> None:
    order = np.random.default_rng(2).permutation(len(corpus.keys))
    shuffled = corpus.replace(
        **{name: [getattr(corpus, name)[i] for i in order] for name in LISTS},
        **{name: getattr(corpus, name)[order] for name in ARRAYS},
    )
    moved = run_arch2(shuffled)
    assert_same_states([*clean.generators.values()], [*moved.generators.values()])
    assert clean.generated[order].tobytes() == moved.generated.tobytes()
    for arm, states in clean.classifiers.items():
        assert_same_states(states, moved.classifiers[arm])


LISTS = ("keys", "groups", "captions", "steps")
ARRAYS = ("labels", "split", "visual", "tokens", "scores", "usable")


def test_defaults_of_the_guards_train_at_all(clean: Run) -> None:
    """Guards on models that cannot tell clips apart would pass for the wrong reason."""
    assert GENERATOR.epochs > 0
    assert np.ptp(clean.predictions["generated"][:, 0]) > 0
