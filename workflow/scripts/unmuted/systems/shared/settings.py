"""What the configuration says about the generators of both architectures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from unmuted.errors import UserError
from unmuted.systems.shared.data import GeneratorData
from unmuted.systems.shared.generator import GeneratorConfig
from unmuted.systems.shared.video_generator import VideoGeneratorConfig
from unmuted.training.loop import Schedule

TEXT_ADAPTERS = ("adapter", "frozen", "full")


@dataclass(frozen=True)
class VideoGeneratorSettings:
    """Architecture 1."""

    hidden: int = 64
    dropout: float = 0.2
    epochs: int = 40
    batch_size: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 0.01

    @property
    def schedule(self) -> Schedule:
        return Schedule(self.epochs, self.batch_size, self.learning_rate, self.weight_decay)

    def network(self, data: GeneratorData) -> VideoGeneratorConfig:
        """These settings and the sizes that the data have."""
        sizes = data.visual.shape[2], data.audio.shape[2]
        return VideoGeneratorConfig(*sizes, self.hidden, self.dropout)


@dataclass(frozen=True)
class GeneratorSettings:
    """Architecture 2."""

    hidden: int = 64
    noise_dim: int = 8
    adapter_dim: int = 32
    dropout: float = 0.2
    temperature: float = 0.05  # cosines of sentences differ by tenths
    tau: float = 3.0
    anchoring: bool = True
    text_adapter: str = "adapter"
    nearest_labels: int | None = None
    min_similarity: float | None = None
    epochs: int = 40
    batch_size: int = 64
    learning_rate: float = 3e-3
    encoder_learning_rate: float = 5e-5  # pretrained weights are tuned, not learnt afresh
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        if self.text_adapter not in TEXT_ADAPTERS:
            raise UserError(
                f"text_adapter is {self.text_adapter!r}, expected one of {', '.join(TEXT_ADAPTERS)}"
            )

    @property
    def schedule(self) -> Schedule:
        rates = {"encoder.": self.encoder_learning_rate} if self.text_adapter == "full" else {}
        steps = self.epochs, self.batch_size
        return Schedule(*steps, self.learning_rate, self.weight_decay, rates)

    def network(
        self,
        data: GeneratorData,
        label_embeddings: np.ndarray,
        encoder: dict[str, Any] | None = None,
    ) -> GeneratorConfig:
        """These settings and the sizes that the data have; `encoder`: the configuration of one."""
        return GeneratorConfig(
            visual_dim=data.visual.shape[2],
            audio_dim=data.audio.shape[2],
            text_dim=label_embeddings.shape[1],
            labels=len(label_embeddings),
            hidden=self.hidden,
            noise_dim=self.noise_dim,
            adapter_dim=self.adapter_dim,
            dropout=self.dropout,
            temperature=self.temperature,
            tau=self.tau,
            anchoring=self.anchoring,
            text_adapter=self.text_adapter,
            nearest_labels=self.nearest_labels,
            min_similarity=self.min_similarity,
            encoder=encoder,
        )
