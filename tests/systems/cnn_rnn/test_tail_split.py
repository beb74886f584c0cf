"""Seed mode's split starves a class with the source's own counts; the default one does not."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmuted.dataset.splits import make_splits
from unmuted.dataset.videos import Video
from unmuted.errors import UserError
from unmuted.samples.experiment import Clip, Experiment
from unmuted.samples.sample import Sample
from unmuted.systems.cnn_rnn.tail_split import cnn_rnn_clips, sorted_tail

# The source's table: UCF101's first training list, 594 clips, of groups 8 to 25 of each class.
TABLE = {
    "CricketShot": 118,
    "PlayingCello": 120,
    "Punch": 121,
    "ShavingBeard": 118,
    "TennisSwing": 117,
}
TESTED = dict(zip(TABLE, (49, 44, 39, 43, 49), strict=True))  # of groups 1 to 7
CLASSES = tuple(TABLE)
GROUPS, TAIL = {"split": "groups", "tail_share": 0.3}, {"split": "sorted_tail", "tail_share": 0.3}


def videos() -> list[Video]:
    found = []
    for label in CLASSES:
        for count, groups in ((TESTED[label], range(1, 8)), (TABLE[label], range(8, 26))):
            for i in range(count):
                group = f"{label}_g{groups[i % len(groups)]:02d}"
                found.append(
                    Video(f"v_{group}_c{i // len(groups) + 1:02d}", None, label, None, group)
                )
    assert len({video.video_id for video in found}) == len(found) == 594 + 224
    return found


def experiment_of(splits: dict[str, str]) -> Experiment:
    rng = np.random.default_rng(0)
    clips = [
        Clip(
            Sample.of_video(v.video_id, v.label),
            splits[v.video_id],
            v.group,
            rng.bytes(8).hex(),
            {},
        )
        for v in videos()
    ]
    return Experiment(tuple(sorted(clips, key=lambda clip: clip.key)), CLASSES, {})


def of_the_source() -> dict[str, str]:
    """Its lists; which of the 594 clips would be for validation plays no part in seed mode."""
    splits = {}
    for video in videos():
        group = int(video.group[-2:])
        splits[video.video_id] = "test" if group < 8 else "val" if group > 22 else "train"
    return splits


def test_seed_mode_starves_a_class_with_the_counts_of_the_source() -> None:
    train, val = cnn_rnn_clips(experiment_of(of_the_source()), TAIL)
    assert (len(train), len(val)) == (415, 179)  # int(594 * 0.7), as Keras cuts
    trained = Counter(clip.label for clip in train)
    assert trained == {"CricketShot": 118, "PlayingCello": 120, "Punch": 121, "ShavingBeard": 56}
    assert trained["TennisSwing"] == 0
    assert Counter(clip.label for clip in val) == {"ShavingBeard": 62, "TennisSwing": 117}


@pytest.mark.parametrize("seed", range(10))
def test_the_default_split_starves_none_and_parts_no_source(seed: int) -> None:
    shares = {"train": 0.6, "val": 0.2, "test": 0.2}
    experiment = experiment_of(make_splits(videos(), shares, seed))
    train, val = cnn_rnn_clips(experiment, GROUPS)
    for clips in (train, val):
        shares_of_classes = Counter(clip.label for clip in clips)
        assert min(shares_of_classes[label] for label in CLASSES) > 0.1 * len(clips)
    groups = [{clip.group for clip in clips} for clips in (train, val, experiment.split("test"))]
    assert len(set.union(*groups)) == sum(map(len, groups)) == 5 * 25


def test_seed_mode_leaves_the_test_split_alone() -> None:
    experiment = experiment_of(of_the_source())
    train, val = cnn_rnn_clips(experiment, TAIL)
    tested = {clip.video_id for clip in experiment.split("test")}
    assert len(tested) == 224
    assert not tested & {clip.video_id for clip in [*train, *val]}
    relabelled = replace(
        experiment,
        clips=tuple(
            replace(clip, sample=Sample.of_video(clip.video_id, "Punch"))
            if clip.split == "test"
            else clip
            for clip in experiment.clips
        ),
    )
    assert cnn_rnn_clips(relabelled, TAIL) == (train, val)


@given(count=st.integers(2, 200), share=st.floats(0.01, 0.99), seed=st.integers(0, 99))
def test_the_tail_is_cut_where_keras_cuts(count: int, share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.choice(["a", "b", "c"], size=count)
    clips = [
        Clip(Sample.of_video(f"v{i}", labels[i]), "train", "g", f"{i:04d}", {})
        for i in range(count)
    ]
    cut = int(np.floor(count * (1.0 - share)))  # keras.utils' train_validation_split
    shuffled = [clips[i] for i in rng.permutation(count)]
    if cut == 0:
        with pytest.raises(UserError, match=f"tail_share .* of {count} clips leaves 0 to train on"):
            sorted_tail(shuffled, share)
        return
    train, val = sorted_tail(shuffled, share)
    assert len(train) == cut and sorted_tail(clips, share) == (train, val)
    assert [clip.label for clip in train + val] == sorted(labels)
    assert sorted(clip.video_id for clip in train + val) == sorted(c.video_id for c in clips)
