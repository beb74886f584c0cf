"""What networks are trained on: the clips of a split in memory, and draws of seconds from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from unmuted.config.avs_training import NegativeSettings
from unmuted.systems.segmentation.crop_losses import Crops


@dataclass(frozen=True)
class Boxes:
    """M boxes around what sounds in training clips.

    clips, seconds: int64 (M,), where. edges: float32 (M, 4), left, top, right, bottom in pixels.
    labels: int64 (M,), the class of what sounds.
    """

    clips: Tensor
    seconds: Tensor
    edges: Tensor
    labels: Tensor

    def of_batch(self, chosen: Tensor, seconds: Tensor, mirrored: Tensor, width: int) -> Crops:
        """Return those of the seconds (B, T) of the clips (B,), on mirrored pictures mirrored."""
        rows, windows = torch.nonzero(self.clips[:, None] == chosen, as_tuple=True)
        found, times = torch.nonzero(self.seconds[rows][:, None] == seconds[windows], as_tuple=True)
        rows, windows = rows[found], windows[found]
        edges = self.edges[rows]
        flipped = torch.stack(
            [width - edges[:, 2], edges[:, 1], width - edges[:, 0], edges[:, 3]], dim=1
        )
        edges = torch.where(mirrored[windows][:, None], flipped, edges)
        return Crops(edges, windows * seconds.shape[1] + times, windows, self.labels[rows])


@dataclass(frozen=True)
class TrainingClips:
    """N training clips of K seconds at most, padded to one size.

    maps: of the frozen stages, float16 (N, K, C_i, H_i, W_i). audio: float32 (N, K, A). silence:
    float32 (A,), the audio of digital silence. truth: bool (N, K, H, W). is_padding: bool
    (N, H, W). is_labelled: bool (N, K), false beyond the end of a clip. groups, labels: of clips.
    boxes: only where crops are trained on, with their `classes`. frames: uint8 (N, K, H, W, 3),
    only where a second network reads them.
    """

    maps: tuple[Tensor, ...]
    audio: Tensor
    silence: Tensor
    truth: Tensor
    is_padding: Tensor
    is_labelled: Tensor
    groups: tuple[str, ...]
    labels: tuple[str, ...]
    boxes: Boxes | None = None
    classes: tuple[str, ...] = ()
    frames: Tensor | None = None

    def __len__(self) -> int:
        return len(self.audio)

    @cached_property
    def others(self) -> Tensor:
        """Whether a clip's sound is of another class and source than a clip's, bool (N, N)."""
        labels, groups = np.array(self.labels), np.array(self.groups)
        differ = (labels[:, None] != labels) & (groups[:, None] != groups)
        return torch.from_numpy(differ)


@dataclass(frozen=True)
class Batch:
    """B clips with T seconds each.

    maps: (B T, C_i, H_i, W_i). audio: (B, T, A). truth: float (B, T, H, W). counted: bool
    (B, T, H, W), pixels that the loss counts. crops: of what sounds, if they are trained on.
    frames: uint8 (B T, 3, H, W).
    """

    maps: list[Tensor]
    audio: Tensor
    truth: Tensor
    counted: Tensor
    crops: Crops | None
    frames: Tensor | None

    def to(self, device: str) -> Batch:
        """Return it on a device; draws are made on the CPU, the same for every device."""
        return Batch(
            [m.to(device) for m in self.maps],
            self.audio.to(device),
            self.truth.to(device),
            self.counted.to(device),
            self.crops and self.crops.to(device),
            None if self.frames is None else self.frames.to(device),
        )


def trainable_seconds(clips: TrainingClips, negatives: bool) -> Tensor:
    """Return which seconds are drawn, bool (N, K): those with a truth that is known.

    negatives: whether those with an empty truth are among them.
    """
    if negatives:
        return clips.is_labelled
    return clips.is_labelled & clips.truth.flatten(2).any(dim=2)


def draw_batches(usable: Tensor, seconds: int, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield an epoch's batches: indices of clips (B,) and of their seconds (B, T), rising.

    Of each clip `seconds` usable seconds are drawn, or all where there are fewer. A batch holds
    clips with equally many. usable: bool (N, K).
    """
    counts = usable.sum(dim=1).clamp(max=seconds)
    order = torch.randperm(len(usable))
    scores = torch.rand(usable.shape).masked_fill(~usable, 2.0)
    batches = []
    for count in sorted(set(counts.tolist()) - {0}):
        for clips in order[counts[order] == count].split(batch_size):
            chosen = scores[clips].argsort(dim=1, stable=True)[:, :count]
            batches.append((clips, chosen.sort(dim=1).values))
    for i in torch.randperm(len(batches)).tolist():
        yield batches[i]


def make_batch(clips: TrainingClips, chosen: Tensor, seconds: Tensor, audio: Tensor) -> Batch:
    """Return the chosen seconds (B, T) of the chosen clips (B,), half of the clips mirrored.

    audio: float32 (N, K, A), in place of that of the clips, such as that of others.
    """
    at = chosen[:, None], seconds
    mirrored = torch.rand(len(chosen)) < 0.5
    of_frames = mirrored.repeat_interleave(seconds.shape[1])
    truth = clips.truth[at]
    counted = clips.is_labelled[at][:, :, None, None] & ~clips.is_padding[chosen][:, None]
    return Batch(
        [_mirror(m[at].flatten(0, 1).float(), of_frames) for m in clips.maps],
        audio[at],
        _mirror(truth.float(), mirrored),
        _mirror(counted, mirrored),
        None
        if clips.boxes is None
        else clips.boxes.of_batch(chosen, seconds, mirrored, truth.shape[-1]),
        None if clips.frames is None else _mirrored_pictures(clips.frames[at], mirrored),
    )


def with_negatives(
    batch: Batch, clips: TrainingClips, chosen: Tensor, seconds: Tensor, settings: NegativeSettings
) -> Batch:
    """Give some clips of a batch digital silence or the sound of others, and an empty truth."""
    if not settings.silent + settings.swapped:
        return batch
    draw = torch.rand(len(chosen))
    silent = draw < settings.silent
    swapped = ~silent & (draw < settings.silent + settings.swapped)
    audio = batch.audio.clone()
    audio[silent] = clips.silence
    for i in torch.nonzero(swapped).flatten().tolist():
        partners = torch.nonzero(clips.others[chosen[i]]).flatten()
        if len(partners):
            audio[i] = clips.audio[partners[torch.randint(len(partners), ())], seconds[i]]
        else:
            swapped[i] = False
    empty = (silent | swapped)[:, None, None, None]
    truth = batch.truth * ~empty
    return replace(batch, audio=audio, truth=truth)


def shuffled_sound(clips: TrainingClips, seed: int) -> Tensor:
    """Return the audio of other clips (N, K, A), each used once; the order is drawn from a seed."""
    order = torch.from_numpy(np.random.default_rng([seed, 7]).permutation(len(clips)))
    audio = torch.empty_like(clips.audio)
    audio[order] = clips.audio[order.roll(1)]
    return audio


def _mirror(x: Tensor, where: Tensor) -> Tensor:
    """Mirror the last axis of some rows of x (N, ..., W)."""
    at = where.view(-1, *[1] * (x.dim() - 1))
    return torch.where(at, x.flip(-1), x)


def _mirrored_pictures(frames: Tensor, where: Tensor) -> Tensor:
    """Mirror the pictures (B, T, H, W, 3) of some clips, and return (B T, 3, H, W)."""
    return _mirror(frames.movedim(-1, 2), where).flatten(0, 1)


def stack_padded(arrays: Sequence[np.ndarray], shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    """Stack arrays of N clips, filled with 0 up to a common shape."""
    stacked = torch.zeros((len(arrays), *shape), dtype=dtype)
    for i, array in enumerate(arrays):
        places: tuple[slice, ...] = tuple(slice(size) for size in array.shape)
        stacked[i][places] = torch.from_numpy(array)
    return stacked
