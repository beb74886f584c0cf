"""AST features of noise as loud as each video's own sound, for sound that turns to noise."""

from collections.abc import Iterator, Sequence
from functools import partial

from unmuted.joblog import job_log
from unmuted.media.wav import read_wav_file, rms_db
from unmuted.missing import noise_waveform
from unmuted.project import Project
from unmuted.runner import Outcome, Task


def extract(tasks: Sequence[Task], project: Project, threads: int) -> Iterator[Outcome]:
    """Tokens (T, D) of the noise per task; nothing for a clip without usable sound."""
    from unmuted.features.ast import AstFeatures
    from unmuted.features.device import pick_dtype, use_device

    spec = project.model_spec("ast")
    device = use_device(project.config["device"], threads)
    model = AstFeatures(spec, device, pick_dtype(device, spec.dtype))
    per_step = project.config["ast"]["passes"] == "per_step"
    passed = model.extract_per_step if per_step else model.extract
    seed = project.config["missing"]["seed"]
    for task in tasks:
        wav = task.inputs["wav"]
        if wav.row.status == "silent":
            yield Outcome(task.name, None, wav.row.status, wav.row.reason)
            continue
        samples = read_wav_file(wav.checked_path())[0]
        # Seeded by the sound itself, so that no name decides what is heard.
        noise = noise_waveform(len(samples), rms_db(samples), f"{seed} {wav.row.digest}")
        yield Outcome(task.name, {"tokens": passed(noise, project.time_steps).tokens})


def main(project: Project, shard: str, threads: int) -> None:
    """Bring the features of noise of one shard up to date."""
    project.run_shard("noise_ast", shard, partial(extract, project=project, threads=threads))


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, snakemake.wildcards.shard, snakemake.threads)
