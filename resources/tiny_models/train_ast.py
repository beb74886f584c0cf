"""A small AST with AudioSet's 527 labels, trained on the world's sounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from transformers import ASTConfig, ASTFeatureExtractor, ASTForAudioClassification

from unmuted.features.audioset import load_labels

from .data import SEED, Sounds
from .loop import fit

MEL_BINS, FRAMES, SOUND_FRAMES = 64, 320, 298  # 298 frames of 10 ms lie within 3 s
CONFIG = {
    "hidden_size": 128,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 256,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
    "patch_size": 16,
    "time_stride": 10,
    "frequency_stride": 10,
    "max_length": FRAMES,
    "num_mel_bins": MEL_BINS,
}


def raw_extractor() -> ASTFeatureExtractor:
    """The filter bank before normalisation."""
    return ASTFeatureExtractor(num_mel_bins=MEL_BINS, max_length=FRAMES, do_normalize=False)


def train_ast(sounds: Sounds, folder: Path, epochs: int) -> None:
    """Train with the labels' presence in the clip and, on the patch tokens, in each moment.

    The second loss applies the same head to the tokens of each stretch of time, so that tokens
    live in the head's space and say *when* a label is heard, as in the published AST's use.
    """
    torch.manual_seed(SEED)
    heard = sounds.filterbanks[:, :SOUND_FRAMES]
    mean, std = float(heard.mean()), float(heard.std())
    names = load_labels()
    config = ASTConfig(
        **CONFIG,
        id2label=dict(enumerate(names)),
        label2id={name: index for index, name in enumerate(names)},
    )
    model = ASTForAudioClassification(config)
    torch.nn.init.constant_(model.classifier.dense.bias, -4.0)  # most labels are never heard
    columns = _column_targets(sounds, config)  # (N, t)
    rng = np.random.default_rng([SEED, 4])

    def loss_of(indices: np.ndarray) -> torch.Tensor:
        filterbanks = augmented(sounds.filterbanks[indices], rng)
        values = (torch.from_numpy(filterbanks) - mean) / (2 * std)  # (B, frames, mels)
        labels = torch.from_numpy(sounds.labels[indices])  # (B, 527)
        hidden = model.audio_spectrogram_transformer(values)
        rows = model.audio_spectrogram_transformer.embeddings.get_shape(config)[0]
        patches = hidden.last_hidden_state[:, 2:].unflatten(1, (rows, -1)).mean(dim=1)  # (B, t, D)
        usable = columns.shape[1]
        moments = model.classifier(patches[:, :usable])  # (B, t, 527)
        wanted = torch.from_numpy(columns[indices])[:, :, None] * labels[:, None]
        clip_loss = F.binary_cross_entropy_with_logits(
            model.classifier(hidden.pooler_output), labels, reduction="none"
        )
        moment_loss = F.binary_cross_entropy_with_logits(moments, wanted, reduction="none")
        return clip_loss.sum(dim=-1).mean() + 0.5 * moment_loss.sum(dim=-1).mean()

    count = len(sounds.labels)
    fit("ast", list(model.parameters()), loss_of, count, epochs, batch=32, rate=1e-3, seed=SEED)
    model.eval().save_pretrained(folder)
    ASTFeatureExtractor(
        num_mel_bins=MEL_BINS, max_length=FRAMES, mean=mean, std=std
    ).save_pretrained(folder)


def augmented(filterbanks: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Filter banks (B, frames, mels) louder or quieter and with a masked band of frequencies."""
    changed = filterbanks.copy()
    louder = rng.uniform(-1.5, 1.5, (len(changed), 1, 1)).astype(np.float32)
    changed[:, :SOUND_FRAMES] += louder  # the padding behind the sound stays as it is
    for row in changed[rng.random(len(changed)) < 0.5]:
        low = rng.integers(0, MEL_BINS - 8)
        row[:SOUND_FRAMES, low : low + rng.integers(1, 9)] = row[:SOUND_FRAMES].mean()
    return changed


def _column_targets(sounds: Sounds, config: ASTConfig) -> np.ndarray:
    """Whether something sounds within each column of patches that holds only sound: (N, t)."""
    stride, patch = config.time_stride, config.patch_size
    starts = range(0, SOUND_FRAMES - patch + 1, stride)
    return np.stack([sounds.acting[:, s : s + patch].max(axis=1) for s in starts], axis=1)
