"""In which source group a clip counts, and its fold, for jobs that see one shard."""

from __future__ import annotations

import json
import random

from hypothesis import given
from hypothesis import strategies as st

from unmuted.samples.experiment import (
    Clip,
    Experiment,
    merge_duplicate_groups,
    training_folds,
    unlabelled_clips,
)
from unmuted.samples.sample import Sample
from unmuted.samples.source_groups import Sources

FOLDS = 3
ENOUGH = tuple(
    Clip(Sample.of_video(f"t{i}", "a"), "train", f"train{i}", f"t{i}", {}) for i in range(2 * FOLDS)
)
SPLITS = ("train", "val", "test", None)


def experiment_of(clips: list[Clip]) -> Experiment:
    """As `load_experiment` puts it together of clips that are all usable."""
    groups = merge_duplicate_groups(clips)
    fit_video_ids = {clip.video_id for clip in clips if clip.label is None}
    labelled = [
        Clip(Sample.of_video(c.video_id, c.label), c.split, groups[c.group], c.key, {})
        for c in clips
        if c.label
    ]
    unlabelled = unlabelled_clips(clips, groups, fit_video_ids)
    return Experiment(tuple(labelled), ("a", "b"), {}, groups, tuple(unlabelled))


clip_lists = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", None]),
        st.sampled_from(SPLITS),
        st.integers(0, 7).map("group{}".format),
        st.integers(0, 9).map("key{}".format),
    ),
    max_size=25,
).map(
    lambda rows: [
        *ENOUGH,
        *(
            Clip(
                Sample.of_video(f"v{i}", label if split else None),
                split if label else None,
                group,
                key,
                {},
            )
            for i, (label, split, group, key) in enumerate(rows)
        ),
    ]
)


@given(clip_lists)
def test_a_shard_is_told_what_the_whole_run_knows(clips: list[Clip]) -> None:
    experiment = experiment_of(clips)
    sources = Sources.of(experiment, clips, FOLDS)
    told = Sources(**json.loads(json.dumps(sources.payload())))  # as it comes from the file
    assert told.with_canonical_groups(clips) == experiment.with_canonical_groups(clips)
    assert told.folds == training_folds(experiment, FOLDS)


@given(clip_lists, st.randoms())
def test_the_order_of_the_clips_does_not_matter(clips: list[Clip], rng: random.Random) -> None:
    experiment = experiment_of(clips)
    shuffled = rng.sample(clips, len(clips))
    first, second = (Sources.of(experiment, one, FOLDS) for one in (clips, shuffled))
    assert json.dumps(first.payload()) == json.dumps(second.payload())


def test_only_copies_take_room() -> None:
    clips = [
        Clip(Sample.of_video(f"v{i}", "ab"[i % 2]), "train", f"group{i}", f"key{i}", {})
        for i in range(9)
    ]
    copy = Clip(Sample.of_video("copy", "a"), "test", "elsewhere", "key3", {})
    mixed = Clip(
        Sample.of_video("mixed", "a"), "test", "elsewhere", "key5", {}
    )  # of a group with two sources
    sources = Sources.of(experiment_of([*clips, copy, mixed]), [*clips, copy, mixed], FOLDS)
    assert sources.joined == {"elsewhere": "group3"}
    assert sources.copied == {"key5": "group5"}
    assert [clip.group for clip in sources.with_canonical_groups([copy, mixed])] == [
        "group3",
        "group5",
    ]
