"""Fetch a published model into a folder of safetensors, for configs that name it by `path`.

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
from collections.abc import Sequence
from pathlib import Path

from unmuted.errors import UserError
from unmuted.models.fetching import fetch


def main(arguments: Sequence[str] | None = None) -> None:
    """Fetch the model that the command line names, and print its folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "id", help="such as Salesforce/blip-image-captioning-base, or torchvision:NAME of weights"
    )
    parser.add_argument("revision", nargs="?", help="a commit hash; not for torchvision's")
    parser.add_argument("folder", type=Path, help="where the model is written")
    given = parser.parse_args(arguments)
    try:
        print(fetch(given.id, given.revision, given.folder))
    except UserError as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
