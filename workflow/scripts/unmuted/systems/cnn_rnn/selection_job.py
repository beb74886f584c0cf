"""The choice of the CNN-RNN's checkpoints on validation clips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.samples.experiment import Clip, Experiment
from unmuted.systems.cnn_rnn.sequences import load_sequences
from unmuted.training.order import hash_keys

CLIPS_AT_ONCE = 256


def select(
    tasks: Sequence[Task],
    clips: Sequence[Clip],
    experiment: Experiment,
    fits: Mapping[int, Artifact],
    job: Job,
) -> Iterator[Result]:
    """Choose a checkpoint of each seed by its log-loss on the validation clips.

    The result also has the epoch and every checkpoint's log-loss; `validated_on` holds hashes of
    the validation clips.
    """
    from unmuted.inference.device import use_device
    from unmuted.systems.classifier.selection import select_snapshot
    from unmuted.systems.cnn_rnn.training import load_cnn_rnn, predict_with
    from unmuted.training.checkpoints import unpack_fit

    device = str(use_device(job.config["device"], job.threads))
    labels, length = experiment.labels(clips), job.config["cnn_rnn"]["sequence_length"]
    for task in tasks:
        chosen, sequences = [], None
        for seed, artifact in fits.items():
            trained = unpack_fit(artifact.tensors())
            models = [load_cnn_rnn(state, device) for state in trained.snapshots]
            if sequences is None:
                sequences = load_sequences(clips, length, models[0].config.features)
            predictions = [
                predict_with(model, sequences, device, CLIPS_AT_ONCE) for model in models
            ]
            choice = select_snapshot(predictions, labels)
            epoch = trained.epochs[choice.index]
            seed_choice = {"seed": seed, "snapshot": choice.index, "epoch": epoch}
            chosen.append({**seed_choice, "log_losses": choice.log_losses})
        selection = {
            "validation_clips": len(clips),
            "parameters": sum(parameter.numel() for parameter in models[0].parameters()),
            "arms": {"cnn_rnn": chosen},
            "validated_on": sorted(set(hash_keys([clip.key for clip in clips]).tolist())),
        }
        yield Result(task.name, selection)
