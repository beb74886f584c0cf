"""The choice of a device and of a number format."""

from __future__ import annotations

import pytest
import torch

from unmuted.errors import UserError
from unmuted.inference.device import pick_batch_size, pick_device, pick_dtype


def test_a_requested_device_or_dtype_is_taken_as_it_is() -> None:
    cpu = pick_device("cpu")
    assert cpu == torch.device("cpu")
    assert pick_dtype(cpu, "float32") is torch.float32
    assert pick_dtype(cpu, "bfloat16") is torch.bfloat16


@pytest.mark.parametrize(
    ("capability", "dtype"),
    [("amx_bf16", torch.bfloat16), ("avx512_bf16", torch.bfloat16), ("avx2", torch.float32)],
)
def test_bfloat16_only_where_the_processor_multiplies_it(
    capability: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {capability: True})
    assert pick_dtype(torch.device("cpu")) is dtype


@pytest.mark.parametrize(("native", "dtype"), [(True, torch.bfloat16), (False, torch.float16)])
def test_a_gpu_computes_in_16_bits(
    native: bool, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native)
    assert pick_dtype(torch.device("cuda")) is dtype


def test_a_gpu_that_is_not_there_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device("auto") == torch.device("cpu")
    with pytest.raises(UserError, match="sees no GPU"):
        pick_device("cuda")


def test_batches_are_as_asked_for_or_what_is_fastest_on_the_device() -> None:
    fastest = {"cpu": 8, "cuda": 64}
    assert pick_batch_size(torch.device("cpu"), "auto", fastest) == 8
    assert pick_batch_size(torch.device("cuda", 1), "auto", fastest) == 64
    assert pick_batch_size(torch.device("meta"), "auto", fastest) == 8
    assert pick_batch_size(torch.device("cuda"), 3, fastest) == 3
