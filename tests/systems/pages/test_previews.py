"""The sound of a preview: of a training clip of another source, the nearest one, and said so."""

from __future__ import annotations

import json
import wave
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from guards.corpus import COPIES, ORIGINAL, make_clips, with_other_sound
from guards.world import World
from systems.pages.world_of_pages import PAGES, RATE, make_pages_world, sound_of
from unmuted.engine.executor import Artifact
from unmuted.features.audioset import load_labels
from unmuted.media.probe import Limits, probe
from unmuted.media.wav import read_wav
from unmuted.systems.pages import quality
from unmuted.systems.pages.previews_job import RETRIEVED
from unmuted.systems.pages.sound_library import SoundLibrary, carried_labels

ORIGINALS = {ORIGINAL, "clip01"}  # of one source


@pytest.fixture(scope="module")
def unseen(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world before any preview."""
    return make_pages_world(tmp_path_factory.mktemp("previews"))


@pytest.fixture(scope="module")
def world(unseen: World) -> World:
    """The same with previews and pages."""
    return unseen.copy().run(*PAGES)


def said_of(artifact: Artifact) -> dict:
    return json.loads(artifact.tensors()["said"].tobytes())


def library_of(world: World) -> SoundLibrary:
    return SoundLibrary(world.fits("sound_library")["all"])


def test_the_library_holds_training_sounds_alone(world: World) -> None:
    by_id = {clip.video_id: clip for clip in world.clips}
    sounds = library_of(world).sounds
    with_sound = {n for n in world.ids("train") if by_id[n].tokens is not None}
    assert {sound.video_id for sound in sounds} == with_sound
    for sound in sounds:
        clip = by_id[sound.video_id]
        assert (sound.label, sound.heard) == (clip.label, int(clip.scores.argmax()))


def test_no_preview_plays_the_own_source_or_another_split(world: World) -> None:
    by_id = {clip.video_id: clip for clip in world.clips}
    previews = world.artifacts("sound_previews")
    assert previews.keys() == set(world.ids("test"))
    for name, artifact in previews.items():
        found = said_of(artifact)["retrieved"]
        assert by_id[found["video_id"]].split == "train", name
        assert by_id[found["video_id"]].group != by_id[name].group, name
    copy = next(name for name, split in COPIES.items() if split == "test")
    assert copy not in previews or said_of(previews[copy])["retrieved"]["video_id"] not in (
        ORIGINALS | set(COPIES)
    )


def test_a_copy_of_a_training_clip_never_gets_its_sound(world: World) -> None:
    """Neither by its content, nor by a source group that was merged into its own."""
    library = library_of(world)
    original = next(sound for sound in library.sounds if sound.video_id == ORIGINAL)
    of_source = {sound.video_id for sound in library.sounds if sound.group == original.group}
    assert {ORIGINAL, "copy-train"} <= of_source
    index = [sound.video_id for sound in library.sounds].index(ORIGINAL)
    with library._artifact.open_tensors() as file:
        own = file.rows("audio", index, index + 1)
    (itself,) = library.nearest(own, ["another key"], ["another group"])
    assert itself.sound.key == original.key
    assert itself.cosine == pytest.approx(1.0)
    (by_group,) = library.nearest(own, ["another key"], [original.group])
    assert by_group.sound.video_id not in of_source
    (by_key,) = library.nearest(own, [original.key], ["another group"])
    assert by_key.sound.key != original.key


def test_the_nearest_sound_is_the_nearest(world: World) -> None:
    """By a search that is written in another way."""
    library = library_of(world)
    with library._artifact.open_tensors() as file:
        audio = file.rows("audio").astype(np.float64)
    by_id = {clip.video_id: clip for clip in world.clips}
    for name, artifact in world.artifacts("sound_previews").items():
        wanted = artifact.tensors()["generated"].astype(np.float64)
        cosines = {
            sound.video_id: (wanted * one).sum() / np.sqrt((wanted**2).sum() * (one**2).sum())
            for sound, one in zip(library.sounds, audio, strict=True)
            if by_id[sound.video_id].group != by_id[name].group
        }
        found = said_of(artifact)["retrieved"]
        assert found["cosine"] == pytest.approx(max(cosines.values()), abs=2e-6)
        assert cosines[found["video_id"]] == pytest.approx(found["cosine"], abs=2e-6)
        assert found["what"] == RETRIEVED
        if name not in COPIES:  # whose source is joined to others
            assert found["among"] == len(cosines) < len(library.sounds) + 1
        assert found["group"] == by_id[found["video_id"]].group


def test_labels_that_a_feature_points_away_from_are_not_carried() -> None:
    """Of three prototypes one is near, one across and one opposite; a fourth was never heard."""
    names = load_labels()
    vectors = np.zeros((len(names), 2))
    vectors[[3, 5, 7, 9]] = (1, 0), (0, 1), (-1, 0), (1, 0.1)
    heard = np.zeros(len(names))
    heard[[3, 5, 7]] = 1
    prototypes = {"heard": heard, "vectors": vectors}
    audio = np.array([[1.0, 0.0], [3.0, 0.0]])
    assert carried_labels(audio, prototypes, 5) == [(names[3], 1.0)]
    assert carried_labels(-audio, prototypes, 5) == [(names[7], 1.0)]
    assert carried_labels(np.array([[-1.0, -1.0]]), {**prototypes, "heard": heard * 0}, 0) == []
    heard[7] = 0
    assert carried_labels(np.array([[-1.0, -1.0]]), prototypes, 5) == []


def test_cosines_and_features_are_those_of_generated_and_real_audio(world: World) -> None:
    pca = world.fits("projection")["full"].tensors()
    generated, ast = world.artifacts("generated"), world.artifacts("ast")
    silent = 0
    for name, artifact in world.artifacts("sound_previews").items():
        arrays = artifact.tensors()
        mean = generated[name].tensors()["audio"].mean(axis=0)
        assert np.array_equal(arrays["generated"], mean)
        if name not in ast:
            silent += 1
            assert not {"real", "cosine"} & arrays.keys()
            assert said_of(artifact)["carried_by_real"] is None
            continue
        real = (ast[name].tensors()["tokens"] - pca["mean"]) @ pca["components"].T
        assert np.allclose(arrays["real"], real, atol=1e-5)
        lengths = np.linalg.norm(mean, axis=1) * np.linalg.norm(real, axis=1)
        assert np.allclose(arrays["cosine"], (mean * real).sum(axis=1) / lengths, atol=1e-5)
    assert silent


def test_the_sound_that_is_heard_is_that_of_the_named_clip(world: World, tmp_path: Path) -> None:
    artifact = next(iter(world.artifacts("sound_previews").values()))
    path = tmp_path / "preview.mp4"
    path.write_bytes(artifact.tensors()["mp4"].tobytes())
    found = probe(path, Limits())
    heard = tmp_path / "heard.wav"
    read_wav(path, found, -60.0, RATE, Limits()).write(heard)
    with wave.open(str(heard), "rb") as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)
    likeness = {
        name: np.corrcoef(samples[:12_000], sound_of(name)[:12_000])[0, 1]
        for name in world.ids("train")
    }
    named = said_of(artifact)["retrieved"]["video_id"]
    assert max(likeness, key=likeness.__getitem__) == named
    assert likeness[named] > 0.7  # AAC at 64 kbit/s of noise
    assert RETRIEVED.encode() in path.read_bytes()


def test_sound_of_test_clips_changes_no_retrieval(world: World, tmp_path: Path) -> None:
    clips = [with_other_sound(c) if c.split == "test" else c for c in make_clips()]
    other = make_pages_world(tmp_path, clips).run("sound_library", "sound_previews")
    assert other.contents("sound_library") == world.contents("sound_library")
    before, after = world.artifacts("sound_previews"), other.artifacts("sound_previews")
    assert before.keys() == after.keys()
    for name in before:
        old, new = before[name].tensors(), after[name].tensors()
        assert said_of(before[name])["retrieved"] == said_of(after[name])["retrieved"]
        assert old["mp4"].tobytes() == new["mp4"].tobytes()


def test_a_changed_test_clip_changes_its_page_alone(world: World) -> None:
    """Its generated audio differs; no fit, no preview and no page of another clip does."""
    copy = world.copy()
    name = world.ids("test")[0]
    original = next(clip for clip in world.clips if clip.video_id == name)
    changed = replace(original, visual=original.visual + 1)
    other = replace(
        copy, clips=tuple(changed if c.video_id == name else c for c in copy.clips)
    ).with_features(lambda clip: clip, [])
    _stop_frames(other)
    other.run("sources", "generated", *PAGES)
    assert other.contents("sound_library") == world.contents("sound_library")
    for stage in ("sound_previews", "pages"):
        before, after = world.contents(stage), other.contents(stage)
        assert before.keys() == after.keys()
        assert {Path(key).stem for key in before if before[key] != after[key]} == {name}, stage


def _stop_frames(world: World) -> None:
    """Keep the frames of the made corpus, which are no pictures, away from pages."""
    from systems.pages.world_of_pages import absent_row
    from unmuted.engine.ledger import write_rows

    with chdir(world.folder):
        run = world.project()
        for shard, videos in run.dataset.shards.items():
            rows = [absent_row(name, "not_made", "no frames") for name in videos]
            write_rows(run.layout.ledger("frames", shard), rows)


def test_pages_are_made_of_the_selected_videos_alone(world: World) -> None:
    pages = world.artifacts("pages")
    assert pages.keys() == set(world.ids("test"))
    text = next(iter(pages.values())).path.read_text()
    assert RETRIEVED in text and "no representative_frames" in text
    again = world.again("pages")
    assert again.contents("pages") == world.contents("pages")


def test_quality_is_measured_against_chance_and_a_reference(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report's figures, counted here by hand."""
    monkeypatch.setattr(quality, "provenance", lambda *_: {})  # no model made these features
    with chdir(world.folder):
        job = world.report("preview_quality")
        report = quality.contents(job)["metrics"]
    by_id = {clip.video_id: clip for clip in world.clips}
    previews = {name: said_of(one) for name, one in world.artifacts("sound_previews").items()}
    heard = {name: int(c.scores.argmax()) for name, c in by_id.items() if c.scores is not None}
    sounds = library_of(world).sounds
    agrees, chance, groups = [], [], set()
    copy = next(name for name, split in COPIES.items() if split == "test")  # left out of tests
    for name, said in previews.items():
        if name in heard and name != copy:
            groups.add(by_id[name].group)
            agrees.append(heard[said["retrieved"]["video_id"]] == heard[name])
            others = [s for s in sounds if s.group != by_id[name].group]
            chance.append(np.mean([sound.heard == heard[name] for sound in others]))
    assert report["clips"] == len(agrees) and report["test_groups"] == len(groups)
    assert report["generated"]["value"] == pytest.approx(np.mean(agrees))
    assert report["chance"]["value"] == pytest.approx(np.mean(chance))
    assert report["difference"]["value"] == pytest.approx(np.mean(agrees) - np.mean(chance))
    low, high = report["difference"]["ci95"]
    assert low <= report["difference"]["value"] <= high
    assert 0 <= report["real"]["value"] <= 1


def test_a_clip_without_another_source_has_no_sound() -> None:
    library = SoundLibrary.__new__(SoundLibrary)
    library.sounds, library._groups, library._keys = [], np.array(["g"]), np.array(["k"])
    assert not library.allowed("other", "g").any()
    assert not library.allowed("k", "other").any()
    assert library.allowed("other", "other").all()
