"""The world of families: what is planned, seen and heard; other worlds stay as they are."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, replace
from itertools import combinations

import numpy as np
import pytest

from unmuted.demo_world.canvas import HEIGHT, WIDTH, Canvas
from unmuted.demo_world.families.plan import (
    HELD_OUT_PAIRS,
    OF_FAMILY,
    SILENCE,
    TRAINING_MIX,
    FamilyClipSpec,
    plan_families,
)
from unmuted.demo_world.families.render import A, B, _Object, render_pictures
from unmuted.demo_world.families.sound import SAMPLE_RATE, make_soundtrack
from unmuted.demo_world.families.truth import describe, family_truth
from unmuted.demo_world.plan import held_out_split, plan_world
from unmuted.demo_world.render import render_frames
from unmuted.demo_world.vocabulary import SCENES, class_named
from unmuted.digests import digest_bytes, digest_json
from unmuted.errors import UserError

CLIPS = plan_families(900, {"val": 40, "test": 80}, 20, 7, 3.0)
FAMILIES = [CLIPS[i : i + 4] for i in range(900, 900 + 480, 4)]


def middles(spec: FamilyClipSpec) -> list[float]:
    return [second + 0.5 for second in range(int(spec.seconds))]


def test_the_number_of_clips_of_each_kind() -> None:
    counts = Counter((clip.split, clip.kind) for clip in CLIPS)
    assert counts == {
        ("train", "picture"): 900,
        ("val", "family"): 160,
        ("test", "family"): 320,
        ("test", "both"): 20,
        ("test", "look_alike"): 40,
    }
    assert len({clip.video_id for clip in CLIPS}) == len(CLIPS)
    assert len({clip.group for clip in CLIPS}) == 900 + 40 + 80 + 40
    tracks = Counter(clip.soundtrack for clip in CLIPS[:900])
    assert all(abs(tracks[track] / 900 - share) < 0.01 for track, share in TRAINING_MIX)


def test_a_larger_world_holds_the_smaller_one() -> None:
    small = plan_families(20, {"val": 3, "test": 4}, 2, 7, 3.0)
    assert {clip.video_id: clip for clip in CLIPS}.items() >= {
        clip.video_id: clip for clip in small
    }.items()
    other = plan_families(20, {"val": 3, "test": 4}, 2, 8, 3.0)
    assert not {clip.video_id for clip in small} & {clip.video_id for clip in other}


def test_a_family_is_one_picture_with_four_soundtracks() -> None:
    for family in FAMILIES:
        assert tuple(clip.soundtrack for clip in family) == OF_FAMILY
        a, b, off_screen, silence = family
        assert {clip.group for clip in family} == {a.group} and len(a.group) > 10
        assert (a.label, b.label, silence.label) == (a.a.label, a.b.label, SILENCE)
        shown = {clip.scene for clip in (a.a, a.b)}
        assert len(shown) == 2 and class_named(off_screen.label).scene not in shown
        of_picture = {"video_id": "", "label": "", "soundtrack": "a", "sound_seed": 0}
        assert len({replace(clip, **of_picture) for clip in family}) == 1


def test_no_combination_and_no_pair_of_scenes_straddles_splits() -> None:
    pairs: dict[str, set[tuple[str, str]]] = {"train": set(), "val": set(), "test": set()}
    for clip in CLIPS:
        for each in (clip.a, clip.b):
            assert held_out_split(each.scene, each.colour, clip.background) == clip.split
            assert each.scene == class_named(each.label).scene
            assert each.object in SCENES[each.scene].objects
        pair = tuple(sorted((clip.a.scene, clip.b.scene), key=list(SCENES).index))
        if clip.kind == "look_alike":
            assert pair[0] == pair[1] and clip.a.object != clip.b.object
        else:
            pairs[clip.split].add(pair)
    assert all(HELD_OUT_PAIRS.get(pair, split) == split for split in pairs for pair in pairs[split])
    assert {split: len(found) for split, found in pairs.items()} == {
        "train": 9, "val": 12, "test": 12
    }  # fmt: skip
    assert HELD_OUT_PAIRS.keys() <= set(combinations(SCENES, 2))
    assert Counter(scene for pair in HELD_OUT_PAIRS for scene in pair) == dict.fromkeys(SCENES, 2)


def test_objects_are_apart_and_the_picture_does_not_depend_on_the_sound() -> None:
    for family in FAMILIES[:12]:
        pictures, objects = render_pictures(family[0], [0, 4, 12])
        assert pictures.shape == (3, 144, 192, 3) and set(np.unique(objects)) <= {0, A, B}
        again = render_pictures(family[3], [12])
        assert (again[0][0] == pictures[2]).all() and (again[1][0] == objects[2]).all()
        for marks in objects:
            columns = {mark: np.nonzero(marks == mark)[1] for mark in (A, B)}
            left, right = (A, B) if family[0].a_is_left else (B, A)
            assert columns[left].mean() < 96 < columns[right].mean()
            assert all(0.008 < len(found) / marks.size < 0.1 for found in columns.values())
        assert (pictures[0].astype(int) - pictures[1]).std() > 0


def test_an_object_hides_what_is_behind_it_and_so_do_its_silent_parts() -> None:
    image, marks = np.zeros((HEIGHT, WIDTH, 3), np.uint8), np.zeros((HEIGHT, WIDTH), np.uint8)
    behind = Canvas(image, 1, (0, 0), False, marks, A)
    before = Canvas(image, 1, (0, 0), False, marks, B)
    behind.rectangle((10, 10), (60, 40), (255, 0, 0), True)
    before.rectangle((40, 10), (60, 40), (0, 255, 0), True)
    before.rectangle((20, 20), (10, 10), (0, 0, 255))  # a hand
    assert marks[15, 15] == A and marks[15, 50] == B and marks[15, 90] == B and marks[25, 25] == 0
    assert behind.mask is before.mask


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_mirrored_object_stands_where_it_is_meant_to(mirrored: bool) -> None:
    clips = [clip for clip in CLIPS[:60] if _Object(clip.a, 3.0, True, A).mirrored == mirrored]
    assert len(clips) > 10
    for clip in clips:
        for is_left in (True, False):
            marks = np.zeros((HEIGHT, WIDTH), np.uint8)
            each = _Object(clip.a, 3.0, is_left, A)
            each.paint(np.zeros((HEIGHT, WIDTH, 3), np.uint8), marks, np.zeros(2), 0.5)
            columns = np.nonzero(marks)[1]
            assert len(columns) and (columns.mean() < WIDTH / 2) == is_left


def test_what_sounds_is_what_is_heard() -> None:
    for family in FAMILIES[:10]:
        truths = {clip.soundtrack: family_truth(clip, middles(clip)) for clip in family}
        for track, mark in (("a", A), ("b", B)):
            truth = truths[track]
            heard = truth.heard[:, mark - 1]
            assert heard.any() and not truth.heard[:, 2 - mark].any()
            assert (truth.masks == ((truth.objects == mark) & heard[:, None, None])).all()
        for track in ("off_screen", "silence"):
            assert not truths[track].masks.any()
        levels = {clip.soundtrack: np.abs(make_soundtrack(clip).samples).max() for clip in family}
        assert levels.pop("silence") == 0 and min(levels.values()) > 0.1
    both = next(clip for clip in CLIPS if clip.kind == "both")
    truth = family_truth(both, middles(both))
    assert (truth.masks == (truth.objects > 0))[truth.heard.all(axis=1)].all()


def test_a_second_counts_from_its_own_sound_and_decay() -> None:
    """An object is silent in a second in which its own sound is, whatever else is heard."""
    clip = FAMILIES[0][0]
    track = make_soundtrack(clip)
    part = track.parts[clip.a].copy()
    part[SAMPLE_RATE : 2 * SAMPLE_RATE] = 10 ** (-61 / 20)
    changed = replace(track, parts={clip.a: part})
    assert track.is_heard(clip.a, -60).tolist() == [True, True, True]
    assert changed.is_heard(clip.a, -60).tolist() == [True, False, True]
    assert changed.is_heard(clip.a, -62).tolist() == [True, True, True]
    assert not changed.is_heard(clip.b, -60).any()


def test_no_mask_that_does_not_read_the_sound_is_above_one_half() -> None:
    """The bound of the A/B pairs, for the union of both objects, one of them, and everything."""
    for family in FAMILIES[:10]:
        a, b = (family_truth(clip, middles(clip)) for clip in family[:2])
        pairs = a.heard[:, 0] & b.heard[:, 1]
        truths = [a.masks[pairs], b.masks[pairs]]
        union = truths[0] | truths[1]
        for guess in (union, truths[0], truths[1], np.ones_like(union)):
            overlaps = [
                (guess & truth).sum((1, 2)) / (guess | truth).sum((1, 2)) for truth in truths
            ]
            assert (np.mean(overlaps, axis=0) <= 0.5 + 1e-12).all()


def test_a_specification_survives_json() -> None:
    for clip in (CLIPS[0], CLIPS[901], CLIPS[-1]):
        assert FamilyClipSpec.from_json(json.loads(json.dumps(asdict(clip)))) == clip


def test_the_record_of_a_clip() -> None:
    a, _, off_screen, silence = (describe(clip) for clip in FAMILIES[0])
    assert a["sounding_object"] == FAMILIES[0][0].a.object and a["audio"] == "ok"
    assert (off_screen["sounding_object"], silence["audio"]) == ("", "silent")
    assert off_screen["event_times"] and not silence["event_times"]


@pytest.mark.parametrize("change", [{"pictures": 0}, {"seconds": 0.5}, {"families": {"val": 0}}])
def test_impossible_worlds_are_refused(change: dict[str, object]) -> None:
    wanted = {"pictures": 1, "families": {"val": 1, "test": 1}, "extra_pictures": 0}
    with pytest.raises(UserError, match="expected at least one picture"):
        plan_families(**{**wanted, "seed": 7, "seconds": 3.0, **change})


def test_other_worlds_are_what_they_were() -> None:
    """Digests from before there were families: plans, and masks, which are drawn in integers."""
    specs = [spec for kind in ("plain", "cued") for spec in plan_world(None, 12, 7, 2.0, kind=kind)]
    plan = digest_json([asdict(spec) for spec in specs])
    masks = [np.packbits(render_frames(spec, [3, 20])[1]).tobytes() for spec in specs[::12]]
    assert (plan, digest_bytes(b"".join(masks))) == (
        "a4f7969ad1e3ff53eca7414910c4b853",
        "0ed131bf22b662173dde50279f7a9249",
    )
