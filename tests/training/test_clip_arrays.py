"""Features of more clips than memory holds: the same bits, a batch at a time, and no file left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from arch2_in_memory import AUDIO_DIM, GENERATOR, STEPS, InMemory, clips_of, make_corpus
from unmuted.config.classifier import ClassifierSettings
from unmuted.config.generator import VideoGeneratorSettings
from unmuted.errors import UserError
from unmuted.samples.experiment import Clip
from unmuted.samples.sample import Sample
from unmuted.systems.classifier.inputs import load_features
from unmuted.systems.classifier.training import predict, train_classifier
from unmuted.systems.comparison.imputation import audio_statistics
from unmuted.systems.comparison.inputs import load_arm_inputs, training_statistics
from unmuted.systems.shared.data import GeneratorData
from unmuted.systems.shared.inputs import generator_data
from unmuted.systems.shared.projection import Projection, fit_projection
from unmuted.systems.shared.prototypes import Prototypes, fit_prototypes
from unmuted.systems.shared.retrieval import retrieve_cross_fitted
from unmuted.systems.shared.training import train_generator, train_video_generator
from unmuted.training.clip_arrays import (
    CLIPS_AT_ONCE,
    Index,
    LazyConcat,
    MemmapWriter,
    is_finite,
    memmap_stack,
)
from unmuted.training.order import content_order
from unmuted.training.standardize import moments
from unmuted.training.states import State

N, S, CLASSES = 3 * CLIPS_AT_ONCE, 2, 4
QUICK = ClassifierSettings(hidden=4, epochs=1, snapshots=1, batch_size=64)
VIDEO = VideoGeneratorSettings(hidden=4, steps=2)
SPEECHLESS = GENERATOR.changed(hidden=4, steps=2, batch_size=64)
REPOSITORY = Path(__file__).resolve().parents[2]


def rows(n: int = 5) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, 3, 2)).astype(np.float32)


# --- the files ------------------------------------------------------------------------------------


def test_a_mapped_stack_is_a_stack() -> None:
    mapped = memmap_stack(iter(rows()))
    assert type(mapped) is np.ndarray and mapped.dtype == np.float32
    assert mapped.tobytes() == np.stack(rows()).tobytes()
    with pytest.raises(ValueError, match="read-only"):
        mapped[0] = 1
    assert memmap_stack(rows().astype(np.float64)).tobytes() == rows().tobytes()
    assert memmap_stack(np.zeros((4, 0))).shape == (4, 0)


def test_rows_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"row 1 is \(3,\), those before it \(2,\)"):
        memmap_stack([np.zeros(2), np.zeros(3)])


def test_the_file_lies_in_tmpdir_and_has_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    mapped = memmap_stack(rows())
    maps = Path("/proc/self/maps").read_text(encoding="utf-8")
    assert f"{tmp_path}/" in maps and "(deleted)" in maps
    assert list(tmp_path.iterdir()) == []
    assert mapped[2].tobytes() == rows()[2].tobytes()


def test_a_killed_process_leaves_nothing(tmp_path: Path) -> None:
    code = (
        "import os, numpy as np\n"
        "from unmuted.training.clip_arrays import MemmapWriter, memmap_stack\n"
        "mapped, file = memmap_stack(np.ones((9, 1000))), MemmapWriter()\n"
        "file.append(np.ones(10_000))\n"
        "os.kill(os.getpid(), 9)\n"
    )
    path = str(REPOSITORY / "workflow" / "scripts")
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", code], env=environment)
    assert done.returncode == -signal.SIGKILL
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", partial(open, "/dev/full", "wb", 0))
    monkeypatch.setattr(tempfile, "tempdir", "/some/folder")
    with pytest.raises(UserError, match=r"/some/folder: No space left on device.*set TMPDIR"):
        MemmapWriter().append(np.zeros(3))


def test_a_folder_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(UserError, match=r"gone: No such file or directory.*set TMPDIR"):
        MemmapWriter()


# --- the same bits --------------------------------------------------------------------------------


def in_memory(data: GeneratorData) -> GeneratorData:
    """The same clips, nothing of them mapped."""
    return replace(data, **{n: np.array(getattr(data, n)) for n in ("visual", "audio", "texts")})


@dataclass(frozen=True)
class Made:
    """Clips with all that classifiers read, and what generators learn from."""

    clips: list[Clip]
    labels: np.ndarray
    projection: Projection
    data: GeneratorData
    label_embeddings: np.ndarray
    prototypes: Prototypes

    @property
    def keys(self) -> list[str]:
        return [clip.key for clip in self.clips]


@pytest.fixture(scope="module")
def made() -> Made:
    rng = np.random.default_rng(1)
    corpus = make_corpus(clips=N, classes=CLASSES)
    keys = [corpus.keys[i - i % 9 // 8] for i in range(N)]  # some are equal: rows decide
    corpus = corpus.replace(keys=keys)
    clips = clips_of(corpus)
    for clip in clips:
        generated = dict.fromkeys(("generated", "video_generated", "pilot_generated"), (S,))
        for stage, shape in {**generated, "retrieved": ()}.items():
            audio = rng.normal(size=(*shape, STEPS, AUDIO_DIM)).astype(np.float32)
            clip.artifacts[stage] = InMemory({"audio": audio})
    heard = [clip for clip in clips if clip.has_sound]
    tokens = [clip.artifacts["ast"].tensors()["tokens"] for clip in heard]
    projection = fit_projection(tokens, AUDIO_DIM)
    prototypes = fit_prototypes(
        [clip.key for clip in heard],
        projection.apply(np.stack(tokens)),
        corpus.scores[corpus.usable],
        corpus.head_weights,
        projection,
        1.0,
    )
    data = generator_data(clips, projection, STEPS)
    return Made(clips, corpus.labels, projection, data, corpus.label_embeddings, prototypes)


def same(first: State, second: State) -> bool:
    return all(first[name].tobytes() == second[name].tobytes() for name in first | second)


def fits(made: Made, data: GeneratorData) -> tuple[State, State]:
    """Both architectures' generators."""
    first, _ = train_video_generator(data, VIDEO, 0)
    words = made.label_embeddings, made.prototypes
    return first, train_generator(data, *words, SPEECHLESS, 0)[0]


def test_generators_learn_the_same_from_mapped_clips(made: Made) -> None:
    pairs = zip(fits(made, made.data), fits(made, in_memory(made.data)), strict=True)
    assert all(same(*pair) for pair in pairs)


def test_retrieval_finds_the_same_in_mapped_clips(made: Made) -> None:
    folds = {group: i % 3 for i, group in enumerate(dict.fromkeys(made.data.groups))}
    first, second = (
        retrieve_cross_fitted(data, data, folds, 3) for data in (made.data, in_memory(made.data))
    )
    assert all(
        a.tobytes() == b.tobytes() for a, b in zip(values(first), values(second), strict=True)
    )


def values(one: object) -> list[np.ndarray]:
    return list(vars(one).values())


@pytest.mark.parametrize("arm", ["video_only", "generated", "real_audio"])
def test_classifiers_learn_the_same_from_features_put_together_by_batch(
    made: Made, arm: str
) -> None:
    x = load_features(made.clips, made.projection).of_arm(arm, 1)
    audio_dim = x.shape[2] - made.data.visual.shape[2]
    assert audio_dim == (0 if arm == "video_only" else AUDIO_DIM)
    first, second = (
        train_classifier(made.keys, one, made.labels, CLASSES, QUICK, 0, audio_dim).snapshots[0]
        for one in (x, np.array(x[:]))
    )
    assert same(first, second)
    assert predict(first, x).tobytes() == predict(first, x[:]).tobytes()


def test_any_clips_of_a_unit_are_those_of_the_whole(made: Made) -> None:
    statistics = training_statistics(made.clips, made.projection)
    swapped = np.ones((N, STEPS, AUDIO_DIM), np.float32)
    kept = {"filtered-50": np.arange(N * S).reshape(N, S) % 3 > 0}
    imputing_arms = load_arm_inputs(made.clips, made.projection, statistics, swapped, kept, 0)
    some, heard = np.array([7, 3, 3, N - 1]), np.arange(N) % 2 == 0
    for unit in ("mean_audio", "random_features", "real_or_filtered-50", "generated_pilot"):
        x = imputing_arms.of_fit(unit, 1, heard)
        assert x[some].tobytes() == x[:][some].tobytes()
        assert x[5:6].tobytes() == x[:][5:6].tobytes()
        assert x[some].flags["C_CONTIGUOUS"] and x[some].dtype == np.float32


def test_statistics_over_blocks_are_those_over_all() -> None:
    audio = np.random.default_rng(0).normal(size=(N, STEPS, AUDIO_DIM)).astype(np.float32)
    keys = [f"{i:04d}" for i in range(N)]
    found = audio_statistics(keys, audio, np.ones(N, bool))
    whole = audio.astype(np.float64)
    means = whole.mean(axis=1)
    expected = means.mean(axis=0), means.std(axis=0), np.sqrt(whole.var(axis=1).mean(axis=0))
    assert [a.tobytes() for a in values(found)] == [a.tobytes() for a in expected]


# --- a batch at a time ----------------------------------------------------------------------------


class InBlocks:
    """Features that refuse to be read whole."""

    def __init__(self, features: np.ndarray):
        self._features, self.shape = features, features.shape

    def __len__(self) -> int:
        return len(self._features)

    def __getitem__(self, clips: Index) -> np.ndarray:
        found = self._features[clips]
        assert len(found) <= CLIPS_AT_ONCE < len(self), f"{len(found)} clips were read at once"
        return found

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        raise AssertionError("all clips were read at once")


def test_no_fit_reads_more_than_a_block(made: Made) -> None:
    data = replace(made.data, visual=InBlocks(made.data.visual), audio=InBlocks(made.data.audio))
    pairs = zip(fits(made, data), fits(made, made.data), strict=True)
    assert all(same(*pair) for pair in pairs)
    heard = replace(made.data, visual=InBlocks(made.data.visual))
    folds = {group: i % 3 for i, group in enumerate(dict.fromkeys(heard.groups))}
    retrieve_cross_fitted(heard, heard, folds, 3)
    x = InBlocks(made.data.visual)
    snapshot = train_classifier(made.keys, x, made.labels, CLASSES, QUICK, 0).snapshots[0]
    assert predict(snapshot, x).shape == (N, CLASSES)


def test_what_reads_every_clip_takes_features_that_are_put_together() -> None:
    whole = rows(N)
    read = LazyConcat(whole.shape, lambda clips: InBlocks(whole)[clips].copy())
    order = np.random.default_rng(0).permutation(N)
    found, expected = moments(read, order), moments(whole, order)
    assert [a.tobytes() for a in found] == [a.tobytes() for a in expected]
    keys = [str(i // 2) for i in range(N)]
    assert content_order(keys, read).tolist() == content_order(keys, whole).tolist()
    assert is_finite(read)
    whole[N - 1, 0, 0] = np.nan
    assert not is_finite(read)


def peak_of(work: Callable[[], object]) -> int:
    """Most bytes of Python and numpy at a time while `work` runs; mapped pages are not among."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@dataclass(frozen=True)
class Drawn:
    """An artifact whose arrays exist while they are looked at only."""

    shapes: dict[str, tuple[int, ...]]

    def tensors(self) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(0)
        return {k: rng.standard_normal(shape, np.float32) for k, shape in self.shapes.items()}


def test_memory_does_not_grow_with_the_features() -> None:
    """Loading and fitting: 8 KB of features a clip, of which none stay."""
    steps, wide, audio_dim = 4, 500, 4
    artifacts = {
        "vit_rgb": Drawn({"features": (steps, wide // 2)}),
        "vit_flow": Drawn({"features": (steps, wide // 2)}),
        "ast": Drawn({"tokens": (steps, audio_dim)}),
        "generated": Drawn({"audio": (S, steps, audio_dim)}),
        "caption_embeddings": InMemory(
            {"embeddings": np.ones((1, 3), np.float32), "steps": np.zeros(1, np.int64)}
        ),
    }
    projection = Projection(np.zeros(audio_dim, np.float32), np.eye(audio_dim), np.ones(audio_dim))

    def clips(count: int) -> list[Clip]:
        return [
            Clip(Sample.of_video(f"{i}", "a"), "train", f"{i}", f"{i}", artifacts)
            for i in range(count)
        ]

    def classify(count: int) -> None:
        x = load_features(clips(count), projection).of_arm("generated", 0)
        keys = [f"{i}" for i in range(count)]
        train_classifier(keys, x, np.arange(count) % CLASSES, CLASSES, QUICK, 0, audio_dim)

    def generate(count: int) -> None:
        train_video_generator(generator_data(clips(count), projection, steps), VIDEO, 0)

    def stacked(count: int) -> None:
        np.stack([clip.visual() for clip in clips(count)])

    def growth(work: Callable[[int], None]) -> float:
        """Bytes a clip, from two blocks of clips to six."""
        few, many = 2 * CLIPS_AT_ONCE, 6 * CLIPS_AT_ONCE
        return (peak_of(partial(work, many)) - peak_of(partial(work, few))) / (many - few)

    features = 4 * steps * wide
    assert growth(stacked) >= features
    assert growth(classify) < features / 8
    assert growth(generate) < features / 8
