"""What a clip sounds like: tokens over time and label scores of an Audio Spectrogram Transformer.

Gong, Chung and Glass, "AST: Audio Spectrogram Transformer", Interspeech 2021.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from transformers import ASTFeatureExtractor, ASTForAudioClassification

from unmuted.errors import UserError
from unmuted.features.audioset import load_labels
from unmuted.features.time_pooling import (
    FRAME_SAMPLES,
    HOP_SAMPLES,
    SAMPLE_RATE,
    bin_edges,
    pooling_weights,
    token_spans,
    window_edges,
)
from unmuted.inference.batches import run_across
from unmuted.inference.blas import one_blas_thread
from unmuted.inference.device import pick_batch_size, to_arrays, to_device
from unmuted.inference.memory import AdaptiveBatch
from unmuted.inference.prefetch import prefetch
from unmuted.models.checking import reading
from unmuted.models.loading import PROCESSOR, ModelSpec, checked_folder
from unmuted.models.pretrained import load_model

FASTEST_BATCH = {"cpu": 2, "cuda": 32}  # windows of sound


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

    A clip goes through the model in one pass, padded as the checkpoint was trained. Batches have
    one shape, so that a clip's features depend on the clip alone, to the bit. `dim` is the length D
    of a token, `labels` the names of the scores, and `window_seconds` the longest clip that one
    pass takes.
    """

    def __init__(
        self,
        spec: ModelSpec,
        device: torch.device,
        dtype: torch.dtype,
        batch_size: int | str = "auto",
    ) -> None:
        folder = checked_folder(spec, PROCESSOR)
        with reading(spec.title, folder):
            self.extractor = ASTFeatureExtractor.from_pretrained(folder)
        self.model = load_model(ASTForAudioClassification, spec, folder, device, dtype)
        # Typed for any checkpoint, where values may be missing.
        self.config = cast(Any, self.model.config)
        self.device, self.dtype = device, dtype
        self.batch_size = pick_batch_size(device, batch_size, FASTEST_BATCH)
        settings = (self.extractor.sampling_rate, self.extractor.max_length)
        if settings != (SAMPLE_RATE, self.config.max_length):
            raise UserError(
                f"{folder}: sampling_rate and max_length of the feature extractor are {settings},"
                f" expected {(SAMPLE_RATE, self.config.max_length)}"
            )
        self.dim: int = self.config.hidden_size
        self.labels = [self.config.id2label[i] for i in range(self.config.num_labels)]
        _check_labels(self.labels, folder)
        self.window_samples: int = self.config.max_length * HOP_SAMPLES
        self.window_seconds = self.window_samples / SAMPLE_RATE

    def extract(self, samples: np.ndarray, steps: int, per_step: bool = False) -> AstResult:
        """Return the result for samples int16 (n,), mono, 16 kHz, n >= 1; see `extract_clips`."""
        [(_, result)] = self.extract_clips([("", samples)], steps, per_step)
        return result

    def extract_clips(
        self, clips: Iterable[tuple[str, np.ndarray]], steps: int, per_step: bool = False
    ) -> Iterator[tuple[str, AstResult]]:
        """Yield tokens in T equal time bins over each clip, and the clip's label scores.

        Patch tokens are averaged over frequency, then over those that overlap a bin in time,
        weighted by the overlap; tokens that have seen padding are left out. A clip longer than the
        model's window is cut into windows at the bins' borders: a bin takes the tokens of its
        window, and a label's score is its highest over the windows, since a label applies to a
        clip that has its sound once.

        Per step, tokens are as the source makes them: each of T equal parts in a pass of its own,
        padded to the model's window, or cut to it; a token is the mean over all patches, those of
        the padding too, and a label's score is its mean over the passes.

        Args:
            clips: names, and samples int16 (n,), mono, 16 kHz, n >= 1.
            steps: number of time bins T.

        Yields:
            In the same order, names and results.
        """
        limit = 0 if per_step else self.window_samples
        prepared = (self._prepare(name, samples, steps, limit) for name, samples in clips)
        run = AdaptiveBatch(self._forward, self.batch_size)
        results = run_across(prefetch(prepared), run, self.batch_size, _collect)
        for (name, bins, edges), passes in results:
            pool = self._pool_steps if per_step else self._pool_windows
            yield name, pool(bins, edges, *map(np.stack, zip(*passes, strict=True)))

    def _prepare(
        self, name: str, samples: np.ndarray, steps: int, limit: int
    ) -> tuple[tuple[str, np.ndarray, np.ndarray], list[np.ndarray]]:
        """Return name, bins and stretches of a clip, and the spectrogram of each stretch."""
        _check_samples(samples)
        bins = bin_edges(samples.size, steps)
        edges = window_edges(bins, limit) if limit else bins
        stretches = [samples[start:stop] for start, stop in pairwise(edges.tolist())]
        return (name, bins, edges), [self._spectrogram(stretch) for stretch in stretches]

    def _pool_windows(
        self, bins: np.ndarray, edges: np.ndarray, columns: np.ndarray, logits: np.ndarray
    ) -> AstResult:
        """Return the result from columns (W, t, D) and logits (W, labels) of a clip's windows."""
        spans, tokens = [], []
        for (start, stop), of_window in zip(pairwise(edges.tolist()), columns, strict=True):
            usable = token_spans(stop - start, self.config.patch_size, self.config.time_stride)
            spans.append(start + usable)
            tokens.append(of_window[: len(usable)])
        weights = pooling_weights(np.concatenate(spans), bins)  # (T, K)
        with one_blas_thread():
            pooled = weights @ np.concatenate(tokens)  # (T, D)
        highest = np.max(logits, axis=0)  # (labels,)
        return AstResult(
            tokens=pooled,
            scores=torch.from_numpy(highest).sigmoid().numpy(),
            logits=highest,
            mode="one_pass" if len(logits) == 1 else "windows",
        )

    def _pool_steps(
        self, bins: np.ndarray, edges: np.ndarray, columns: np.ndarray, logits: np.ndarray
    ) -> AstResult:
        """Return the result from the columns (T, t, D) and logits (T, labels) of a clip's steps."""
        mean = _mean_score_logits(logits)
        return AstResult(
            tokens=columns.mean(axis=1),
            scores=torch.from_numpy(mean).sigmoid().numpy(),
            logits=mean,
            mode="per_step",
        )

    def _spectrogram(self, samples: np.ndarray) -> np.ndarray:
        """Return log mel energies (frames, bins), normalised and padded to the window."""
        # The checkpoints were trained on sound in [-1, 1], not on 16-bit integers.
        waveform = np.zeros(max(samples.size, FRAME_SAMPLES), np.float32)
        waveform[: samples.size] = samples / np.float32(32768)
        with one_blas_thread():
            spectrogram = self.extractor(waveform, sampling_rate=SAMPLE_RATE, return_tensors="np")
        return spectrogram.input_values[0]

    @torch.inference_mode()
    def _forward(self, spectrograms: np.ndarray) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Return a token per column of patches (t, D) and logits (labels,) of each window.

        spectrograms: (B, frames, bins). The results are float32 and on the device.
        """
        values = to_device(spectrograms, self.device, self.dtype)
        transformer = self.model.audio_spectrogram_transformer
        hidden = transformer(values)
        logits = self.model.classifier(hidden.pooler_output)  # (B, labels)
        # Behind the CLS and the distillation token come the patches, row by row: a row is one
        # frequency band, and time runs along it.
        rows, _ = transformer.embeddings.get_shape(self.config)
        patches = hidden.last_hidden_state[:, 2:].unflatten(1, (rows, -1))  # (B, f, t, D)
        return list(zip(patches.float().mean(dim=1), logits.float(), strict=True))


def _collect(
    rows: Sequence[tuple[torch.Tensor, torch.Tensor]],
) -> list[tuple[np.ndarray, np.ndarray]]:
    columns, logits = zip(*rows, strict=True)
    return list(zip(to_arrays(columns), to_arrays(logits), strict=True))


def _check_samples(samples: np.ndarray) -> None:
    if samples.dtype != np.int16 or samples.ndim != 1 or samples.size == 0:
        raise ValueError(f"expected int16 (n,), n >= 1; got {samples.dtype} {samples.shape}")


def _mean_score_logits(logits: np.ndarray) -> np.ndarray:
    """Return logits (labels,) whose sigmoid is the mean of that of `logits` (passes, labels)."""
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
            f" found {len(labels)}; {len(moved)} of them stand elsewhere: {moved[:3]}"
        )
