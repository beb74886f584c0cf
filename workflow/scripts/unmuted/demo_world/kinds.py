"""Kinds of world: the ordinary one, and controls, in which it is known who must win.

Controls check a whole run: a generator that works must win the positive one, and no generator can
win the negative one.
"""

from __future__ import annotations

from dataclasses import dataclass

from unmuted.demo_world.vocabulary import SCENES

UNLABELLED = "unlabelled"


@dataclass(frozen=True)
class Kind:
    """What sets the clips of a world apart.

    scenes: whose classes it has. split_cycle: split of a class's source groups in turn, or
    `UNLABELLED`: no split, and a label that the workflow is not told. cue_share: share of the clips
    of a class with a cue that show it. cue_size: how large it is, 1 in the ordinary world.
    sound_follows_picture: whether sounds happen when the picture shows them. same_places: whether
    classes that look alike show the same objects, colours and backgrounds one after another.
    """

    scenes: tuple[str, ...]
    split_cycle: tuple[str, ...]
    cue_share: float
    cue_size: float = 1.0
    sound_follows_picture: bool = True
    same_places: bool = True


ORDINARY = Kind(
    scenes=tuple(SCENES),
    # every small world has all three splits, a large one 7 : 3 : 2
    split_cycle=(
        "train", "test", "val", "train", "train", "test",
        "train", "val", "train", "train", "test", "train",
    ),
    cue_share=0.5,
)  # fmt: skip

CONTROLS = {
    # A small sign, always there, fixes the sound. Few clips have a label, many have sound: whoever
    # learns from them what the sign sounds like can tell the classes apart, others hardly can.
    "positive": Kind(
        scenes=("pour",),
        split_cycle=(
            "train", "test", "val", *["test", *[UNLABELLED] * 3] * 6,
        ),
        cue_share=1.0,
        cue_size=1.5,
        same_places=False,  # else a few pairs of clips would show what tells the classes apart
    ),
    # Sound tells the two classes of a scene apart, and nothing visible says more about it than the
    # scene: no cue, and sounds at moments of their own.
    "negative": Kind(
        scenes=("strike", "run"),
        split_cycle=("train", "test", "val", "train", "test", "train", "test"),
        cue_share=0.0,
        sound_follows_picture=False,
    ),
}  # fmt: skip
