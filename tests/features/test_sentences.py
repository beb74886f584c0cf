"""Sentence vectors against the plain model, and what captions are mapped to."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from unmuted.features.audioset import load_labels
from unmuted.features.sentences import MINILM, SentenceEncoder
from unmuted.models.loading import load_folder
from unmuted.systems.arch2.mapping import map_captions

SENTENCES = [
    "a red ball rolls over the table",
    "Bell",
    "a red ball rolls over the table",
    "",
    "word " * 400,
]


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder()


def test_vectors_are_mean_pooled_and_of_unit_length(encoder: SentenceEncoder) -> None:
    folder = load_folder(MINILM)
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    vectors = encoder.encode(SENTENCES)
    assert (vectors.dtype, vectors.shape) == (np.float32, (len(SENTENCES), 384))
    for sentence, vector in zip(SENTENCES, vectors, strict=True):
        tokens = tokenizer(sentence, truncation=True, max_length=256, return_tensors="pt")
        with torch.no_grad():
            mean = model(**tokens).last_hidden_state[0].mean(dim=0).numpy()
        np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), atol=1e-5)


def test_sentence_transformers_agrees_in_batches(encoder: SentenceEncoder) -> None:
    batch = encoder.model.encode(SENTENCES, normalize_embeddings=True, show_progress_bar=False)
    np.testing.assert_allclose(encoder.encode(SENTENCES), batch, atol=1e-5)


def test_vectors_do_not_depend_on_the_company(encoder: SentenceEncoder) -> None:
    sentences = [*load_labels()[:60], *SENTENCES]
    together = encoder.encode(sentences)
    assert SentenceEncoder().encode([]).shape == (0, 384)
    for part in (slice(None, None, -1), slice(5, None, 7), slice(30, 31), slice(60, 61)):
        afresh = SentenceEncoder()  # remembers nothing
        np.testing.assert_array_equal(afresh.encode(sentences[part]), together[part])


def test_a_sentence_seen_before_is_not_encoded_again(
    encoder: SentenceEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = encoder.encode(SENTENCES)
    monkeypatch.setattr(encoder, "model", None)
    np.testing.assert_array_equal(encoder.encode(SENTENCES[:2]), first[:2])


@pytest.fixture(scope="module")
def label_vectors(encoder: SentenceEncoder) -> np.ndarray:
    return encoder.encode(load_labels())


@pytest.mark.parametrize(
    ("caption", "k", "reached"),
    [
        (
            "a group of people in a crowd with their hands up",
            4,
            ["Crowd", "Hands", "Applause", "Clapping"],
        ),
        ("a dog barking in a park", 3, ["Bark", "Dog"]),
        ("a man hits a red drum with a stick", 3, ["Drum", "Snare drum"]),
        ("water pouring into a glass", 3, ["Pour"]),
    ],
)
def test_captions_reach_what_one_would_hear(
    encoder: SentenceEncoder, label_vectors: np.ndarray, caption: str, k: int, reached: list[str]
) -> None:
    mapped = map_captions(encoder.encode([caption]), label_vectors, load_labels(), k)[0]
    assert set(reached) <= {entry["label"] for entry in mapped}
