"""The sentence encoder as a part of the generator: the same vectors, trained with it, saved."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import BertConfig

from arch2_in_memory import AUDIO_DIM, LABELS, STEPS, Corpus, clips_of, make_corpus, prototypes_of
from unmuted.config.generator import GeneratorSettings
from unmuted.errors import UserError
from unmuted.features.sentences import SentenceEncoder
from unmuted.systems.shared.data import ClipInputs, GeneratorData, collate
from unmuted.systems.shared.generator import Generator
from unmuted.systems.shared.inputs import generator_data
from unmuted.systems.shared.networks import generator_network
from unmuted.systems.shared.projection import fit_projection
from unmuted.systems.shared.prototypes import Prototypes
from unmuted.systems.shared.text_encoder import TextEncoder
from unmuted.systems.shared.training import generate, train_generator
from unmuted.systems.shared.transformer import text_encoder, tokens_of
from unmuted.training.states import State

TEXT_DIM, WORDS = 16, 30
FULL = GeneratorSettings(
    hidden=8,
    noise_dim=2,
    steps=6,
    batch_size=16,
    text_adapter="full",
    encoder_learning_rate=1e-3,
)


def tiny_encoder(seed: int = 0) -> TextEncoder:
    config = BertConfig(
        vocab_size=WORDS,
        hidden_size=TEXT_DIM,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
    )
    torch.manual_seed(seed)
    return TextEncoder(config.to_diff_dict()).eval()


def spoken(corpus: Corpus) -> list[ClipInputs]:
    """The corpus' clips; a caption is one to three words, of which the first tells the class."""
    rng, encoder = np.random.default_rng(0), tiny_encoder()
    heard = [c for c in clips_of(corpus) if c.split == "train" and c.has_sound]
    space = fit_projection((c.artifacts["ast"].tensors()["tokens"] for c in heard), AUDIO_DIM)
    clips = []
    for label, clip in zip(corpus.labels, clips_of(corpus), strict=True):
        steps = clip.artifacts["caption_embeddings"].tensors()["steps"]
        tokens = [
            np.array([1 + label, *rng.integers(10, WORDS, size=rng.integers(3))]) for _ in steps
        ]
        with torch.no_grad():
            said = [encoder(torch.tensor(ids)[None])[0].numpy() for ids in tokens]
        audio = clip.audio(space) if clip.has_sound else None
        fields = clip.key, clip.group, clip.visual(), np.stack(said), steps, audio, tokens
        clips.append(ClipInputs(*fields))
    return clips


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return make_corpus(clips=60)


@pytest.fixture(scope="module")
def prepared(corpus: Corpus) -> tuple[GeneratorData, GeneratorData, Prototypes]:
    data = collate(spoken(corpus), AUDIO_DIM, STEPS)
    heard = [c for c in clips_of(corpus) if c.split == "train" and c.has_sound]
    tokens = (clip.artifacts["ast"].tensors()["tokens"] for clip in heard)
    prototypes = prototypes_of(heard, corpus, fit_projection(tokens, AUDIO_DIM))
    return data.take(corpus.split == "train"), data.take(corpus.split == "test"), prototypes


@pytest.fixture(scope="module")
def trained(corpus: Corpus, prepared: tuple) -> State:
    training, _, prototypes = prepared
    embeddings = corpus.label_embeddings
    return train_generator(training, embeddings, prototypes, FULL, 0, encoder=tiny_encoder())[0]


def test_the_transformer_gives_the_sentence_encoders_vectors() -> None:
    sentences = SentenceEncoder()
    texts = ["a red ball rolls over the table", "Bell", "a dog barks " * 200]
    encoder, tokens = text_encoder(sentences).eval(), tokens_of(sentences, texts)
    assert [ids.dtype for ids in tokens] == [np.int64] * 3
    padded = np.full((4, max(map(len, tokens))), -1)
    for row, ids in zip(padded, tokens, strict=False):
        row[: len(ids)] = ids
    with torch.no_grad():
        vectors = encoder(torch.from_numpy(padded)).numpy()
    lengths = np.linalg.norm(vectors[:3], axis=1, keepdims=True)
    np.testing.assert_allclose(vectors[:3] / lengths, sentences.encode(texts), atol=1e-5)
    assert (vectors[3] == 0).all()  # no token at all
    assert not any(str(value).startswith("/") for value in encoder.config.values())


def test_other_ways_to_pool_are_refused() -> None:
    sentences = SentenceEncoder()
    sentences.model[1].pooling_mode = "cls"
    with pytest.raises(UserError, match="Transformer -> Pooling cls -> Normalize"):
        text_encoder(sentences)


def test_before_training_it_is_the_frozen_encoder(corpus: Corpus, prepared: tuple) -> None:
    training, _, _ = prepared
    frozen, full = FULL.changed(text_adapter="frozen"), tiny_encoder()
    config = generator_network(FULL, training, corpus.label_embeddings, LABELS, full.config)
    models = [
        Generator(generator_network(frozen, training, corpus.label_embeddings, LABELS)).eval(),
        Generator(config).eval(),
    ]
    models[0].label_embeddings.normal_()
    models[0].prototypes.normal_()
    encoder = {f"encoder.{name}": value for name, value in full.state_dict().items()}
    models[1].load_state_dict({**models[0].state_dict(), **encoder})
    clips, noise = np.arange(8), torch.zeros(8, STEPS, 2)
    with torch.no_grad():
        made = [
            model(*map(torch.from_numpy, model.inputs(training, clips)), noise) for model in models
        ]
    np.testing.assert_allclose(made[1], made[0], atol=1e-5)


def test_the_encoder_learns_and_the_labels_stay(corpus: Corpus, trained: State) -> None:
    before = tiny_encoder().state_dict()
    moved = {
        name: (trained[f"model.encoder.{name}"] != value.numpy()).any()
        for name, value in before.items()
        if "pooler" not in name  # not on the way to the mean over tokens
    }
    assert all(moved.values())
    known = corpus.label_embeddings[trained["model.label_index"]]
    np.testing.assert_array_equal(trained["model.label_embeddings"], known)


def test_the_encoder_has_its_own_learning_rate(corpus: Corpus, prepared: tuple) -> None:
    training, _, prototypes = prepared
    before = tiny_encoder().state_dict()
    way = {}
    for rate in (1e-5, 1e-3):
        settings = FULL.changed(encoder_learning_rate=rate, weight_decay=0.0, validate_every=1)
        state, history = train_generator(
            training, corpus.label_embeddings, prototypes, settings, 0, encoder=tiny_encoder()
        )
        steps = [state[f"model.encoder.{name}"] - value.numpy() for name, value in before.items()]
        way[rate] = max(np.abs(step).max() for step in steps)
        assert history[0]["learning_rate"] == settings.learning_rate
    updates = FULL.steps
    assert 0 < way[1e-5] < 2e-5 * updates < way[1e-3]  # a step of Adam is about its rate


def test_the_state_alone_generates_and_depends_on_no_neighbour(
    trained: State, prepared: tuple
) -> None:
    _, test, _ = prepared
    together = generate(trained, test, 2, 0)
    alone = generate(trained, test.take(np.array([3])), 2, 0)
    assert np.isfinite(together.audio).all()
    assert together.audio[[3]].tobytes() == alone.audio.tobytes()
    wordless = replace(test, mask=np.zeros_like(test.mask), captions=np.zeros_like(test.captions))
    assert np.isfinite(generate(trained, wordless, 2, 0).audio).all()


def test_the_same_seed_gives_the_same_bytes_in_any_order(
    corpus: Corpus, prepared: tuple, trained: State
) -> None:
    training, _, prototypes = prepared
    order = np.random.default_rng(0).permutation(len(training))
    encoder = tiny_encoder()
    again, _ = train_generator(
        training.take(order), corpus.label_embeddings, prototypes, FULL, 0, encoder=encoder
    )
    assert all(trained[name].tobytes() == again[name].tobytes() for name in trained)
    start = tiny_encoder().state_dict()
    assert all(torch.equal(encoder.state_dict()[name], start[name]) for name in start)


def test_words_that_tell_the_sound_are_learnt_where_their_vectors_do_not() -> None:
    """An encoder that knows nothing: every caption starts as near to one label as to another."""
    corpus = make_corpus(clips=120, audio_follows_video=False)
    tokens = corpus.tokens + 6 * np.random.default_rng(1).normal(size=(4, 1, 24))[corpus.labels]
    corpus = corpus.replace(tokens=tokens.astype(np.float32))
    corpus.visual[..., -1] = 0  # what the class is stands in the captions alone
    data = collate(spoken(corpus), AUDIO_DIM, STEPS).take(corpus.split == "train")
    heard = [c for c in clips_of(corpus) if c.split == "train" and c.has_sound]
    projection = fit_projection((c.artifacts["ast"].tensors()["tokens"] for c in heard), AUDIO_DIM)
    prototypes = prototypes_of(heard, corpus, projection)
    last = {}
    for way, encoder in (("full", tiny_encoder()), ("frozen", None)):
        # A narrow bottleneck: else the pictures are learnt by heart, without any caption.
        settings = FULL.changed(
            text_adapter=way,
            steps=150,
            learning_rate=0.01,
            bottleneck=4,
            dropout=0.0,
            input_noise=0.0,
            clip_noise=0.0,
        )
        fitted = train_generator(
            data, corpus.label_embeddings, prototypes, settings, 0, encoder=encoder
        )
        last[way] = fitted[1][-1]["loss"]
    assert last["full"] < 0.8 * last["frozen"]


def test_encoder_and_tokens_are_there_exactly_where_they_are_trained(
    corpus: Corpus, prepared: tuple
) -> None:
    training, _, prototypes = prepared
    embeddings = corpus.label_embeddings
    with pytest.raises(ValueError, match='"full", and only it'):
        train_generator(training, embeddings, prototypes, FULL, 0)
    frozen = FULL.changed(text_adapter="frozen")
    with pytest.raises(ValueError, match='"full", and only it'):
        train_generator(training, embeddings, prototypes, frozen, 0, encoder=tiny_encoder())
    untold = replace(training, tokens=None)
    with pytest.raises(ValueError, match="the data have none"):
        train_generator(untold, embeddings, prototypes, FULL, 0, encoder=tiny_encoder())


def test_tokens_change_nothing_for_who_does_not_read_them(corpus: Corpus, prepared: tuple) -> None:
    training, _, prototypes = prepared
    adapter = FULL.changed(text_adapter="adapter")
    states = [
        train_generator(data, corpus.label_embeddings, prototypes, adapter, 0)[0]
        for data in (training, replace(training, tokens=None))
    ]
    assert all(states[0][name].tobytes() == states[1][name].tobytes() for name in states[0])


def test_tokens_follow_their_texts(corpus: Corpus) -> None:
    clips = spoken(corpus)[:9]
    data = collate(clips, AUDIO_DIM, STEPS)
    assert (data.tokens[0] == -1).all()  # the row of padding
    for i, clip in enumerate(clips):
        for r, ids in enumerate(clip.tokens):
            row = data.tokens[data.captions[i, r]]
            np.testing.assert_array_equal(row[row >= 0], ids)
    assert data.take(np.arange(3)).tokens is data.tokens
    plain = [replace(clip, tokens=None) for clip in clips]
    assert collate(plain, AUDIO_DIM, STEPS).tokens is None
    with pytest.raises(UserError, match=r"only one has tokens"):
        collate([clips[0], plain[1]], AUDIO_DIM, STEPS)
    with pytest.raises(UserError, match=r"tokens of 0 captions, expected"):
        collate([replace(clips[0], tokens=[])], AUDIO_DIM, STEPS)


class Captions:
    """The artifact of a clip's captions."""

    def __init__(self, said: list[str]):
        self.said = said

    def json(self) -> dict[str, list[str]]:
        return {"captions": self.said}


def test_captions_are_tokenized_only_where_that_is_asked_for(corpus: Corpus) -> None:
    clips = [c for c in clips_of(corpus) if c.has_sound]
    projection = fit_projection((c.artifacts["ast"].tensors()["tokens"] for c in clips), AUDIO_DIM)
    assert generator_data(clips, projection, STEPS).tokens is None
    talking = []
    for i, clip in enumerate(clips):
        count = len(clip.artifacts["caption_embeddings"].tensors()["steps"])
        said = Captions([f"{i} {r}" for r in range(count)])
        talking.append(replace(clip, artifacts={**clip.artifacts, "captions": said}))

    def tokenize(texts: list[str]) -> list[np.ndarray]:
        return [np.array([int(word) for word in text.split()]) for text in texts]

    data = generator_data(talking, projection, STEPS, tokenize)
    for i, clip in enumerate(talking):
        for r in range(len(clip.artifacts["captions"].said)):
            assert data.tokens[data.captions[i, r]].tolist() == [i, r]
