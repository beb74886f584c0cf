"""What a recording of the demo's matches is: its specification, and the true events in it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from unmuted.demo_world.matches.vocabulary import DECOY_LABELS, PENALTY, SHOT

VARIABLE = "variable"  # a rate that changes within the recording
VARIABLE_RATE = Fraction(30)  # its frames a second where they are closest


@dataclass(frozen=True)
class Happening:
    """Something that goes on in a half; times are seconds of the recording.

    what: a shot, a penalty (a shot too), or a decoy. start, moment, end: when the picture begins
    to show it, when the ball is struck (or the like), and when it ends. kind: the outcome of a
    shot, or of the replayed shot. is_shown: False if the picture shows a close-up instead.
    from_spot: whether it is a penalty, live or again. side: 0 for the left goal, 1 for the right.
    pace: of the picture, 1 being usual. delay, lasts: when the crowd answers after the moment and
    how long, in seconds (0: it does not). sign: which advertisement is shown. seed: for what
    else is drawn; a replay has that of its shot.
    """

    what: str
    start: float
    moment: float
    end: float
    kind: str | None = None
    is_shown: bool = True
    from_spot: bool = False
    side: int = 0
    pace: float = 1.0
    delay: float = 0.0
    lasts: float = 0.0
    sign: int | None = None
    seed: int = 0

    @property
    def is_highlight(self) -> bool:
        """Return whether it is labelled."""
        return self.what in (SHOT, PENALTY)


@dataclass(frozen=True)
class RecordingSpec:
    """The recording of one half, completely: rendering it needs nothing else.

    game: "league/season/name", the folder in SoccerNet's layout. split: None, with is_labelled
    False, for matches whose labels the workflow is not told. seconds: of the picture. fps: a
    fraction as text, or "variable". audio: "ok", "no_stream", "silent" (a stream of zeros) or
    "late" (a stream from `sound_from` seconds on). damage: from when to when the picture's data are
    broken. level_db: of the whole sound. look_seed: teams' colours, stadium, voice; the
    same for both halves, and never shared between matches.
    """

    video_id: str
    match: str
    game: str
    half: int
    split: str | None
    is_labelled: bool
    seconds: float
    fps: str
    sample_rate: int
    channels: int
    audio: str
    sound_from: float
    damage: tuple[float, float] | None
    level_db: float
    team_hues: tuple[float, float]
    voice_hz: float
    look_seed: int
    seed: int
    events: tuple[Happening, ...]
    decoys: tuple[Happening, ...]

    @property
    def rate(self) -> Fraction:
        """Frames per second, exactly; of a variable rate, where frames are closest."""
        return VARIABLE_RATE if self.fps == VARIABLE else Fraction(self.fps)

    @property
    def visible(self) -> list[Happening]:
        """What the picture shows, in the order of time."""
        return sorted(self.events + self.decoys, key=lambda each: each.moment)

    @property
    def audible(self) -> list[Happening]:
        """What the sound is made of, in the order of time."""
        return self.visible


@dataclass(frozen=True)
class TwoMatchSpec(RecordingSpec):
    """A recording with the picture of one match and the sound of another.

    events: the visible goals and penalties, and the audible shots on and off target, these as not
    shown. decoys: everything else that is visible. picture, sound: what happens in either match.
    """

    picture: tuple[Happening, ...]
    sound: tuple[Happening, ...]

    @property
    def visible(self) -> list[Happening]:
        """What the picture shows, in the order of time."""
        return sorted(self.picture, key=lambda each: each.moment)

    @property
    def audible(self) -> list[Happening]:
        """What the sound is made of, in the order of time."""
        return sorted(self.sound, key=lambda each: each.moment)


@dataclass(frozen=True, order=True)
class MatchEvent:
    """A true event, with milliseconds since the start of the half's video."""

    half: int
    milliseconds: int
    kind: str
    is_shown: bool = True


def events_of(spec: RecordingSpec) -> list[MatchEvent]:
    """Return the true highlights; a penalty is one, and so is its outcome, at the same time."""
    events = []
    for each in spec.events:
        at = spec.half, round(1000 * each.moment)
        kinds = ("Penalty" if each.what == PENALTY else None, each.kind)
        events += [MatchEvent(*at, kind, each.is_shown) for kind in kinds if kind]
    return sorted(events)


def other_events_of(spec: RecordingSpec) -> list[MatchEvent]:
    """Return the decoys that SoccerNet labels too, as events of other kinds."""
    return sorted(
        MatchEvent(spec.half, round(1000 * each.moment), DECOY_LABELS[each.what])
        for each in spec.decoys
        if each.what in DECOY_LABELS
    )
