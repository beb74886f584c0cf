"""Architecture 1's generator: what it learns, what it reads, and who may be served by it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from arch2_in_memory import (
    AUDIO_DIM,
    FOLDS,
    STEPS,
    Corpus,
    clips_of,
    make_corpus,
    prototypes_of,
)
from unmuted.config.generator import GeneratorSettings, VideoGeneratorSettings
from unmuted.errors import UserError
from unmuted.evaluation.metrics import mean_cosine, r2
from unmuted.samples.experiment import Experiment, clips_of_fits
from unmuted.samples.experiment import training_folds as folds_of
from unmuted.samples.fits import ALL_TRAINING, fold_name
from unmuted.samples.folds import NO_FOLD, Generators, has_seen
from unmuted.systems.shared.crossfit import generate_cross_fitted
from unmuted.systems.shared.data import GeneratorData
from unmuted.systems.shared.inputs import generator_data
from unmuted.systems.shared.networks import video_generator_network
from unmuted.systems.shared.projection import Projection, fit_projection
from unmuted.systems.shared.training import generate, train_generator, train_video_generator
from unmuted.systems.shared.video_generator import VideoGenerator, VideoGeneratorConfig
from unmuted.training.order import hash_keys
from unmuted.training.states import State, load_weights

QUICK = VideoGeneratorSettings(hidden=8, steps=4, batch_size=16)
# Ten visual features are too few for as much noise as hundreds of them bear.
QUIET = {"input_noise": 0.1, "clip_noise": 0.1, "time_weight": 0.0, "learning_rate": 0.003}
THOROUGH = VideoGeneratorSettings(hidden=32, steps=240, batch_size=32, **QUIET)


def space_of(corpus: Corpus) -> Projection:
    heard = [c for c in clips_of(corpus) if c.split == "train" and c.has_sound]
    tokens = (clip.artifacts["ast"].tensors()["tokens"] for clip in heard)
    return fit_projection(tokens, AUDIO_DIM)


def prepare(corpus: Corpus) -> tuple[GeneratorData, GeneratorData]:
    """Training clips, and test clips with sound."""
    data = generator_data(clips_of(corpus), space_of(corpus), STEPS)
    return data.take(corpus.split == "train"), data.take((corpus.split == "test") & corpus.usable)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return make_corpus(clips=80)


@pytest.fixture(scope="module")
def trained(corpus: Corpus) -> tuple[State, GeneratorData]:
    training, test = prepare(corpus)
    return train_video_generator(training, QUICK, 0)[0], test


def test_learns_audio_that_the_video_shows() -> None:
    training, test = prepare(make_corpus(clips=200))
    state, history = train_video_generator(training, THOROUGH, 0)
    generated = generate(state, test, 4, 0).audio
    assert r2(generated, test.audio) > 0.7
    assert mean_cosine(generated, test.audio) > 0.9
    assert history[-1]["loss"] < 0.3 * history[0]["loss"]


def test_finds_nothing_where_audio_is_independent_of_the_video() -> None:
    training, test = prepare(make_corpus(clips=200, audio_follows_video=False))
    state, _ = train_video_generator(training, QUICK, 0)
    assert -0.3 < r2(generate(state, test, 1, 0).audio, test.audio) < 0.05


def network(architecture: str) -> VideoGenerator:
    torch.manual_seed(0)
    sizes = {"visual_dim": 5, "audio_dim": 3, "hidden": 4, "bottleneck": 4}
    config = VideoGeneratorConfig(
        **sizes, architecture=architecture, input_noise=1.0, clip_noise=1.0, dropout=0.9
    )
    return VideoGenerator(config).eval()


@pytest.mark.parametrize(("architecture", "sees"), [("bidirectional", True), ("lstm", False)])
def test_only_a_bidirectional_generator_sees_a_hit_before_it(architecture: str, sees: bool) -> None:
    model = network(architecture)
    visual = torch.randn(2, STEPS, 5)
    later = visual.clone()
    later[:, 3:] += 1
    with torch.no_grad():
        first, second = model(visual), model(later)
    assert torch.equal(first[:, :3], second[:, :3]) != sees
    assert (first[:, 3:] != second[:, 3:]).all()


def test_the_loss_is_that_of_standardised_audio() -> None:
    """Audio 100 times as loud, and shifted, gives the same weights and the same losses."""
    training, test = prepare(make_corpus(clips=60))
    first, losses = train_video_generator(training, QUICK, 0)
    loud = replace(training, audio=100 * training.audio + 7)
    second, of_loud = train_video_generator(loud, QUICK, 0)
    made = [generate(state, test, 1, 0).audio for state in (first, second)]
    np.testing.assert_allclose(made[1], 100 * made[0] + 7, atol=0.1)
    assert losses[-1]["loss"] == pytest.approx(of_loud[-1]["loss"], rel=1e-3)


def test_the_same_clip_always_gives_the_same_audio(trained: tuple[State, GeneratorData]) -> None:
    state, test = trained
    one, many = generate(state, test, 1, 0), generate(state, test, 5, 3)
    assert one.audio.tobytes() == many.audio.tobytes()
    assert (many.spread == 0).all()


def test_a_clip_does_not_depend_on_its_neighbours(trained: tuple[State, GeneratorData]) -> None:
    state, test = trained
    together = generate(state, test, 1, 0).audio
    order = np.random.default_rng(0).permutation(len(test))
    assert together[order].tobytes() == generate(state, test.take(order), 1, 0).audio.tobytes()
    assert (
        together[[3]].tobytes() == generate(state, test.take(np.array([3])), 1, 0).audio.tobytes()
    )


def test_neither_captions_nor_silent_clips_nor_the_order_of_clips_matter(corpus: Corpus) -> None:
    training, _ = prepare(corpus)
    visual = training.visual.copy()
    visual[~training.has_audio] = 1e3
    order = np.random.default_rng(0).permutation(len(training))
    others = [
        replace(training, texts=training.texts + 1, mask=~training.mask),
        replace(training, visual=visual),
        training.take(order),
    ]
    state = train_video_generator(training, QUICK, 0)[0]
    for other in others:
        again = train_video_generator(other, QUICK, 0)[0]
        assert all(state[name].tobytes() == again[name].tobytes() for name in state)


def test_another_seed_gives_another_generator(corpus: Corpus) -> None:
    training, _ = prepare(corpus)
    states = [train_video_generator(training, QUICK, seed)[0] for seed in (0, 0, 1)]
    weights = [state["model.decoder.lstm.weight_ih_l0"].tobytes() for state in states]
    assert weights[0] == weights[1] != weights[2]


def test_the_state_names_the_clips_and_groups_that_were_read(corpus: Corpus) -> None:
    training, _ = prepare(corpus)
    state, _ = train_video_generator(training, QUICK, 0)
    heard = training.take(training.has_audio)
    np.testing.assert_array_equal(state["fitted_on"], np.sort(hash_keys(heard.keys)))
    assert has_seen(state, heard.keys, ["elsewhere"] * len(heard)).all()
    assert has_seen(state, ["new"] * len(heard), heard.groups).all()
    with pytest.raises(UserError, match="out of fold"):
        generate(state, heard, 1, 0)


def test_training_without_any_sound_is_refused(corpus: Corpus) -> None:
    training, _ = prepare(corpus)
    silent = replace(training, has_audio=np.zeros(len(training), bool))
    with pytest.raises(UserError, match="no training clip has usable sound"):
        train_video_generator(silent, QUICK, 0)


def test_cross_fitting_serves_every_clip_by_a_generator_that_left_it_out(corpus: Corpus) -> None:
    experiment = Experiment(tuple(clips_of(corpus)), ("class0",), {})
    fold_of = folds_of(experiment, FOLDS)
    space = space_of(corpus)
    states = {
        name: train_video_generator(generator_data(clips, space, STEPS), QUICK, 0)[0]
        for name, clips in clips_of_fits(experiment, FOLDS).items()
    }
    data = generator_data(experiment.clips, space, STEPS)
    by_fold = {fold: states[fold_name(fold)] for fold in range(FOLDS)}
    made = generate_cross_fitted(
        Generators.of(by_fold | {NO_FOLD: states[ALL_TRAINING]}), data, fold_of, 1, 0
    ).audio
    served_by = [fold_of.get(group) for group in data.groups]
    assert set(served_by) == {None, *range(FOLDS)}
    for left_out in set(served_by):
        mine = np.array([fold == left_out for fold in served_by])
        state = states[ALL_TRAINING if left_out is None else fold_name(left_out)]
        expected = generate(state, data.take(mine), 1, 0).audio
        np.testing.assert_array_equal(made[mine], expected)


def test_a_state_is_read_by_its_own_architecture(corpus: Corpus) -> None:
    """The two kinds of state lie in one format; each is loaded into the network that made it."""
    training, test = prepare(corpus)
    heard = [c for c in clips_of(corpus) if c.split == "train" and c.has_sound]
    prototypes = prototypes_of(heard, corpus, space_of(corpus))
    settings = GeneratorSettings(hidden=8, noise_dim=2, adapter_dim=4, steps=2)
    second, _ = train_generator(training, corpus.label_embeddings, prototypes, settings, 0)
    first, _ = train_video_generator(training, QUICK, 0)
    made = generate(first, test, 1, 0).audio
    assert (made != generate(second, test, 1, 0).audio).any()
    model = VideoGenerator(video_generator_network(QUICK, test))
    model = load_weights(model, first, "cpu")
    with torch.no_grad():
        expected = model.standardize_audio.undo(model(torch.from_numpy(test.visual)))
    np.testing.assert_allclose(made, expected, atol=1e-5)
