"""A job's log: all of it in the file, one clear line at the terminal."""

from __future__ import annotations

import logging
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
