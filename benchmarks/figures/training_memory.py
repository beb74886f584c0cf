"""Training from the features of 20,000 clips: memory beyond the model, and the time of an epoch.

    cd benchmarks; PYTHONPATH=../workflow/scripts python -m figures.training_memory [FIT...]

Writes the features of N clips of published sizes (random numbers) as the workflow's own artifacts,
and trains the classifiers of the main experiment and architecture 2's generator on them by the code
of their scripts. Takes some 10 GB in TMPDIR while it runs; with --features they are kept, and read
again the next time.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np

from measure import Figure, Limit, alternate, ratios, seconds
from unmuted.engine.artifacts import write_artifact
from unmuted.engine.executor import Artifact, Task
from unmuted.engine.ledger import OK, LedgerEntry
from unmuted.engine.seeds import name_of_fit
from unmuted.evaluation.arms import MAIN_AUDIO
from unmuted.samples.experiment import Clip, Experiment
from unmuted.samples.fits import ALL_TRAINING
from unmuted.samples.sample import Sample
from workload import SCRATCH, THREADS

STEPS, VIEW, TOKEN, AUDIO, TEXT, LABELS, SEEDS, CAPTIONS = 18, 768, 768, 128, 384, 527, 5, 6
CLASSES, BATCH, REPEATS = 20, 64, 7
GB = 2**30
FITS = ("classifier", "generator")
STAGES = ("vit_rgb", "vit_flow", *MAIN_AUDIO, "caption_embeddings")


# --- clips ----------------------------------------------------------------------------------------


def write_features(folder: Path, count: int) -> None:
    """The artifacts of `count` clips, and their digests in digests.json, written last."""
    rng = np.random.default_rng(0)
    digests = []
    for i in range(count):
        found = {}
        for stage, payload in zip(STAGES, payloads(rng), strict=True):
            path = folder / stage / f"{i:06d}.safetensors"
            found[stage] = write_artifact(path, payload, "benchmark")[0]
        digests.append(found)
    (folder / "digests.json").write_text(json.dumps(digests), encoding="utf-8")


def payloads(rng: np.random.Generator) -> Iterator[dict[str, np.ndarray]]:
    """What the stages keep of one clip, in the order of STAGES; every caption is another one."""

    def made(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, dtype=np.float32)

    yield {"features": made(STEPS, VIEW)}
    yield {"features": made(STEPS, VIEW)}
    yield {"tokens": made(STEPS, TOKEN), "scores": rng.random(LABELS, dtype=np.float32)}
    for _ in MAIN_AUDIO[1:]:  # all but the real audio
        yield {"audio": made(SEEDS, STEPS, AUDIO)}
    steps = np.sort(rng.permutation(STEPS)[:CAPTIONS])
    yield {"embeddings": made(CAPTIONS, TEXT), "steps": steps}


def read_clips(folder: Path, count: int) -> list[Clip]:
    """The first `count` clips, as the workflow's scripts get them."""
    digests = json.loads((folder / "digests.json").read_text(encoding="utf-8"))[:count]
    clips = []
    for i, found in enumerate(digests):
        name = f"{i:06d}"
        artifacts = {
            stage: Artifact(
                folder / stage / f"{name}.safetensors",
                LedgerEntry(name, OK, "", "", digest, 0, 0.0),
            )
            for stage, digest in found.items()
        }
        clips.append(
            Clip(
                Sample.of_video(name, str(i % CLASSES)), "train", name, found["vit_rgb"], artifacts
            )
        )
    return clips


# --- what the scripts get -------------------------------------------------------------------------


def tensors(**arrays: np.ndarray) -> SimpleNamespace:
    """A fitted artifact."""
    return SimpleNamespace(tensors=lambda: arrays)


def space() -> SimpleNamespace:
    """A projection of AST's tokens to the audio space."""
    components = np.linalg.qr(np.random.default_rng(1).normal(size=(TOKEN, AUDIO)))[0].T
    return tensors(
        mean=np.zeros(TOKEN, np.float32),
        components=components.astype(np.float32),
        explained=np.ones(AUDIO, np.float32),
    )


def prototypes() -> SimpleNamespace:
    vectors = np.random.default_rng(2).normal(size=(LABELS, AUDIO)).astype(np.float32)
    ones = np.ones(LABELS, np.float32)
    return tensors(vectors=vectors, weight=ones, heard=ones > 0, fitted_on=np.zeros(0, np.int64))


def label_embeddings() -> np.ndarray:
    return np.random.default_rng(3).normal(size=(LABELS, TEXT)).astype(np.float32)


def job_of(count: int) -> SimpleNamespace:
    """What the scripts read of their jobs: default settings, one pass over clips, on the CPU."""
    from unmuted.config.classifier import ClassifierSettings
    from unmuted.config.generator import GeneratorSettings

    steps = {"steps": -(-count // BATCH), "batch_size": BATCH}
    config = {
        "device": "cpu",
        "clips": {"fps": STEPS, "seconds": 1},
        "classifier": ClassifierSettings(epochs=1, snapshots=1, batch_size=BATCH).model_dump(),
        "generator": GeneratorSettings(text_adapter="adapter", **steps).model_dump(),
    }
    return SimpleNamespace(config=config, seeds=list(range(SEEDS)), threads=THREADS)


def train_as_script(fit: str, clips: Sequence[Clip]) -> None:
    """One pass of every model that the script of a fit trains for a seed, by its own code."""
    job = job_of(len(clips))
    if fit == "classifier":
        from unmuted.evaluation.arms import ARMS
        from unmuted.systems.classifier.training_job import train

        tasks = [Task(name_of_fit(0, arm), "") for arm in ARMS]
        classes = tuple(sorted(str(i) for i in range(CLASSES)))
        made = train(tasks, Experiment(tuple(clips), classes, {}), job, space())
    else:
        from unmuted.systems.arch2.training_job import train

        labels, sounds = tensors(embeddings=label_embeddings()), {ALL_TRAINING: prototypes()}
        tasks, clips_by_fit = [Task(name_of_fit(0, ALL_TRAINING), "")], {ALL_TRAINING: clips}
        made = train(tasks, clips_by_fit, [], job, labels, space(), sounds)
    for _ in made:
        pass


# --- memory ---------------------------------------------------------------------------------------


def peak_memory(fit: str, folder: Path, count: int, most_data: int | None = None) -> dict | None:
    """Peaks in bytes of a process that trains on `count` clips; None where `most_data` stopped it.

    anonymous: of RssAnon, looked at every 5 ms. data: of VmData, what RLIMIT_DATA limits: private
    writable memory, touched or not. resident: VmHWM, in which pages of mapped files count too.
    """
    command = [sys.executable, "-m", "figures.training_memory", "--job", fit, "--clips", str(count)]
    command += ["--features", str(folder)]
    limit = None if most_data is None else partial(_limit_data, most_data)
    job = subprocess.Popen(command, preexec_fn=limit, stdout=subprocess.DEVNULL)
    peaks = dict.fromkeys(("anonymous", "data", "resident"), 0)
    names = {"RssAnon": "anonymous", "VmData": "data", "VmHWM": "resident"}
    while job.poll() is None:
        try:
            status = Path(f"/proc/{job.pid}/status").read_text(encoding="utf-8")
        except ProcessLookupError:
            break
        for line in status.splitlines():
            name, _, value = line.partition(":")
            if name in names:
                kilobytes = int(value.split()[0])
                peaks[names[name]] = max(peaks[names[name]], 1024 * kilobytes)
        time.sleep(0.005)
    if job.wait() and most_data is None:
        raise subprocess.CalledProcessError(job.returncode, command)
    return None if job.returncode else peaks


def _limit_data(most: int) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def measure_memory(fit: str, folder: Path, count: int) -> Figure:
    """Memory of a training job beyond that of the same job on one batch of clips."""
    goal = Limit(most=1.0)
    one_batch = peak_memory(fit, folder, BATCH)
    most = one_batch["data"] + int(goal.most * GB)
    bounded = peak_memory(fit, folder, count, most)
    found = bounded or peak_memory(fit, folder, count)
    return Figure(
        name=f"training_memory_{fit}",
        what=f"training the {fit} from {count:,} clips' features: memory beyond model and batch",
        value=(found["anonymous"] - one_batch["anonymous"]) / GB,
        unit="GB",
        limit=goal,
        samples={
            "all clips": [found["anonymous"] / GB],
            "one batch": [one_batch["anonymous"] / GB],
        },
        details={
            "what": "peak of RssAnon. Pages of the mapped files do not count: they can be read "
            "again from disk, so the kernel drops them where memory is short",
            "features_gb": count * feature_bytes(fit) / GB,
            "resident_with_mapped_gb": found["resident"] / GB,
            "finished_under_rlimit_data": bounded is not None,
            "rlimit_data_gb": most / GB,
            "private_memory_beyond_gb": (found["data"] - one_batch["data"]) / GB,
        },
    )


def feature_bytes(fit: str) -> int:
    """Bytes of one clip's features, as float32."""
    audio = (1 + SEEDS) * STEPS * AUDIO if fit == "classifier" else STEPS * AUDIO + CAPTIONS * TEXT
    return 4 * (2 * STEPS * VIEW + audio)


# --- time -----------------------------------------------------------------------------------------


class Clock:
    """The training loop, how long each call took and its losses, without what precedes them.

    loop: `optimise` or `optimise_by_steps`.
    """

    def __init__(self, loop: str = "optimise") -> None:
        self.loop = loop
        self.seconds: list[float] = []
        self.histories: list[list[dict[str, float]]] = []

    def __call__(self, *arguments: object) -> object:
        from unmuted.training import loop

        started = time.perf_counter()
        result = getattr(loop, self.loop)(*arguments)
        self.seconds.append(time.perf_counter() - started)
        self.histories.append(result[0] if isinstance(result, tuple) else result)
        return result

    def epoch(self, fit: Callable[[], object], module: str) -> float:
        """Seconds that `fit`, of one epoch, spends in the training loop of `module`."""
        with mock.patch(f"{module}.{self.loop}", self):
            fit()
        return self.seconds[-1]


@dataclass(frozen=True)
class Sides:
    """An epoch over mapped features and one over tensors in memory, which learn the same.

    mapped, tensor: carry it out and return its seconds. clock: has the losses of each. arrays:
    those that are mapped.
    """

    mapped: Callable[[], float]
    tensor: Callable[[], float]
    clock: Clock
    arrays: Sequence[np.ndarray]


def classifier_sides(clips: Sequence[Clip]) -> Sides:
    """Epochs of the classifier with generated audio."""
    import torch
    from torch.nn import functional as F

    from unmuted.config.classifier import ClassifierSettings
    from unmuted.systems.classifier.inputs import load_features
    from unmuted.systems.classifier.lstm import Classifier, ClassifierConfig
    from unmuted.systems.classifier.training import train_classifier
    from unmuted.systems.shared.projection import Projection
    from unmuted.training.loop import adamw_schedule, seeded
    from unmuted.training.order import content_order
    from unmuted.training.standardize import Standardize

    clock, settings = Clock(), ClassifierSettings(epochs=1, snapshots=1, batch_size=BATCH)
    keys = [clip.key for clip in clips]
    labels = np.array([int(clip.label) for clip in clips])
    features = load_features(clips, Projection(**space().tensors()))
    mapped = features.of_arm("generated", 0)
    order = content_order(keys, labels, mapped)
    x, y = torch.from_numpy(mapped[order]), torch.from_numpy(labels[order])
    standardize = Standardize(x.shape[2])
    standardize.fit(mapped, order, shared_scale=AUDIO)

    def of_mapped() -> None:
        train_classifier(keys, mapped, labels, CLASSES, settings, 0, AUDIO)

    def of_tensor() -> float:
        with seeded(0, "cpu"):
            sizes = x.shape[2], CLASSES, settings.hidden, settings.dropout, AUDIO
            model = Classifier(ClassifierConfig(*sizes, settings.fusion))
            model.standardize.load_state_dict(standardize.state_dict())

            def losses_of(batch: torch.Tensor) -> dict[str, torch.Tensor]:
                return {"loss": F.cross_entropy(model(x[batch]), y[batch])}

            clock(model, losses_of, len(x), adamw_schedule(settings))
        return clock.seconds[-1]

    mapped_epoch = partial(clock.epoch, of_mapped, "unmuted.systems.classifier.training")
    arrays = [features.visual, features.real, features.stored["generated"]]
    return Sides(mapped_epoch, of_tensor, clock, arrays)


def generator_sides(clips: Sequence[Clip]) -> Sides:
    """Epochs of architecture 2's generator."""
    import torch

    from unmuted.config.generator import GeneratorSettings
    from unmuted.systems.shared.generator import Generator
    from unmuted.systems.shared.inputs import generator_data
    from unmuted.systems.shared.networks import generator_network, generator_schedule
    from unmuted.systems.shared.projection import Projection
    from unmuted.systems.shared.prototypes import Prototypes
    from unmuted.systems.shared.training import losses, train_generator
    from unmuted.training.loop import seeded
    from unmuted.training.order import content_order
    from unmuted.training.standardize import Standardize

    steps = -(-len(clips) // BATCH)  # of one pass over all clips
    clock = Clock("optimise_by_steps")
    settings = GeneratorSettings(steps=steps, validate_every=steps, batch_size=BATCH)
    data = generator_data(clips, Projection(**space().tensors()), STEPS)
    labels, sounds = label_embeddings(), Prototypes(**prototypes().tensors())
    order = content_order(data.keys, data.visual, data.audio)
    visual, audio = torch.from_numpy(data.visual[order]), torch.from_numpy(data.audio[order])
    standardize_visual, standardize_audio = Standardize(2 * VIEW), Standardize(AUDIO)
    standardize_visual.fit(data.visual, order)
    standardize_audio.fit(data.audio, order, shared_scale=AUDIO)
    captions = replace(data, visual=np.zeros((len(data), 0)), texts=np.array(data.texts))

    def of_mapped() -> None:
        train_generator(data, labels, sounds, settings, 0)

    def of_tensor() -> float:
        with seeded(0, "cpu"):
            model = Generator(generator_network(settings, data, labels, len(labels)))
            model.label_embeddings.copy_(torch.from_numpy(labels))
            model.prototypes.copy_(torch.from_numpy(sounds.vectors))
            model.standardize_visual.load_state_dict(standardize_visual.state_dict())
            model.standardize_audio.load_state_dict(standardize_audio.state_dict())

            def losses_of(batch: torch.Tensor) -> dict[str, torch.Tensor]:
                said = map(torch.from_numpy, model.inputs(captions, order[batch.numpy()])[1:])
                noise = torch.randn(len(batch), STEPS, model.noise_dim)
                target = model.standardize_audio(audio[batch])
                output = model.trace(visual[batch], *said, noise)
                terms = losses(output.audio, target, settings.time_weight)
                penalty = settings.adapter_penalty * output.shift
                return {**terms, "shift": output.shift, "loss": terms["loss"] + penalty}

            clock(model, losses_of, len(data), generator_schedule(settings), steps)
        return clock.seconds[-1]

    mapped_epoch = partial(clock.epoch, of_mapped, "unmuted.systems.shared.training")
    return Sides(mapped_epoch, of_tensor, clock, [data.visual, data.audio, data.texts])


SIDES = {"classifier": classifier_sides, "generator": generator_sides}


def drop_pages(arrays: Sequence[np.ndarray]) -> None:
    """Take mapped arrays out of memory, page cache included, as far as the kernel does so."""
    import mmap

    for array in arrays:
        array.base._mmap.madvise(mmap.MADV_DONTNEED)
    for link in Path("/proc/self/fd").iterdir():
        if link.is_symlink() and os.readlink(link).endswith(" (deleted)"):
            os.fsync(int(link.name))
            os.posix_fadvise(int(link.name), 0, 0, os.POSIX_FADV_DONTNEED)


def bytes_read() -> int:
    """What this process has caused to be read from disk."""
    lines = Path("/proc/self/io").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("read_bytes"))


def measure_time(fit: str, folder: Path, count: int) -> Figure:
    """Seconds of an epoch over mapped features / over a tensor in memory, by the same loop."""
    import torch

    torch.set_num_threads(THREADS)
    clips = read_clips(folder, count)
    started = time.perf_counter()
    sides = SIDES[fit](clips)
    loading = time.perf_counter() - started
    samples = alternate(REPEATS, mapped=sides.mapped, tensor=sides.tensor)
    drop_pages(sides.arrays)
    before = bytes_read()
    cold = seconds(sides.mapped)
    return Figure(
        name=f"training_epoch_{fit}",
        what=f"training the {fit} from {count:,} clips' features: epoch, mapped / tensor in memory",
        value=ratios(samples["mapped"], samples["tensor"]),
        limit=Limit(most=1.3),
        samples=samples,
        details={
            "what": "seconds in the training loop of a fit of one epoch, the page cache warm for "
            "both: what precedes it has read all features. Fitting the standardisation lies "
            "outside of the clock on both sides",
            "batch_size": BATCH,
            "loading_seconds": loading,
            "loading": "artifacts read, checked and laid into mapped files, plus one copy of the "
            "features for the tensor and the statistics that standardise it",
            "cold_fit_seconds": cold,
            "cold_read_gb": (bytes_read() - before) / GB,
            "cold": "mapped pages dropped before a fit (statistics and an epoch); the disk may "
            "have a cache of its own",
        },
    )


# --- all ------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fits", nargs="*", choices=[*FITS, []], metavar="FIT")
    parser.add_argument("--clips", type=int, default=20_000)
    parser.add_argument("--features", type=Path, help="folder to keep them in")
    parser.add_argument("--job", choices=FITS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.job:
        train_as_script(arguments.job, read_clips(arguments.features, arguments.clips))
        return
    SCRATCH.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=SCRATCH) as temporary:
        folder = arguments.features or Path(temporary)
        if not (folder / "digests.json").exists():
            write_features(folder, arguments.clips)
        for fit in arguments.fits or FITS:
            for measure in (measure_memory, measure_time):
                print(measure(fit, folder, arguments.clips).write().read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
