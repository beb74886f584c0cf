"""Which clips a world consists of, decided before anything is drawn.

Everything follows from hashes of names and numbers, never from the state of a random generator:
a larger world holds the smaller one unchanged.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from unmuted.demo_world.kinds import KINDS, UNLABELLED, Kind
from unmuted.demo_world.vocabulary import (
    BACKGROUNDS,
    CLASSES,
    COLOURS,
    SCENES,
    ActionClass,
)
from unmuted.errors import UserError

FRAME_RATES = ("24", "25", "30000/1001", "30")
NO_STREAM_SHARE, SILENT_SHARE = 0.08, 0.06
GOLDEN_RATIO = 0.6180339887498949
# The lowest bits of every seed name the purpose, so clips made for different purposes cannot
# share one whatever the world's seed is.
PURPOSES = {"demo": 0, "training": 1, "measuring": 2}
PURPOSE_BITS = 2

World = tuple[str, int | str]  # purpose and seed; the seed carries the name of the kind


@dataclass(frozen=True)
class ClipSpec:
    """One clip, completely: rendering it needs nothing else.

    `seed` fixes what moves and sounds, `scene_seed` the place (shared by the clips of a group);
    `audio` is "ok", "no_stream" (no audio stream at all) or "silent" (a stream of zeros); `cue`
    tells whether the clip shows the little sign that betrays its sound, `cue_size` how large.
    `is_labelled`: whether the workflow is told the label; a clip without has no split. `sound_seed`
    fixes when the sound happens where it does not happen when the picture shows it. `register`: 0
    if the sound's pitch lies in the upper half of its class's range, 1 in the lower, None anywhere.
    `place_sets_room`: whether echo, noise and level follow from the background.
    """

    video_id: str
    label: str
    split: str | None
    group: str
    seed: int
    scene_seed: int
    seconds: float
    fps: str
    audio: str
    scene: str
    object: str
    colour: str
    background: str
    cue: bool
    cue_size: float = 1.0
    is_labelled: bool = True
    register: int | None = None
    place_sets_room: bool = False
    sound_seed: int | None = None

    @property
    def rate(self) -> Fraction:
        """Frames per second, exactly."""
        return Fraction(self.fps)

    @property
    def frame_count(self) -> int:
        """Frames of the whole clip."""
        return max(1, round(self.rate * Fraction(self.seconds)))


def plan_world(
    classes: int | None,
    clips_per_class: int,
    seed: int,
    seconds: float,
    purpose: str = "demo",
    kind: str = "plain",
) -> list[ClipSpec]:
    """Return the clips of a world, class by class.

    Args:
        classes: how many of `CLASSES`, from the first; None means all.
        clips_per_class: clips of each class; a larger number only adds clips.
        seed: the world's seed; another one gives other clips with other ids.
        seconds: length of every clip.
        purpose: "demo", "training" or "measuring"; clips of two purposes never share a seed.
        kind: name of one of `KINDS`.

    Raises:
        UserError: a number is out of range.
    """
    of_world = _kind(kind)
    chosen = [action for action in CLASSES if action.scene in of_world.scenes]
    count = len(chosen) if classes is None else classes
    if not 2 <= count <= len(chosen):
        raise UserError(f"demo world: classes must be 2 to {len(chosen)} (or null), not {classes}")
    if clips_per_class < 1 or seconds <= 0:
        raise UserError(
            "demo world: clips_per_class and seconds must be positive, "
            f"not {clips_per_class} and {seconds}"
        )
    world = purpose, seed if kind == "plain" else f"{kind} control, {seed}"
    return [
        spec
        for action in chosen[:count]
        for spec in _class_clips(action, clips_per_class, world, seconds, of_world)
    ]


def held_out_split(scene: str, colour: str, background: str) -> str:
    """Return the only split in which objects have this colour before this background.

    A Latin square of colours, backgrounds and scenes: every pair of object, colour and background
    is trained on, while a sixth of the triples is kept for testing and a sixth for validation.
    It goes by scene, not by object: else a colour and background at which only one of a scene's
    two objects is trained on would tell them apart, and mislead about the held-out one.
    """
    turn = list(SCENES).index(scene) + COLOURS.index(colour) + BACKGROUNDS.index(background)
    return {0: "test", 1: "val"}.get(turn % len(COLOURS), "train")


def clip_seed(purpose: str, *parts: object) -> int:
    """Return a 62-bit seed from the parts; its lowest two bits are the purpose."""
    return (stable_number(purpose, *parts) >> PURPOSE_BITS << PURPOSE_BITS) | PURPOSES[purpose]


def _kind(name: str) -> Kind:
    if name not in KINDS:
        raise UserError(f"demo world: the kind must be one of {', '.join(KINDS)}, not {name!r}")
    return KINDS[name]


def _class_clips(
    action: ActionClass, count: int, world: World, seconds: float, kind: Kind
) -> list[ClipSpec]:
    purpose, seed = world
    order = action.scene if kind.same_places else action.name
    combinations = _combinations(action.scene, world, order)
    used = dict.fromkeys(combinations, 0)
    clips: list[ClipSpec] = []
    group_index = 0
    while len(clips) < count:
        split = kind.split_cycle[group_index % len(kind.split_cycle)]
        shown_as = "train" if split == UNLABELLED else split
        offered = combinations[shown_as]
        object_, colour, background = offered[used[shown_as] % len(offered)]
        used[shown_as] += 1
        name = (*world, action.name, group_index)
        for member in range(_group_size(group_index, name)):
            index = len(clips)
            if index == count:
                break
            clips.append(
                ClipSpec(
                    video_id=f"clip_{stable_number(*name, member, 'id') & 0xFFFFFFFF:08x}",
                    label=action.name,
                    split=None if split == UNLABELLED else split,
                    group=f"source_{stable_number(*name, 'id') & 0xFFFFFFFF:08x}",
                    seed=clip_seed(purpose, seed, action.name, group_index, member, "clip"),
                    scene_seed=clip_seed(purpose, seed, action.name, group_index, "scene"),
                    seconds=seconds,
                    fps=FRAME_RATES[stable_number(*name, member, "fps") % len(FRAME_RATES)],
                    audio=_audio_status(action, index, seed),
                    scene=action.scene,
                    object=object_,
                    colour=colour,
                    background=background,
                    cue=action.cue
                    and action.scene in kind.cued_scenes
                    and stable_share(*name, member, "cue") < kind.cue_share,
                    cue_size=kind.cue_size,
                    place_sets_room=kind.place_sets_room,
                    register=SCENES[action.scene].objects.index(object_)
                    if kind.object_sets_pitch
                    else None,
                    is_labelled=split != UNLABELLED,
                    sound_seed=None
                    if kind.sound_follows_picture
                    else clip_seed(purpose, seed, action.name, group_index, member, "sound"),
                )
            )
        group_index += 1
    return clips


def _combinations(scene: str, world: World, order: str) -> dict[str, list[tuple[str, str, str]]]:
    """Return each split's combinations in the order of its groups, a shuffle named `order`.

    Named after the scene, and not after a class, it gives classes that look alike the same
    combinations, so that none of them betrays the class.
    """
    combinations: dict[str, list[tuple[str, str, str]]] = {"train": [], "val": [], "test": []}
    every = product(SCENES[scene].objects, COLOURS, BACKGROUNDS)
    for combination in sorted(every, key=lambda each: stable_number(*world, order, *each)):
        _, colour, background = combination
        combinations[held_out_split(scene, colour, background)].append(combination)
    return combinations


def _group_size(group_index: int, name: tuple[object, ...]) -> int:
    """Return two for the first three groups, so that six clips fill all splits; else 2 or 3."""
    return 2 if group_index < 3 else 2 + stable_number(*name, "size") % 2


def _audio_status(action: ActionClass, index: int, seed: int | str) -> str:
    """Spread evenly over a class's clips (a golden-ratio sequence), hence over its splits."""
    place = (index * GOLDEN_RATIO + stable_share(seed, action.name, "audio")) % 1.0
    if place < NO_STREAM_SHARE:
        return "no_stream"
    return "silent" if place < NO_STREAM_SHARE + SILENT_SHARE else "ok"


def stable_number(*parts: object) -> int:
    """Return a number below 2^62 that follows from the parts alone."""
    text = "\x1f".join(str(part) for part in parts)
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 2


def stable_share(*parts: object) -> float:
    """Return a number from 0 to 1 that follows from the parts alone."""
    return stable_number(*parts) / 2**62
