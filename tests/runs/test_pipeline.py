"""The main job on a small corpus: fits, metrics, single videos, and what must not matter."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from runs.corpus import FITTED, PER_CLIP, Corpus, rewritten
from unmuted.engine.artifacts import read_json, read_tensors
from unmuted.report.schema import check_report
from unmuted.world.files import write_clip
from unmuted.world.plan import plan_world

pytestmark = pytest.mark.workflow
Copy = Callable[[Corpus], Corpus]
MADE = ("generated", "predictions")
METRICS = "arch2_metrics.json"


def metrics(corpus: Corpus) -> dict:
    return json.loads((corpus.results / METRICS).read_text())


def replace_video(corpus: Corpus, split: str) -> str:
    """Put another clip, that the corpus does not hold yet, in the place of the split's first."""
    replaced = corpus.ids(split)[0]
    other = next(spec for spec in plan_world(2, 8, seed=99, seconds=1.5) if spec.audio == "ok")
    write_clip(other, corpus.video(replaced))
    return replaced


def test_metrics_follow_their_schema_and_count_every_clip(with_metrics: Corpus) -> None:
    report = metrics(with_metrics)
    check_report(report, "arch2_metrics.schema.yaml")
    data = report["data"]
    counted = data["train"] + data["val"] + data["test"] + sum(data["excluded"].values())
    assert counted == len(with_metrics.manifest())
    assert report["provenance"]["seeds"] == [0, 1, 2, 3, 4]
    for arm in report["arms"].values():
        assert len(arm["accuracy"]["per_seed"]) == 5


def test_second_run_has_nothing_to_do(with_metrics: Corpus) -> None:
    assert "Nothing to be done" in with_metrics.run().stderr


def test_changed_test_clip_causes_no_fit(with_metrics: Corpus, copy_of: Copy) -> None:
    corpus = copy_of(with_metrics)
    before = corpus.artifacts(*PER_CLIP, *FITTED, *MADE, "sources")
    replaced = replace_video(corpus, "test")
    corpus.run()
    written = rewritten(before, corpus.artifacts(*PER_CLIP, *FITTED, *MADE, "sources"))
    assert {name.split("/")[1].split(".")[0] for name in written} == {replaced}
    assert {name.split("/")[0] for name in written} >= {"generated", "predictions"}


def test_changed_training_clip_is_fitted_again(with_metrics: Corpus, copy_of: Copy) -> None:
    corpus = copy_of(with_metrics)
    before = corpus.artifacts(*PER_CLIP, *FITTED, *MADE)
    replaced = replace_video(corpus, "train")
    corpus.run()
    written = rewritten(before, corpus.artifacts(*PER_CLIP, *FITTED, *MADE))
    per_clip = {name for name in written if name.split("/")[0] in PER_CLIP}
    assert {name.split("/")[1].split(".")[0] for name in per_clip} == {replaced}
    assert {name.split("/")[0] for name in written} >= {*FITTED, *MADE}


def test_same_settings_give_the_same_bytes(with_metrics: Corpus, copy_of: Copy) -> None:
    corpus = copy_of(with_metrics)
    shutil.rmtree(corpus.results)
    shutil.rmtree(corpus.folder / ".snakemake")
    corpus.run()
    everything = (*PER_CLIP, *FITTED, *MADE)
    assert corpus.bytes(*everything) == with_metrics.bytes(*everything)
    assert (corpus.results / METRICS).read_bytes() == (with_metrics.results / METRICS).read_bytes()


def test_other_shards_and_cores_move_features_within_the_tolerance(
    with_metrics: Corpus, copy_of: Copy
) -> None:
    corpus = copy_of(with_metrics)
    shutil.rmtree(corpus.results)
    shutil.rmtree(corpus.folder / ".snakemake")
    corpus.change_config(videos_per_shard=16, threads=2)
    corpus.run("features")
    for stage, name in (("vit_rgb", "features"), ("vit_flow", "features"), ("ast", "tokens")):
        ours = {p.name: read_tensors(p)[name] for p in (corpus.results / stage).rglob("*.safet*")}
        theirs = (with_metrics.results / stage).rglob("*.safetensors")
        for path in theirs:
            a, b = ours.pop(path.name), read_tensors(path)[name]
            cosine = (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
            assert cosine.min() >= 0.999, path
        assert not ours


def contents(corpus: Corpus, names: Mapping[str, str]) -> dict[str, str]:
    """Content of every artifact by stage and name; names: what videos are called, if otherwise."""
    found = {}
    for name, (_, digest) in corpus.artifacts(*PER_CLIP, *FITTED, *MADE).items():
        *parts, file = name.split("/")
        stem, _, suffix = file.partition(".")
        found["/".join([*parts, f"{names.get(stem, stem)}.{suffix}"])] = digest
    return found


def test_names_do_not_matter(with_metrics: Corpus, copy_of: Copy) -> None:
    """Files and ids that say nothing, in another order, give the same contents and metrics."""
    corpus = copy_of(with_metrics)
    shutil.rmtree(corpus.results)
    shutil.rmtree(corpus.folder / ".snakemake")
    rows, former = corpus.manifest(), {}
    for number, row in enumerate(reversed(rows)):
        other = f"videos/{number:02d}.bin"
        (corpus.folder / row["path"]).rename(corpus.folder / other)
        former[f"v{number:02d}"] = row["video_id"]
        row.update(path=other, video_id=f"v{number:02d}")
    corpus.write_manifest(rows)
    corpus.run()
    assert contents(corpus, former) == contents(with_metrics, {})
    assert metrics(corpus) == metrics(with_metrics)


def test_truth_does_not_matter(with_metrics: Corpus, copy_of: Copy) -> None:
    """The same clips as the demo's own, whose truth is known, give all but what is said of it."""
    corpus = copy_of(with_metrics)
    shutil.rmtree(corpus.results)
    shutil.rmtree(corpus.folder / ".snakemake")
    shutil.rmtree(corpus.folder / "videos")
    corpus.change_config(
        videos={"source": "demo", "demo": {"classes": 2, "clips_per_class": 8, "seed": 13}}
    )
    corpus.run()
    assert list((corpus.results / "truth").rglob("*.json"))
    assert not (with_metrics.results / "truth").exists()
    assert contents(corpus, {}) == contents(with_metrics, {})
    found, without = metrics(corpus), metrics(with_metrics)
    assert found["semantics"].pop("content_words_right") >= 0
    for report in (found, without):
        del report["provenance"]["config_sha256"]
    assert found == without


def test_single_video_builds_its_shard_and_nothing_else(unbuilt: Corpus, copy_of: Copy) -> None:
    corpus = copy_of(unbuilt)
    video_id = corpus.ids("test")[0]
    corpus.run(f"results/by_video/{video_id}/mapping.json")
    mapping = read_json(corpus.results / "by_video" / video_id / "mapping.json")
    assert mapping["captions"]
    shards = {path.name for path in (corpus.results / "frames").iterdir() if path.is_dir()}
    assert len(shards) == 1
    assert not (corpus.results / "wav").exists()
    assert not (corpus.results / "ast").exists()


def test_every_stage_of_one_video_can_be_looked_at(with_metrics: Corpus, copy_of: Copy) -> None:
    from unmuted.stages import BY_VIDEO

    corpus = copy_of(with_metrics)
    video_id = next(name for name, row in corpus.rows("ast").items() if row.has_artifact)
    folder = corpus.results / "by_video" / video_id
    corpus.run(*(f"results/by_video/{video_id}/{name}" for name in BY_VIDEO))
    assert {path.name for path in folder.iterdir()} == set(BY_VIDEO)
    prediction = read_json(folder / "prediction.json")
    for arm in prediction["arms"].values():
        assert np.allclose(np.sum(arm["probabilities"], axis=1), 1, atol=1e-5)


def test_new_unlabelled_video_is_predicted_with_the_models_at_hand(
    with_metrics: Corpus, copy_of: Copy
) -> None:
    corpus = copy_of(with_metrics)
    rows = corpus.manifest()
    shutil.copy(corpus.video(rows[0]["video_id"]), corpus.folder / "videos" / "new.mp4")
    new = {"path": "videos/new.mp4", "label": "", "video_id": "new", "split": "", "group": ""}
    corpus.write_manifest([*rows, new])
    before = corpus.artifacts(*FITTED)
    corpus.run("results/by_video/new/prediction.json")
    prediction = read_json(corpus.results / "by_video" / "new" / "prediction.json")
    assert prediction["arms"]["generated"]["predicted"] in prediction["classes"]
    assert rewritten(before, corpus.artifacts(*FITTED)) == set()


def test_unknown_video_is_refused_by_name(with_metrics: Corpus) -> None:
    done = with_metrics.run("-n", "results/by_video/no_such/frames.safetensors", check=False)
    assert done.returncode != 0
    assert "no video 'no_such'" in done.stdout + done.stderr
