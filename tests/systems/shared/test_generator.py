"""The network of the generator: anchors, soft attention, adapter, padding."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import cosine_similarity

from unmuted.systems.shared.generator import (
    Generator,
    GeneratorConfig,
    LabelAttention,
    TextAdapter,
    anchor_weights,
)

B, T, R, DV, E, L, A, Z = 3, 6, 2, 5, 8, 7, 4, 2


def config(**changes: object) -> GeneratorConfig:
    options = {
        "visual_dim": DV,
        "audio_dim": A,
        "text_dim": E,
        "labels": L,
        "all_labels": L,
        "architecture": "bidirectional",
        "hidden": 6,
        "bottleneck": 4,
        "input_noise": 0.5,
        "clip_noise": 0.5,
        "noise_dim": Z,
        "adapter_dim": 3,
        "dropout": 0.5,
        "temperature": 0.05,
        "tau": 2.0,
        "anchoring": True,
        "text_adapter": "adapter",
    }
    return GeneratorConfig(**{**options, **changes})


def inputs(frames: int = R) -> list[torch.Tensor]:
    rng = np.random.default_rng(0)
    mask = torch.ones(B, frames, dtype=torch.bool)
    arrays = [rng.normal(size=(B, T, DV)), rng.normal(size=(B * frames, E))]
    visual, texts = (torch.tensor(array, dtype=torch.float32) for array in arrays)
    captions = torch.arange(B * frames).reshape(B, frames)
    steps = torch.tensor(rng.integers(0, T, size=(B, frames)))
    return [visual, texts, captions, steps, mask, torch.zeros(B, T, Z)]


def network(**changes: object) -> Generator:
    torch.manual_seed(0)
    model = Generator(config(**changes)).eval()
    model.label_embeddings.normal_()
    model.prototypes.normal_()
    return model


def test_an_anchor_is_full_at_its_frame_and_decays_to_its_neighbours() -> None:
    weights = anchor_weights(torch.tensor([[2]]), torch.tensor([[True]]), T, tau=2.0)[0, :, 0]
    expected = np.exp(-np.abs(np.arange(T) - 2) / 2.0)
    np.testing.assert_allclose(weights, expected, rtol=1e-6)


def test_crowded_anchors_share_the_step() -> None:
    weights = anchor_weights(torch.tensor([[2, 2]]), torch.tensor([[True, True]]), T, tau=2.0)
    np.testing.assert_allclose(weights[0, 2], [0.5, 0.5])
    assert (weights.sum(dim=-1) <= 1 + 1e-6).all()


def test_without_anchoring_every_step_feels_every_frame_equally() -> None:
    mask = torch.tensor([[True, True, False]])
    weights = anchor_weights(torch.tensor([[0, 5, 0]]), mask, T, tau=None)
    np.testing.assert_allclose(weights[0], np.tile([0.5, 0.5, 0.0], (T, 1)))


def test_a_clip_without_captions_has_no_anchor() -> None:
    weights = anchor_weights(torch.zeros(1, 2, dtype=torch.int64), torch.zeros(1, 2).bool(), T, 2.0)
    assert (weights == 0).all()


def test_padding_changes_nothing() -> None:
    model = network()
    visual, texts, captions, steps, mask, noise = inputs()
    padded = [
        visual,
        torch.cat([texts, torch.full((1, E), 9.0)]),
        torch.cat([captions, torch.full((B, 3), len(texts))], dim=1),
        torch.cat([steps, torch.full((B, 3), 4)], dim=1),
        torch.cat([mask, torch.zeros(B, 3, dtype=torch.bool)], dim=1),
        noise,
    ]
    with torch.no_grad():
        np.testing.assert_allclose(
            model(visual, texts, captions, steps, mask, noise), model(*padded), atol=1e-6
        )


def test_the_adapter_changes_nothing_before_training() -> None:
    assert (TextAdapter(E, 3)(torch.randn(4, E)) == 0).all()


def test_the_shift_is_how_far_the_adapter_moves_captions_and_labels() -> None:
    attention = LabelAttention(config())
    torch.nn.init.normal_(attention.adapter.up.weight)
    texts, labels = torch.randn(3, E), torch.randn(L, E)
    moved = attention.adapter(torch.cat([texts, labels])).detach().numpy()
    _, shift = attention(texts, labels)
    assert shift.item() == pytest.approx((moved**2).sum(axis=1).mean(), rel=1e-5)
    assert LabelAttention(config(text_adapter="frozen"))(texts, labels)[1] == 0


@pytest.mark.parametrize(("adapter", "trainable"), [("adapter", True), ("frozen", False)])
def test_the_text_side_learns_only_with_an_adapter(adapter: str, trainable: bool) -> None:
    model = network(text_adapter=adapter)
    model(*inputs()).square().sum().backward()
    gradients = [p.grad for p in model.attention.parameters()]
    assert any(g is not None and g.abs().sum() > 0 for g in gradients) == trainable


def test_attention_agrees_with_softmax_of_cosines() -> None:
    attention = LabelAttention(config(temperature=0.1))
    texts, labels = torch.randn(B, E), torch.randn(L, E)
    with torch.no_grad():
        found, _ = attention(texts, labels)
    cosine = cosine_similarity(texts, labels)
    weights = np.exp(cosine / 0.1) / np.exp(cosine / 0.1).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(found, weights, atol=1e-5)


def test_a_caption_that_is_a_label_gets_its_prototype() -> None:
    """The network is given the prototype, standardised, at the step of the frame."""
    model = network(temperature=0.01, audio_dim=A)
    model.label_embeddings.copy_(torch.eye(L, E))
    model.standardize_audio.scale.fill_(2.0)
    seen = []
    model.sound.register_forward_hook(lambda module, args, out: seen.append(args[0].detach()))
    visual, _, captions, _, mask, noise = inputs(frames=1)
    texts = model.label_embeddings[[3] * B]
    model(visual, texts, captions, torch.full((B, 1), 2), mask, noise)
    np.testing.assert_allclose(seen[0][:, 2], np.tile(model.prototypes[3] / 2, (B, 1)), atol=1e-5)


def limited(**limits: object) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    """Weights under the limits, without limits, and cosines."""
    torch.manual_seed(0)
    texts, labels = torch.randn(B, E), torch.randn(L, E)
    weights = [
        LabelAttention(config(text_adapter="frozen", temperature=0.2, **options))(texts, labels)[0]
        for options in (limits, {})
    ]
    return *weights, cosine_similarity(texts, labels)


@pytest.mark.parametrize("k", [1, 3, L, L + 5])
def test_a_caption_attends_to_the_nearest_labels_alone(k: int) -> None:
    weights, soft, cosine = limited(nearest_labels=k)
    for row, all_of_row, similarity in zip(weights, soft, cosine, strict=True):
        nearest = np.argsort(-similarity)[:k]
        expected = np.zeros(L)
        expected[nearest] = all_of_row[nearest] / all_of_row[nearest].sum()
        np.testing.assert_allclose(row, expected, atol=1e-6)


def test_equally_near_labels_go_by_index() -> None:
    attention = LabelAttention(config(text_adapter="frozen", nearest_labels=2))
    weights = attention(torch.ones(1, E), torch.ones(L, E))[0][0]
    np.testing.assert_allclose(weights, [0.5, 0.5, *[0.0] * (L - 2)], atol=1e-6)


def test_labels_that_are_not_similar_get_no_weight() -> None:
    weights, soft, cosine = limited(min_similarity=0.1)
    kept = np.where(cosine >= 0.1, soft, 0)
    np.testing.assert_allclose(weights, kept / kept.sum(axis=1, keepdims=True), atol=1e-6)
    assert (weights[cosine < 0.1] == 0).all()


def test_a_caption_without_a_similar_label_says_nothing_and_breaks_no_gradient() -> None:
    model = network(min_similarity=0.999)
    seen = []
    model.attention.register_forward_hook(lambda module, args, out: seen.append(out[0]))
    model(*inputs()).square().sum().backward()
    assert (seen[0] == 0).all()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert gradients
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_limits_leave_the_gradient_of_what_they_let_pass() -> None:
    model = network(nearest_labels=3, min_similarity=-1.0)
    model(*inputs()).square().sum().backward()
    assert any(p.grad.abs().sum() > 0 for p in model.attention.parameters())


def test_a_caption_is_heard_most_where_its_frame_is() -> None:
    """Swapping the caption changes the LSTM's input at its step most, and less further away."""
    model = network(tau=1.0)
    seen = []
    model.decoder.lstm.register_forward_hook(
        lambda module, args, out: seen.append(args[0].detach())
    )
    visual, texts, captions, _, mask, noise = inputs(frames=1)
    for words in (captions, captions.flip(0)):
        model(visual, texts, words, torch.full((B, 1), 2), mask, noise)
    change = (seen[0] - seen[1]).abs().sum(dim=-1)[0]  # (T,)
    assert change.argmax() == 2
    np.testing.assert_allclose(change[3] / change[2], np.exp(-1), rtol=1e-4)


@pytest.mark.parametrize(("architecture", "sees"), [("bidirectional", True), ("lstm", False)])
def test_only_a_bidirectional_generator_sees_a_hit_before_it(architecture: str, sees: bool) -> None:
    model = network(architecture=architecture)
    visual, texts, captions, _, mask, noise = inputs(frames=1)
    hit = visual.clone()
    hit[:, 4] += 1.0
    at_first = torch.zeros(B, 1, dtype=torch.int64)
    with torch.no_grad():
        quiet, loud = (model(v, texts, captions, at_first, mask, noise) for v in (visual, hit))
    assert ((quiet[:, :4] != loud[:, :4]).any() == sees).item()
    assert (quiet[:, 4:] != loud[:, 4:]).any()


def test_noise_is_added_to_inputs_in_training_alone() -> None:
    model = network(dropout=0.0)
    args = inputs()
    with torch.no_grad():
        assert torch.equal(model(*args), model(*args))
        model.train()
        assert not torch.equal(model(*args), model(*args))
        silent = network(dropout=0.0, input_noise=0.0, clip_noise=0.0).train()
        assert torch.equal(silent(*args), silent(*args))


def test_a_clip_s_attention_is_the_mean_over_its_frames() -> None:
    model = network()
    visual, texts, captions, steps, mask, noise = inputs()
    mask = torch.tensor([[True, True], [True, False], [False, False]])
    with torch.no_grad():
        found = model.trace(visual, texts, captions, steps, mask, noise).attention
        of_texts, _ = model.attend(texts)
    np.testing.assert_allclose(found[0], of_texts[captions[0]].mean(dim=0), atol=1e-6)
    np.testing.assert_allclose(found[1], of_texts[captions[1, 0]], atol=1e-6)
    assert (found[2] == 0).all()


def test_representative_frames_are_those_at_their_steps() -> None:
    model = network(architecture="lstm")
    visual, texts, captions, _, mask, noise = inputs(frames=1)
    other = visual.clone()
    other[:, 5] += 1.0
    at_first, at_last = torch.zeros(B, 1, dtype=torch.int64), torch.full((B, 1), 5)
    with torch.no_grad():
        unmoved = [model(v, texts, captions, at_first, mask, noise)[:, 0] for v in (visual, other)]
        moved = [model(v, texts, captions, at_last, mask, noise)[:, 0] for v in (visual, other)]
    assert torch.equal(*unmoved)  # step 0 does not see frame 5 ...
    assert not torch.allclose(*moved)  # ... unless it is an anchor
