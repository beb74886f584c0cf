"""The generators' networks and schedules under the settings of a configuration."""

from __future__ import annotations

from typing import Any

import numpy as np

from unmuted.config.generator import GeneratorSettings, VideoGeneratorSettings
from unmuted.systems.shared.data import GeneratorData
from unmuted.systems.shared.generator import GeneratorConfig
from unmuted.systems.shared.video_generator import VideoGeneratorConfig
from unmuted.training.loop import Schedule, step_schedule


def video_generator_network(
    settings: VideoGeneratorSettings, data: GeneratorData
) -> VideoGeneratorConfig:
    """Return the configuration of architecture 1's network for the sizes of the data."""
    return VideoGeneratorConfig(
        visual_dim=data.visual.shape[2],
        audio_dim=data.audio.shape[2],
        architecture=settings.architecture,
        hidden=settings.hidden,
        bottleneck=settings.bottleneck,
        input_noise=settings.input_noise,
        clip_noise=settings.clip_noise,
        dropout=settings.dropout,
    )


def generator_schedule(settings: GeneratorSettings) -> Schedule:
    """Return architecture 2's schedule; a trained sentence encoder has its own learning rate."""
    is_full = settings.text_adapter == "full"
    return step_schedule(settings, {"encoder.": settings.encoder_learning_rate} if is_full else {})


def generator_network(
    settings: GeneratorSettings,
    data: GeneratorData,
    label_embeddings: np.ndarray,
    labels: int,
    encoder: dict[str, Any] | None = None,
) -> GeneratorConfig:
    """Return the configuration of architecture 2's network for the sizes of the data.

    label_embeddings: (527, E). labels: how many of them have evidence. encoder: the configuration
    of a sentence encoder that is trained.
    """
    return GeneratorConfig(
        visual_dim=data.visual.shape[2],
        audio_dim=data.audio.shape[2],
        text_dim=label_embeddings.shape[1],
        labels=labels,
        all_labels=len(label_embeddings),
        architecture=settings.architecture,
        hidden=settings.hidden,
        bottleneck=settings.bottleneck,
        input_noise=settings.input_noise,
        clip_noise=settings.clip_noise,
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
