"""Which matches a world consists of, decided before anything is drawn.

Everything follows from hashes of names and numbers: a larger world holds the smaller one unchanged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

from unmuted.demo_world.matches.hashes import hashed, shuffled, spread, uniform
from unmuted.demo_world.matches.schedule import schedule
from unmuted.demo_world.matches.spec import (
    VARIABLE,
    Happening,
    MatchEvent,
    RecordingSpec,
    TwoMatchSpec,
    events_of,
)
from unmuted.demo_world.matches.vocabulary import (
    KICK_OFF,
    LEAGUE,
    PENALTY,
    SEASON,
    SHOT,
    WORLDS,
    Kind,
)
from unmuted.errors import UserError

__all__ = ["Happening", "MatchEvent", "RecordingSpec", "events_of", "plan_matches"]

FRAME_RATES = ("25", "30000/1001", "50")
WITH_VARIABLE_RATE = 4  # by the place in twenty
SAMPLE_RATES, CHANNELS = (44_100, 48_000), (1, 2)
SHORTEST, LONGEST = 30, 600  # seconds of a half
LEVEL_RANGE_DB = 12.0  # by which the levels of matches differ at most
LATE_SECONDS = 30.0  # from when on a late sound is there
DAMAGE_SECONDS = 3.0

# By the place of a match in twenty, and its half: what is wrong with the sound or the picture.
CYCLE = 20
AUDIO = {
    (0, 2): "late",
    (3, 1): "no_stream",
    (4, 2): "no_stream",
    (12, 1): "no_stream",
    (5, 2): "silent",
    (8, 1): "silent",
}
DAMAGED = (2, 2)
SURROUND = 9  # the match with 5.1 channels
WITH_PENALTY = (0, 1, 2, 3, 5, 8)  # by the place in ten
GOAL = "Goal"  # the one outcome of a shot that the picture shows
SYLLABLES = ("al", "ber", "cor", "dun", "el", "fen", "gar", "hol", "is", "kel", "lor", "mar")


def plan_matches(
    matches: int, seconds: Sequence[float], seed: int, kind: str = "plain"
) -> list[RecordingSpec]:
    """Return the recordings of a world, two for each match.

    Args:
        matches: how many; a larger number only adds some.
        seconds: the shortest and the longest that a half can be.
        seed: of the world; another one gives other matches with other ids.
        kind: name of one of `WORLDS`.

    Raises:
        UserError: a number is out of range, or there is no such kind.
    """
    if kind not in WORLDS:
        raise UserError(f"demo matches: the kind must be one of {', '.join(WORLDS)}, not {kind!r}")
    if not 1 <= matches <= 1000:
        raise UserError(f"demo matches: matches must be 1 to 1000, not {matches}")
    if len(seconds) != 2 or not SHORTEST <= seconds[0] <= seconds[1] <= LONGEST:
        raise UserError(
            f"demo matches: seconds must be two numbers from {SHORTEST} to {LONGEST}, the smaller "
            f"one first, not {list(seconds)}"
        )
    world = WORLDS[kind]
    recordings = [
        _recording((kind, seed, index), half, index, (seconds[0], seconds[1]), world)
        for index in range(matches)
        for half in (1, 2)
    ]
    if world.sound_follows_picture:
        return recordings
    return [
        _with_other_sound(recording, (kind, seed, index), world)
        for index in range(matches)
        for recording in recordings[2 * index : 2 * index + 2]
    ]


def _recording(
    name: tuple[str, int, int], half: int, index: int, seconds: tuple[float, float], world: Kind
) -> RecordingSpec:
    kind, seed, _ = name
    split = world.split_cycle[index % len(world.split_cycle)]
    length = round(uniform(*seconds, *name, half, "seconds"), 1)
    place = index % CYCLE, half
    happenings = schedule(name, half, index % 10 in WITH_PENALTY, length, world)
    audio = AUDIO.get(place, "ok")
    match = f"match_{hashed(*name, 'id') & 0xFFFFFFFF:08x}"
    return RecordingSpec(
        video_id=f"{match}-{half}",
        match=match,
        game=_game(name, index),
        half=half,
        split=split,
        is_labelled=split is not None,
        seconds=length,
        fps=VARIABLE if place[0] == WITH_VARIABLE_RATE else _rate(name),
        sample_rate=SAMPLE_RATES[hashed(*name, "sample rate") % 2],
        channels=6 if place[0] == SURROUND else CHANNELS[hashed(*name, "channels") % 2],
        audio=audio,
        sound_from=min(LATE_SECONDS, round(0.4 * length, 1)) if audio == "late" else 0.0,
        damage=_quiet_stretch(happenings, length) if place == DAMAGED else None,
        level_db=-LEVEL_RANGE_DB * spread(index, kind, seed, "level"),
        team_hues=(
            spread(2 * index, kind, seed, "hue"),
            spread(2 * index + 1, kind, seed, "hue"),
        ),
        voice_hz=90 + 130 * spread(index, kind, seed, "voice"),
        look_seed=hashed(*name, "look"),
        seed=hashed(*name, half, "half"),
        events=tuple(each for each in happenings if each.is_highlight),
        decoys=tuple(each for each in happenings if not each.is_highlight),
    )


def _with_other_sound(spec: RecordingSpec, name: tuple[str, int, int], world: Kind) -> TwoMatchSpec:
    """Return a recording of the match of this name with the sound of a match that nobody sees.

    That match has no kick-off, which would be at the same time as the one in the picture. No kind
    of event is both visible and audible: so the two are independent, given the events as well.
    """
    has_penalty = name[-1] % 10 in WITH_PENALTY
    other = schedule((*name, "sound"), spec.half, has_penalty, spec.seconds, world)
    sound = tuple(each for each in other if each.what != KICK_OFF)
    seen = [_as_seen(each) for each in spec.events if each.is_shown]
    visible = [each for each in seen if each.kind or each.what == PENALTY]
    audible = [
        replace(each, what=SHOT, is_shown=False)
        for each in sound
        if each.is_highlight and each.kind != GOAL
    ]
    labelled = {each.moment for each in visible}
    content = {field.name: getattr(spec, field.name) for field in fields(spec)}
    content["events"] = tuple(sorted(visible + audible, key=lambda each: each.moment))
    content["decoys"] = tuple(each for each in spec.visible if each.moment not in labelled)
    return TwoMatchSpec(**content, picture=tuple(spec.visible), sound=sound)


def _as_seen(shot: Happening) -> Happening:
    """Return a shot with the kind that its picture tells: a goal, or none."""
    return replace(shot, kind=shot.kind if shot.kind == GOAL else None)


def _game(name: tuple[str, int, int], index: int) -> str:
    """Return the folder of a match, "league/season/date - time home score away"."""
    home, away = (
        "".join(shuffled(SYLLABLES, *name, side)[:3]).capitalize() for side in ("home", "away")
    )
    goals = [hashed(*name, side, "goals") % 4 for side in ("home", "away")]
    day = f"{2025 + index // 336}-{1 + index // 28 % 12:02d}-{1 + index % 28:02d}"
    return f"{LEAGUE}/{SEASON}/{day} - 15-00 {home} {goals[0]} - {goals[1]} {away}"


def _quiet_stretch(happenings: Sequence[Happening], seconds: float) -> tuple[float, float]:
    """Return the stretch nearest the middle in which the picture shows no highlight."""
    busy = [(each.start - 0.5, each.end + 0.5) for each in happenings if each.is_highlight]
    starts = [0.25 * seconds + 0.1 * step for step in range(round(5 * seconds))]
    free = [
        start
        for start in starts
        if all(end <= start or start + DAMAGE_SECONDS <= begin for begin, end in busy)
    ]
    middle = (seconds - DAMAGE_SECONDS) / 2
    nearest: float = min(free, key=lambda each: abs(each - middle), default=middle)
    start = round(nearest, 1)
    return start, start + DAMAGE_SECONDS


def _rate(name: tuple[str, int, int]) -> str:
    return FRAME_RATES[hashed(*name, "fps") % len(FRAME_RATES)]
