import logging
import sys

import pytest
from prefect.exceptions import FailedRun

from flows.reproduce import _MADE_UP, without_traceback


@pytest.mark.parametrize("name", ["shiny-walrus", "Incredible-Saiga", "beta317-napinne-sector"])
def test_names_that_prefect_makes_up_are_known(name):
    assert _MADE_UP.fullmatch(name)


@pytest.mark.parametrize("name", ["twenty epochs", "ablation-2", "roadscene", "demo 11-29 10:42:14"])
def test_names_that_people_give_are_left(name):
    assert not _MADE_UP.fullmatch(name)


@pytest.mark.parametrize(("error", "said"), [(FailedRun("unknown key"), ""), (OSError("disk"), "OSError: disk")])
def test_a_failure_that_was_said_brings_no_traceback_and_others_do(error, said, caplog):
    logger = logging.getLogger("a run")
    logger.addFilter(without_traceback)
    try:
        raise error
    except (FailedRun, OSError):
        logger.error("ended", exc_info=True)
    assert caplog.text.strip().endswith(said)
    assert bool(caplog.text) == bool(said)


def test_a_traceback_of_nothing_is_left_out(caplog):
    logger = logging.getLogger("a task")
    logger.addFilter(without_traceback)
    logger.error("failed", exc_info=sys.exc_info())
    assert "failed" in caplog.text
    assert "NoneType" not in caplog.text
