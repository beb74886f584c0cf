"""Spotting: no test match reaches a fit or a choice, and nothing imputed comes from its own match.

The jobs of the spotter run one after the other over made recordings; what a leak would change is
then compared. What the scripts hand them is tested in `test_guards_match_leaks`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from systems.highlights.toy_matches import KINDS, RATE, toy_recording
from unmuted.config.generator import VideoGeneratorSettings
from unmuted.config.highlights import HighlightSection
from unmuted.engine.executor import Task
from unmuted.engine.tensors import TensorFile
from unmuted.errors import UserError
from unmuted.samples.experiment import Clip
from unmuted.samples.fits import fold_name
from unmuted.samples.sample import Sample
from unmuted.systems.highlights import (
    bank_job,
    generator_job,
    projection_job,
    selection_job,
    spots_job,
    training_job,
)
from unmuted.systems.highlights.context import Fitted
from unmuted.systems.highlights.fits import training_clips
from unmuted.systems.highlights.spotting_stages import STAGES

SEED = 0
PATCH = (2, 8)  # of the made sound
ARMS = ("video_only", "both", "generated_audio")
FOLDS = {"m0": 0, "m1": 0, "m2": 1, "m3": 1}
SPLITS = {**dict.fromkeys(FOLDS, "train"), "m4": "val", "m5": "test"}


@dataclass(frozen=True)
class MadeArtifact:
    """Arrays, or a JSON value, in place of an artifact."""

    path: Path | None
    value: Any = None
    row: Any = field(default_factory=lambda: SimpleNamespace(status="ok", digest="made"))

    def tensors(self) -> dict[str, np.ndarray]:
        return self.value if self.path is None else load_file(self.path)

    def open_tensors(self) -> TensorFile:
        assert self.path is not None
        return TensorFile(self.path)

    def json(self) -> Any:
        return self.value


def made_clip(folder: Path, name: str, split: str, change: Callable[[dict], None]) -> Clip:
    """Write a toy recording as the stages of highlights would."""
    match, half = name.split("-")
    one = toy_recording(name, 10 * int(match[1:]) + int(half), seconds=40.0)
    recording = one.recording
    steps = recording.steps
    mel = np.repeat(recording.sound[:, None], PATCH[0], axis=1)  # (S, 2, 8)
    arrays = {
        "visual": np.array(recording.visual, np.float16),
        "mel": mel.astype(np.float16),
        "rms": np.full(steps, -30, np.float32),
        "valid": np.ones(steps, bool),
        "targets": {
            "events": [
                {
                    "half": int(half),
                    "milliseconds": round(1000 * e.seconds),
                    "file_milliseconds": round(1000 * e.seconds),
                    "kind": KINDS[e.kind],
                    "is_shown": True,
                }
                for e in recording.events
            ],
            "others": [{"file_milliseconds": 1000 * s} for s in recording.others],
            "halves": {half: 0.0},
        },
    }
    change(arrays)
    visual, sound = folder / f"{name}.visual", folder / f"{name}.sound"
    save_file({"features": arrays["visual"], "valid": np.ones(steps, bool)}, visual)
    save_file({name: arrays[name] for name in ("mel", "rms", "valid")}, sound)
    artifacts = {
        "step_visual": MadeArtifact(visual),
        "step_sound": MadeArtifact(sound),
        "events": MadeArtifact(None, arrays["targets"]),
    }
    return Clip(Sample.of_video(name, "events"), split, match, f"key-{name}", artifacts)


def made_job(**highlights: Any) -> Any:
    """Return what the jobs ask of a job: settings of a small network."""
    section = HighlightSection(
        arms=ARMS,
        generator_seconds=6,
        spotter={"hidden": 8, "width": 8, "epochs": 4, "snapshots": 2, "batch_size": 16},
        sampling={"seconds": 15},
        inference={"stretch": 40, "margin": 15},
        nms_windows=(1, 5),
        **highlights,
    )
    generator = VideoGeneratorSettings(steps=20, validate_every=10, hidden=8, bottleneck=4)
    config = {
        "highlights": section.model_dump(),
        "video_generator": generator.model_dump(),
        "matches": {"kinds": list(KINDS)},
        "steps": {"rate": RATE},
        "audio_dim": 6,
        "device": "cpu",
    }
    return SimpleNamespace(config=config, threads=1)


@dataclass
class Chain:
    """Everything that the jobs make of the made recordings."""

    projection: dict
    bank: dict
    generators: dict
    spotters: dict
    selection: dict
    spots: dict


def unchanged(_: dict) -> None:
    """Leave a recording as it is."""


def run_chain(
    folder: Path, change: Callable[[str, dict], None] | None = None, **highlights: Any
) -> Chain:
    """Run the jobs; change: alters what the recordings of a split hold."""
    folder.mkdir()
    job = made_job(**highlights)
    clips = [
        made_clip(
            folder,
            f"{match}-{half}",
            split,
            unchanged if change is None else partial(change, f"{match}-{half}"),
        )
        for match, split in SPLITS.items()
        for half in (1, 2)
    ]
    of = {split: [c for c in clips if c.split == split] for split in ("train", "val", "test")}
    experiment: Any = SimpleNamespace(split=lambda name: of[name])
    trained_on = training_clips(experiment, job.config["highlights"]["split_by_clip"])
    projection = only(projection_job.fit([task("all")], of["train"], job))
    projected = MadeArtifact(None, projection)
    bank = only(bank_job.build([task("all")], of["train"], projected, job))
    clips_of_fits = {
        fold_name(fold): [c for c in of["train"] if FOLDS[c.group] != fold] for fold in (0, 1)
    }
    tasks = [task(f"seed-{SEED}.{name}") for name in clips_of_fits]
    made = generator_job.train(tasks, clips_of_fits, of["val"], projected, job)
    generators = {result.name.split(".")[1]: result.payload for result in made}
    fitted = Fitted(
        projected,
        MadeArtifact(None, bank),
        {SEED: {name: MadeArtifact(None, state) for name, state in generators.items()}},
    )
    arms = [task(f"seed-{SEED}.{arm}") for arm in ARMS]
    trained = training_job.train(arms, trained_on, fitted, FOLDS, job)
    spotters = {result.name.split(".")[1]: result.payload for result in trained}
    fits = {SEED: {arm: MadeArtifact(None, state) for arm, state in spotters.items()}}
    selection = only(selection_job.select([task("all")], of["val"], fits, fitted, FOLDS, job))
    by_name = {clip.video_id: clip for clip in of["test"]}
    found = spots_job.spot_shard(
        [task(name) for name in by_name],
        by_name,
        fits,
        MadeArtifact(None, selection),
        fitted,
        FOLDS,
        job,
    )
    spots = {result.name: result.payload for result in found}
    return Chain(projection, bank, generators, spotters, selection, spots)


def task(name: str) -> Task:
    return Task(name, "made")


def only(results: Any) -> Any:
    (result,) = results
    return result.payload


def assert_equal(first: Any, second: Any) -> None:
    """Compare nested dicts of arrays and values, to the bit."""
    if isinstance(first, Mapping):
        assert first.keys() == second.keys()
        for name in first:
            assert_equal(first[name], second[name])
    elif isinstance(first, np.ndarray):
        np.testing.assert_array_equal(first, second)
    else:
        assert first == second


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chains")


@pytest.fixture(scope="module")
def clean(folder: Path) -> Chain:
    return run_chain(folder / "clean")


def is_test(name: str) -> bool:
    return SPLITS[name.split("-")[0]] == "test"


def in_tests(spoil: Callable[[dict], None]) -> Callable[[str, dict], None]:
    """Change test recordings alone."""

    def change(name: str, arrays: dict) -> None:
        if is_test(name):
            spoil(arrays)

    return change


def test_the_stages_that_fit_or_choose_may_not_read_test_matches() -> None:
    """A job is refused the artifacts of other splits than its stage declares."""
    fitted = {"step_projection", "step_bank", "step_generator", "spotter", "spotter_selection"}
    rows = {stage.name: stage for stage in STAGES}
    for name in fitted:
        assert rows[name].splits, name
        assert "test" not in rows[name].splits, name
        assert "spots" not in rows[name].upstream, name
    assert rows["step_projection"].splits == rows["step_bank"].splits == ("train",)
    # The one leak is named, and marked in the report. What learns sound may also read matches
    # without labels, which belong to no split.
    exceptions = {stage.name: stage.all_videos_if for stage in STAGES if stage.all_videos_if}
    assert exceptions.pop("spotter") == "highlights.split_by_clip"
    sound = ("step_projection", "step_bank", "step_generator")
    assert exceptions == dict.fromkeys(sound, "fits.unlabelled")


def test_permuted_test_events_change_no_spot(clean: Chain, folder: Path) -> None:
    def permute(arrays: dict) -> None:
        kinds = [event["kind"] for event in arrays["targets"]["events"]]
        for event, kind in zip(arrays["targets"]["events"], kinds[1:] + kinds[:1], strict=True):
            event["kind"] = kind
            event["file_milliseconds"] = event["milliseconds"] = 39_000 - event["milliseconds"]

    other = run_chain(folder / "permuted", in_tests(permute))
    assert_equal(clean.spots, other.spots)
    # The planted leak: the same done to training matches does change them.
    leaking = run_chain(folder / "leaking", lambda n, arrays: is_test(n) or permute(arrays))
    assert any(
        (clean.spots[n]["logits.both.real"] != leaking.spots[n]["logits.both.real"]).any()
        for n in clean.spots
    )


def test_a_match_that_was_trained_on_is_not_chosen_on_or_tested(clean: Chain, folder: Path) -> None:
    clip = made_clip(folder, "m1-2", "test", unchanged)
    with pytest.raises(UserError, match="trained on m1-2, or on another recording of that match"):
        selection_job.check_unseen(clean.spotters["both"], [clip])
    new_half = replace(clip, key="never seen")  # another recording of a match that was trained on
    with pytest.raises(UserError, match="m1-2"):
        selection_job.check_unseen(clean.spotters["both"], [new_half])
    selection_job.check_unseen(clean.spotters["both"], [replace(new_half, group="m9")])


def test_seed_mode_split_by_clip_reads_test_matches_and_says_so(folder: Path) -> None:
    leaking = run_chain(folder / "by_clip", split_by_clip=True)
    clip = made_clip(folder, "m5-1", "test", unchanged)
    with pytest.raises(UserError, match="trained on m5-1"):
        selection_job.check_unseen(leaking.spotters["both"], [clip])


def test_sound_of_a_training_match_is_generated_out_of_fold(clean: Chain, folder: Path) -> None:
    """The planted leak: the generators of the folds are exchanged."""
    first, second = clean.generators
    exchanged = {first: clean.generators[second], second: clean.generators[first]}
    fitted = Fitted(
        MadeArtifact(None, clean.projection),
        MadeArtifact(None, clean.bank),
        {SEED: {name: MadeArtifact(None, state) for name, state in exchanged.items()}},
    )
    clips = [made_clip(folder, "m0-1", "train", unchanged)]
    tasks = [task(f"seed-{SEED}.generated_audio")]
    with pytest.raises(UserError, match="must be out of fold"):
        list(training_job.train(tasks, clips, fitted, FOLDS, made_job()))


def test_the_sources_scale_of_sound_makes_it_worth_nothing(folder: Path) -> None:
    """Seed mode: all of it is zeros, so no change of the sound changes a score of any arm."""

    def louder(arrays: dict) -> None:
        arrays["mel"] = arrays["mel"][::-1] * np.float16(2)

    first = run_chain(folder / "zeros", sound_scale="source")
    second = run_chain(folder / "louder", in_tests(louder), sound_scale="source")
    for name, arrays in first.spots.items():
        for key in ("logits.both.real", "logits.video_only.real"):
            np.testing.assert_array_equal(arrays[key], second.spots[name][key])


def test_sound_is_read_where_its_scale_is_right(clean: Chain, folder: Path) -> None:
    def louder(arrays: dict) -> None:
        arrays["mel"] = arrays["mel"][::-1] * np.float16(2)

    other = run_chain(folder / "heard", in_tests(louder))
    for name, arrays in clean.spots.items():
        assert (arrays["logits.both.real"] != other.spots[name]["logits.both.real"]).any()
        key = "logits.video_only.real"
        np.testing.assert_array_equal(arrays[key], other.spots[name][key])


def test_lost_sound_changes_what_reads_it_and_nothing_else(clean: Chain) -> None:
    for arrays in clean.spots.values():
        assert "logits.video_only.no_stream" not in arrays
        for arm in ("both", "generated_audio"):
            real = arrays[f"logits.{arm}.real"]
            for condition in spots_job.LOST:
                assert (real != arrays[f"logits.{arm}.{condition}"]).any(), condition


def test_renamed_recordings_have_the_same_fits() -> None:
    """Recordings are ordered by content, so that no name moves them."""
    clips: Sequence[Any] = [
        SimpleNamespace(key=key, group="g", artifacts={"events": 1}, video_id=name)
        for key, name in (("b", "x"), ("a", "y"), ("c", "a"))
    ]
    experiment: Any = SimpleNamespace(split=lambda name: list(clips))
    assert [clip.key for clip in training_clips(experiment, by_clip=False)] == ["a", "b", "c"]
