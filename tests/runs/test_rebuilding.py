"""What is computed again after a change, and nothing else: seen in artifacts' bytes and times."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable

import pytest

from runs.corpus import PER_CLIP, REPOSITORY, Corpus, make_older, rewritten
from unmuted.media.ffmpeg import binary

pytestmark = pytest.mark.workflow
Copy = Callable[[Corpus], Corpus]


def run_features(corpus: Corpus) -> set[str]:
    """Run the per-clip stages; returns the artifacts that were written."""
    before = corpus.artifacts(*PER_CLIP)
    corpus.run("features")
    return rewritten(before, corpus.artifacts(*PER_CLIP))


def of_video(names: set[str], video_id: str) -> set[str]:
    return {name for name in names if name.split("/")[1].startswith(f"{video_id}.")}


def stages(names: set[str]) -> set[str]:
    return {name.split("/")[0] for name in names}


def test_unchanged_corpus_has_nothing_to_do(with_features: Corpus) -> None:
    assert "Nothing to be done" in with_features.run("features").stderr


def test_touched_video_is_visited_and_nothing_is_computed(
    with_features: Corpus, copy_of: Copy
) -> None:
    corpus = copy_of(with_features)
    os.utime(corpus.video(corpus.ids("train")[0]))
    assert run_features(corpus) == set()


def test_replaced_video_is_computed_again_alone(with_features: Corpus, copy_of: Copy) -> None:
    corpus = copy_of(with_features)
    replaced, donor = corpus.ids("train")[:2]
    shutil.copy(corpus.video(donor), corpus.video(replaced))
    make_older(corpus.video(replaced))  # older than everything built from the former file
    written = run_features(corpus)
    assert written == of_video(written, replaced)
    assert stages(written) >= {"probe", "frames", "flow", "vit_rgb", "vit_flow", "mapping"}
    for stage in ("frames", "vit_rgb", "captions"):
        rows = corpus.rows(stage)
        assert rows[replaced].digest == rows[donor].digest


def test_repacked_video_stops_where_the_bytes_come_out_equal(
    with_features: Corpus, copy_of: Copy
) -> None:
    corpus = copy_of(with_features)
    video_id = corpus.ids("val")[0]
    video, packed = corpus.video(video_id), corpus.folder / "packed.mp4"
    command = [binary(), "-v", "error", "-i", str(video), "-c", "copy", "-movflags", "+faststart"]
    subprocess.run([*command, "-metadata", "title=again", str(packed)], check=True)
    os.replace(packed, video)
    written = run_features(corpus)
    assert written == of_video(written, video_id)
    assert stages(written) <= {"probe", "frames", "wav"}
    assert "probe" in stages(written)


def test_added_video_moves_no_other(with_features: Corpus, copy_of: Copy) -> None:
    corpus = copy_of(with_features)
    rows = corpus.manifest()
    source = corpus.video(rows[0]["video_id"])
    shutil.copy(source, corpus.folder / "videos" / "added.mp4")
    added = {**rows[0], "video_id": "added", "path": "videos/added.mp4"}
    corpus.write_manifest([*rows, added])
    written = run_features(corpus)
    assert written == of_video(written, "added")
    assert corpus.rows("mapping")["added"].status == "ok"


def test_removed_videos_leave_nothing_and_empty_shards_are_swept(
    with_features: Corpus, copy_of: Copy
) -> None:
    corpus = copy_of(with_features)
    shards = {
        path: {file.stem for file in path.glob("*.safetensors")}
        for path in (corpus.results / "frames").iterdir()
        if path.is_dir()
    }
    emptied = min(shards, key=lambda path: len(shards[path]))
    gone = shards[emptied]
    kept = [row for row in corpus.manifest() if row["video_id"] not in gone]
    kinds = Counter((row["label"], row["split"]) for row in kept)
    spare = next(row for row in kept if kinds[row["label"], row["split"]] > 1)
    gone |= {spare["video_id"]}  # one of the other shard too
    corpus.write_manifest([row for row in kept if row is not spare])
    corpus.change_config(videos_per_shard=4)  # as many shards as before, for the fewer videos
    before = corpus.artifacts(*PER_CLIP)
    assert run_features(corpus) == set()
    after = corpus.artifacts(*PER_CLIP)
    assert {name for name in before if name not in after} == {
        name for name in before if name.split("/")[1].split(".")[0] in gone
    }
    assert not emptied.exists()
    assert not emptied.with_name(f"{emptied.name}.ledger.csv").exists()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"mapping": {"k": 2}}, {"mapping"}),
        ({"representative_frames": {"ratio": 9}}, None),
        ({"clips": {"fps": 6}}, set(PER_CLIP) - {"probe", "wav"}),
    ],
    ids=["k", "ratio", "fps"],
)
def test_changed_setting_reaches_its_stages_only(
    with_features: Corpus, copy_of: Copy, change: dict, expected: set[str] | None
) -> None:
    corpus = copy_of(with_features)
    corpus.change_config(**change)
    written = stages(run_features(corpus))
    if expected is None:  # a clip with one representative frame already may come out the same
        expected = {"representative_frames", "captions", "caption_embeddings", "mapping"}
    assert written == expected


def test_changed_model_reaches_its_stages_only(with_features: Corpus, copy_of: Copy) -> None:
    import models_fixture

    corpus = copy_of(with_features)
    models_fixture.save_vit(corpus.folder / "models" / "other_vit", seed=77)
    models = {"vit": {"path": str(corpus.folder / "models" / "other_vit")}}
    corpus.change_config(models=models)
    assert stages(run_features(corpus)) == {"vit_rgb", "vit_flow"}


def test_other_shards_take_over_what_is_finished(with_features: Corpus, copy_of: Copy) -> None:
    corpus = copy_of(with_features)
    before = corpus.bytes(*PER_CLIP)
    corpus.change_config(videos_per_shard=5)
    corpus.run("features")
    assert corpus.bytes(*PER_CLIP) == before
    log = "".join(path.read_text() for path in (corpus.results / "logs").rglob("*.log"))
    assert " 0 of " in log
    assert len([path for path in (corpus.results / "frames").iterdir() if path.is_dir()]) == 4


def test_job_that_failed_on_a_rebuild_leaves_no_stale_result(
    with_features: Corpus, copy_of: Copy
) -> None:
    """Snakemake itself does not miss the ledger that the failed job leaves out."""
    corpus = copy_of(with_features)
    frames = sorted((corpus.results / "frames").rglob("*.safetensors"))[0]
    whole = frames.read_bytes()
    frames.write_bytes(whole[:-1])
    corpus.change_config(flow={"max_speed": 50})
    before = corpus.artifacts(*PER_CLIP)
    assert corpus.run("features", check=False).returncode != 0
    frames.write_bytes(whole)
    corpus.run("features")
    written = rewritten(before, corpus.artifacts(*PER_CLIP))
    assert {name for name in before if name.startswith("flow/")} <= written
    assert stages(written) - {"frames"} == {"flow", "vit_flow"}
    assert "Nothing to be done" in corpus.run("features").stderr


def verify(corpus: Corpus) -> str:
    script = REPOSITORY / "workflow" / "scripts" / "verify_artifacts.py"
    return subprocess.run(
        [sys.executable, str(script)], cwd=corpus.folder, capture_output=True, text=True
    ).stdout


def test_damaged_artifact_is_refused_by_name_and_rebuilt_alone(
    with_features: Corpus, copy_of: Copy
) -> None:
    corpus = copy_of(with_features)
    assert "0 damaged" in verify(corpus)
    frames = {path.stem: path for path in (corpus.results / "frames").rglob("*.safetensors")}
    damaged, deleted = sorted(frames)[:2]
    content = bytearray(frames[damaged].read_bytes())
    content[-1] ^= 0xFF
    frames[damaged].write_bytes(content)
    frames[deleted].unlink()
    corpus.change_config(flow={"max_speed": 50})  # makes flow read the frames again
    refused = corpus.run("features", check=False)
    assert refused.returncode != 0
    assert frames[damaged].name in refused.stderr or frames[deleted].name in refused.stderr
    report = verify(corpus)
    assert frames[damaged].name in report
    assert frames[deleted].name in report
    corpus.change_config(flow={"max_speed": 256})
    written = run_features(corpus)
    assert {name for name in written if name.startswith("frames/")} == {
        f"frames/{damaged}.safetensors",
        f"frames/{deleted}.safetensors",
    }
    assert corpus.bytes(*PER_CLIP) == with_features.bytes(*PER_CLIP)
    assert "0 damaged" in verify(corpus)
