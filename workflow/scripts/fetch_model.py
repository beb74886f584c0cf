"""A published model into a folder of safetensors, for configs that name it by `path`.

    python workflow/scripts/fetch_model.py ID REVISION FOLDER

Needed once for a model that is published only as a pickle, such as
Salesforce/blip-image-captioning-base: the workflow itself reads no pickles. Here transformers reads
it, restricted to tensors. Needs the network unless the files are in the local cache.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import transformers

from unmuted.errors import UserError
from unmuted.features.hub import download
from unmuted.features.loading import CONTENT_PATTERNS, WEIGHTS, content_files

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("id", help="such as Salesforce/blip-image-captioning-base")
    parser.add_argument("revision", help="a commit hash")
    parser.add_argument("folder", type=Path, help="where the model is written")
    arguments = parser.parse_args()
    try:
        # Where safetensors are published, the pickle of the same weights is not worth its download.
        source = download(arguments.id, arguments.revision, CONTENT_PATTERNS)
        if not any((source / name).is_file() for name in WEIGHTS):
            source = download(arguments.id, arguments.revision, PICKLES)
    except UserError as error:
        copied = f"run this command where there is network, and copy {arguments.folder} here"
        parser.exit(1, f"{error}\nOr {copied}.\n")
    print(write_safetensors(source, arguments.folder))


if __name__ == "__main__":
    main()
