"""The plan of the demo's matches: splits, kinds, decoys, statuses, and what the hashes keep."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
import sys
from collections import Counter, defaultdict
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from unmuted.demo_world.matches.plan import plan_matches
from unmuted.demo_world.matches.spec import (
    RecordingSpec,
    events_of,
    other_events_of,
)
from unmuted.demo_world.matches.vocabulary import KINDS, SIGNS, WORLDS
from unmuted.errors import UserError

SEEDS = st.integers(0, 2**40)
SPLITS = ("train", "val", "test")


def default_world(seed: int = 7, kind: str = "plain") -> list[RecordingSpec]:
    return plan_matches(20, (80, 100), seed, kind)


def counts(world: list[RecordingSpec], split: str) -> Counter[str]:
    return Counter(e.kind for spec in world if spec.split == split for e in events_of(spec))


@given(seed=SEEDS, few=st.integers(1, 25), more=st.integers(0, 10), kind=st.sampled_from([*WORLDS]))
@limits(max_examples=20)
def test_more_matches_keep_the_earlier_ones(seed: int, few: int, more: int, kind: str) -> None:
    small, large = (plan_matches(n, (40, 60), seed, kind) for n in (few, few + more))
    assert small == large[: len(small)]
    assert len(small) == 2 * few


def test_the_default_world_stays_what_it_is() -> None:
    text = json.dumps([dataclasses.asdict(spec) for spec in default_world()], sort_keys=True)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "35ec2b1e810602d9"


def test_default_world_has_what_the_demo_needs() -> None:
    world = default_world()
    assert Counter(spec.split for spec in world) == {"train": 20, "val": 8, "test": 12}
    assert {spec.fps for spec in world} == {"25", "30000/1001", "50", "variable"}
    assert {spec.sample_rate for spec in world} == {44_100, 48_000}
    assert Counter(spec.channels for spec in world)[6] == 2  # one match
    assert {spec.channels for spec in world} == {1, 2, 6}
    audio = Counter(spec.audio for spec in world)
    assert audio == {"ok": 34, "no_stream": 3, "silent": 2, "late": 1}
    assert sum(spec.damage is not None for spec in world) == 1
    levels = [spec.level_db for spec in world]
    assert -12 <= min(levels) < -10 and -2 < max(levels) <= 0
    for split in SPLITS:
        assert min(counts(world, split)[kind] for kind in KINDS) >= 2
    events = [e for spec in world for e in events_of(spec)]
    assert 2.5 < len(events) / len(world) < 4
    assert counts(world, "train")["Penalty"] < counts(world, "train")["Goal"] / 2


@given(seed=SEEDS)
@limits(max_examples=20)
def test_a_world_of_six_short_matches_has_every_kind_in_every_split(seed: int) -> None:
    world = plan_matches(6, (38, 42), seed)
    for split in SPLITS:
        assert all(counts(world, split)[kind] for kind in KINDS)
    assert {spec.audio for spec in world} == {"ok", "no_stream", "silent", "late"}


@given(seed=SEEDS, kind=st.sampled_from([*WORLDS]))
@limits(max_examples=20)
def test_splits_share_no_team_voice_or_stadium(seed: int, kind: str) -> None:
    owners: dict[object, set[str]] = defaultdict(set)
    for spec in default_world(seed, kind):
        for hue in spec.team_hues:
            owners["hue", hue].add(spec.match)
        owners["voice", spec.voice_hz].add(spec.match)
        owners["look", spec.look_seed].add(spec.match)
        owners["game", spec.game].add(spec.match)
        owners["id", spec.video_id].add(spec.match)
    assert all(len(matches) == 1 for matches in owners.values())
    assert len({spec.video_id for spec in default_world(seed, kind)}) == 40


@given(seed=SEEDS, shortest=st.integers(30, 90), kind=st.sampled_from([*WORLDS]))
@limits(max_examples=40)
def test_happenings_lie_in_the_recording_one_after_another(
    seed: int, shortest: int, kind: str
) -> None:
    for spec in plan_matches(6, (shortest, shortest + 10), seed, kind):
        assert shortest <= spec.seconds <= shortest + 10
        for happenings in (spec.visible, spec.audible):
            assert happenings[0].start >= 0 and happenings[-1].end < spec.seconds
            for one, other in pairwise(happenings):
                assert one.start <= one.moment <= one.end <= other.start
                assert one.moment + one.delay + one.lasts < other.moment


@given(seed=SEEDS)
@limits(max_examples=10)
def test_crowd_answers_within_a_second_and_not_to_replays(seed: int) -> None:
    for spec in default_world(seed):
        for each in spec.visible:
            if each.is_highlight:
                assert 0.3 <= each.delay <= 1.0 and 4 <= each.lasts <= 10
            elif each.what in ("replay", "close-up", "kick-off"):
                assert each.lasts == 0


@given(seed=SEEDS)
@limits(max_examples=10)
def test_replays_follow_what_they_show_and_one_shot_a_match_is_not_shown(seed: int) -> None:
    hidden: Counter[str] = Counter()
    for spec in default_world(seed):
        hidden[spec.match] += sum(not each.is_shown for each in spec.events)
        shots = {each.seed: each for each in spec.events}
        for each in spec.decoys:
            if each.what == "replay":
                shot = shots[each.seed]
                assert shot.moment < each.moment and shot.is_shown
                assert (each.kind, each.side, each.from_spot) == (
                    shot.kind,
                    shot.side,
                    shot.from_spot,
                )
    assert set(hidden.values()) == {1}


def test_damage_spares_highlights() -> None:
    [damaged] = [spec for spec in default_world() if spec.damage]
    start, end = damaged.damage
    assert 0.25 * damaged.seconds <= start < end <= 0.8 * damaged.seconds
    assert all(each.end < start or end < each.start for each in damaged.events)


def test_the_positive_world_has_signs_that_fix_the_answer() -> None:
    kinds_of_sign = defaultdict(set)
    for spec in default_world(kind="positive"):
        for each in spec.events:
            kinds_of_sign[each.sign].add(each.kind)
    assert kinds_of_sign.pop(None) == {"Goal"}
    assert set(kinds_of_sign) <= set(range(SIGNS)) and len(kinds_of_sign) > SIGNS / 2
    assert all(len(kinds) == 1 for kinds in kinds_of_sign.values())


@pytest.mark.parametrize("kind", ["positive", "negative"])
def test_controls_have_few_labels_much_sound_and_many_test_matches(kind: str) -> None:
    world = default_world(kind=kind)
    recordings = Counter(spec.split for spec in world)
    assert recordings == {"train": 6, "val": 4, "test": 16, None: 14}
    assert all(spec.is_labelled == (spec.split is not None) for spec in world)
    for split in SPLITS:
        assert all(counts(world, split)[kind] for kind in KINDS)


def test_controls_are_alike_but_for_the_sound_of_the_picture() -> None:
    positive, negative = (default_world(kind=kind) for kind in ("positive", "negative"))
    for of_world in zip(positive, negative, strict=True):
        one, other = ({(spec.split, spec.audio, spec.damage is None)} for spec in of_world)
        assert one == other
    assert all(spec.visible == spec.audible for spec in positive)
    for spec in negative:
        assert {e.moment for e in spec.visible}.isdisjoint(e.moment for e in spec.audible)


@given(seed=SEEDS)
@limits(max_examples=10)
def test_what_is_labelled_in_the_negative_world_is_visible_or_audible(seed: int) -> None:
    """Goals and penalties follow from the picture alone, the other shots from the sound alone."""
    for spec in default_world(seed, "negative"):
        visible, audible = (
            {(round(1000 * each.moment), each.kind) for each in happenings if each.is_highlight}
            for happenings in ([e for e in spec.visible if e.is_shown], spec.audible)
        )
        events = {(e.milliseconds, e.kind) for e in events_of(spec) if e.kind != "Penalty"}
        shown = {(e.milliseconds, e.kind) for e in events_of(spec) if e.is_shown}
        assert {event for event in visible if event[1] == "Goal"} == events & shown
        assert {event for event in audible if event[1] != "Goal"} == events - shown
        penalties = {e.moment for e in spec.visible if e.what == "penalty"}
        assert {e.moment for e in spec.events if e.what == "penalty"} == penalties
        assert len(spec.decoys) == len(spec.visible) - len(
            {milliseconds for milliseconds, _ in shown}
        )


def test_the_crowd_answers_what_is_visible_except_in_the_negative_world() -> None:
    def answered(kind: str) -> float:
        """The share of the shown shots after which the crowd goes on within a second."""
        shots = [
            (spec, each.moment)
            for spec in default_world(kind=kind)
            for each in spec.visible
            if each.is_highlight and each.is_shown
        ]
        answers = [
            any(
                each.lasts and 0.3 <= each.moment + each.delay - moment <= 1
                for each in spec.audible
            )
            for spec, moment in shots
        ]
        return sum(answers) / len(answers)

    assert answered("plain") == answered("positive") == 1
    assert answered("negative") < 0.15  # one answer in some seven seconds


def test_the_pace_of_the_picture_tells_when_the_crowd_answers() -> None:
    for kind in ("plain", "positive"):
        shots = [e for spec in default_world(kind=kind) for e in spec.events if e.is_shown]
        ordered = [e.delay for e in sorted(shots, key=lambda e: e.pace)]
        assert ordered == sorted(ordered, reverse=True)


def test_events_are_those_of_the_metric() -> None:
    for spec in default_world():
        events = events_of(spec)
        penalties = [each for each in spec.events if each.what == "penalty"]
        assert len(events) == len(spec.events) + len(penalties)
        assert {event.kind for event in events} <= set(KINDS)
        assert all(event.half == spec.half for event in events)
        assert {event.kind for event in other_events_of(spec)} <= {"Corner", "Foul", "Kick-off"}


@pytest.mark.parametrize(
    "wrong",
    [{"matches": 0}, {"matches": 1001}, {"seconds": (29, 80)}, {"seconds": (90, 80)}, {"kind": ""}],
)
def test_numbers_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    settings = {"matches": 2, "seconds": (40, 50), "seed": 1, "kind": "plain"} | wrong
    with pytest.raises(UserError, match="demo matches"):
        plan_matches(**settings)


def test_plan_is_light(repository) -> None:
    """The Snakefile plans the world at every parse: only the standard library, and fast."""
    code = (
        "import sys, time; import unmuted.demo_world.matches.plan as plan;"
        "start = time.perf_counter(); plan.plan_matches(20, (80, 100), 7);"
        "took = time.perf_counter() - start;"
        "heavy = {'numpy', 'torch', 'cv2', 'scipy', 'pandas'} & set(sys.modules);"
        "print(sorted(heavy), took < 0.5)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=repository / "workflow" / "scripts",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["[]", "True"]
