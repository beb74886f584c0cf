"""Kinds of world, which differ in what the picture tells of the sound.

`cued` is the demo: signs that can be seen partly fix the sound. `plain` shows such a sign in one
scene only, so that generated audio has hardly anything to add. Two more are controls that check a
whole run: a generator that works must win the positive one, and none can win the negative one.
"""

from __future__ import annotations

from dataclasses import dataclass

from unmuted.demo_world.vocabulary import SCENES

UNLABELLED = "unlabelled"


@dataclass(frozen=True)
class Kind:
    """What sets the clips of a world apart.

    scenes: whose classes it has. cued_scenes: in which the second class may show a sign (`cue`)
    that tells it from the first. split_cycle: split of a class's source groups in turn, or
    `UNLABELLED`: no split, and a label that the workflow is not told. cue_share: share of the clips
    of a class with a cue that show it. cue_size: how large it is, 1 in the plain world.
    object_sets_pitch: whether one of a scene's two objects sounds lower than the other.
    place_sets_room: whether echo, noise and level follow from what is in the background.
    sound_follows_picture: whether sounds happen when the picture shows them. same_places: whether
    classes that look alike show the same objects, colours and backgrounds one after another.
    """

    scenes: tuple[str, ...]
    split_cycle: tuple[str, ...]
    cue_share: float
    cued_scenes: tuple[str, ...] = ("pour",)
    cue_size: float = 1.0
    object_sets_pitch: bool = False
    place_sets_room: bool = False
    sound_follows_picture: bool = True
    same_places: bool = True


_PLAIN = Kind(
    scenes=tuple(SCENES),
    # every small world has all three splits, a large one 7 : 3 : 2
    split_cycle=(
        "train", "test", "val", "train", "train", "test",
        "train", "val", "train", "train", "test", "train",
    ),
    cue_share=0.5,
)  # fmt: skip

# Few clips have a label, many have sound without one, as in life: what the signs sound like can be
# learnt from all of them, what they mean for the label from few.
_CUED = Kind(
    scenes=("strike", "pour", "run", "shake"),
    split_cycle=(
        "train", "test", "val", *[UNLABELLED] * 3, "test", *[UNLABELLED] * 3, "test", UNLABELLED,
    ),
    cue_share=1.0,
    cued_scenes=("strike", "pour", "run", "shake"),
    cue_size=1.5,
    object_sets_pitch=True,
    place_sets_room=True,
    same_places=False,
)  # fmt: skip

KINDS = {
    "plain": _PLAIN,
    "cued": _CUED,
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
        # mostly test clips: that nothing is gained takes many of them to show
        split_cycle=("train", "test", "val", "train", *["test"] * 7, "train"),
        cue_share=0.0,
        sound_follows_picture=False,
    ),
}  # fmt: skip
