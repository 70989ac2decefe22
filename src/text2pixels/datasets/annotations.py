"""Which labels belong to which pair of a set, whatever their format, and which belong to none."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from text2pixels.datasets.adapter import Adapter, LabelFile, Labels, Stray
from text2pixels.datasets.coco import Coco
from text2pixels.datasets.places import Part, is_litter, label_place, list_folder

TYPES = {"voc": ".xml", "yolo": ".txt"}
CLASSES_FILE = "classes.txt"  # beside YOLO labels: one name a line


class Annotations:
    """The labels of one part. Parts may share them (LLVIP): what one does not use, another does.

    Args:
        adapter: names the classes of YOLO's numbers.
        part: of the set.
        root: of the whole set.

    Raises:
        InputError: a COCO file that is none.
    """

    def __init__(self, adapter: Adapter, part: Part, root: Path) -> None:
        self._adapter, self._layout, self._root = adapter, part.layout, root
        self._files: dict[tuple[str, ...], str] = {}
        self._stems: dict[str, list[tuple[str, ...]]] = {}
        self._strays: list[Stray] = []
        self._coco: Coco | None = None
        place = label_place(part, root)
        if place is None or self._layout.format is None:
            return
        if self._layout.format == "coco":
            self._coco = Coco(place)
            return
        # Labels beside the images, or above them, share their folder with files that are no labels.
        shared = any(place in (folder, *folder.parents) for folder in part.folders())
        self._gather(place, (), alone=not shared, nested=self._layout.nested and not shared)

    def of(
        self, keys: Sequence[tuple[str, ...]], images: Sequence[str], single: bool
    ) -> tuple[LabelFile | Labels | None, str | None]:
        """Return the labels of a pair and the time of day that they tell.

        Args:
            keys: folders and stem under which a label file of the pair may lie, likeliest first.
            images: the pair's files, the one on which boxes are drawn first.
            single: no other pair has images of these names.
        """
        if self._coco is not None:
            for image in images:
                entry = self._coco.find(Path(image).relative_to(self._root), single)
                if entry is not None and not entry.used:
                    entry.used = True
                    return entry.labels(), entry.time_of_day
            return None, None
        stem = keys[-1][-1]
        if single and len(self._stems.get(stem, ())) == 1:
            keys = (*keys, self._stems[stem][0])  # in whatever folder, as no other label and no other pair has the name
        path = next((path for key in keys if (path := self._files.pop(key, None)) is not None), None)
        if path is None or self._layout.format is None:
            return None, None
        return LabelFile(path, self._layout.format, self._adapter.yolo_names), None

    def strays(self) -> Iterator[Stray]:
        """Yield what belongs to no pair, once every pair has asked."""
        yield from self._strays
        for key, path in sorted(self._files.items()):
            yield Stray("_".join(key), "labels", "unpaired", f"{Path(path).name} labels no image")
        if self._coco is not None:
            yield from self._coco.strays()

    def _gather(self, folder: Path, below: tuple[str, ...], alone: bool, nested: bool) -> None:
        listing = list_folder(folder)
        ending = TYPES[str(self._layout.format)]
        for name in sorted((*listing.images, *listing.others)):
            stem, suffix = Path(name).stem, Path(name).suffix
            if suffix.lower() == ending and name != CLASSES_FILE and not is_litter(name):
                key = (*below, stem.removesuffix(self._layout.label_suffix))
                self._files[key] = str(folder / name)
                self._stems.setdefault(key[-1], []).append(key)
            elif alone and name != CLASSES_FILE and not is_litter(name):
                where = "/".join((folder.name, name))
                detail = f"{where}: {self._layout.format} labels end in {ending}"
                self._strays.append(Stray(stem, "file", "not_a_label", detail))
        for name in listing.irregular if alone else ():
            self._strays.append(Stray(Path(name).stem, "file", "not_regular", f"{folder.name}/{name}"))
        for name in listing.folders if nested else ():
            self._gather(folder / name, (*below, name), alone, nested)
