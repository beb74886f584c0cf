"""Batches that shrink where a device has not enough memory for them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import numpy as np
import torch

from unmuted.inference.batches import fixed_batches

Result = TypeVar("Result")
log = logging.getLogger("unmuted")


def is_out_of_memory(error: RuntimeError) -> bool:
    """Return whether a smaller batch may help; not all CUDA libraries raise OutOfMemoryError."""
    text = str(error)
    is_named = "out of memory" in text or "CUBLAS_STATUS_ALLOC_FAILED" in text
    return isinstance(error, torch.OutOfMemoryError) or is_named


class AdaptiveBatch(Generic[Result]):
    """A function of batches that takes them in smaller ones once they did not fit.

    run: takes rows (B, ...) and gives one result a row. A row's result may then differ in the last
    bits, as with any other batch size. Raises what `run` does where one row does not fit.
    """

    def __init__(self, run: Callable[[np.ndarray], Iterable[Result]], size: int) -> None:
        self.run, self.size = run, size

    def __call__(self, rows: np.ndarray) -> list[Result]:
        """Return one result for each of the rows (N, ...)."""
        while True:
            try:
                results: list[Result] = []
                for batch, valid in fixed_batches(rows, self.size):
                    results += list(self.run(batch))[:valid]
                return results
            except RuntimeError as error:
                if self.size == 1 or not is_out_of_memory(error):
                    raise
                self.size = -(-self.size // 2)
                log.warning("not enough memory: batches of %d rows from now on", self.size)
            # Outside of the handler, whose traceback holds the tensors that did not fit.
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
