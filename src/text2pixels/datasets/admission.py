"""From the verdict on each pair to the manifest: duplicates are refused, and everything found is counted.

Runs in one process, in the order of the names, so that the result does not depend on which worker finished first.
The tables printed at the end of an ingest say what came in, what did not and why, and how many are in which split.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from text2pixels.datasets.adapter import Candidate, Stray
from text2pixels.datasets.intake import Taken, Verdict
from text2pixels.datasets.leaks import Leak, look_alikes
from text2pixels.datasets.manifest import SPLITS, Pair, Registration
from text2pixels.datasets.quarantine import Quarantined

_NAMED = 3  # look-alikes and notes that are printed


@dataclass
class Count:
    """How many things of one kind were found, and what became of them; ``found`` is the sum of the rest."""

    found: int = 0
    admitted: int = 0
    quarantined: int = 0
    with_parent: int = 0  # left out only because their pair or label file was


@dataclass
class Tally:
    """What a run found, and what became of it."""

    dataset: str
    pairs: Count = field(default_factory=Count)
    labels: Count = field(default_factory=Count)  # label files, or entries of a COCO file
    boxes: Count = field(default_factory=Count)
    files: Count = field(default_factory=Count)  # that belong to no pair
    quarantined: list[Quarantined] = field(default_factory=list)
    splits: Counter[tuple[str, str]] = field(default_factory=Counter)  # (split, "pairs" | "labelled" | "boxes")
    leaks: list[Leak] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # on the files of admitted pairs
    first_of: dict[tuple[str, str], str] = field(default_factory=dict)  # (kind, reason) -> an example

    def counts(self) -> dict[str, Count]:
        """Return the counts under the names that the table gives them."""
        return {"pairs": self.pairs, "labels": self.labels, "boxes": self.boxes, "other files": self.files}

    def check(self) -> None:
        """Assert that the totals add up, and that the quarantine has a row for each thing left out."""
        for what, count in self.counts().items():
            assert count.found == count.admitted + count.quarantined + count.with_parent, (what, count)
        rows = Counter(row.kind for row in self.quarantined)
        assert rows["pair"] == self.pairs.quarantined, (rows, self.pairs)
        assert rows["labels"] == self.labels.quarantined, (rows, self.labels)
        assert rows["box"] == self.boxes.quarantined, (rows, self.boxes)
        assert rows["file"] == self.files.quarantined, (rows, self.files)


class Admission:
    """Lets pairs into the manifest of ``dataset``, whose images lie in ``folder``."""

    def __init__(self, dataset: str, folder: Path, registration: Registration) -> None:
        self.tally = Tally(dataset)
        self.names: list[str] = []
        self.splits: list[str] = []
        self.infrared_dhash = array("Q")
        self.visible_dhash = array("Q")
        self._folder, self._registration = folder, registration
        self._seen: dict[bytes, int] = {}  # content -> index of the pair that brought it

    def candidates(self, entries: Iterable[Candidate | Stray]) -> Iterator[Candidate]:
        """Yield the candidates; count and quarantine the strays."""
        for entry in entries:
            if isinstance(entry, Candidate):
                yield entry
                continue
            tally = self.tally
            count = {"labels": tally.labels, "box": tally.boxes, "file": tally.files}[entry.kind]
            count.found += 1
            count.quarantined += 1
            tally.boxes.found += entry.boxes
            tally.boxes.with_parent += entry.boxes
            self._quarantine(entry.name, entry.kind, entry.reason, entry.detail)

    def pairs(self, verdicts: Iterable[tuple[Candidate, Verdict]]) -> Iterator[Pair]:
        """Yield the pairs that are admitted, in the order of the verdicts."""
        for candidate, verdict in verdicts:
            taken = verdict.taken
            faults = list(verdict.faults)
            if taken is not None:
                twin = self._twin(verdict.name, taken)
                if twin is not None:
                    self._remove(verdict.name)
                    taken, faults = None, [("pair", "duplicate_content", twin)]
            self._count(taken, faults, verdict)
            for kind, reason, detail in faults:
                self._quarantine(verdict.name, kind, reason, detail)
            if taken is not None:
                assert candidate.split is not None
                self.tally.notes += verdict.notes
                yield self._admit(candidate, taken)

    def find_leaks(self) -> None:
        """Compare the pairs of different splits by look; none are equal in content, as `pairs` refuses duplicates."""
        for i, j, bits in look_alikes(self.infrared_dhash, self.visible_dhash, self.splits):
            one, two = (f"{self.names[k]} ({self.splits[k]})" for k in (i, j))
            self.tally.leaks.append(Leak(one, two, "look", bits))

    def _admit(self, candidate: Candidate, taken: Taken) -> Pair:
        name, split = candidate.name, candidate.split
        assert split is not None
        self.names.append(name)
        self.splits.append(split)
        self.infrared_dhash.append(taken.infrared_dhash)
        self.visible_dhash.append(taken.visible_dhash)
        self.tally.splits.update({(split, "pairs"): 1, (split, "labelled"): int(taken.labelled)})
        self.tally.splits[split, "boxes"] += len(taken.boxes)
        return Pair(
            pair_id=f"{self.tally.dataset}/{name}",
            dataset=self.tally.dataset,
            name=name,
            split=split,
            infrared=f"infrared/{name}.png",
            visible=f"visible/{name}.png",
            width=taken.width,
            height=taken.height,
            infrared_sha256=taken.infrared_sha256,
            visible_sha256=taken.visible_sha256,
            time_of_day=candidate.time_of_day,
            labelled=taken.labelled,
            boxes=taken.boxes,
            registration=self._registration,
        )

    def _twin(self, name: str, taken: Taken) -> str | None:
        """Say which admitted pair has one of these images already; None where none has, and then remember them."""
        digests = {"infrared": taken.infrared_sha256, "visible": taken.visible_sha256}
        keys = {side: bytes.fromhex(digest)[:16] for side, digest in digests.items()}
        for side, key in keys.items():
            if key in self._seen:
                return f"the {side} image is that of {self.names[self._seen[key]]}"
        for key in keys.values():
            self._seen[key] = len(self.names)
        return None

    def _remove(self, name: str) -> None:
        for side in ("infrared", "visible"):
            (self._folder / side / f"{name}.png").unlink()

    def _count(self, taken: Taken | None, faults: list[tuple[str, str, str]], verdict: Verdict) -> None:
        tally, kinds = self.tally, Counter(kind for kind, _, _ in faults)
        tally.pairs.found += 1
        tally.pairs.admitted += taken is not None
        tally.pairs.quarantined += taken is None
        labelled = int(taken is not None and taken.labelled)
        tally.labels.found += verdict.label_files
        tally.labels.admitted += labelled
        tally.labels.quarantined += kinds["labels"]
        tally.labels.with_parent += verdict.label_files - labelled - kinds["labels"]
        boxes = len(taken.boxes) if taken is not None else 0
        tally.boxes.found += verdict.boxes_found
        tally.boxes.admitted += boxes
        tally.boxes.quarantined += kinds["box"]
        tally.boxes.with_parent += verdict.boxes_found - boxes - kinds["box"]

    def _quarantine(self, name: str, kind: str, reason: str, detail: str) -> None:
        # A file name that is not UTF-8 would break every reader of the list.
        safe = name.encode("utf-8", "backslashreplace").decode()
        detail = detail.encode("utf-8", "backslashreplace").decode()
        self.tally.quarantined.append(Quarantined(self.tally.dataset, safe, kind, reason, detail))
        self.tally.first_of.setdefault((kind, reason), f"{safe}: {detail}")


def print_tally(tally: Tally, split_rule: str, console: Console | None = None) -> None:
    """Print the tables of a run."""
    console = console or Console()
    totals = Table("", "found", "in", "quarantined", "out with their pair", title=f"ingest {tally.dataset}")
    for what, count in tally.counts().items():
        totals.add_row(what, *map(str, (count.found, count.admitted, count.quarantined, count.with_parent)))
    console.print(totals)
    if tally.quarantined:
        reasons = Table("what", "why", "how many", "first", title="quarantined")
        for (kind, reason), number in sorted(Counter((row.kind, row.reason) for row in tally.quarantined).items()):
            reasons.add_row(kind, reason, str(number), escape(tally.first_of[kind, reason]))
        console.print(reasons)
    splits = Table("split", "pairs", "labelled", "boxes", title=f"splits: {escape(split_rule)}")
    for split in SPLITS:
        splits.add_row(split, *(str(tally.splits[split, what]) for what in ("pairs", "labelled", "boxes")))
    console.print(splits)
    if tally.notes:
        lines = "\n".join(note.encode("utf-8", "backslashreplace").decode() for note in tally.notes[:_NAMED])
        console.print(f"{len(tally.notes)} notes on images that came in, the first:\n{lines}", markup=False)
    if tally.leaks:
        nearest = "; ".join(f"{leak.first} ~ {leak.second}" for leak in tally.leaks[:_NAMED])
        console.print(f"{len(tally.leaks)} look-alikes across splits, nearest first: {nearest}", markup=False)


def print_leaks(leaks: Sequence[Leak], datasets: Sequence[str]) -> None:
    """Print the pairs of different splits that show the same, within and across data sets."""
    table = Table("first", "second", "by", "bits", title=f"leaks in {', '.join(datasets) or 'nothing'}: {len(leaks)}")
    for leak in leaks:
        table.add_row(escape(leak.first), escape(leak.second), leak.how, str(leak.bits))
    Console().print(table)
