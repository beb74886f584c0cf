"""Where and in which number format a model runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import torch

from unmuted.errors import UserError
from unmuted.inference.leases import lease


def pick_device(requested: str = "auto") -> torch.device:
    """Return the requested device; "auto" is the GPU where there is one, else the CPU."""
    if requested == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if requested.startswith("cuda") and not torch.cuda.is_available():
        raise UserError(f"device {requested!r}: torch sees no GPU here; use auto or cpu")
    return torch.device(requested)


def pick_dtype(device: torch.device, requested: str = "auto") -> torch.dtype:
    """Return the requested dtype; "auto" is bfloat16 where the hardware multiplies it.

    Else it is float16 on a GPU and float32 on a CPU: CPUs without AMX or AVX512-BF16 only emulate
    bfloat16, slower than float32. Features in 16 bits stay within a cosine of 0.999 of float32.
    """
    if requested != "auto":
        return getattr(torch, requested)
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if native else torch.float16
    capabilities = torch.cpu.get_capabilities()
    fast = capabilities.get("amx_bf16", False) or capabilities.get("avx512_bf16", False)
    return torch.bfloat16 if fast else torch.float32


def pick_batch_size(device: torch.device, requested: int | str, fastest: Mapping[str, int]) -> int:
    """Return the requested rows a batch; "auto" is the `fastest` number on this kind of device.

    A CPU wants batches that fit into its caches, a GPU such as keep it busy.
    """
    return fastest.get(device.type, fastest["cpu"]) if requested == "auto" else int(requested)


def use_device(requested: str, threads: int) -> torch.device:
    """Return the device of `pick_device`, for this job alone, with torch on `threads` CPU threads.

    Of several GPUs it is one that no other job of this user holds.
    """
    set_threads(threads)
    device = pick_device(requested)
    if device.type == "cuda" and device.index is None:
        count = torch.cuda.device_count()
        names = [str(torch.cuda.get_device_properties(i).uuid) for i in range(count)]
        device = torch.device("cuda", lease(names))
        torch.cuda.set_device(device)
    return device


def to_device(array: np.ndarray, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """Return the array as a tensor on the device; a copy to a GPU overlaps with what runs there."""
    tensor = torch.from_numpy(array).to(dtype)  # before it is sent: half the bytes
    if device.type != "cuda":
        return tensor.to(device)
    copies, work = _copy_stream(device), torch.cuda.current_stream(device)
    with torch.cuda.stream(copies):
        sent = tensor.pin_memory().to(device, non_blocking=True)
    work.wait_stream(copies)
    sent.record_stream(work)  # its memory is not given away before `work` has used it
    return sent


@cache
def _copy_stream(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)


def to_arrays(rows: Sequence[torch.Tensor]) -> list[np.ndarray]:
    """Return tensors of one shape as arrays, copied from the device at once; waits for them."""
    return list(torch.stack(list(rows)).cpu().numpy()) if rows else []


def set_threads(count: int) -> None:
    """Let torch use `count` CPU threads; equal bytes need an equal count."""
    torch.set_num_threads(count)
