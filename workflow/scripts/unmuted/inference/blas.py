"""Small products of numpy on one thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock

from threadpoolctl import ThreadpoolController

_LOCK = Lock()  # the number of threads belongs to the whole process


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let numpy's OpenBLAS use one thread within the block; torch is not affected.

    OpenBLAS spreads products of a few million operations over all of its threads, which then wait
    for the next one by spinning: on two cores, ten times the CPU time of the work itself, taken
    from the model that runs at the same time.
    """
    with _LOCK, _openblas().limit(limits=1):
        yield


@cache
def _openblas() -> ThreadpoolController:
    """Return the controller of OpenBLAS; searching the loaded libraries takes milliseconds."""
    return ThreadpoolController().select(internal_api="openblas")
