"""A job's log: all of it in the file, one clear line at the terminal."""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path

import pytest

from unmuted.engine.joblog import job_log
from unmuted.errors import UserError


def test_what_the_user_can_mend_ends_the_job_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stop, job_log(tmp_path / "job.log"):
        raise UserError("frames.csv: expected x, found y")
    assert stop.value.code == "error: frames.csv: expected x, found y"
    text = (tmp_path / "job.log").read_text()
    assert "ERROR frames.csv: expected x, found y" in text
    assert "Traceback" not in text


def test_a_defect_leaves_its_traceback_in_the_log(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), job_log(tmp_path / "job.log"):
        print(1 / 0)
    text = (tmp_path / "job.log").read_text()
    assert "Traceback" in text and "ZeroDivisionError" in text


def test_the_log_takes_info_and_hostile_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with job_log(tmp_path / "job.log"):
        logging.getLogger("unmuted").info("12 of 40 to do")
        logging.getLogger("unmuted").warning("not_utf8_\udcff\udcfe.mp4")
    text = (tmp_path / "job.log").read_text(encoding="utf-8")
    assert "INFO 12 of 40 to do" in text
    assert "not_utf8_\\udcff\\udcfe.mp4" in text
    assert "Logging error" not in capsys.readouterr().err


def test_the_handler_is_gone_afterwards(tmp_path: Path) -> None:
    before = list(logging.getLogger().handlers)
    with job_log(tmp_path / "job.log"):
        pass
    assert logging.getLogger().handlers == before


def test_a_full_disk_ends_the_job_in_one_line(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "results/ast/a.safetensors")
    with pytest.raises(SystemExit) as stop, job_log(tmp_path / "job.log"):
        raise full
    assert str(stop.value.code).startswith("error: results/ast/a.safetensors: No space left on")
    text = (tmp_path / "job.log").read_text()
    assert "No space left on device" in text and "Traceback" not in text


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that takes no byte")
def test_a_log_without_room_hides_neither_the_message_nor_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as stop, job_log("/dev/full"):  # noqa: PT012
        logging.getLogger("unmuted").info("12 of 40 to do")
        raise UserError("frames.csv: expected x, found y")
    assert stop.value.code == "error: frames.csv: expected x, found y"
    assert "Logging error" not in capsys.readouterr().err


def test_a_log_that_cannot_be_made_for_want_of_room_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "job.log")

    monkeypatch.setattr(logging.FileHandler, "__init__", full)
    with pytest.raises(SystemExit) as stop, job_log(tmp_path / "job.log"):
        pass
    assert str(stop.value.code).startswith("error: job.log: No space left on device")
