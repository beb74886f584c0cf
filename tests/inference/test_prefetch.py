"""Reading ahead: the same items, errors in their place, and no thread left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmuted.inference.prefetch import prefetch


def at_work() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("prefetch")]


@given(items=st.lists(st.one_of(st.none(), st.integers())), ahead=st.integers(1, 4))
def test_items_come_in_their_order(items: list[int | None], ahead: int) -> None:
    assert list(prefetch(iter(items), ahead)) == items
    assert not at_work()


def test_the_next_item_is_made_while_the_last_is_used() -> None:
    made = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        made.set()
        yield 2

    reader = prefetch(items())
    assert next(reader) == 1
    assert made.wait(5)  # nobody has asked for the second one yet
    assert list(reader) == [2]


@pytest.mark.parametrize("ahead", [1, 2, 4])
def test_no_more_is_made_than_asked_for(ahead: int) -> None:
    made = []
    reader = prefetch((made.append(i) or i for i in range(100)), ahead)
    for used in range(1, 11):
        next(reader)
        time.sleep(0.01)  # the thread would have the time to make more
        assert used <= len(made) <= used + ahead
    assert len(at_work()) == 1
    reader.close()
    assert len(made) <= 10 + ahead
    assert not at_work()


def test_an_error_comes_where_the_item_would_have_come() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("damaged")

    reader = prefetch(items())
    assert next(reader) == 1
    with pytest.raises(ValueError, match="damaged"):
        next(reader)
    assert not at_work()


def test_a_reader_that_leaves_ends_the_thread() -> None:
    def leave() -> None:
        for _ in prefetch(iter(range(1000))):
            raise KeyError("enough")

    with pytest.raises(KeyError):
        leave()
    assert not at_work()
