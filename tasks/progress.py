"""How far a stage that trains has come, as an artifact in Prefect's UI: read off the line that it prints each epoch."""

import re
import time
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact

# "train ours: epoch 3 of 12, lower 0.534, …, 41 s left": what text2pixels.progress.report_epoch prints.
_EPOCH = re.compile(r"epoch (\d+) of (\d+), ")
_RARELY = 2  # seconds between two updates: an epoch of a small run takes less


class Progress:
    """The artifact of one stage; it is made with the first epoch, so a stage that trains nothing has none."""

    def __init__(self, stage: str) -> None:
        self._key = "progress-" + re.sub(r"[^a-z0-9]+", "-", stage.lower()).strip("-")
        self._artifact: UUID | None = None
        self._updated = 0.0

    def read(self, line: str) -> None:
        """Bring the artifact up to date where the line tells of an epoch."""
        found = _EPOCH.search(line)
        if found is None:
            return
        done, total = map(int, found.groups())
        if self._artifact is None:
            self._artifact = create_progress_artifact(100 * done / total, key=self._key, description=line)  # type: ignore[assignment]
        elif done == total or time.monotonic() - self._updated > _RARELY:
            update_progress_artifact(self._artifact, 100 * done / total, description=line)
        else:
            return
        self._updated = time.monotonic()
