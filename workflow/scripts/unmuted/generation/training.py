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
from unmuted.fitting.standardize import Standardizer, fit_standardizer
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
    temperature: float = 0.05
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

    def network(self, visual_dim: int, audio_dim: int, text_dim: int) -> GeneratorConfig:
        shared = GeneratorConfig.__dataclass_fields__.keys() & asdict(self).keys()
        options = {name: getattr(self, name) for name in shared}
        return GeneratorConfig(visual_dim, audio_dim, text_dim, **options)


@dataclass(frozen=True)
class Generated:
    """Generated audio features, the mean over draws of the noise."""

    audio: np.ndarray  # float32 (N, T, A)
    spread: np.ndarray  # float32 (N,), standard deviation over draws, root mean square over T and A


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

    data: training clips. label_embeddings: (L, E). prototypes: fitted on these clips or some of
    them, refused otherwise. Inputs are standardised per feature; targets are centred and divided
    by one number, so that errors and cosines keep the geometry of the audio space. The order of
    the clips does not matter. The state holds all that `generate` needs, and hashes of the clips
    and groups that were read.
    """
    data = data.take(data.has_audio)
    if len(data) == 0:
        raise UserError(
            "no training clip has usable sound: the generator has nothing to learn from"
        )
    data = data.take(content_order(data.keys, data.visual, data.audio))
    foreign = ~np.isin(prototypes.fitted_on, hash_keys(data.keys))
    if foreign.any():
        raise UserError(
            f"label prototypes were fitted on {int(foreign.sum())} clips that this generator must "
            "not see: fit prototypes and generator of a fold on the same clips"
        )
    inputs = fit_standardizer(data.visual)
    targets = fit_standardizer(data.audio, shared_scale=data.audio.shape[2])
    config = settings.network(data.visual.shape[2], data.audio.shape[2], label_embeddings.shape[1])
    state = {
        "visual_mean": inputs.mean,
        "visual_scale": inputs.scale,
        "audio_mean": targets.mean,
        "audio_scale": targets.scale,
        "label_embeddings": label_embeddings.astype(np.float32),
        "prototypes": prototypes.vectors,
        "fitted_on": np.sort(hash_keys(data.keys)),
        "fitted_groups": np.unique(hash_keys(data.groups)),
    }
    with seeded(seed, device):
        model = Generator(config).to(device)
        batch_of = _Batches(data, state, device)
        target = torch.from_numpy(targets.apply(data.audio))

        def losses_of(batch: Tensor) -> dict[str, Tensor]:
            noise = torch.randn(len(batch), data.visual.shape[1], config.noise_dim, device=device)
            return losses(
                model(*batch_of(batch), noise, *batch_of.labels), target[batch].to(device)
            )

        history = optimise(model, losses_of, len(data), settings.schedule, after_epoch)
        return pack(model, asdict(config), **state), history


def losses(predicted: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Mean squared error and 1 - cosine of (B, T, A) features, the cosine at each time step."""
    mse = F.mse_loss(predicted, target)
    cosine = F.cosine_similarity(predicted, target, dim=-1).mean()
    return {"loss": mse + (1 - cosine), "mse": mse, "cosine": cosine}


class _Batches:
    """Standardised network inputs of the clips, by index."""

    def __init__(self, data: GeneratorData, state: State, device: str):
        visual = Standardizer(state["visual_mean"], state["visual_scale"]).apply(data.visual)
        targets = Standardizer(state["audio_mean"], state["audio_scale"])
        arrays = (visual, data.captions, data.steps, data.mask)
        self.clips = [torch.from_numpy(np.ascontiguousarray(array)) for array in arrays]
        self.labels = [
            torch.from_numpy(array).to(device)
            for array in (state["label_embeddings"], targets.apply(state["prototypes"]))
        ]
        self.device = device

    def __call__(self, batch: Tensor) -> list[Tensor]:
        return [tensor[batch].to(self.device) for tensor in self.clips]


@torch.inference_mode()
def generate(
    state: State, data: GeneratorData, draws: int, seed: int, device: str = "cpu"
) -> Generated:
    """Audio features (N, T, A) of clips that the generator was not fitted on (UserError otherwise).

    The noise of a clip comes from `seed` and its key, and a clip's draws are its batch: what is
    generated does not depend on the other clips.
    """
    check_out_of_fold(data.keys, data.groups, state["fitted_on"], state["fitted_groups"])
    config = GeneratorConfig(**settings_of(state))
    model = load_weights(Generator(config), state, device)
    batch_of = _Batches(data, state, device)
    targets = Standardizer(state["audio_mean"], state["audio_scale"])
    steps = data.visual.shape[1]
    audio = np.zeros((len(data), steps, config.audio_dim), dtype=np.float32)
    spread = np.zeros(len(data), dtype=np.float32)
    for i, key in enumerate(data.keys):
        noise = clip_noise(key, seed, (draws, steps, config.noise_dim)).to(device)
        clip = batch_of(torch.full((draws,), i))
        drawn = targets.undo(model(*clip, noise, *batch_of.labels).cpu().numpy())
        audio[i] = drawn.mean(axis=0)
        spread[i] = np.sqrt(drawn.var(axis=0).mean())
    return Generated(audio, spread)


def clip_noise(key: str, seed: int, shape: tuple[int, ...]) -> Tensor:
    """Standard normal noise that belongs to the clip and the seed."""
    entropy = stable_hash("noise", seed, key) % 2**64
    return torch.from_numpy(np.random.default_rng(entropy).standard_normal(shape, np.float32))
