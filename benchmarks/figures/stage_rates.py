"""Stages that run a model against the bare model: what the stage costs on top."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from baselines.bare_models import BareAst, BareBlip, BareVit, fastest
from in_process import MEDIA, run_stages
from measure import Figure, Limit, alternate, median_ratio, seconds
from unmuted.features.device import pick_dtype
from unmuted.media.images import decode_images
from unmuted.media.wav import read_wav_file
from unmuted.project import Project
from workload import SCRATCH, THREADS, make_clips, make_project, published_size_models

REPEATS = 5
CLIPS = 16
SIZES = (8, 16, 32)  # batch sizes of which the bare loop takes the fastest


def main() -> None:
    torch.set_num_threads(THREADS)
    videos = make_clips(SCRATCH / f"videos-{CLIPS}", CLIPS)
    models = published_size_models(SCRATCH / "models")
    captions = {"max_new_tokens": 20}
    with make_project(videos[0].parents[1], models, CLIPS, captions=captions) as project:
        run_stages(project, (*MEDIA, "representative_frames"), THREADS)
        vit(project)
        ast(project)
        blip(project)


def vit(project: Project) -> None:
    model = BareVit(Path(project.config["models"]["vit"]["path"]), best_dtype())
    pixels = torch.cat([model.prepare(images) for images in frames(project)])
    size, _ = fastest(lambda size: seconds(lambda: model.run(pixels[:64], size)), SIZES)
    write(
        "vit_stage",
        "ViT stage images/s / bare model loop on ready tensors in the best dtype",
        Limit(least=0.90),
        bare=lambda: len(pixels) / seconds(lambda: model.run(pixels, size)),
        ours=lambda: len(pixels) / fresh_seconds(project, "vit_rgb"),
        decides=True,
        details={"unit": "images/s", "images": len(pixels), "batch of the bare loop": size},
    )


def ast(project: Project) -> None:
    model = BareAst(Path(project.config["models"]["ast"]["path"]), best_dtype())
    wavs = project.artifacts("wav", project.videos).values()
    sounds = [read_wav_file(one.checked_path())[0] / np.float32(32768) for one in wavs]
    ready = model.prepare(sounds)
    size, _ = fastest(lambda size: seconds(lambda: model.run(ready[:8], size)), (1, 2, 4, 8))
    write(
        "ast_stage",
        "AST stage clips/s / bare model loop on ready tensors in the best dtype",
        Limit(least=0.90),
        bare=lambda: len(ready) / seconds(lambda: model.run(ready, size)),
        ours=lambda: len(ready) / fresh_seconds(project, "ast"),
        details={"unit": "clips/s", "clips": len(ready), "batch of the bare loop": size},
    )


def blip(project: Project) -> None:
    settings = project.config["captions"]
    model = BareBlip(Path(project.config["models"]["blip"]["path"]), settings["max_new_tokens"])
    chosen = project.artifacts("representative_frames", project.videos)
    steps = [one.json()["steps"] for one in chosen.values()]
    pictures = [
        picture
        for images, own in zip(frames(project), steps, strict=True)
        for picture in images[own]
    ]
    few = pictures[:8]  # one at a time takes long; the rate is that of any picture
    write(
        "captions",
        "captions/s, ours / one frame at a time in float32",
        Limit(least=3),
        bare=lambda: len(few) / seconds(lambda: [model.caption(one) for one in few]),
        ours=lambda: len(pictures) / fresh_seconds(project, "captions"),
        details={"unit": "captions/s", "pictures": len(pictures), **settings},
    )


def best_dtype() -> torch.dtype:
    return pick_dtype(torch.device("cpu"))


def frames(project: Project) -> list[np.ndarray]:
    found = project.artifacts("frames", project.videos).values()
    return [decode_images(one.tensors()) for one in found]


def fresh_seconds(project: Project, stage: str) -> float:
    """The stage from nothing, with reading, loading the model, writing and ledger."""
    for path in Path("results").glob(f"{stage}/**/*"):
        if path.is_file():
            path.unlink()
    return seconds(lambda: run_stages(project, [stage], THREADS))


def write(name, what, limit, bare, ours, details, decides=False) -> None:
    bare(), ours()  # both once before anything counts
    samples = alternate(REPEATS, bare=bare, ours=ours)
    value = median_ratio(samples["ours"], samples["bare"])
    Figure(name, what, value, "ratio", limit, decides, samples, details).write()


if __name__ == "__main__":
    main()
