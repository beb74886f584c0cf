"""Missing audio: nested masks that stay, suitable swap partners, noise of a known level."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmuted.errors import UserError
from unmuted.evaluation.outputs import table, write_table
from unmuted.media.wav import rms_db
from unmuted.samples.missing_audio import (
    draw_swap_partners,
    is_missing,
    missing_table,
    noise_waveform,
    position,
)

KEYS = [f"clip {i}" for i in range(4000)]
RATES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class OneClip:
    """What the table reads of a clip."""

    video_id: str
    key: str
    split: str | None = "test"
    has_sound: bool = True


@given(st.text(), st.integers(), st.floats(0, 1), st.floats(0, 1))
def test_masks_are_nested(key: str, seed: int, one: float, other: float) -> None:
    low, high = sorted([one, other])
    assert is_missing(key, seed, low) <= is_missing(key, seed, high)
    assert not is_missing(key, seed, 0.0)
    assert is_missing(key, seed, 1.0)


@pytest.mark.parametrize("rate", [0.25, 0.5, 0.75])
def test_the_share_of_missing_clips_is_near_the_rate(rate: float) -> None:
    share = np.mean([is_missing(key, 0, rate) for key in KEYS])
    assert share == pytest.approx(rate, abs=4 * (rate * (1 - rate) / len(KEYS)) ** 0.5)


def test_positions_are_spread_evenly() -> None:
    counts, _ = np.histogram([position(key, 0) for key in KEYS], bins=20, range=(0, 1))
    expected = len(KEYS) / 20
    assert ((counts - expected) ** 2 / expected).sum() < 43.8  # chi-square, 19 degrees, p = 0.001


def test_masks_of_two_seeds_have_nothing_in_common() -> None:
    masks = np.array([[is_missing(key, seed, 0.5) for key in KEYS] for seed in (0, 1)])
    assert np.corrcoef(masks)[0, 1] == pytest.approx(0, abs=0.07)


def test_a_position_is_a_hash_that_no_process_or_library_changes() -> None:
    digest = hashlib.blake2b(b"missing\x1f7\x1fclip 0", digest_size=8).digest()
    assert position("clip 0", 7) == int.from_bytes(digest, "little") % 2**53 / 2**53


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan"), 25])
def test_a_rate_that_is_no_share_is_refused(rate: float) -> None:
    with pytest.raises(UserError, match="expected a share from 0 to 1"):
        is_missing("a", 0, rate)


def test_the_table_holds_the_masks_and_a_new_clip_changes_no_other_row(tmp_path: Path) -> None:
    clips = [OneClip(f"v{i}", f"key {i}", has_sound=i != 3) for i in range(40)]
    rows = missing_table(reversed(clips), 5, RATES, {"v1": "v2"})
    write_table(tmp_path / "missing.csv", table(rows))
    with open(tmp_path / "missing.csv", newline="", encoding="utf-8") as file:
        read = {row["video_id"]: row for row in csv.DictReader(file)}
    for clip in clips:
        row = read[clip.video_id]
        masks = [row[f"missing_at_{percent}"] for percent in (0, 25, 50, 75, 100)]
        assert masks == [str(int(is_missing(clip.key, 5, rate))) for rate in RATES]
        assert masks == [str(int(float(row["position"]) < rate)) for rate in RATES]
        assert row["split"] == "test"
        assert row["has_sound"] == str(int(clip.has_sound))
        assert row["swapped_with"] == ("v2" if clip.video_id == "v1" else "")
    more = missing_table([*clips, OneClip("new", "new")], 5, RATES, {"v1": "v2"})
    assert [row for row in more if row["video_id"] != "new"] == rows


def clips_of(count: int, classes: int, per_group: int) -> tuple[list[str], list[str], list[str]]:
    """Keys, labels and groups; groups of one class each."""
    keys = KEYS[:count]
    groups = [str(i // per_group) for i in range(count)]
    return keys, [f"class {int(group) % classes}" for group in groups], groups


@given(st.integers(2, 60), st.integers(2, 5), st.integers(1, 3), st.integers(), st.randoms())
def test_partners_are_of_another_class_and_source_whatever_the_order(
    count: int, classes: int, per_group: int, seed: int, random
) -> None:
    keys, labels, groups = clips_of(max(count, per_group + 1), classes, per_group)
    partners = draw_swap_partners(keys, labels, groups, seed)
    for i, partner in enumerate(partners):
        assert labels[partner] != labels[i]
        assert groups[partner] != groups[i]
    order = list(range(len(keys)))
    random.shuffle(order)
    shuffled = draw_swap_partners(
        *([part[i] for i in order] for part in (keys, labels, groups)), seed
    )
    named = {keys[order[i]]: keys[order[partner]] for i, partner in enumerate(shuffled)}
    assert named == {keys[i]: keys[partner] for i, partner in enumerate(partners)}


def test_nearly_every_clip_is_a_partner_once() -> None:
    keys, labels, groups = clips_of(2000, 20, 1)
    uses = Counter(draw_swap_partners(keys, labels, groups, 0))
    assert len(uses) > 1800
    assert max(uses.values()) <= 6


def test_a_new_clip_changes_few_partners() -> None:
    keys, labels, groups = clips_of(400, 20, 1)
    before = draw_swap_partners(keys, labels, groups, 0)
    after = draw_swap_partners([*keys, "new"], [*labels, "class 0"], [*groups, "new"], 0)
    assert sum(a != b for a, b in zip(after[:-1], before, strict=True)) <= 3
    assert 400 in after


def test_the_seed_changes_the_partners() -> None:
    clips = clips_of(400, 20, 1)
    same = np.mean(np.equal(draw_swap_partners(*clips, 0), draw_swap_partners(*clips, 1)))
    assert same < 0.05


def test_only_candidates_are_partners() -> None:
    keys, labels, groups = clips_of(60, 3, 1)
    is_candidate = [not is_missing(key, 0, 0.5) for key in keys]
    partners = draw_swap_partners(keys, labels, groups, 0, is_candidate)
    assert len(partners) == 60
    assert all(is_candidate[partner] for partner in partners)


def test_a_clip_of_one_source_in_two_classes_does_not_lend_to_itself() -> None:
    keys, labels, groups = ["a", "a", "b"], ["dog", "cat", "dog"], ["one", "one", "two"]
    assert draw_swap_partners(keys[:2], labels[:2], groups[:2], 0) == [None, None]
    assert draw_swap_partners([*keys, "c"], [*labels, "cat"], [*groups, "three"], 0)[:2] == [3, 2]


def test_copies_of_one_clip_get_one_partner() -> None:
    partners = draw_swap_partners(["a", "a", "b"], ["dog", "dog", "cat"], ["1", "1", "2"], 0)
    assert partners == [2, 2, 0]


@given(st.integers(4000, 20000), st.floats(-60, -5), st.text())
def test_noise_has_the_level_it_was_asked_for(n: int, level: float, key: str) -> None:
    noise = noise_waveform(n, level, key)
    assert noise.dtype == np.int16
    assert noise.shape == (n,)
    assert rms_db(noise) == pytest.approx(level, abs=0.3)
    assert noise.mean() == pytest.approx(0, abs=5 * 32768 * 10 ** (level / 20) / n**0.5)


def test_noise_is_white_and_its_own_for_each_key() -> None:
    noise = noise_waveform(48000, -20, "a").astype(np.float64)
    power = np.abs(np.fft.rfft(noise)) ** 2
    bands = np.array([band.mean() for band in np.array_split(power[1:], 16)])
    assert bands.max() / bands.min() < 1.25
    other = noise_waveform(48000, -20, "b")
    assert abs(np.corrcoef(noise, other)[0, 1]) < 0.02
    np.testing.assert_array_equal(noise_waveform(16000, -20, "a"), noise[:16000])


def test_noise_louder_than_it_can_be_is_as_loud_as_it_can_be() -> None:
    assert rms_db(noise_waveform(48000, 0.0, "a")) == pytest.approx(-4.77, abs=0.05)
