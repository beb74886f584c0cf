"""Which clips the world of families consists of, decided before anything is drawn.

A *picture* shows two objects, a and b, that both act. A *family* is one picture with four
soundtracks, in clips of their own: what a sounds like, what b sounds like, something that is not in
the picture, and silence. The clips of a family have the same pictures, to the bit, so that whatever
does not read the sound finds the same masks in all of them.

Training has pictures with one soundtrack each, since variety of pictures teaches more; validation
and testing have families. Two more kinds are for testing alone: pictures in which both objects
sound, and pictures of two objects of one scene, whose sound fits both classes.

Everything follows from hashes of names and numbers, as in `unmuted.demo_world.plan`: a larger world
holds the smaller one unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Any, Literal

from unmuted.demo_world.plan import clip_seed, held_out_split, stable_number, stable_share
from unmuted.demo_world.vocabulary import BACKGROUNDS, CLASSES, COLOURS, SCENES, ActionClass
from unmuted.errors import UserError

FPS = 8
SILENCE = "silence"  # label of a clip without sound
Soundtrack = Literal["a", "b", "both", "off_screen", "silence"]
Kind = Literal["picture", "family", "both", "look_alike"]
OF_FAMILY: tuple[Soundtrack, ...] = ("a", "b", "off_screen", "silence")
# Of training pictures: 60 in 100 have one object that sounds, of which either is as likely.
TRAINING_MIX: tuple[tuple[Soundtrack, float], ...] = (
    ("a", 0.3),
    ("b", 0.3),
    ("both", 0.1),
    ("off_screen", 0.2),
    ("silence", 0.1),
)
# Pairs of scenes that are shown in one split alone; each scene is in one pair of each split.
HELD_OUT_PAIRS = {
    **dict.fromkeys([("strike", "knock"), ("pour", "bounce"), ("run", "shake")], "test"),
    **dict.fromkeys([("strike", "pour"), ("knock", "run"), ("bounce", "shake")], "val"),
}


@dataclass(frozen=True)
class ObjectSpec:
    """One of the two objects: its class, what it looks like, and the seed of what it does."""

    label: str
    scene: str
    object: str
    colour: str
    seed: int


@dataclass(frozen=True)
class FamilyClipSpec:
    """One clip, completely: rendering it needs nothing else.

    group: of all clips with this picture. kind: which part of the world it belongs to. soundtrack:
    what is heard. label: class of the sound, of object a where both sound, "silence" for none.
    picture_seed: of the place, shared by the clips of a group. a_is_left: where the objects are.
    off_screen: class and seed of a sound without a source in the picture.
    """

    video_id: str
    label: str
    split: str
    group: str
    kind: Kind
    soundtrack: Soundtrack
    seconds: float
    background: str
    picture_seed: int
    sound_seed: int
    a: ObjectSpec
    b: ObjectSpec
    a_is_left: bool
    off_screen: ObjectSpec

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> FamilyClipSpec:
        """Return the specification that `dataclasses.asdict` made these JSON values of."""
        objects = {name: ObjectSpec(**values[name]) for name in ("a", "b", "off_screen")}
        return cls(**{**values, **objects})

    @property
    def rate(self) -> Fraction:
        """Frames per second."""
        return Fraction(FPS)

    @property
    def frame_count(self) -> int:
        """Frames of the whole clip."""
        return max(1, round(self.rate * Fraction(self.seconds)))

    @property
    def sounding(self) -> tuple[ObjectSpec, ...]:
        """The objects, seen or not, that make the sound."""
        of_track = {"a": (self.a,), "b": (self.b,), "both": (self.a, self.b)}
        return of_track.get(
            self.soundtrack, (self.off_screen,) if self.soundtrack == "off_screen" else ()
        )

    @property
    def extra(self) -> dict[str, str]:
        """What tables say of the clip besides label, split and group."""
        return {
            "kind": self.kind,
            "soundtrack": self.soundtrack,
            "class_a": self.a.label,
            "class_b": self.b.label,
        }


def plan_families(
    pictures: int,
    families: Mapping[str, int],
    extra_pictures: int,
    seed: int,
    seconds: float,
) -> list[FamilyClipSpec]:
    """Return the clips of a world of families.

    Args:
        pictures: training pictures, of one clip each.
        families: how many there are of the splits "val" and "test", of four clips each.
        extra_pictures: how many test pictures there are in which both objects sound, and how many
            of two objects of one scene, with two clips each.
        seed: the world's seed; another one gives other clips with other ids.
        seconds: length of every clip.

    Raises:
        UserError: a number is out of range.
    """
    counts = {"pictures": pictures, **families}
    if min(counts.values()) < 1 or extra_pictures < 0 or seconds < 1:
        raise UserError(
            "demo world of families: expected at least one picture and one family of each split, "
            f"and clips of a second or more, found {counts}, {extra_pictures} extra and {seconds} s"
        )
    clips: list[FamilyClipSpec] = []
    for index in range(pictures):
        name = (seed, "picture", index)
        clips += _clips("train", "picture", name, (_of_mix(name),), seconds)
    for split in ("val", "test"):
        for index in range(families[split]):
            clips += _clips(split, "family", (seed, f"family {split}", index), OF_FAMILY, seconds)
    for index in range(extra_pictures):
        clips += _clips("test", "both", (seed, "both", index), ("both",), seconds)
        clips += _clips("test", "look_alike", (seed, "look_alike", index), ("a", "b"), seconds)
    return clips


Name = tuple[Any, ...]


def _of_mix(name: Name) -> Soundtrack:
    """Return the soundtrack of a training picture, evenly spread by a golden-ratio sequence."""
    seed, _, index = name
    place = (index * 0.6180339887498949 + stable_share(seed, "families", "mix")) % 1.0
    for soundtrack, share in TRAINING_MIX:
        if place < share:
            return soundtrack
        place -= share
    return TRAINING_MIX[-1][0]


def _clips(
    split: str, kind: Kind, name: Name, soundtracks: tuple[Soundtrack, ...], seconds: float
) -> Iterator[FamilyClipSpec]:
    """Yield the clips of one picture."""
    key = ("families", *name)
    scenes = _scenes(split, kind, name)
    background = BACKGROUNDS[stable_number(*key, "background") % len(BACKGROUNDS)]
    a, b = (_object(split, key, which, scenes, background) for which in ("a", "b"))
    for soundtrack in soundtracks:
        off_screen = _off_screen(key, scenes)
        labels = {"a": a, "both": a, "b": b, "off_screen": off_screen}
        yield FamilyClipSpec(
            video_id=f"clip_{stable_number(*key, soundtrack, 'id') & 0xFFFFFFFF:08x}",
            label=labels[soundtrack].label if soundtrack in labels else SILENCE,
            split=split,
            group=f"picture_{stable_number(*key, 'id') & 0xFFFFFFFF:08x}",
            kind=kind,
            soundtrack=soundtrack,
            seconds=seconds,
            background=background,
            picture_seed=clip_seed("demo", *key, "picture"),
            sound_seed=clip_seed("demo", *key, soundtrack, "sound"),
            a=a,
            b=b,
            a_is_left=stable_share(*key, "side") < 0.5,
            off_screen=off_screen,
        )


def _scenes(split: str, kind: Kind, name: Name) -> tuple[str, str]:
    """Return the scenes of a picture; the pairs take turns, in an order hashed from the seed."""
    seed, _, index = name
    if kind == "look_alike":
        order = sorted(SCENES, key=lambda scene: stable_number(seed, "families", kind, scene))
        scene = order[index % len(order)]
        return scene, scene
    pairs = [pair for pair in combinations(SCENES, 2) if HELD_OUT_PAIRS.get(pair, split) == split]
    pairs.sort(key=lambda pair: stable_number(seed, "families", split, kind, *pair))
    one, other = pairs[index % len(pairs)]
    return (one, other) if stable_share("families", *name, "swap") < 0.5 else (other, one)


def _object(
    split: str, key: Name, which: Literal["a", "b"], scenes: tuple[str, str], background: str
) -> ObjectSpec:
    """Return one of the objects, in a colour that its split may show before this background."""
    scene = scenes[which == "b"]
    offered = [colour for colour in COLOURS if held_out_split(scene, colour, background) == split]
    objects, kinds = SCENES[scene].objects, _classes_of((scene,))
    turn = stable_number(*key, scene, "object")
    if scenes[0] == scenes[1]:  # two that can be told apart: the scene's two objects
        turn = stable_number(*key, "object") + (which == "b")
    return ObjectSpec(
        label=kinds[(stable_number(*key, which, "class")) % len(kinds)].name,
        scene=scene,
        object=objects[turn % len(objects)],
        colour=offered[stable_number(*key, which, "colour") % len(offered)],
        seed=clip_seed("demo", *key, which, "object"),
    )


def _off_screen(key: Name, scenes: tuple[str, str]) -> ObjectSpec:
    """Return something that sounds like neither object of the picture."""
    offered = _classes_of(tuple(scene for scene in SCENES if scene not in scenes))
    chosen = offered[stable_number(*key, "off screen") % len(offered)]
    seed = clip_seed("demo", *key, "off screen", "object")
    return ObjectSpec(chosen.name, chosen.scene, "", "", seed)


def _classes_of(scenes: tuple[str, ...]) -> list[ActionClass]:
    return [action for action in CLASSES if action.scene in scenes]
