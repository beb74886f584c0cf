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
    attention_loss,
    clip_noise,
    generate,
    losses,
    train_generator,
)
from unmuted.training.states import State

QUICK = GeneratorSettings(hidden=8, noise_dim=2, adapter_dim=4, steps=4, batch_size=16)
# Ten visual features are too few for as much noise as hundreds of them bear.
QUIET = {"input_noise": 0.1, "clip_noise": 0.1, "time_weight": 0.0, "learning_rate": 0.003}
THOROUGH = GeneratorSettings(hidden=32, steps=200, batch_size=32, **QUIET)


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
    training, others, prototypes = prepare(corpus)
    first_half = np.isin(others.groups, np.unique(others.groups)[::2])
    validation, test = others.take(first_half), others.take(~first_half)
    state, _ = train_generator(
        training, corpus.label_embeddings, prototypes, THOROUGH, 0, validation=validation
    )
    assert -0.1 < r2(generate(state, test, 4, 0).audio, test.audio) < 0.05


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
    plain = ((p - t) ** 2).mean() + 1 - cosine.mean()
    assert found["loss"].item() == pytest.approx(plain)
    over_time = ((p - p.mean(axis=1, keepdims=True)) - (t - t.mean(axis=1, keepdims=True))) ** 2
    weighted = losses(torch.tensor(p), torch.tensor(t), 3.0)["loss"].item()
    assert weighted == pytest.approx(plain + 3 * over_time.mean())


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


# --- validation clips choose a checkpoint ---------------------------------------------------------

WITH_CHOICE = QUICK.changed(steps=12, validate_every=2)


def validation_of(corpus: Corpus) -> GeneratorData:
    clips = np.array(clips_of(corpus), dtype=object)
    heard = clips[(corpus.split == "train") & corpus.usable]
    projection = fit_projection((c.artifacts["ast"].tensors()["tokens"] for c in heard), AUDIO_DIM)
    return generator_data(list(clips[corpus.split == "val"]), projection, STEPS)


def test_the_checkpoint_of_highest_r2_on_validation_clips_is_kept(corpus: Corpus) -> None:
    """The R2 of the state is that of the history's best row, over clips with usable sound alone."""
    training, _, prototypes = prepare(corpus)
    validation = validation_of(corpus)
    common = training, corpus.label_embeddings, prototypes, WITH_CHOICE.changed(noise_dim=0), 0
    state, history = train_generator(*common, validation=validation)
    scores = [row["validation_r2"] for row in history]
    assert len(scores) == 6
    best = int(np.argmax(scores))
    assert state["chosen_step"].tolist() == [history[best]["step"]]
    heard = validation.take(validation.has_audio)
    found = r2(generate(state, heard, 1, 0).audio, heard.audio)
    assert found == pytest.approx(max(scores), abs=1e-5)


def test_validation_clips_choose_and_teach_nothing(corpus: Corpus) -> None:
    """Loud noise for their sound leaves all losses, and any checkpoint, as they were."""
    training, _, prototypes = prepare(corpus)
    validation = validation_of(corpus)
    rng = np.random.default_rng(0)
    noise = replace(validation, audio=np.float32(50 * rng.normal(size=validation.audio.shape)))
    common = training, corpus.label_embeddings, prototypes, WITH_CHOICE, 0
    runs = [train_generator(*common, validation=clips) for clips in (validation, noise, None)]
    for key in ("loss", "mse", "cosine", "attention", "shift"):
        assert len({tuple(row[key] for row in history) for _, history in runs}) == 1, key
    last = runs[2][0]
    assert last["chosen_step"].tolist() == [12]
    scores = [[row["validation_r2"] for row in history] for _, history in runs]
    assert scores[0] != scores[1] and np.isnan(scores[2]).all()
    for state, _ in runs:
        for name in ("standardize_visual.mean", "standardize_audio.scale", "prototypes"):
            assert state[f"model.{name}"].tobytes() == last[f"model.{name}"].tobytes()


def test_the_order_of_validation_clips_and_those_without_sound_do_not_matter(
    corpus: Corpus,
) -> None:
    training, _, prototypes = prepare(corpus)
    validation = validation_of(corpus)
    order = np.random.default_rng(0).permutation(len(validation))
    visual = validation.visual.copy()
    visual[~validation.has_audio] = 1e3
    common = training, corpus.label_embeddings, prototypes, WITH_CHOICE, 0
    first, _ = train_generator(*common, validation=validation)
    for other in (validation.take(order), replace(validation, visual=visual)):
        again, _ = train_generator(*common, validation=other)
        assert all(first[name].tobytes() == again[name].tobytes() for name in first)


def test_a_clip_for_training_and_validation_is_refused(corpus: Corpus) -> None:
    training, _, prototypes = prepare(corpus)
    validation = validation_of(corpus)
    one = training.take(np.flatnonzero(training.has_audio)[:1])
    elsewhere = replace(one, groups=("elsewhere",))
    same_source = replace(validation, groups=(one.groups[0], *validation.groups[1:]))
    for leaking in (elsewhere, same_source):
        with pytest.raises(UserError, match="both for training and for validation"):
            train_generator(
                training, corpus.label_embeddings, prototypes, QUICK, 0, validation=leaking
            )


# --- attention ------------------------------------------------------------------------------------


def test_only_labels_with_evidence_are_attended_to(
    corpus: Corpus, trained: tuple[State, GeneratorData]
) -> None:
    _, _, prototypes = prepare(corpus)
    state, test = trained
    assert 0 < prototypes.heard.sum() < LABELS
    for attention in generate(state, test, 1, 0).attention:
        assert attention.shape[1] == LABELS
        assert (attention[:, ~prototypes.heard.astype(bool)] == 0).all()
        np.testing.assert_allclose(attention.sum(axis=1), 1, atol=1e-5)


def test_without_any_evidence_all_labels_are_attended_to(corpus: Corpus) -> None:
    training, _, prototypes = prepare(corpus)
    unheard = replace(prototypes, heard=np.zeros(LABELS, bool))
    state, _ = train_generator(training, corpus.label_embeddings, unheard, QUICK, 0)
    assert len(state["model.label_index"]) == LABELS


def test_the_attention_loss_agrees_with_the_divergence_written_out() -> None:
    rng = np.random.default_rng(0)
    attention = rng.dirichlet(np.ones(4), size=3)
    scores = np.array([[0.9, 0.3, 0.05, 0.0], [0.0, 0.2, 0.0, 0.6], [0.09, 0.0, 0.0, 0.0]])
    expected = 0.0
    for a, s in zip(attention[:2], scores[:2], strict=True):  # nothing is audible in the third
        q = np.where(s >= 0.1, s, 0) / s[s >= 0.1].sum()
        expected += sum(x * np.log(x / y) for x, y in zip(q, a, strict=True) if x > 0) / 2
    found = attention_loss(torch.tensor(attention), torch.tensor(scores))
    assert found.item() == pytest.approx(expected)
    silent = attention_loss(torch.tensor(attention), torch.zeros(3, 4))
    assert silent.item() == 0


def test_attention_learns_what_is_heard_and_the_adapter_stays_near(corpus: Corpus) -> None:
    training, _, prototypes = prepare(corpus)
    thorough = QUICK.changed(steps=100, validate_every=100, learning_rate=0.01)
    last = {}
    for weight, penalty in ((0.0, 0.0), (1.0, 0.0), (1.0, 10.0)):
        settings = thorough.changed(attention_weight=weight, adapter_penalty=penalty)
        _, history = train_generator(training, corpus.label_embeddings, prototypes, settings, 0)
        last[weight, penalty] = history[-1]
    assert last[1.0, 0.0]["attention"] < 0.8 * last[0.0, 0.0]["attention"]
    assert last[1.0, 10.0]["shift"] < 0.5 * last[1.0, 0.0]["shift"]
