"""Fitting the generator on training clips, and generating audio features with the fitted one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from unmuted.errors import UserError
from unmuted.fitting.loop import History, Schedule, optimise, seeded
from unmuted.fitting.order import content_order, hash_keys, stable_hash
from unmuted.fitting.states import State, load_weights, pack, settings_of
from unmuted.generation.data import GeneratorData
from unmuted.generation.folds import check_out_of_fold
from unmuted.generation.generator import Generator, GeneratorConfig
from unmuted.generation.prototypes import Prototypes

TEXT_ADAPTERS = ("adapter", "frozen")


@dataclass(frozen=True)
class GeneratorSettings:
    """What the configuration says about the generator."""

    hidden: int = 64
    noise_dim: int = 8
    adapter_dim: int = 32
    dropout: float = 0.2
    temperature: float = 0.05  # cosines of sentences differ by tenths
    tau: float = 3.0
    anchoring: bool = True
    text_adapter: str = "adapter"
    epochs: int = 40
    batch_size: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        if self.text_adapter not in TEXT_ADAPTERS:
            raise UserError(
                f"text_adapter is {self.text_adapter!r}, expected one of {', '.join(TEXT_ADAPTERS)}"
            )

    @property
    def schedule(self) -> Schedule:
        return Schedule(self.epochs, self.batch_size, self.learning_rate, self.weight_decay)

    def network(self, data: GeneratorData, label_embeddings: np.ndarray) -> GeneratorConfig:
        """These settings and the sizes that the data have."""
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
        )


@dataclass(frozen=True)
class Generated:
    """Generated audio features, the mean over draws of the noise."""

    audio: np.ndarray  # float32 (N, T, A)
    # float32 (N,), standard deviation over draws, root mean square over T and A; NaN for one draw
    spread: np.ndarray


def train_generator(
    data: GeneratorData,
    label_embeddings: np.ndarray,
    prototypes: Prototypes,
    settings: GeneratorSettings,
    seed: int,
    device: str = "cpu",
    after_epoch: Callable[[int, dict[str, float]], None] | None = None,
) -> tuple[State, History]:
    """Fit a generator on those of the clips that have real audio; the loss is MSE + (1 - cosine).

    data: training clips; their order does not matter. label_embeddings: (L, E). prototypes: fitted
    on these clips or some of them, refused otherwise. Inputs are standardised per feature; targets
    are centred and divided by one number, so that errors and cosines keep the geometry of the
    audio space. The state holds all that `generate` needs, and hashes of the clips and groups that
    were read.
    """
    order = content_order(data.keys, data.visual, data.audio)
    order = order[data.has_audio[order]]
    _check_reads(data, order, prototypes)
    with seeded(seed, device):
        model = Generator(settings.network(data, label_embeddings))
        model.standardize_visual.fit(data.visual, order)
        model.standardize_audio.fit(data.audio, order, shared_scale=data.audio.shape[2])
        model.label_embeddings.copy_(torch.from_numpy(label_embeddings))
        model.prototypes.copy_(torch.from_numpy(prototypes.vectors))
        model.to(device)

        def losses_of(batch: Tensor) -> dict[str, Tensor]:
            clips = order[batch.numpy()]
            noise = torch.randn(len(clips), data.visual.shape[1], settings.noise_dim, device=device)
            target = torch.from_numpy(data.audio[clips]).to(device)
            predicted = model(*_inputs(data, clips, device), noise)
            return losses(predicted, model.standardize_audio(target))

        history = optimise(model, losses_of, len(order), settings.schedule, after_epoch)
    read = {
        "fitted_on": np.sort(hash_keys([data.keys[i] for i in order])),
        "fitted_groups": np.unique(hash_keys([data.groups[i] for i in order])),
    }
    return pack(model, asdict(model.config), **read), history


def _check_reads(data: GeneratorData, order: np.ndarray, prototypes: Prototypes) -> None:
    """Raise UserError if nothing is there to fit on, or prototypes come from clips outside it."""
    if len(order) == 0:
        raise UserError("no training clip has usable sound: nothing to fit the generator on")
    foreign = ~np.isin(prototypes.fitted_on, hash_keys([data.keys[i] for i in order]))
    if foreign.any():
        raise UserError(
            f"label prototypes were fitted on {int(foreign.sum())} clips that this generator must "
            "not see: fit prototypes and generator of a fold on the same clips"
        )


def losses(predicted: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Mean squared error and 1 - cosine of (B, T, A) features, the cosine at each time step."""
    mse = F.mse_loss(predicted, target)
    cosine = F.cosine_similarity(predicted, target, dim=-1).mean()
    return {"loss": mse + (1 - cosine), "mse": mse, "cosine": cosine}


def _inputs(data: GeneratorData, clips: np.ndarray, device: str) -> list[Tensor]:
    """The network's inputs for the clips at these indices, but for the noise.

    visual (B, T, Dv), the distinct texts (U, E), and of each clip's representative frames the row
    of its text, its step and whether it is there, (B, R). U and R are what these clips need:
    anything beyond costs time and could change the last bit.
    """
    r = max(1, int(data.mask[clips].sum(axis=1).max()))
    rows, captions = np.unique(data.captions[clips, :r], return_inverse=True)
    frames = (captions.reshape(-1, r), data.steps[clips, :r], data.mask[clips, :r])
    arrays = (data.visual[clips], data.texts[rows], *frames)
    return [torch.from_numpy(array).to(device) for array in arrays]


@torch.inference_mode()
def generate(
    state: State, data: GeneratorData, draws: int, seed: int, device: str = "cpu"
) -> Generated:
    """Audio features (N, T, A) of clips that the generator was not fitted on (UserError otherwise).

    The noise of a clip comes from `seed` and its key, and the draws of one clip are a batch: what
    is generated does not depend on the other clips.
    """
    check_out_of_fold(state, data.keys, data.groups)
    config = GeneratorConfig(**settings_of(state))
    model = load_weights(Generator(config), state, device)
    steps = data.visual.shape[1]
    audio = np.zeros((len(data), steps, config.audio_dim), dtype=np.float32)
    spread = np.full(len(data), np.nan, dtype=np.float32)
    for i, key in enumerate(data.keys):
        noise = clip_noise(key, seed, (draws, steps, config.noise_dim)).to(device)
        clip = _inputs(data, np.full(draws, i), device)
        drawn = model.standardize_audio.undo(model(*clip, noise)).cpu().numpy()  # (draws, T, A)
        audio[i] = drawn.mean(axis=0)
        if draws > 1:
            spread[i] = np.sqrt(drawn.var(axis=0, ddof=1).mean())
    return Generated(audio, spread)


def clip_noise(key: str, seed: int, shape: tuple[int, ...]) -> Tensor:
    """Standard normal noise that belongs to the clip and the seed."""
    entropy = stable_hash("noise", seed, key) % 2**64
    return torch.from_numpy(np.random.default_rng(entropy).standard_normal(shape, np.float32))
