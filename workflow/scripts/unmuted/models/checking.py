"""What a model's folder may hold, checked before anything of it is loaded.

`check_folder` reads what is small, on every parse of the Snakefile. `check_readable` opens every
file, before the first job and in jobs.

Imports neither torch nor transformers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unmuted.engine.tensors import read_header
from unmuted.errors import UserError
from unmuted.text import one_line

INDEX = "model.safetensors.index.json"
PICKLES = (".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth")
MODULES = "[0-9]_*"  # folders of the further modules of a sentence encoder
LARGEST_CONFIG = 16 << 20  # bytes; an index of a thousand tensors has a tenth of a megabyte
LARGEST_JSON = 1 << 30  # of a tokenizer
SIZES = {  # of networks and pictures in config.json and in those of processors
    "num_hidden_layers": 1_000,
    "num_layers": 1_000,
    "hidden_size": 65_536,
    "intermediate_size": 1_000_000,
    "num_attention_heads": 4_096,
    "vocab_size": 10_000_000,
    "max_position_embeddings": 10_000_000,
    "max_length": 10_000_000,
    "num_mel_bins": 65_536,
    "features": 65_536,
    "num_channels": 65_536,
    "image_size": 4_096,
    "patch_size": 4_096,
    "crop_size": 4_096,
    "resize_size": 4_096,
    "size": 4_096,
    "height": 4_096,
    "width": 4_096,
    "shortest_edge": 4_096,
}
AGAIN = "copy or fetch it again"


def check_folder(
    folder: Path, what: str, files: Iterable[Path], configs: Iterable[str], is_local: bool
) -> None:
    """Raise UserError for a folder that leads to other files, or with absurd sizes.

    Args:
        folder: of the model.
        what: how messages call the model.
        files: those that can change its output.
        configs: names of the files with the sizes of networks and pictures, if they are there.
        is_local: whether somebody put the files there, and no cache or package did.
    """
    if is_local:
        for file in files:
            _check_link(file, folder, what)
    _check_pickles(folder, what, is_local)
    if (folder / INDEX).is_file():
        weight_files(folder, what)
    for name in configs:
        if (folder / name).is_file():
            _check_sizes(folder / name, what)


def check_readable(files: Iterable[Path], what: str) -> None:
    """Raise UserError for the first file that is not what its name says."""
    for file in files:
        if file.suffix == ".safetensors":
            stored_shapes(file, what)
        elif file.suffix == ".json":
            _read(file, what, json.loads, "JSON")
        elif file.suffix == ".txt":
            _read(file, what, lambda data: data.decode("utf-8"), "text in UTF-8")


def weight_files(folder: Path, what: str) -> list[Path]:
    """Return the files of the weights: one, or those that the index names.

    Raises UserError for an index that names anything but files of the folder.
    """
    if not (folder / INDEX).is_file():
        return [folder / "model.safetensors"]
    index = folder / INDEX
    places = read_json(index, what, LARGEST_CONFIG).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise UserError(f"{what}: {index} has no weight_map; {AGAIN}")
    names = {name if isinstance(name, str) else repr(name) for name in places.values()}
    for name in sorted(names):
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise UserError(
                f"{what}: {index} names {one_line(name, 80)!r}, expected names of safetensors files"
                " in this folder"
            )
        if not (folder / name).is_file():
            raise UserError(f"{what}: {index} names {one_line(name, 80)}, which is not there")
    return [folder / name for name in sorted(names)]


def stored_shapes(file: Path, what: str) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor of a safetensors file; nothing else of it is read.

    Raises UserError for a file that is not of the format, or cut short.
    """
    try:
        with open(file, "rb") as opened:
            header = read_header(opened)
            start, size = opened.tell(), file.stat().st_size
        end = max((int(entry["data_offsets"][1]) for entry in header.values()), default=0)
        shapes = {name: tuple(map(int, entry["shape"])) for name, entry in header.items()}
    except (OSError, ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise _unreadable(file, what, "weights as safetensors", error) from error
    if start + end != size:
        raise UserError(
            f"{what}: {file}: expected {start + end:,} bytes of weights as safetensors, found "
            f"{size:,}; {AGAIN}"
        )
    return shapes


def stored_values(folder: Path, what: str) -> int:
    """Return how many numbers the weights of a folder are."""
    shapes = [stored_shapes(file, what) for file in weight_files(folder, what)]
    return sum(math.prod(shape) for of_file in shapes for shape in of_file.values())


def check_described(values: int, folder: Path, what: str) -> None:
    """Raise UserError if a configuration describes far more weights than there are.

    values: of the network that config.json describes. Made with real memory it could take all that
    a machine has; what is missing in the file would be filled with random numbers.
    """
    stored = stored_values(folder, what)
    if values > 2 * stored + 1_000_000:
        raise UserError(
            f"{what}: {folder / 'config.json'} describes a network of {values:,} values, but its"
            f" weights are {stored:,}; are these the weights of this configuration?"
        )


def read_json(file: Path, what: str, limit: int = LARGEST_CONFIG) -> dict[str, Any]:
    """Return the object that a JSON file holds; raise UserError where it has none."""
    content = _read(file, what, json.loads, "a JSON object", limit)
    if not isinstance(content, dict):
        raise UserError(
            f"{what}: {file}: expected a JSON object, found {type(content).__name__}; {AGAIN}"
        )
    return content


@contextmanager
def reading(what: str, folder: Path) -> Iterator[None]:
    """Turn whatever a library raises about a model's files into one UserError.

    A lack of memory is none of the files' faults and passes.
    """
    try:
        yield
    except (UserError, MemoryError):
        raise
    except Exception as error:  # tokenizers raises it itself
        if "OutOfMemory" in type(error).__name__ or "out of memory" in str(error):
            raise
        raise _unreadable(folder, what, "a model", error) from error


def _read(
    file: Path, what: str, parse: Callable[[bytes], Any], expected: str, limit: int = LARGEST_JSON
) -> Any:
    try:
        if file.stat().st_size > limit:
            raise UserError(f"{what}: {file}: expected at most {limit:,} bytes of {expected}")
        return parse(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(file, what, expected, error) from error


def _unreadable(path: Path, what: str, expected: str, error: Exception) -> UserError:
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    cause = one_line(f"{type(error).__name__}: {words}", 160)
    return UserError(
        f"{what}: {path}: expected {expected}, found none that can be read ({cause}); {AGAIN}"
    )


def _check_link(file: Path, folder: Path, what: str) -> None:
    """Raise UserError for a file that lies elsewhere: a change of it would go unnoticed."""
    allowed = [folder.resolve()]
    if folder.resolve().parent.name == "snapshots":  # of the cache of huggingface_hub
        allowed.append(folder.resolve().parents[1] / "blobs")
    target = file.resolve()
    if not any(target.is_relative_to(root) for root in allowed):
        raise UserError(
            f"{what}: {file} leads out of the model's folder, to {target}; copy that file here"
        )


def _check_pickles(folder: Path, what: str, is_local: bool) -> None:
    """Raise UserError for pickles that are, or could one day be, loaded in the weights' place.

    Of a published model, only those of a module without safetensors would be.
    """
    modules = [path for path in folder.glob(MODULES) if path.is_dir()]
    for place in [folder, *modules] if is_local else modules:
        if not is_local and any(place.glob("*.safetensors")):
            continue
        for file in sorted(place.iterdir()):
            if file.suffix.lower() in PICKLES:
                raise UserError(
                    f"{what}: found {file}, expected weights as safetensors alone: a pickle can run"
                    " code when it is loaded. Remove it (workflow/scripts/fetch_model.py converts a"
                    " model that has no others)"
                )


def _check_sizes(file: Path, what: str) -> None:
    waiting: list[tuple[str, object]] = [("", read_json(file, what))]
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, dict):
            named = ((name, inner) for name, inner in value.items())
            waiting += [(name if name in SIZES else "", inner) for name, inner in named]
        elif isinstance(value, list):
            waiting += [(key, inner) for inner in value]
        elif key and isinstance(value, int | float) and not value <= SIZES[key]:
            raise UserError(
                f"{what}: {file}: {key} is {one_line(f'{value:,}', 40)}, expected at most"
                f" {SIZES[key]:,}"
            )
