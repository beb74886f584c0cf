"""What happens in the demo's matches, who plays, and the kinds of world."""

from __future__ import annotations

from dataclasses import dataclass

SHOTS = ("Goal", "Shots on target", "Shots off target")
KINDS = (*SHOTS, "Penalty")

# Happenings that are highlights when they are live; the others are decoys.
SHOT, PENALTY = "shot", "penalty"
REPLAY, CORNER, FOUL, CHANT, KICK_OFF, CLOSE_UP = (
    "replay",
    "corner",
    "foul",
    "chant",
    "kick-off",
    "close-up",
)

# Decoys that have a label in SoccerNet.
DECOY_LABELS = {CORNER: "Corner", FOUL: "Foul", KICK_OFF: "Kick-off"}

LEAGUE, SEASON = "demo_league", "2025-2026"
SIGNS = 8  # kinds of advertisement that the picture shows in the positive world


@dataclass(frozen=True)
class Kind:
    """What sets the matches of a world apart.

    split_cycle: the split of each match in turn; None: no split and no labels. has_signs: whether
    the picture shows one of `SIGNS` advertisements at a shot, the first half of which mean a shot
    on target, the others one off target. sound_follows_picture: whether the sound is of
    the match that the picture shows; otherwise it is of another one, and the labels name the goals
    and penalties that are visible and the other shots that are audible.
    """

    split_cycle: tuple[str | None, ...]
    has_signs: bool = False
    sound_follows_picture: bool = True


_SPLITS = (
    *("train", "val", "test", "train", "test"),
    *("train", "train", "val", "test", "train"),
)
_CONTROL_SPLITS = (  # few labels, much sound, and many test matches
    *("train", "val", "test", None, "test", None, "test", "train", "test", None),
    *("train", "val", "test", None, "test", None, "test", None, "test", None),
)
WORLDS = {
    "plain": Kind(_SPLITS),
    "positive": Kind(_CONTROL_SPLITS, has_signs=True),
    "negative": Kind(_CONTROL_SPLITS, has_signs=True, sound_follows_picture=False),
}
