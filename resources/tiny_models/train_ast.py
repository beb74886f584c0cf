"""A small AST with AudioSet's 527 labels, trained on the world's sounds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from transformers import ASTConfig, ASTFeatureExtractor, ASTForAudioClassification

from unmuted.features.audioset import load_labels

from .data import SEED, Sounds
from .loop import fit

MEL_BINS, FRAMES, SOUND_FRAMES = 64, 320, 298  # 298 frames of 10 ms lie within 3 s
SHORT_SHARE, SHORTEST = 0.6, 98  # of the sounds that are cut, to at least 1 s
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
    rng = np.random.default_rng([SEED, 4])

    def loss_of(indices: np.ndarray) -> torch.Tensor:
        cut = shortened(augmented(sounds.filterbanks[indices], rng), sounds.acting[indices], rng)
        values = (torch.from_numpy(cut.filterbanks) - mean) / (2 * std)  # (B, frames, mels)
        has_event = torch.from_numpy(cut.acting.any(axis=1)).float()[:, None]
        labels = torch.from_numpy(sounds.labels[indices]) * has_event  # (B, 527)
        hidden = model.audio_spectrogram_transformer(values)
        rows = model.audio_spectrogram_transformer.embeddings.get_shape(config)[0]
        patches = hidden.last_hidden_state[:, 2:].unflatten(1, (rows, -1)).mean(dim=1)  # (B, t, D)
        columns, is_sound = map(torch.from_numpy, column_targets(cut, config))  # (B, t)
        moments = model.classifier(patches[:, : columns.shape[1]])  # (B, t, 527)
        wanted = columns[:, :, None] * labels[:, None]
        clip_loss = F.binary_cross_entropy_with_logits(
            model.classifier(hidden.pooler_output), labels, reduction="none"
        )
        moment_loss = F.binary_cross_entropy_with_logits(moments, wanted, reduction="none")
        of_moments = moment_loss.sum(dim=-1)[is_sound].mean()
        return clip_loss.sum(dim=-1).mean() + 0.5 * of_moments

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


@dataclass(frozen=True)
class Cut:
    """Sounds of different lengths.

    filterbanks (B, frames, mels) float32, zeros behind a sound, as the feature extractor pads it;
    acting (B, frames) float32, 1 where something sounds; lengths (B,), in frames.
    """

    filterbanks: np.ndarray
    acting: np.ndarray
    lengths: np.ndarray


def shortened(filterbanks: np.ndarray, acting: np.ndarray, rng: np.random.Generator) -> Cut:
    """Cut most sounds to a random stretch, so that the model hears clips of any length.

    filterbanks: (B, frames, mels). acting: (B, frames).
    """
    lengths = np.full(len(filterbanks), SOUND_FRAMES)
    short = rng.random(len(lengths)) < SHORT_SHARE
    lengths[short] = rng.integers(SHORTEST, SOUND_FRAMES, short.sum())
    cut, cut_acting = np.zeros_like(filterbanks), np.zeros_like(acting)
    for row, length in enumerate(lengths):
        start = rng.integers(SOUND_FRAMES - length + 1)
        cut[row, :length] = filterbanks[row, start : start + length]
        cut_acting[row, :length] = acting[row, start : start + length]
    return Cut(cut, cut_acting, lengths)


def column_targets(sounds: Cut, config: ASTConfig) -> tuple[np.ndarray, np.ndarray]:
    """Whether something sounds within each column of patches, and which hold only sound: (B, t)."""
    stride, patch = config.time_stride, config.patch_size
    starts = range(0, SOUND_FRAMES - patch + 1, stride)
    acting = np.stack([sounds.acting[:, s : s + patch].max(axis=1) for s in starts], axis=1)
    return acting, np.array(starts) + patch <= sounds.lengths[:, None]
