"""Fitting a generator on training clips, and generating audio features with the fitted one.

It is the same for both architectures, which differ in the network and its inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from unmuted.config.generator import GeneratorSettings, VideoGeneratorSettings
from unmuted.errors import UserError
from unmuted.evaluation.metrics import r2
from unmuted.samples.folds import check_out_of_fold, has_seen, read_in_fit
from unmuted.systems.shared.data import GeneratorData
from unmuted.systems.shared.generator import SMALLEST, Generator, GeneratorConfig
from unmuted.systems.shared.networks import (
    generator_network,
    generator_schedule,
    video_generator_network,
)
from unmuted.systems.shared.prototypes import AUDIBLE, Prototypes
from unmuted.systems.shared.text_encoder import TextEncoder
from unmuted.systems.shared.video_generator import VideoGenerator, VideoGeneratorConfig
from unmuted.training.clip_arrays import blocks
from unmuted.training.loop import History, Schedule, optimise_by_steps, seeded, step_schedule
from unmuted.training.order import content_order, hash_keys, stable_hash
from unmuted.training.states import State, load_weights, pack, settings_of

Network = Generator | VideoGenerator
Losses = dict[str, Tensor]
AfterStep = Callable[[], None]
CLIPS_AT_ONCE = 256  # of a validation, bounds memory
STEP = "chosen_step"  # in a state: the step of the checkpoint that was kept


@dataclass(frozen=True)
class Generated:
    """Generated audio features, the mean over draws of the noise."""

    audio: np.ndarray  # float32 (N, T, A)
    # float32 (N,), standard deviation over draws, root mean square over T and A; NaN for one draw
    spread: np.ndarray
    # of architecture 2, float32 (R, labels) for each clip: attention of its representative frames
    attention: Sequence[np.ndarray] | None = None


def train_video_generator(
    data: GeneratorData,
    settings: VideoGeneratorSettings,
    seed: int,
    device: str = "cpu",
    after_step: AfterStep | None = None,
    validation: GeneratorData | None = None,
) -> tuple[State, History]:
    """Fit architecture 1's generator on the training clips that have real audio.

    validation: clips whose audio chooses the checkpoint, see `_fit`.
    """

    def build() -> VideoGenerator:
        return VideoGenerator(video_generator_network(settings, data))

    def losses_of(model: VideoGenerator, inputs: Sequence[Tensor], clips: np.ndarray) -> Losses:
        target = _target(model, data, clips, device)
        return losses(model(*inputs), target, settings.time_weight)

    training = Training(data, validation, settings.validate_every, seed, device, after_step)
    return _fit(build, losses_of, training, step_schedule(settings))


def train_generator(
    data: GeneratorData,
    label_embeddings: np.ndarray,
    prototypes: Prototypes,
    settings: GeneratorSettings,
    seed: int,
    device: str = "cpu",
    after_step: AfterStep | None = None,
    encoder: TextEncoder | None = None,
    validation: GeneratorData | None = None,
) -> tuple[State, History]:
    """Fit architecture 2's generator on the training clips that have real audio.

    label_embeddings: (L, E). prototypes: fitted on these clips or some of them, refused otherwise;
    captions attend to the labels with evidence alone (to all where none has any). encoder: the
    sentence encoder to start from, with text_adapter "full" only; it is not changed. validation:
    clips whose audio chooses the checkpoint, see `_fit`.
    The labels keep their embeddings from before: encoding all of them again at every step would
    cost more than the captions do, and fixed labels anchor the embedding space of the captions.
    """
    _check_encoder(settings, encoder)
    known = np.flatnonzero(prototypes.heard if prototypes.heard.any() else ~prototypes.heard)

    def build() -> Generator:
        _check_prototypes(prototypes, data.keys)
        config = None if encoder is None else encoder.config
        model = Generator(generator_network(settings, data, label_embeddings, len(known), config))
        if encoder is not None and model.encoder is not None:
            model.encoder.load_state_dict(encoder.state_dict())
        model.label_index.copy_(torch.from_numpy(known))
        model.label_embeddings.copy_(torch.from_numpy(label_embeddings[known]))
        model.prototypes.copy_(torch.from_numpy(prototypes.vectors[known]))
        return model

    def losses_of(model: Generator, inputs: Sequence[Tensor], clips: np.ndarray) -> Losses:
        output = model.trace(*inputs)
        target = _target(model, data, clips, device)
        terms = losses(output.audio, target, settings.time_weight)
        terms["shift"] = output.shift
        terms["loss"] = terms["loss"] + settings.adapter_penalty * output.shift
        if data.scores.shape[1]:
            scores = torch.from_numpy(data.scores[clips][:, known]).to(device)  # (B, L)
            terms["attention"] = attention_loss(output.attention, scores)
            terms["loss"] = terms["loss"] + settings.attention_weight * terms["attention"]
        return terms

    training = Training(data, validation, settings.validate_every, seed, device, after_step)
    return _fit(build, losses_of, training, generator_schedule(settings))


def loss_curves(history: Sequence[Mapping[str, float]]) -> dict[str, np.ndarray]:
    """Return the losses of a training, float32 (rows,) by name, to be stored with its weights."""
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


@dataclass(frozen=True)
class Training:
    """What a fit reads: training clips, and validation clips that only choose its checkpoint."""

    data: GeneratorData
    validation: GeneratorData | None
    validate_every: int
    seed: int
    device: str
    after_step: AfterStep | None


def _fit(
    build: Callable[[], Any],
    losses_of: Callable[[Any, Sequence[Tensor], np.ndarray], Losses],
    training: Training,
    schedule: Schedule,
) -> tuple[State, History]:
    """Fit the network that `build` makes on the training clips with usable sound.

    losses_of: from the network, its inputs and the indices of a batch's clips. The order of clips
    does not matter, and clips without usable sound are not read. Inputs are standardised per
    feature; targets are centred and divided by one number, so that errors and cosines keep the
    geometry of the projection. Validation clips are in no gradient and no statistic: of the
    checkpoints the one of highest R2 on those with usable sound is kept, the last one if there are
    none. The state holds all that `generate` needs, hashes of the clips and groups that were read,
    and the step of the checkpoint.
    """
    data, device = training.data, training.device
    order = _with_audio(data)
    if len(order) == 0:
        raise UserError("no training clip has usable sound: nothing to fit the generator on")
    read = read_in_fit([data.keys[i] for i in order], [data.groups[i] for i in order])
    _check_validation(read, training.validation)
    with seeded(training.seed, device):
        model = build()
        model.standardize_visual.fit(data.visual, order)
        model.standardize_audio.fit(data.audio, order, shared_scale=data.audio.shape[2])
        model.to(device)

        def losses_of_batch(batch: Tensor) -> Losses:
            clips = order[batch.numpy()]
            inputs = _tensors(model.inputs(data, clips), device)
            if model.noise_dim is not None:
                size = (len(clips), data.visual.shape[1], model.noise_dim)
                inputs.append(torch.randn(size, device=device))
            return losses_of(model, inputs, clips)

        history, step = optimise_by_steps(
            model,
            losses_of_batch,
            len(order),
            schedule,
            training.validate_every,
            _validation_score(model, training.validation, device),
            training.after_step,
        )
    settings = {key: value for key, value in asdict(model.config).items() if value is not None}
    return pack(model, settings, **read, **{STEP: np.array([step])}), history


def _with_audio(data: GeneratorData) -> np.ndarray:
    """Return the indices of clips with usable sound, sorted by content."""
    order = content_order(data.keys, data.visual, data.audio)
    return order[data.has_audio[order]]


def _check_validation(read: State, validation: GeneratorData | None) -> None:
    """Raise UserError for a validation clip that is a training clip, or of the same source."""
    if validation is not None and has_seen(read, validation.keys, validation.groups).any():
        raise UserError("a clip, or its source, is both for training and for validation")


def _validation_score(
    model: Network, validation: GeneratorData | None, device: str
) -> Callable[[], float] | None:
    """Return what computes R2 on the validation clips; None without usable sound among them."""
    if validation is None or not validation.has_audio.any():
        return None
    order = _with_audio(validation)
    parts = list(blocks(order, CLIPS_AT_ONCE))
    truth = np.concatenate([validation.audio[part] for part in parts])
    truth = model.standardize_audio(torch.from_numpy(truth).to(device)).cpu().numpy()
    steps = truth.shape[1]

    @torch.inference_mode()
    def score() -> float:
        predicted = []
        for part in parts:
            inputs = _tensors(model.inputs(validation, part), device)
            if model.noise_dim is not None:
                size = (steps, model.noise_dim)
                noise = [clip_noise(validation.keys[i], 0, size) for i in part]
                inputs.append(torch.stack(noise).to(device))
            predicted.append(model(*inputs).cpu().numpy())
        return r2(np.concatenate(predicted), truth)

    return score


def _target(model: Network, data: GeneratorData, clips: np.ndarray, device: str) -> Tensor:
    """Return the standardised real audio (B, T, A) of the clips at these indices."""
    return model.standardize_audio(torch.from_numpy(data.audio[clips]).to(device))


def _tensors(arrays: Sequence[np.ndarray], device: str) -> list[Tensor]:
    return [torch.from_numpy(array).to(device) for array in arrays]


def losses(predicted: Tensor, target: Tensor, time_weight: float = 0.0) -> Losses:
    """Compute mean squared error and cosine of (B, T, A) features, the cosine per time step.

    time_weight: of the squared error that is left when each clip's mean over time is taken from
    both, "mse_over_time".
    """
    mse = F.mse_loss(predicted, target)
    cosine = F.cosine_similarity(predicted, target, dim=-1).mean()
    changes = [x - x.mean(dim=1, keepdim=True) for x in (predicted, target)]
    over_time = F.mse_loss(changes[0], changes[1])
    loss = mse + (1 - cosine) + time_weight * over_time
    return {"loss": loss, "mse": mse, "cosine": cosine, "mse_over_time": over_time}


def attention_loss(attention: Tensor, scores: Tensor) -> Tensor:
    """Compute KL(what AST hears || attention), the mean over clips with an audible label.

    attention: (B, L). scores: AST's of the same labels, (B, L); those below AUDIBLE count as zero,
    and the others are normalised. 0 if no clip of the batch has an audible label.
    """
    audible = torch.where(scores >= AUDIBLE, scores, 0.0)
    total = audible.sum(dim=1)  # (B,)
    target = audible / total.clamp(min=AUDIBLE)[:, None]
    divergence = F.kl_div(attention.clamp(min=SMALLEST).log(), target, reduction="none").sum(dim=1)
    return divergence.sum() / (total > 0).sum().clamp(min=1)


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
    attention: list[np.ndarray] = []
    spread = np.full(len(data), 0.0 if model.noise_dim is None else np.nan, dtype=np.float32)
    for i, key in enumerate(data.keys):
        inputs = _tensors(model.inputs(data, np.full(runs, i)), device)
        if model.noise_dim is not None:
            inputs.append(clip_noise(key, seed, (runs, steps, model.noise_dim)).to(device))
        drawn = model.standardize_audio.undo(model(*inputs)).cpu().numpy()  # (runs, T, A)
        audio[i] = drawn.mean(axis=0)
        if runs > 1:
            spread[i] = np.sqrt(drawn.var(axis=0, ddof=1).mean())
        if isinstance(model, Generator):
            attention.append(_attention(model, data, i, device))
    return Generated(audio, spread, attention if isinstance(model, Generator) else None)


def _attention(model: Generator, data: GeneratorData, clip: int, device: str) -> np.ndarray:
    """Compute the attention of a clip's representative frames over all labels: (R, labels)."""
    _, texts, captions, _, mask = _tensors(model.inputs(data, np.array([clip])), device)
    of_texts, _ = model.attend(texts)  # (U, L)
    of_frames = of_texts[captions[0][mask[0]]].cpu().numpy()  # (R, L)
    attention = np.zeros((len(of_frames), model.config.all_labels), dtype=np.float32)
    attention[:, model.label_index.cpu().numpy()] = of_frames
    return attention


def _network(state: State) -> Network:
    """Build the network of a state, without its weights."""
    settings = settings_of(state)
    if settings.get("system") == 1:
        return VideoGenerator(VideoGeneratorConfig(**settings))
    return Generator(GeneratorConfig(**settings))


def clip_noise(key: str, seed: int, shape: tuple[int, ...]) -> Tensor:
    """Draw standard normal noise that depends on the clip and the seed only."""
    entropy = stable_hash("noise", seed, key) % 2**64
    return torch.from_numpy(np.random.default_rng(entropy).standard_normal(shape, np.float32))
