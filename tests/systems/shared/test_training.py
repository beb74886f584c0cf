"""Training and generating: what is learnt, what is refused, what must not matter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from arch2_in_memory import AUDIO_DIM, LABELS, STEPS, Corpus, clips_of, make_corpus, prototypes_of
from unmuted.config.generator import GeneratorSettings
from unmuted.errors import UserError
from unmuted.evaluation.metrics import mean_cosine, r2
from unmuted.systems.shared.data import ClipInputs, GeneratorData, collate
from unmuted.systems.shared.inputs import generator_data
from unmuted.systems.shared.projection import fit_projection
from unmuted.systems.shared.prototypes import Prototypes
from unmuted.systems.shared.training import (
    clip_noise,
    generate,
    losses,
    train_generator,
)
from unmuted.training.states import State

QUICK = GeneratorSettings(hidden=8, noise_dim=2, adapter_dim=4, steps=4, batch_size=16)
THOROUGH = GeneratorSettings(hidden=32, steps=200, batch_size=32)


def prepare(corpus: Corpus) -> tuple[GeneratorData, GeneratorData, Prototypes]:
    """Training clips, test clips with sound, prototypes."""
    clips = np.array(clips_of(corpus), dtype=object)
    heard = clips[(corpus.split == "train") & corpus.usable]
    projection = fit_projection(
        (clip.artifacts["ast"].tensors()["tokens"] for clip in heard), AUDIO_DIM
    )
    parts = clips[corpus.split == "train"], clips[(corpus.split == "test") & corpus.usable]
    training, test = (
        generator_data(list(part), projection, STEPS, labels=LABELS) for part in parts
    )
    return training, test, prototypes_of(list(heard), corpus, projection)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return make_corpus(clips=100)


@pytest.fixture(scope="module")
def trained(corpus: Corpus) -> tuple[State, GeneratorData]:
    training, test, prototypes = prepare(corpus)
    return train_generator(training, corpus.label_embeddings, prototypes, QUICK, 0)[0], test


def test_learns_audio_that_the_video_shows() -> None:
    corpus = make_corpus(clips=200)
    training, test, prototypes = prepare(corpus)
    state, history = train_generator(training, corpus.label_embeddings, prototypes, THOROUGH, 0)
    generated = generate(state, test, 4, 0).audio
    assert r2(generated, test.audio) > 0.7
    assert mean_cosine(generated, test.audio) > 0.9
    assert history[-1]["loss"] < 0.3 * history[0]["loss"]


def test_finds_nothing_where_audio_is_independent_of_the_video() -> None:
    corpus = make_corpus(clips=200, audio_follows_video=False)
    training, test, prototypes = prepare(corpus)
    state, _ = train_generator(training, corpus.label_embeddings, prototypes, THOROUGH, 0)
    assert -0.3 < r2(generate(state, test, 4, 0).audio, test.audio) < 0.05


def test_generated_audio_is_in_the_units_of_the_real(corpus: Corpus) -> None:
    """Targets are standardised inside: scaling and shifting them scales and shifts the output."""
    training, test, prototypes = prepare(corpus)
    first, _ = train_generator(training, corpus.label_embeddings, prototypes, QUICK, 0)
    loud = replace(training, audio=100 * training.audio + 7)
    louder = replace(prototypes, vectors=100 * prototypes.vectors + 7)
    second, _ = train_generator(loud, corpus.label_embeddings, louder, QUICK, 0)
    quiet, scaled = generate(first, test, 2, 0), generate(second, test, 2, 0)
    np.testing.assert_allclose(scaled.audio, 100 * quiet.audio + 7, atol=0.1)
    np.testing.assert_allclose(scaled.spread, 100 * quiet.spread, rtol=1e-2)


def test_clips_without_sound_are_not_read(corpus: Corpus) -> None:
    training, _, prototypes = prepare(corpus)
    visual = training.visual.copy()
    visual[~training.has_audio] = 1e3
    other = replace(training, visual=visual)
    states = [
        train_generator(data, corpus.label_embeddings, prototypes, QUICK, 0)[0]
        for data in (training, other, training.take(training.has_audio))
    ]
    for name in states[0]:
        assert states[0][name].tobytes() == states[1][name].tobytes() == states[2][name].tobytes()


def test_the_order_of_the_clips_does_not_matter(corpus: Corpus) -> None:
    training, _, prototypes = prepare(corpus)
    order = np.random.default_rng(0).permutation(len(training))
    first, second = (
        train_generator(data, corpus.label_embeddings, prototypes, QUICK, 0)[0]
        for data in (training, training.take(order))
    )
    assert all(first[name].tobytes() == second[name].tobytes() for name in first)


def test_a_clip_does_not_depend_on_its_neighbours(trained: tuple[State, GeneratorData]) -> None:
    state, test = trained
    together = generate(state, test, 3, 0)
    order = np.random.default_rng(0).permutation(len(test))
    shuffled = generate(state, test.take(order), 3, 0)
    alone = generate(state, test.take(np.array([4])), 3, 0)
    assert together.audio[order].tobytes() == shuffled.audio.tobytes()
    assert together.audio[[4]].tobytes() == alone.audio.tobytes()
    assert together.spread[[4]].tobytes() == alone.spread.tobytes()


def test_padding_changes_no_bit(corpus: Corpus) -> None:
    training, test, prototypes = prepare(corpus)
    wide = [
        replace(
            data,
            captions=np.pad(data.captions, ((0, 0), (0, 4)), constant_values=2),
            steps=np.pad(data.steps, ((0, 0), (0, 4)), constant_values=1),
            mask=np.pad(data.mask, ((0, 0), (0, 4))),
        )
        for data in (training, test)
    ]
    made = []
    for seen, unseen in ((training, test), wide):
        state, _ = train_generator(seen, corpus.label_embeddings, prototypes, QUICK, 0)
        made.append(generate(state, unseen, 2, 0).audio.tobytes())
    assert made[0] == made[1]


def test_a_clip_without_captions_is_generated_all_the_same(
    trained: tuple[State, GeneratorData],
) -> None:
    state, test = trained
    wordless = replace(test, mask=np.zeros_like(test.mask))
    assert np.isfinite(generate(state, wordless, 2, 0).audio).all()


def test_the_mean_and_the_spread_are_over_draws(trained: tuple[State, GeneratorData]) -> None:
    state, test = trained
    one, many = generate(state, test, 1, 0), generate(state, test, 64, 0)
    assert np.isnan(one.spread).all()
    few = [generate(state, test, 2, seed).spread ** 2 for seed in range(40)]
    # On average two draws vary as much as many do: dividing by one less than their number.
    np.testing.assert_allclose(np.mean(few), np.mean(many.spread**2), rtol=0.1)
    far = np.abs(generate(state, test, 1, 1).audio - generate(state, test, 1, 2).audio).mean()
    near = np.abs(generate(state, test, 64, 1).audio - generate(state, test, 64, 2).audio).mean()
    assert near < far / 4  # the mean of 64 draws has an eighth of the noise of one


def test_without_noise_there_is_no_spread(corpus: Corpus) -> None:
    training, test, prototypes = prepare(corpus)
    quiet = QUICK.changed(noise_dim=0)
    state, _ = train_generator(training, corpus.label_embeddings, prototypes, quiet, 0)
    assert generate(state, test, 3, 0).spread.max() < 1e-6


def test_the_noise_belongs_to_clip_and_seed() -> None:
    a, again = clip_noise("a", 0, (2, 3)), clip_noise("a", 0, (2, 3))
    assert torch.equal(a, again)
    assert not torch.equal(a, clip_noise("b", 0, (2, 3)))
    assert not torch.equal(a, clip_noise("a", 1, (2, 3)))


def test_training_leaves_the_callers_random_numbers_alone(corpus: Corpus) -> None:
    training, _, prototypes = prepare(corpus)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train_generator(training, corpus.label_embeddings, prototypes, QUICK, 0)
    assert torch.equal(torch.rand(3), expected)


def test_losses_agree_with_their_formulas() -> None:
    rng = np.random.default_rng(0)
    p, t = rng.normal(size=(2, 4, 3, 5))
    found = losses(torch.tensor(p), torch.tensor(t))
    cosine = (p * t).sum(-1) / np.linalg.norm(p, axis=-1) / np.linalg.norm(t, axis=-1)
    assert found["loss"].item() == pytest.approx(((p - t) ** 2).mean() + 1 - cosine.mean())


def test_training_without_any_sound_is_refused(corpus: Corpus) -> None:
    training, _, prototypes = prepare(corpus)
    silent = replace(training, has_audio=np.zeros(len(training), bool))
    with pytest.raises(UserError, match="no training clip has usable sound"):
        train_generator(silent, corpus.label_embeddings, prototypes, QUICK, 0)


def test_prototypes_of_foreign_clips_are_refused(corpus: Corpus) -> None:
    training, _, prototypes = prepare(corpus)
    left_out = np.flatnonzero(training.has_audio)[1:]
    with pytest.raises(UserError, match="prototypes were fitted on 1 clips"):
        train_generator(training.take(left_out), corpus.label_embeddings, prototypes, QUICK, 0)


def test_an_unknown_text_adapter_is_refused() -> None:
    with pytest.raises(ValidationError, match="should be 'adapter', 'frozen' or 'full'"):
        GeneratorSettings(text_adapter="no")


def clip(**changes: object) -> ClipInputs:
    fields = {
        "key": "a",
        "group": "g",
        "visual": np.zeros((6, 4), np.float32),
        "captions": np.zeros((2, 3), np.float32),
        "steps": np.array([0, 5]),
    }
    return ClipInputs(**{**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"visual": np.zeros((6, 5), np.float32)},
            r"b: visual has shape \(6, 5\), expected \(6, 4\)",
        ),
        (
            {"audio": np.zeros((5, 2), np.float32)},
            r"b: audio has shape \(5, 2\), expected \(6, 2\)",
        ),
        ({"steps": np.array([0])}, r"b: captions has shape \(2, 3\), expected \(1, 3\)"),
        ({"steps": np.array([0, 6])}, r"b: caption steps outside 0\.\.5"),
        (
            {"visual": np.full((6, 4), np.nan, np.float32)},
            "b: visual holds values that are not finite",
        ),
        ({"captions": np.zeros((4, 3)), "steps": np.arange(4)}, "b: 4 captions, at most 3"),
    ],
)
def test_a_clip_that_does_not_fit_is_named(changes: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        collate([clip(), clip(key="b", **changes)], audio_dim=2, max_captions=3)


def test_equal_captions_are_kept_once() -> None:
    rng = np.random.default_rng(0)
    texts = rng.normal(size=(4, 3)).astype(np.float32)
    said = [texts[[0, 1]], texts[[1, 1]], texts[[3, 0]]]
    clips = [clip(key=str(i), captions=words) for i, words in enumerate(said)]
    data = collate(clips, audio_dim=2, max_captions=3)
    assert len(data.texts) == 4  # three that were said, and the zeros of the padding
    for i, words in enumerate(said):
        np.testing.assert_array_equal(data.texts[data.captions[i, :2]], words)
        np.testing.assert_array_equal(data.texts[data.captions[i, 2]], 0)


def test_collate_pads_and_take_picks() -> None:
    audio = np.ones((6, 2), np.float32)
    data = collate([clip(), clip(key="b", audio=audio)], audio_dim=2, max_captions=3)
    assert data.mask.tolist() == [[True, True, False]] * 2
    assert data.has_audio.tolist() == [False, True]
    assert data.texts.tolist() == [[0, 0, 0]]
    picked = data.take(data.has_audio)
    assert picked.keys == ("b",)
    np.testing.assert_array_equal(picked.audio[0], audio)
