import logging

import pytest
from prefect.exceptions import FailedRun

from flows.reproduce import _MADE_UP, is_news


@pytest.mark.parametrize("name", ["shiny-walrus", "Incredible-Saiga", "beta317-napinne-sector"])
def test_names_that_prefect_makes_up_are_known(name):
    assert _MADE_UP.fullmatch(name)


@pytest.mark.parametrize("name", ["twenty epochs", "ablation-2", "roadscene", "demo 11-29 10:42:14"])
def test_names_that_people_give_are_left(name):
    assert not _MADE_UP.fullmatch(name)


@pytest.mark.parametrize(("error", "said"), [(FailedRun("unknown key"), ""), (OSError("disk"), "OSError: disk")])
def test_a_failure_that_was_said_brings_no_traceback_and_others_do(error, said, caplog):
    logger = logging.getLogger("a run")
    logger.addFilter(is_news)
    try:
        raise error
    except (FailedRun, OSError):
        logger.error("ended", exc_info=True)
    assert caplog.text.strip().endswith(said)
    assert bool(caplog.text) == bool(said)


@pytest.mark.parametrize(
    ("line", "stays"),
    [
        ("Task run failed with state: Failed(message='a: no such file')", False),
        ("Finished in state NotReady(\"Upstream task run '01' did not reach a 'COMPLETED' state.\")", False),
        ("Finished in state Failed('a: no such file')", True),
        ("ERROR: failed to reproduce 'a'", True),
    ],
)
def test_a_failure_is_said_once(line, stays, caplog):
    logger = logging.getLogger("a task")
    logger.addFilter(is_news)
    logger.error(line)
    assert (line in caplog.text) == stays
