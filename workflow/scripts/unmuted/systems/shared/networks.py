"""The generators' networks and schedules under the settings of a configuration."""

from __future__ import annotations

from typing import Any

import numpy as np

from unmuted.config.generator import GeneratorSettings, VideoGeneratorSettings
from unmuted.systems.shared.data import GeneratorData
from unmuted.systems.shared.generator import GeneratorConfig
from unmuted.systems.shared.video_generator import VideoGeneratorConfig
from unmuted.training.loop import Schedule, adamw_schedule


def video_generator_network(
    settings: VideoGeneratorSettings, data: GeneratorData
) -> VideoGeneratorConfig:
    """Return the configuration of architecture 1's network for the sizes of the data."""
    sizes = data.visual.shape[2], data.audio.shape[2]
    return VideoGeneratorConfig(*sizes, settings.hidden, settings.dropout)


def generator_schedule(settings: GeneratorSettings) -> Schedule:
    """Return architecture 2's schedule; a trained sentence encoder has its own learning rate."""
    is_full = settings.text_adapter == "full"
    return adamw_schedule(
        settings, {"encoder.": settings.encoder_learning_rate} if is_full else None
    )


def generator_network(
    settings: GeneratorSettings,
    data: GeneratorData,
    label_embeddings: np.ndarray,
    encoder: dict[str, Any] | None = None,
) -> GeneratorConfig:
    """Return the configuration of architecture 2's network for the sizes of the data.

    label_embeddings: (L, E). encoder: the configuration of a sentence encoder that is trained.
    """
    return GeneratorConfig(
        visual_dim=data.visual.shape[2],
        audio_dim=data.audio.shape[2],
        text_dim=label_embeddings.shape[1],
        labels=len(label_embeddings),
        hidden=settings.hidden,
        noise_dim=settings.noise_dim,
        adapter_dim=settings.adapter_dim,
        dropout=settings.dropout,
        temperature=settings.temperature,
        tau=settings.tau,
        anchoring=settings.anchoring,
        text_adapter=settings.text_adapter,
        nearest_labels=settings.nearest_labels,
        min_similarity=settings.min_similarity,
        encoder=encoder,
    )
