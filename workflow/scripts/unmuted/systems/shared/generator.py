"""The generator of architecture 2: video and captions of its representative frames to audio.

caption -> adapter -> cosine with labels -> soft mixture of label prototypes
[video, representative frames, label features, noise] at each time step
-> bidirectional LSTM -> audio features
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unmuted.systems.shared.audio_decoder import AudioDecoder
from unmuted.systems.shared.data import GeneratorData
from unmuted.systems.shared.text_encoder import TextEncoder
from unmuted.systems.shared.video_generator import BIDIRECTIONAL, noisy_bottleneck
from unmuted.training.standardize import Standardize

SMALLEST = 1e-30  # keeps 0 / 0 away


@dataclass(frozen=True)
class GeneratorConfig:
    """Sizes and options of the network; all of it is saved with the weights."""

    visual_dim: int  # Dv, RGB and flow features side by side
    audio_dim: int  # A
    text_dim: int  # E, of the sentence encoder
    labels: int  # L, those with evidence alone
    all_labels: int
    architecture: str  # "bidirectional"; "lstm": causal, without input noise
    hidden: int  # H
    bottleneck: int
    input_noise: float
    clip_noise: float
    noise_dim: int  # Z
    adapter_dim: int
    dropout: float
    temperature: float  # of the attention over labels
    tau: float  # time steps in which an anchor fades to 1/e
    anchoring: bool  # False: the mean over representative frames at every step
    text_adapter: str  # "adapter"; "frozen": none; "full": the sentence encoder is trained
    nearest_labels: int | None = None  # how many labels a caption attends to; None: all
    min_similarity: float | None = None  # cosine below which a label is not attended to
    encoder: dict[str, Any] | None = None  # the sentence encoder's configuration, if it is trained


class TextAdapter(nn.Module):
    """A residual bottleneck on sentence embeddings; before training it changes nothing."""

    def __init__(self, text_dim: int, adapter_dim: int) -> None:
        super().__init__()
        self.down = nn.Linear(text_dim, adapter_dim)
        self.up = nn.Linear(adapter_dim, text_dim)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Compute what is added to embeddings (..., E)."""
        return self.up(F.gelu(self.down(x)))


class LabelAttention(nn.Module):
    """Soft attention of captions over labels: a hard top k would pass no gradient.

    It may be limited to the nearest labels, and to similar ones; a caption without any similar
    label gets zeros. What passes the limits keeps its gradient, the choice itself has none.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        adapt = config.text_adapter == "adapter"
        self.adapter = TextAdapter(config.text_dim, config.adapter_dim) if adapt else None
        self.temperature = config.temperature
        self.nearest, self.min_similarity = config.nearest_labels, config.min_similarity

    def forward(self, texts: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Compute attention (U, L), and how far the adapter moves embeddings, squared (scalar)."""
        x = torch.cat([texts, labels])  # (U + L, E)
        change = torch.zeros_like(x) if self.adapter is None else self.adapter(x)
        q, k = F.normalize(x + change, dim=-1).split([len(texts), len(labels)])  # (U, E), (L, E)
        scores = q @ k.T / self.temperature
        attention = scores.softmax(dim=-1)  # (U, L)
        if self.nearest is not None or self.min_similarity is not None:
            attention = attention * self.allowed(scores.detach())
            attention = attention / attention.sum(dim=-1, keepdim=True).clamp(min=SMALLEST)
        return attention, change.square().sum(dim=-1).mean()

    def allowed(self, scores: Tensor) -> Tensor:
        """Return the labels within the limits, bool (U, L); of equal ones those of lower index."""
        allowed = torch.ones_like(scores, dtype=torch.bool)
        if self.nearest is not None:
            order = scores.argsort(dim=-1, descending=True, stable=True)
            allowed.scatter_(-1, order[:, self.nearest :], False)
        if self.min_similarity is not None:
            allowed &= scores * self.temperature >= self.min_similarity
        return allowed


def anchor_weights(steps: Tensor, mask: Tensor, length: int, tau: float | None) -> Tensor:
    """Compute the weight of each representative frame at each time step.

    steps: int (B, R). mask: bool (B, R), False for padding. Returns (B, T, R), rows that sum to
    at most 1: exp(-|t - s| / tau) around each frame, averaged if their sum exceeds 1; with tau None
    all weights are equal.
    """
    if tau is None:
        weights = mask[:, None, :].float().expand(-1, length, -1)
    else:
        time = torch.arange(length, device=steps.device)
        distance = (time[None, :, None] - steps[:, None, :]).abs()  # (B, T, R)
        weights = torch.exp(-distance / tau) * mask[:, None, :]
    return weights / weights.sum(dim=-1, keepdim=True).clamp(min=1.0)


class Output(NamedTuple):
    """What the generator computes for B clips with U distinct captions."""

    audio: Tensor  # (B, T, A), standardised
    attention: Tensor  # (B, L), mean over the representative frames of a clip; zeros without any
    shift: Tensor  # scalar, of the text adapter


class Generator(nn.Module):
    """Video, captions and noise to standardised audio features.

    It knows the labels with evidence alone: a label that no training clip was heard with has an
    arbitrary prototype, and attention to it would be a free codebook.
    """

    label_index: Tensor  # int64 (L,), rows of the table of labels
    label_embeddings: Tensor  # (L, E)
    prototypes: Tensor  # (L, A)

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.standardize_visual = Standardize(config.visual_dim)
        self.standardize_audio = Standardize(config.audio_dim)
        self.register_buffer("label_index", torch.zeros(config.labels, dtype=torch.int64))
        self.register_buffer("label_embeddings", torch.zeros(config.labels, config.text_dim))
        self.register_buffer("prototypes", torch.zeros(config.labels, config.audio_dim))
        self.encoder = TextEncoder(config.encoder) if config.encoder is not None else None
        self.attention = LabelAttention(config)
        both = config.architecture == BIDIRECTIONAL
        width = config.bottleneck if both else config.hidden
        self.visual: nn.Module = nn.Linear(config.visual_dim, width)
        self.sound: nn.Module = nn.Identity()
        if both:
            noise = config.input_noise, config.clip_noise
            self.visual = noisy_bottleneck((config.visual_dim, width), noise, config.dropout)
            self.sound = noisy_bottleneck((config.audio_dim, width), noise, config.dropout)
        joint = 2 * width + (width if both else config.audio_dim) + config.noise_dim
        sizes = joint, width, config.hidden, config.audio_dim
        self.decoder = AudioDecoder(*sizes, config.dropout, both)

    @property
    def noise_dim(self) -> int:
        """Z, the size of the noise at each time step."""
        return self.config.noise_dim

    def inputs(self, data: GeneratorData, clips: np.ndarray) -> list[np.ndarray]:
        """Return the inputs of `forward` for the clips at these indices, except the noise.

        These are visual (B, T, Dv), the distinct texts (U, E) or their tokens (U, W), and for each
        representative frame of a clip the row of its text, its step and whether it is no padding,
        (B, R). U, W and R are the sizes that these clips need: larger ones would cost time and
        could change the last bit.
        """
        r = max(1, int(data.mask[clips].sum(axis=1).max()))
        rows, captions = np.unique(data.captions[clips, :r], return_inverse=True)
        frames = (captions.reshape(-1, r), data.steps[clips, :r], data.mask[clips, :r])
        if self.encoder is None:
            return [data.visual[clips], data.texts[rows], *frames]
        if data.tokens is None:
            raise ValueError("this generator reads the tokens of the captions, the data have none")
        return [data.visual[clips], _trimmed(data.tokens[rows]), *frames]

    def forward(self, *inputs: Tensor) -> Tensor:
        """Compute standardised audio features (B, T, A); inputs: as of `trace`."""
        return self.trace(*inputs).audio

    def attend(self, texts: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the attention (U, L) of texts (U, E) or tokens (U, W), and the shift."""
        if self.encoder is not None:
            texts = self.encoder(texts)  # (U, E)
        return self.attention(texts, self.label_embeddings)

    def trace(
        self,
        visual: Tensor,  # (B, T, Dv)
        texts: Tensor,  # (U, E), the distinct captions of these clips; (U, W), their tokens
        captions: Tensor,  # (B, R), rows of `texts`
        steps: Tensor,  # (B, R)
        mask: Tensor,  # (B, R)
        noise: Tensor,  # (B, T, Z)
    ) -> Output:
        """Compute standardised audio features, and the attention behind them."""
        seen = self.visual(self.standardize_visual(visual))  # (B, T, bottleneck)
        rows = torch.arange(len(seen), device=seen.device)[:, None]
        frames = seen[rows, steps]  # (B, R, bottleneck), the representative ones
        of_texts, shift = self.attend(texts)  # (U, L)
        attention = F.embedding(captions, of_texts)  # (B, R, L)
        sounds = attention @ self.standardize_audio(self.prototypes)  # (B, R, A)
        tau = self.config.tau if self.config.anchoring else None
        anchor = anchor_weights(steps, mask, seen.shape[1], tau)  # (B, T, R)
        x = [seen, anchor @ frames, self.sound(anchor @ sounds), noise]
        audio = self.decoder(torch.cat(x, dim=-1), seen)  # (B, T, A)
        weights = mask / mask.sum(dim=1, keepdim=True).clamp(min=1)  # (B, R)
        return Output(audio, (weights[:, :, None] * attention).sum(dim=1), shift)


def _trimmed(tokens: np.ndarray) -> np.ndarray:
    """Remove columns of tokens (U, W) that are padding in every row; the first one is kept."""
    return tokens[:, : max(1, int((tokens >= 0).sum(axis=1).max()))]
