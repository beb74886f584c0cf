"""What exists in the demo's world: visible scenes, and classes that only sound tells apart.

A *scene* is what the camera sees; a *class* is what happens. Two classes that share a scene look
alike and differ in their sound; some classes of different scenes sound alike (knocks and bounces,
coins and keys), so that neither sense is enough alone.
"""

from __future__ import annotations

from dataclasses import dataclass

COLOURS = ("red", "yellow", "green", "blue", "purple", "white")
BACKGROUNDS = (
    "brick wall",
    "tiled wall",
    "wooden fence",
    "striped curtain",
    "cloudy sky",
    "grassy hill",
)


@dataclass(frozen=True)
class Scene:
    """Something visible: two kinds of object that do the same thing, and a sentence for it.

    sign: what the sentence says of the small sign that some clips show; empty where none does.
    """

    name: str
    action: str
    objects: tuple[str, str]
    sentence: str
    sign: str = ""


@dataclass(frozen=True)
class ActionClass:
    """A label of the data set: the scene it shows and the AudioSet labels it sounds like.

    `audio_labels` starts with the label that is this class's own; parents in the ontology follow.
    `cue`: some clips may show a small sign that tells the class from its look-alike.
    """

    name: str
    scene: str
    audio_labels: tuple[str, ...]
    cue: bool = False


SCENES = {
    scene.name: scene
    for scene in (
        Scene(
            "strike",
            "strikes",
            ("box", "barrel"),
            "a mallet strikes a {colour} {object}",
            "with a brass plate",
        ),
        Scene("knock", "knocks", ("door", "cupboard"), "a fist knocks on a {colour} {object}"),
        Scene(
            "pour",
            "pours",
            ("jug", "bottle"),
            "a {colour} {object} pours into a pot",
            "with bright glints",
        ),
        Scene("bounce", "bounces", ("ball", "tire"), "a {colour} {object} bounces on the floor"),
        Scene(
            "run",
            "blinks",
            ("machine", "boiler"),
            "a lamp blinks on a {colour} {object}",
            "with a brass horn",
        ),
        Scene(
            "shake",
            "shakes",
            ("pouch", "tin"),
            "a hand shakes a {colour} {object}",
            "with a brass ring",
        ),
    )
}

# The order matters: a world of n classes has the first n.
CLASSES = (
    ActionClass("striking drum", "strike", ("Drum", "Percussion", "Musical instrument", "Music")),
    ActionClass("ringing bell", "strike", ("Bell", "Musical instrument", "Music"), cue=True),
    ActionClass("knocking on door", "knock", ("Knock", "Door")),
    ActionClass("pouring water", "pour", ("Pour", "Liquid", "Water")),
    ActionClass("pouring coins", "pour", ("Coin (dropping)",), cue=True),
    ActionClass("bouncing ball", "bounce", ("Bouncing", "Thump, thud")),
    ActionClass("running engine", "run", ("Engine", "Idling")),
    ActionClass("blowing whistle", "run", ("Whistle", "Steam whistle"), cue=True),
    ActionClass(
        "shaking maraca",
        "shake",
        ("Maraca", "Rattle (instrument)", "Percussion", "Musical instrument", "Music"),
    ),
    ActionClass("jingling keys", "shake", ("Keys jangling", "Jingle, tinkle"), cue=True),
)

OBJECTS = tuple(name for scene in SCENES.values() for name in scene.objects)


def class_named(name: str) -> ActionClass:
    """Return the class of this name; KeyError names what exists."""
    for action in CLASSES:
        if action.name == name:
            return action
    raise KeyError(f"no class {name!r} in the demo's world; there are {[c.name for c in CLASSES]}")


def caption(
    scene: str, object_: str, colour: str, background: str, shows_sign: bool = False
) -> str:
    """Return a sentence on what is visible, without anything that only sound tells."""
    sentence = SCENES[scene].sentence.format(colour=colour, object=object_)
    sign = f" {SCENES[scene].sign}" if shows_sign else ""
    return f"{sentence}{sign} in front of a {background}"
