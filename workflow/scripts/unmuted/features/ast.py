"""What a clip sounds like: tokens over time and label scores of an Audio Spectrogram Transformer.

Gong, Chung and Glass, "AST: Audio Spectrogram Transformer", Interspeech 2021.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from transformers import ASTFeatureExtractor, ASTForAudioClassification

from unmuted.errors import UserError
from unmuted.features.loading import PROCESSOR, ModelSpec, load_folder
from unmuted.features.pretrained import load_model
from unmuted.features.time_pooling import (
    FRAME_SAMPLES,
    HOP_SAMPLES,
    SAMPLE_RATE,
    bin_edges,
    pooling_weights,
    token_spans,
    window_edges,
)
from unmuted.semantics.audioset import load_labels


@dataclass(frozen=True)
class AstResult:
    """Of one clip: tokens float32 (T, D), logits and sigmoid scores float32 (labels,).

    `mode` says how the clip went through the model: "one_pass" for the whole clip at once,
    "windows" for a clip longer than the model takes, "per_step" for one pass a time step.
    """

    tokens: np.ndarray
    scores: np.ndarray
    logits: np.ndarray
    mode: str


class AstFeatures:
    """Features of sound from an AST checkpoint with its label head.

    A clip goes through the model in one pass, padded as the checkpoint was trained, and alone:
    what else is processed cannot change its features. `dim` is the length D of a token, `labels`
    the names of the scores, and `window_seconds` the longest clip that one pass takes.
    """

    def __init__(self, spec: ModelSpec, device: torch.device, dtype: torch.dtype) -> None:
        folder = load_folder(spec, PROCESSOR)
        self.extractor = ASTFeatureExtractor.from_pretrained(folder)
        self.model = load_model(ASTForAudioClassification, folder, device, dtype)
        self.config = self.model.config
        self.device, self.dtype = device, dtype
        found = (self.extractor.sampling_rate, self.extractor.max_length)
        if found != (SAMPLE_RATE, self.config.max_length):
            raise UserError(
                f"{folder}: sampling_rate and max_length of the feature extractor are {found},"
                f" expected {(SAMPLE_RATE, self.config.max_length)}"
            )
        self.dim: int = self.config.hidden_size
        self.labels = [self.config.id2label[i] for i in range(self.config.num_labels)]
        _check_labels(self.labels, folder)
        self.window_samples: int = self.config.max_length * HOP_SAMPLES
        self.window_seconds = self.window_samples / SAMPLE_RATE

    def extract(self, samples: np.ndarray, steps: int) -> AstResult:
        """Tokens in equal time bins over the clip, and the clip's label scores.

        Patch tokens are averaged over frequency, then over those that overlap a bin in time,
        weighted by the overlap; tokens that have seen padding are left out. A clip longer than the
        model's window is cut into windows at the bins' borders: a bin takes the tokens of its
        window, and a label's score is its highest over the windows, since a label applies to a
        clip in which it is heard once.

        Args:
            samples: int16 (n,), mono, 16 kHz, n >= 1.
            steps: number of time bins T.
        """
        _check_samples(samples)
        bins = bin_edges(samples.size, steps)
        spans, tokens, logits = [], [], []
        for start, stop in pairwise(window_edges(bins, self.window_samples).tolist()):
            columns, window_logits = self._forward(samples[start:stop])  # (t, D), (labels,)
            usable = token_spans(stop - start, self.config.patch_size, self.config.time_stride)
            spans.append(start + usable)
            tokens.append(columns[: len(usable)])
            logits.append(window_logits)
        pooled = pooling_weights(np.concatenate(spans), bins) @ np.concatenate(tokens)  # (T, D)
        highest = np.max(logits, axis=0)  # (labels,)
        return AstResult(
            tokens=pooled,
            scores=torch.from_numpy(highest).sigmoid().numpy(),
            logits=highest,
            mode="one_pass" if len(logits) == 1 else "windows",
        )

    def extract_per_step(self, samples: np.ndarray, steps: int) -> AstResult:
        """Tokens as the source makes them: each of T equal parts in a pass of its own.

        A part is padded to the model's window, or cut to it, and a token is the mean over all
        patches, those of the padding too. A label's score is its mean over the passes.

        Args:
            samples: int16 (n,), mono, 16 kHz, n >= 1.
            steps: number of parts T.
        """
        _check_samples(samples)
        parts = pairwise(bin_edges(samples.size, steps).tolist())
        passes = [self._forward(samples[start:stop]) for start, stop in parts]
        logits = _mean_score_logits(np.stack([each for _, each in passes]))
        return AstResult(
            tokens=np.stack([columns.mean(axis=0) for columns, _ in passes]),
            scores=torch.from_numpy(logits).sigmoid().numpy(),
            logits=logits,
            mode="per_step",
        )

    @torch.inference_mode()
    def _forward(self, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of one window: a token per column of patches (t, D) and logits (labels,), float32."""
        # The checkpoints were trained on sound in [-1, 1], not on 16-bit integers.
        waveform = np.zeros(max(samples.size, FRAME_SAMPLES), np.float32)
        waveform[: samples.size] = samples / np.float32(32768)
        spectrogram = self.extractor(waveform, sampling_rate=SAMPLE_RATE, return_tensors="pt")
        values = spectrogram.input_values.to(self.device, self.dtype)  # (1, frames, mel bins)
        transformer = self.model.audio_spectrogram_transformer
        hidden = transformer(values)
        logits = self.model.classifier(hidden.pooler_output)[0]  # (labels,)
        # Behind the CLS and the distillation token come the patches, row by row: a row is one
        # frequency band, and time runs along it.
        rows, _ = transformer.embeddings.get_shape(self.config)
        patches = hidden.last_hidden_state[0, 2:].unflatten(0, (rows, -1))  # (f, t, D)
        return patches.float().mean(dim=0).cpu().numpy(), logits.float().cpu().numpy()


def _check_samples(samples: np.ndarray) -> None:
    if samples.dtype != np.int16 or samples.ndim != 1 or samples.size == 0:
        raise ValueError(f"expected int16 (n,), n >= 1; got {samples.dtype} {samples.shape}")


def _mean_score_logits(logits: np.ndarray) -> np.ndarray:
    """Logits (labels,) whose sigmoid is the mean of the sigmoid of `logits` (passes, labels)."""
    passes = torch.from_numpy(logits)
    # sigmoid(-x) is 1 - sigmoid(x): the odds of the mean, in logarithms so that none is 0.
    yes = torch.nn.functional.logsigmoid(passes).logsumexp(dim=0)
    no = torch.nn.functional.logsigmoid(-passes).logsumexp(dim=0)
    return (yes - no).numpy()


def _check_labels(labels: list[str], folder: Path) -> None:
    """Refuse a head whose scores would be read under wrong names: another set or another order."""
    place = {name: index for index, name in enumerate(load_labels())}
    moved = [name for index, name in enumerate(labels) if place.get(name, index) != index]
    if len(labels) != len(place) or moved:
        raise UserError(
            f"{folder / 'config.json'}: expected the {len(place)} labels of AudioSet in order,"
            f" found {len(labels)}, of which {len(moved)} stand elsewhere {moved[:3]}"
        )
