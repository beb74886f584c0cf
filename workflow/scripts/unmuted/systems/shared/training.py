"""Fitting a generator on training clips, and generating audio features with the fitted one.

It is the same for both architectures, which differ in the network and its inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from unmuted.config.generator import GeneratorSettings, VideoGeneratorSettings
from unmuted.errors import UserError
from unmuted.samples.folds import check_out_of_fold, read_in_fit
from unmuted.systems.shared.data import GeneratorData
from unmuted.systems.shared.generator import Generator, GeneratorConfig
from unmuted.systems.shared.networks import (
    generator_network,
    generator_schedule,
    video_generator_network,
)
from unmuted.systems.shared.prototypes import Prototypes
from unmuted.systems.shared.text_encoder import TextEncoder
from unmuted.systems.shared.video_generator import VideoGenerator, VideoGeneratorConfig
from unmuted.training.loop import History, Schedule, adamw_schedule, optimise, seeded
from unmuted.training.order import content_order, hash_keys, stable_hash
from unmuted.training.states import State, load_weights, pack, settings_of

Network = Generator | VideoGenerator
AfterEpoch = Callable[[int, dict[str, float]], None]


@dataclass(frozen=True)
class Generated:
    """Generated audio features, the mean over draws of the noise."""

    audio: np.ndarray  # float32 (N, T, A)
    # float32 (N,), standard deviation over draws, root mean square over T and A; NaN for one draw
    spread: np.ndarray


def train_video_generator(
    data: GeneratorData,
    settings: VideoGeneratorSettings,
    seed: int,
    device: str = "cpu",
    after_epoch: AfterEpoch | None = None,
) -> tuple[State, History]:
    """Fit architecture 1's generator on the training clips that have real audio."""

    def build() -> VideoGenerator:
        return VideoGenerator(video_generator_network(settings, data))

    return _fit(build, data, adamw_schedule(settings), seed, device, after_epoch)


def train_generator(
    data: GeneratorData,
    label_embeddings: np.ndarray,
    prototypes: Prototypes,
    settings: GeneratorSettings,
    seed: int,
    device: str = "cpu",
    after_epoch: AfterEpoch | None = None,
    encoder: TextEncoder | None = None,
) -> tuple[State, History]:
    """Fit architecture 2's generator on the training clips that have real audio.

    label_embeddings: (L, E). prototypes: fitted on these clips or some of them, refused otherwise.
    encoder: the sentence encoder to start from, with text_adapter "full" only; it is not changed.
    The labels keep their embeddings from before: encoding all of them again at every step would
    cost more than the captions do, and fixed labels anchor the embedding space of the captions.
    """
    _check_encoder(settings, encoder)

    def build() -> Generator:
        _check_prototypes(prototypes, [data.keys[i] for i in np.flatnonzero(data.has_audio)])
        config = None if encoder is None else encoder.config
        model = Generator(generator_network(settings, data, label_embeddings, config))
        if encoder is not None and model.encoder is not None:
            model.encoder.load_state_dict(encoder.state_dict())
        model.label_embeddings.copy_(torch.from_numpy(label_embeddings))
        model.prototypes.copy_(torch.from_numpy(prototypes.vectors))
        return model

    return _fit(build, data, generator_schedule(settings), seed, device, after_epoch)


def loss_curves(history: Sequence[Mapping[str, float]]) -> dict[str, np.ndarray]:
    """Return the losses of a training, float32 (epochs,) by name, to be stored with its weights."""
    return {
        f"history.{key}": np.array([row[key] for row in history], dtype=np.float32)
        for key in history[0]
    }


def _check_encoder(settings: GeneratorSettings, encoder: TextEncoder | None) -> None:
    if (settings.text_adapter == "full") != (encoder is not None):
        raise ValueError('text_adapter "full", and only it, takes a sentence encoder to start from')


def _check_prototypes(prototypes: Prototypes, keys: Sequence[str]) -> None:
    """Raise UserError if prototypes come from clips outside those that the generator reads."""
    foreign = ~np.isin(prototypes.fitted_on, hash_keys(keys))
    if foreign.any():
        raise UserError(
            f"label prototypes were fitted on {int(foreign.sum())} clips that this generator must "
            "not see: fit prototypes and generator of a fold on the same clips"
        )


def _fit(
    build: Callable[[], Network],
    data: GeneratorData,
    schedule: Schedule,
    seed: int,
    device: str,
    after_epoch: AfterEpoch | None,
) -> tuple[State, History]:
    """Fit the network that `build` makes; the loss is MSE + (1 - cosine).

    data: training clips; their order does not matter, and clips without usable sound are not read.
    Inputs are standardised per feature; targets are centred and divided by one number, so that
    errors and cosines keep the geometry of the projection. The state holds all that `generate`
    needs, and hashes of the clips and groups that were read.
    """
    order = content_order(data.keys, data.visual, data.audio)
    order = order[data.has_audio[order]]
    if len(order) == 0:
        raise UserError("no training clip has usable sound: nothing to fit the generator on")
    with seeded(seed, device):
        model = build()
        model.standardize_visual.fit(data.visual, order)
        model.standardize_audio.fit(data.audio, order, shared_scale=data.audio.shape[2])
        model.to(device)

        def losses_of(batch: Tensor) -> dict[str, Tensor]:
            clips = order[batch.numpy()]
            inputs = _tensors(model.inputs(data, clips), device)
            if model.noise_dim is not None:
                size = (len(clips), data.visual.shape[1], model.noise_dim)
                inputs.append(torch.randn(size, device=device))
            target = torch.from_numpy(data.audio[clips]).to(device)
            return losses(model(*inputs), model.standardize_audio(target))

        history = optimise(model, losses_of, len(order), schedule, after_epoch)
    read = read_in_fit([data.keys[i] for i in order], [data.groups[i] for i in order])
    settings = {key: value for key, value in asdict(model.config).items() if value is not None}
    return pack(model, settings, **read), history


def _tensors(arrays: Sequence[np.ndarray], device: str) -> list[Tensor]:
    return [torch.from_numpy(array).to(device) for array in arrays]


def losses(predicted: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Compute mean squared error and cosine of (B, T, A) features, the cosine per time step."""
    mse = F.mse_loss(predicted, target)
    cosine = F.cosine_similarity(predicted, target, dim=-1).mean()
    return {"loss": mse + (1 - cosine), "mse": mse, "cosine": cosine}


@torch.inference_mode()
def generate(
    state: State, data: GeneratorData, draws: int, seed: int, device: str = "cpu"
) -> Generated:
    """Generate audio features (N, T, A) of clips that the generator was not fitted on.

    state: of either architecture. The noise of a clip comes from `seed` and its key, and the draws
    of one clip are a batch: the audio of a clip does not depend on other clips. A generator without
    noise runs once, and its spread is 0. Raises UserError for clips that it was fitted on.
    """
    check_out_of_fold(state, data.keys, data.groups)
    model = _network(state)
    load_weights(model, state, device)
    steps, audio_dim = data.visual.shape[1], model.config.audio_dim
    audio = np.zeros((len(data), steps, audio_dim), dtype=np.float32)
    runs = 1 if model.noise_dim is None else draws
    spread = np.full(len(data), 0.0 if model.noise_dim is None else np.nan, dtype=np.float32)
    for i, key in enumerate(data.keys):
        inputs = _tensors(model.inputs(data, np.full(runs, i)), device)
        if model.noise_dim is not None:
            inputs.append(clip_noise(key, seed, (runs, steps, model.noise_dim)).to(device))
        drawn = model.standardize_audio.undo(model(*inputs)).cpu().numpy()  # (runs, T, A)
        audio[i] = drawn.mean(axis=0)
        if runs > 1:
            spread[i] = np.sqrt(drawn.var(axis=0, ddof=1).mean())
    return Generated(audio, spread)


def _network(state: State) -> Network:
    """Build the network of a state, without its weights."""
    settings = settings_of(state)
    if settings.get("architecture") == 1:
        return VideoGenerator(VideoGeneratorConfig(**settings))
    return Generator(GeneratorConfig(**settings))


def clip_noise(key: str, seed: int, shape: tuple[int, ...]) -> Tensor:
    """Draw standard normal noise that depends on the clip and the seed only."""
    entropy = stable_hash("noise", seed, key) % 2**64
    return torch.from_numpy(np.random.default_rng(entropy).standard_normal(shape, np.float32))
