"""The baselines of the benchmarks compute what the workflow computes; the figures' arithmetic."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml
from torch.autograd import DeviceType
from torch.autograd.profiler_util import FunctionEvent

import measure
import run
from baselines.bare_models import BareAst, BareBlip, BareVit
from baselines.source_way import SourceWay, draw_flow, read_frames, read_sound
from features.test_models import cosines
from figures import gpu, process_per_video, training_memory, workflow_overhead
from in_process import FEATURES, MEDIA
from models_fixture import save_ast, save_blip, save_vit
from runs.corpus import FITTED, MADE, PER_CLIP, Corpus, contents, make_renamed
from unmuted.demo_world.files import write_clip
from unmuted.demo_world.plan import plan_world
from unmuted.engine import processes
from unmuted.engine.ledger import OK
from unmuted.features.ast import AstFeatures
from unmuted.features.captions import Captioner
from unmuted.features.time_pooling import bin_edges, pooling_weights, token_spans
from unmuted.features.vit import VitFeatures
from unmuted.media import ffmpeg
from unmuted.media.every_nth import read_every_nth
from unmuted.media.flow import flow_images
from unmuted.media.probe import probe
from unmuted.media.wav import read_wav
from unmuted.models.loading import ModelSpec
from workload import jobs_and_seconds

CPU = torch.device("cpu")
STEPS = 18


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small models and a clip of 3 seconds with sound."""
    folder = tmp_path_factory.mktemp("bench")
    save_vit(folder / "vit")
    save_ast(folder / "ast")
    save_blip(folder / "blip")
    specs = plan_world(2, 8, seed=3, seconds=3.0)
    spec = next(one for one in specs if one.audio == "ok" and one.rate == 30)
    write_clip(spec, folder / "clip.mp4")
    return folder


@pytest.fixture(scope="module")
def source(folder: Path) -> SourceWay:
    return SourceWay(folder / "vit", folder / "ast")


@pytest.fixture(scope="module")
def frames(folder: Path) -> np.ndarray:
    return read_frames(folder / "clip.mp4")


def test_the_source_way_decodes_the_frames_of_seed_mode(folder: Path, frames: np.ndarray) -> None:
    clip = folder / "clip.mp4"
    ours = read_every_nth(clip, probe(clip), STEPS, frames.shape[1], rate=6).images
    assert frames.shape == ours.shape == (STEPS, 144, 192, 3)
    # Two decoders' colours; another frame would differ by more.
    apart = np.abs(frames.astype(int) - ours).mean(axis=(1, 2, 3))
    shifted = np.abs(frames[1:].astype(int) - ours[:-1]).mean(axis=(1, 2, 3))
    assert apart.max() < 3
    assert apart.max() < shifted.mean()


def test_the_source_way_draws_the_flow_of_seed_mode(frames: np.ndarray) -> None:
    ours = flow_images(frames, np.arange(STEPS) / 6, 1.0, scale="per_pair")
    drawn = draw_flow(frames)
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert np.abs(drawn.astype(int) - ours).mean() < 1


def test_the_source_way_reads_the_same_sound(folder: Path, tmp_path: Path) -> None:
    clip = folder / "clip.mp4"
    ours = read_wav(clip, probe(clip)).samples / 32768
    theirs = read_sound(clip, tmp_path / "theirs.wav")
    count = min(len(ours), len(theirs))
    assert abs(len(ours) - len(theirs)) < 0.1 * 16_000
    assert np.corrcoef(ours[:count], theirs[:count])[0, 1] > 0.999


def test_the_source_way_sees_what_the_workflow_sees(
    folder: Path, source: SourceWay, frames: np.ndarray
) -> None:
    ours = VitFeatures(ModelSpec(path=folder / "vit"), CPU, torch.float32).extract(frames)
    np.testing.assert_allclose(source.see(frames), ours, atol=1e-4)


def test_the_source_way_hears_what_seed_mode_hears(folder: Path, source: SourceWay) -> None:
    samples = np.random.default_rng(1).normal(0, 3000, 18 * 1000).astype(np.int16)
    model = AstFeatures(ModelSpec(path=folder / "ast"), CPU, torch.float32)
    ours = model.extract(samples, STEPS, per_step=True).tokens
    np.testing.assert_allclose(source.hear(samples / np.float32(32768)), ours, atol=1e-4)


def test_the_source_way_keeps_all_of_a_clip(
    folder: Path, source: SourceWay, frames: np.ndarray, tmp_path: Path
) -> None:
    found = source.clip(folder / "clip.mp4", tmp_path)
    np.testing.assert_array_equal(found["frames"], frames)
    np.testing.assert_array_equal(found["flow"], draw_flow(frames))
    np.testing.assert_array_equal(found["vit_rgb"], source.see(frames))
    np.testing.assert_array_equal(found["vit_flow"], source.see(draw_flow(frames)))
    samples = read_sound(folder / "clip.mp4", tmp_path / "again.wav")
    np.testing.assert_array_equal(found["ast"], source.hear(samples))
    assert {path.stem for path in tmp_path.glob("*.npy")} == set(found)
    for name, array in found.items():
        np.testing.assert_array_equal(np.load(tmp_path / f"{name}.npy"), array)


DTYPES = [torch.float32, torch.bfloat16]


def assert_alike(found: torch.Tensor, exact: np.ndarray, dtype: torch.dtype) -> None:
    """Equal in float32; in 16 bits rows point the same way, as those of the stages do."""
    if dtype is torch.float32:
        np.testing.assert_allclose(found, exact, atol=1e-4)
    else:
        assert found.dtype is torch.float32
        assert found.shape == exact.shape
        assert cosines(found.numpy(), exact).min() >= 0.999


@pytest.mark.parametrize("dtype", DTYPES)
def test_bare_vit_computes_what_its_stage_computes(
    folder: Path, frames: np.ndarray, dtype: torch.dtype
) -> None:
    vit = BareVit(folder / "vit", dtype)
    exact = VitFeatures(ModelSpec(path=folder / "vit"), CPU, torch.float32).extract(frames)
    assert_alike(vit.run(vit.prepare(frames), batch=4), exact, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_bare_ast_computes_what_its_stage_computes(folder: Path, dtype: torch.dtype) -> None:
    model = AstFeatures(ModelSpec(path=folder / "ast"), CPU, torch.float32)
    count = model.window_samples  # a full window: every column is pooled
    samples = np.random.default_rng(1).normal(0, 3000, (3, count)).astype(np.int16)
    ast = BareAst(folder / "ast", dtype)
    columns, logits = ast.run(ast.prepare(list(samples / np.float32(32768))), batch=2)
    heard = [model.extract(one, STEPS) for one in samples]
    spans = token_spans(count, model.config.patch_size, model.config.time_stride)
    weights = pooling_weights(spans, bin_edges(count, STEPS))
    assert_alike(torch.from_numpy(weights) @ columns, np.stack([r.tokens for r in heard]), dtype)
    assert_alike(logits, np.stack([r.logits for r in heard]), dtype)


def test_bare_blip_says_what_its_stage_says(folder: Path, frames: np.ndarray) -> None:
    blip = BareBlip(folder / "blip", max_new_tokens=6)
    captioner = Captioner(ModelSpec(path=folder / "blip"), CPU, torch.float32, 6)
    assert [blip.caption(one) for one in frames[:3]] == captioner.caption(frames[:3])


def run_baseline(name: str, corpus: Corpus, *arguments: str) -> None:
    command = [sys.executable, "-m", f"baselines.{name}", str(corpus.folder), *arguments]
    subprocess.run(command, cwd=run.HERE, env=run.ENVIRONMENT, check=True)


def found_in(corpus: Corpus, former: Mapping[str, str], *stages: str) -> dict[str, str]:
    """Contents of artifacts of stages, each by the former id of its video."""
    found = {}
    for name, content in contents(corpus.artifacts(*stages)).items():
        stage, _, file = name.partition("/")
        stem, _, rest = file.partition(".")
        found[f"{stage}/{former.get(stem, stem)}.{rest}"] = content
    assert {name.split("/")[0] for name in found} == set(stages)
    return found


@pytest.mark.workflow
def test_one_process_makes_what_the_workflow_makes(built: Corpus, tmp_path: Path) -> None:
    corpus, former = make_renamed(built, tmp_path / "work")
    run_baseline("one_process", corpus, "1")
    made = (*PER_CLIP, *FITTED, "selection", *MADE)
    assert found_in(corpus, former, *made) == contents(built.artifacts(*made))


@pytest.mark.workflow
def test_a_process_for_one_video_makes_what_the_workflow_makes(
    built: Corpus, tmp_path: Path
) -> None:
    corpus, former = make_renamed(built, tmp_path / "work")
    rows, sounds = corpus.manifest(), built.rows("ast")
    alone = next(row for row in rows if sounds[former[row["video_id"]]].status == OK)
    corpus.write_manifest([alone])
    run_baseline("process_per_video", corpus)
    video, stages = former[alone["video_id"]], (*MEDIA, *FEATURES)
    of_all = contents(built.artifacts(*stages)).items()
    assert found_in(corpus, former, *stages) == {
        name: content for name, content in of_all if Path(name).stem == video
    }


# --- training as the scripts do it ----------------------------------------------------------------


@pytest.mark.parametrize("fit", training_memory.FITS)
def test_memory_is_measured_of_what_the_scripts_train(
    fit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_memory, "BATCH", 8)
    training_memory.write_features(tmp_path, 16)
    training_memory.train_as_script(fit, training_memory.read_clips(tmp_path, 16))


# ----------------------------------------------------------------------------------------- figures


def test_processes_of_one_video_run_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_at_once = threading.Barrier(2, timeout=10)
    seen = []

    def note(command: Sequence[str], **_: object) -> None:
        two_at_once.wait()
        folder = Path(command[-1])
        config = yaml.safe_load((folder / "config.yaml").read_text())
        seen.append((config["threads"], [path.name for path in folder.glob("videos/*")]))

    monkeypatch.setattr(process_per_video, "SCRATCH", tmp_path)
    monkeypatch.setattr(process_per_video, "THREADS", 2)
    monkeypatch.setattr(subprocess, "run", note)
    videos = [tmp_path / f"{name}.mp4" for name in "abcd"]
    process_per_video.run_each_alone(videos, {})
    assert sorted(seen) == [(1, [video.name]) for video in videos]


@pytest.mark.parametrize("fit", training_memory.FITS)
def test_mapped_files_and_tensors_in_memory_train_alike(
    fit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_memory, "BATCH", 8)  # five steps an epoch
    training_memory.write_features(tmp_path, 40)
    sides = training_memory.SIDES[fit](training_memory.read_clips(tmp_path, 40))
    assert sides.mapped() > 0
    assert sides.tensor() > 0
    mapped, tensor = sides.clock.histories
    assert len(mapped) == 1
    assert mapped == tensor


FILLER = (["sleep", "600"], Path.cwd())


def test_a_core_that_is_free_early_is_kept_busy(tmp_path: Path) -> None:
    (core, *_) = os.sched_getaffinity(0)
    note = tmp_path / "filler"
    wait = f"while [ ! -s {note} ]; do sleep 0.1; done"  # ends only if the filler is started
    work = {"short": (["true"], tmp_path), "long": (["sh", "-c", wait], tmp_path)}
    filler = (["sh", "-c", f"echo $$ > {note}; sleep 600"], tmp_path)
    taken = workflow_overhead.side_by_side(work, filler, [core, core])
    assert taken["short"] < taken["long"] < 60
    assert processes.started(int(note.read_text())) is None  # killed in the end


def test_when_one_side_fails_the_other_is_killed_with_what_it_started(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    deaf = f"trap '' TERM; sleep 600 & echo $! > {note}; wait"
    (core, *_) = os.sched_getaffinity(0)
    work = {
        "slow": (["sh", "-c", deaf], tmp_path),
        "bad": (["sh", "-c", f"while [ ! -s {note} ]; do sleep 0.1; done; exit 3"], tmp_path),
    }
    with pytest.raises(RuntimeError, match="bad failed"):
        workflow_overhead.side_by_side(work, FILLER, [core, core])
    deadline = time.monotonic() + 10  # a signal takes a moment
    while processes.started(int(note.read_text())) is not None:
        assert time.monotonic() < deadline, "what the slow side started runs on"
        time.sleep(0.05)


def test_sides_run_at_the_same_time_and_exchange_their_cores(tmp_path: Path) -> None:
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        pytest.skip("two cores are needed to exchange them")
    code = """
import os, subprocess, sys, time
if sys.argv[1] == "parent":
    command = [sys.executable, sys.argv[0], "child", sys.argv[2] + ".child"]
    sys.exit(subprocess.run(command).returncode)
with open(sys.argv[2], "w") as seen:
    for _ in range(30):
        print(*os.sched_getaffinity(0), file=seen)
        time.sleep(0.1)
"""
    script = tmp_path / "side.py"
    script.write_text(code)
    work = {
        "a": ([sys.executable, str(script), "parent", "a"], tmp_path),
        "b": ([sys.executable, str(script), "child", "b"], tmp_path),
    }
    taken = workflow_overhead.side_by_side(work, FILLER, cores, exchange_s=0.5)
    assert all(seconds >= 3 for seconds in taken.values())
    for name in ("a.child", "b"):  # always on one core, on each in turn
        seen = (tmp_path / name).read_text().splitlines()
        assert set(seen) == {str(core) for core in cores}


def test_sides_are_measured_in_turns() -> None:
    order = []

    def side(name: str, value: float) -> float:
        order.append(name)
        return value

    samples = measure.alternate(3, a=lambda: side("a", 2.0), b=lambda: side("b", 1.0))
    assert order == ["a", "b"] * 3
    assert samples == {"a": [2.0] * 3, "b": [1.0] * 3}


def test_a_ratio_is_that_of_pairs_from_the_same_repeat() -> None:
    # The machine was slow in the second repeat: both sides were.
    assert measure.ratios([10, 30, 11], [5, 15, 5]) == [2, 2, 2.2]
    assert measure.ratios([1], [Fraction(1, 3)]) == [3]


@pytest.mark.parametrize(
    ("limit", "value", "met"),
    [
        (measure.Limit(least=9), 9.0, True),
        (measure.Limit(least=9), 8.99, False),
        (measure.Limit(most=1.1), 1.1, True),
        (measure.Limit(most=1.1), 1.2, False),
    ],
)
def test_limits(limit: measure.Limit, value: float, met: bool) -> None:
    assert limit.is_met(value) is met


def test_a_figure_says_what_it_was_measured_with_and_the_table_what_was_met(tmp_path: Path) -> None:
    limit = measure.Limit(least=2)
    path = measure.Figure("good", "a / b", 3.0, limit=limit, decides=True).write(tmp_path)
    measure.Figure("bad", "c / d", 1.5, limit=limit).write(tmp_path)
    measure.Figure("told", "seconds of e", [12.0, 19.0, 11.0], unit="s").write(tmp_path)
    measure.Figure("absent", "on a GPU", None, details={"reason": "no GPU"}).write(tmp_path)
    measure.Figure("large", "memory of f", 1694.4, unit="MB").write(tmp_path)
    found = json.loads(path.read_text())
    assert (found["value"], found["goal"], found["met"]) == (3.0, ">= 2", True)
    assert found["measured"]["versions"]["torch"] == torch.__version__.split("+")[0]
    assert found["measured"]["versions"]["ffmpeg"] == ffmpeg.version()
    assert found["measured"]["machine"]["cores"] >= 1
    commit = found["measured"]["commit"]
    lines = run.table(tmp_path).splitlines()[2:]
    assert lines == [
        f"| on a GPU | unmeasured: no GPU |  | report |  | A, [{commit}](samples/absent.json) |",
        f"| c / d | 1.5 |  | >= 2 | **no** | A, [{commit}](samples/bad.json) |",
        f"| **a / b** | 3 |  | >= 2 | yes | A, [{commit}](samples/good.json) |",
        f"| memory of f | 1,694 MB |  | report |  | A, [{commit}](samples/large.json) |",
        f"| seconds of e | 12 s | 11 to 19 (3) | report |  | A, [{commit}](samples/told.json) |",
    ]


def test_seconds_in_jobs_are_summed_by_rule_and_may_begin_at_a_time(tmp_path: Path) -> None:
    for ended, name, taken in ((10, "old", 5), (20, "new/a", 2), (30, "new/b", 3)):
        table = tmp_path / "results" / "benchmarks" / f"{name}/all.tsv"
        table.parent.mkdir(parents=True)
        table.write_text(f"s\th:m:s\n{taken}\t0:00:0{taken}\n")
        os.utime(table, (ended, ended))
    assert jobs_and_seconds(tmp_path) == (3, {"old": 5, "new": 5})
    assert jobs_and_seconds(tmp_path, since=15) == (2, {"new": 5})


def test_figures_are_shown_by_a_python_that_does_not_know_the_workflow(repository: Path) -> None:
    command = [sys.executable, "benchmarks/run.py", "--table"]
    done = subprocess.run(command, cwd=repository, env={}, capture_output=True, text=True)
    assert done.stdout.startswith("| figure |"), done.stderr


def test_every_figure_is_listed_and_there(repository: Path) -> None:
    files = {path.stem for path in (repository / "benchmarks" / "figures").glob("[a-z]*.py")}
    assert files == set(run.ORDER)


def test_operations_are_those_of_one_row(folder: Path, frames: np.ndarray) -> None:
    """A ViT's products: by hand for the linear layers, which are nearly all of them."""
    vit = VitFeatures(ModelSpec(path=folder / "vit"), CPU, torch.float32, batch_size=5)
    found = gpu.operations(lambda: vit.extract(frames), len(frames), vit.batch_size)
    config = vit.model.config
    patches = (config.image_size // config.patch_size) ** 2
    width, inner = config.hidden_size, config.intermediate_size
    layer = (patches + 1) * (4 * width**2 + 2 * width * inner)
    embedding = patches * width * 3 * config.patch_size**2
    assert 1 <= found / (2 * (config.num_hidden_layers * layer + embedding)) < 1.3


@pytest.mark.parametrize(
    ("intervals", "length"),
    [
        ([], 0),
        ([(5, 6), (0, 2)], 3),
        ([(0, 1), (1, 2)], 2),
        ([(3, 6), (0, 4)], 6),
        ([(0, 9), (1, 2), (3, 4), (8, 10)], 10),
    ],
)
def test_time_that_several_intervals_cover_counts_once(
    intervals: list[tuple[float, float]], length: float
) -> None:
    assert gpu.covered(intervals) == length


def test_only_kernels_keep_a_gpu_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    def event(start: int, end: int, kind: str, device: DeviceType) -> FunctionEvent:
        times = {"start_us": start, "end_us": end}
        return FunctionEvent(0, kind, 0, device_type=device, activity_type=kind, **times)

    events = [
        event(0, 400_000, "kernel", DeviceType.CUDA),
        event(300_000, 600_000, "kernel", DeviceType.CUDA),  # of another stream
        event(500_000, 900_000, "gpu_memcpy", DeviceType.CUDA),
        event(0, 1_000_000, "gpu_user_annotation", DeviceType.CUDA),
        event(0, 1_000_000, "cpu_op", DeviceType.CPU),
    ]
    profiled = nullcontext(SimpleNamespace(events=lambda: events))
    monkeypatch.setattr(gpu, "profile", lambda activities: profiled)
    monkeypatch.setattr(gpu, "seconds", lambda work: 1.0)
    assert gpu.idle_share(lambda: None) == pytest.approx(0.4)


def test_without_a_gpu_its_figures_are_unmeasured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(gpu, "Figure", partial(_figure_in, tmp_path))
    gpu.main()
    assert run.table(tmp_path).count("unmeasured: no GPU here") == len(gpu.NAMES)


def _figure_in(folder: Path, *arguments: object, **named: object) -> SimpleNamespace:
    figure = measure.Figure(*arguments, **named)
    return SimpleNamespace(write=lambda: figure.write(folder))


def measured_figure(folder: Path, name: str = "good", **measured: object) -> None:
    """A figure's file, with what it was measured with changed."""
    path = measure.Figure(name, "a / b", 3.0).write(folder)
    found = json.loads(path.read_text())
    found["measured"] |= {"changed": False, "commit": "abc1234"} | measured
    path.write_text(json.dumps(found))


def test_the_table_is_recorded_between_its_marks(tmp_path: Path, repository: Path) -> None:
    readme, results, samples = tmp_path / "README.md", tmp_path / "results", tmp_path / "samples"
    readme.write_text((repository / "benchmarks" / "README.md").read_text())
    measured_figure(results)
    for _ in range(2):
        run.record(readme, results, samples)
    text = readme.read_text()
    assert text.count("| a / b | 3 |  | report |  | A, [abc1234](samples/good.json) |") == 1
    assert f"torch {torch.__version__.split('+')[0]}" in text and "commits abc1234" in text
    assert "## How to read it" in text
    assert (samples / "good.json").read_bytes() == (results / "good.json").read_bytes()


def test_figures_of_a_changed_tree_are_not_recorded(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(run.START + run.END)
    measured_figure(tmp_path / "results")
    measured_figure(tmp_path / "results", "late", changed=True)
    with pytest.raises(SystemExit, match="not committed: late"):
        run.record(readme, tmp_path / "results", tmp_path / "samples")
    assert readme.read_text() == run.START + run.END
    assert not (tmp_path / "samples").exists()


def test_every_machine_of_the_table_has_a_letter(tmp_path: Path) -> None:
    measured_figure(tmp_path, "early")
    other = measure.circumstances()["machine"] | {"cores": 999, "cores_used": 999}
    measured_figure(tmp_path, "late", machine=other, commit="def5678")
    early, late = run.table(tmp_path).splitlines()[2:]
    assert "| A, [abc1234](samples/early.json) |" in early
    assert "| B, [def5678](samples/late.json) |" in late
    first, second = run.legend(tmp_path).splitlines()
    assert first.startswith("- A: ") and first.endswith("commits abc1234.")
    assert second.startswith("- B: ") and "999 cores" in second


def test_a_figure_whose_samples_were_not_kept_says_so(tmp_path: Path) -> None:
    measured_figure(tmp_path)
    path = tmp_path / "good.json"
    kept = json.loads(path.read_text())
    path.write_text(json.dumps(kept | {"samples_kept": False, "spread": "2.9 to 3.1 (3)"}))
    assert run.table(tmp_path).splitlines()[2:] == [
        "| a / b | 3 | 2.9 to 3.1 (3) | report |  | A, samples not kept |"
    ]


COMMITTED = run.read_figures(run.SAMPLES)


def test_the_table_in_the_readme_is_that_of_the_committed_samples() -> None:
    text = (run.HERE / "README.md").read_text()
    assert text.partition(run.START)[2].partition(run.END)[0] == run.recorded()


@pytest.mark.parametrize("name", COMMITTED)
def test_a_committed_figure_follows_from_its_repeats(name: str) -> None:
    found = COMMITTED[name]
    assert found["figure"] == name
    if not found.get("samples_kept", True):
        assert not found["samples"] and not found["repeats"]
        return
    assert found["measured"]["at"] and not found["measured"]["changed"]
    assert found["samples"]
    if repeats := found["repeats"]:
        assert found["value"] == statistics.median(repeats)
    limit = {">=": "least", "<=": "most"}
    if found["goal"]:
        sign, number = found["goal"].split()
        assert found["met"] is measure.Limit(**{limit[sign]: float(number)}).is_met(found["value"])


@pytest.mark.parametrize("name", ["ast_stage", "ast_stage_cpu", "vit_stage", "vit_stage_cpu"])
def test_rates_of_stages_follow_from_the_seconds_of_both_sides(name: str) -> None:
    clock = "cpu" if name.endswith("_cpu") else "wall"
    samples = COMMITTED[name]["samples"]
    repeats = measure.ratios(samples[f"bare {clock} s"], samples[f"stage {clock} s"])
    assert len(repeats) >= 5
    assert COMMITTED[name]["repeats"] == repeats
