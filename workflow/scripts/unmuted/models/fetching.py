"""Published checkpoints as folders of safetensors."""

from __future__ import annotations

import shutil
from pathlib import Path

import transformers

from unmuted.errors import UserError
from unmuted.models import hub, torchvision_weights
from unmuted.models.hub import download
from unmuted.models.loading import CONTENT_PATTERNS, WEIGHTS, ModelSpec, content_files, load_folder

PICKLES = ("pytorch_model*.bin", "pytorch_model.bin.index.json")


def write_safetensors(source: Path, target: Path) -> Path:
    """Copy a checkpoint's configuration from `source`, and its weights as safetensors."""
    target.mkdir(parents=True, exist_ok=True)
    for file in content_files(source):
        copy = target / file.relative_to(source)
        copy.parent.mkdir(exist_ok=True)
        shutil.copyfile(file, copy)
    if not any((target / name).is_file() for name in WEIGHTS):
        config = transformers.AutoConfig.from_pretrained(source)
        architecture = getattr(transformers, config.architectures[0])
        model = architecture.from_pretrained(source, use_safetensors=False, local_files_only=True)
        model.save_pretrained(target)
    return target


def fetch_published(id_: str, revision: str, folder: Path) -> Path:
    """Write a model of Hugging Face's to `folder`."""
    # Where safetensors are published, the pickle of the same weights is not worth its download.
    source = download(id_, revision, CONTENT_PATTERNS)
    if not any((source / name).is_file() for name in WEIGHTS):
        source = download(id_, revision, PICKLES)
    return write_safetensors(source, folder)


def fetch(id_: str, revision: str | None, folder: Path) -> Path:
    """Write a model of Hugging Face's or of torchvision's to `folder`.

    Raises UserError for a model that is not named correctly, or that cannot be downloaded.
    """
    spec = ModelSpec(id=id_, revision=revision)
    try:
        if spec.hub_source is not None:
            return fetch_published(*spec.hub_source, folder)
        return write_safetensors(load_folder(spec), folder)
    except (hub.Unavailable, torchvision_weights.Unavailable) as error:
        # Not the error's own advice: the files as they are published may be a pickle.
        raise UserError(
            f"{id_} is not in the local cache and could not be downloaded ({error.cause}): "
            f"run this command where there is network, and copy {folder} here."
        ) from error
