"""A published model into a folder of safetensors, for configs that name it by `path`.

    python workflow/scripts/fetch_model.py ID REVISION FOLDER
    python workflow/scripts/fetch_model.py torchvision:NAME FOLDER

Needed once for a model of Hugging Face's that is published only as a pickle, such as
Salesforce/blip-image-captioning-base: the workflow itself reads no pickles of theirs. Here
transformers reads it, restricted to tensors. torchvision's weights, also pickles, the workflow
fetches itself; this brings them to a machine without network. Needs the network unless the files
are in the local cache.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

import transformers

from unmuted.errors import UserError
from unmuted.models import hub, torchvision_weights
from unmuted.models.hub import download
from unmuted.models.loading import (
    CONTENT_PATTERNS,
    WEIGHTS,
    ModelSpec,
    content_files,
    load_folder,
)

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


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "id", help="such as Salesforce/blip-image-captioning-base, or torchvision:NAME of weights"
    )
    parser.add_argument("revision", nargs="?", help="a commit hash; not for torchvision's")
    parser.add_argument("folder", type=Path, help="where the model is written")
    given = parser.parse_args(arguments)
    try:
        spec = ModelSpec(id=given.id, revision=given.revision)
        if spec.is_hub:
            written = fetch_published(spec.id, spec.revision, given.folder)
        else:
            written = write_safetensors(load_folder(spec), given.folder)
    except (hub.Unavailable, torchvision_weights.Unavailable) as error:
        # Not the error's own advice: the files as they are published may be a pickle.
        parser.exit(
            1,
            f"{given.id} is not in the local cache and could not be downloaded ({error.cause}): "
            f"run this command where there is network, and copy {given.folder} here.\n",
        )
    except UserError as error:
        parser.exit(1, f"{error}\n")
    print(written)


if __name__ == "__main__":
    main()
