"""The front door to every method: find it by its name, and make it ready to fuse.

A user's own method joins those of `built_in` through the entry point group ``text2pixels.methods``: the name
of an `Entry`, or of a function that returns one.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from text2pixels.errors import InputError
from text2pixels.extras import require
from text2pixels.methods.built_in import BUILT_IN, OURS
from text2pixels.methods.card import Card, Entry, read_card
from text2pixels.methods.method import Filter, Method
from text2pixels.registry import unknown

if TYPE_CHECKING:
    from text2pixels.config import Embed

GROUP = "text2pixels.methods"  # of entry points


@cache
def methods() -> dict[str, Entry]:
    """Return every method by its name: those of this package, and those of installed entry points.

    Raises:
        InputError: an entry point cannot be loaded, gives no `Entry`, or takes a name that is taken.
    """
    found = {entry.card.name: entry for entry in BUILT_IN}
    for point in entry_points(group=GROUP):
        try:
            loaded = point.load()
        except (ImportError, AttributeError) as error:
            raise InputError(f"the method '{point.name}' ({point.value}) cannot be loaded: {error}") from error
        entry = loaded() if callable(loaded) else loaded
        if not isinstance(entry, Entry) or entry.card.name != point.name or point.name in found:
            raise InputError(
                f"the entry point '{point.name}' ({point.value}) should give an Entry whose card has that name, "
                "and no other method's"
            )
        found[point.name] = entry
    return found


def entry_of(name: str, changes: Mapping[str, Any] | None = None) -> Entry:
    """Return the method that a key of params.yaml's section `methods` means.

    Args:
        name: The key. A name of the catalogue is that method; any other is a variant of ours.
        changes: What stands under it: the settings in which a variant differs from ours; of any other method
            ``options`` and ``retrain`` or ``checkpoint``.

    Raises:
        InputError: an unknown name without changes, settings of a method that is not trained here, an option
            that the method does not have, or a method that cannot be retrained.
    """
    known = methods()
    changes = changes or {}
    can_be_retrained = name in known and bool(known[name].recipe)
    if "folder" in changes or ("checkpoint" in changes and not can_be_retrained):
        return _made_before(name, changes)
    if name not in known:
        if not changes:
            raise InputError(
                f"{unknown(name, known, 'method')} (a variant of the network trained here changes a setting: "
                f"{name}: {{train: {{seed: 1}}}}; images fused elsewhere have a folder: {name}: {{folder: PATH}})"
            )
        return _own(Entry(replace(known[OURS].card, name=name, title=f"text2pixels, {name}"), "ours"), changes)
    entry = known[name]
    if entry.kind == "ours":
        return _own(entry, changes)
    if set(changes) - {"options", "retrain", "checkpoint"}:
        raise InputError(f"methods.{name}: is not trained here, so it has no settings to change")
    entry = with_options(entry, changes.get("options", {}), f"methods.{name}.options")
    if "checkpoint" in changes and ("retrain" in changes or not _is_place(changes["checkpoint"])):
        raise InputError(f"methods.{name}: give either retrain or a folder of weights, {{checkpoint: PATH}}")
    if "retrain" in changes or "checkpoint" in changes:
        if not entry.recipe:
            able = ", ".join(known_name for known_name, other in known.items() if other.recipe)
            raise InputError(f"methods.{name}.retrain: this method cannot be trained again here; can: {able}")
        # Its files are not needed then. How much of the schedule was run, the model's card says.
        entry = replace(entry, card=replace(entry.card, weights="retrained", files=()))
    return entry


def _made_before(name: str, changes: Mapping[str, Any]) -> Entry:
    """Return a method that is a folder of images, or a network of ours that was trained before.

    ``ours`` itself may be one that was trained before.

    Raises:
        InputError: the name is another method of the catalogue, or more is said of it than where it is.
    """
    key, rule = "folder", "images that were fused elsewhere have a folder"
    if "checkpoint" in changes:
        key, rule = "checkpoint", "a network that was trained before has a checkpoint"
    where, folder = f"methods.{name}", changes[key]
    if name in methods() and not (name == OURS and key == "checkpoint"):
        raise InputError(f"{where}.{key}: '{name}' is a method of the catalogue: give yours another name")
    if set(changes) != {key} or not _is_place(folder):
        raise InputError(f"{where}: {rule} and nothing else: {{{key}: PATH}}")
    if key == "checkpoint":
        ours = methods()[OURS].card
        title = ours.title if name == OURS else f"{ours.title}, {name}"
        card = replace(ours, name=name, title=title, weights="trained before")
        return Entry(card, "checkpoint", folder)
    card = Card(name, name, "images of its own folder", weights="fused elsewhere", notes="scored as they are")
    return Entry(card, "results", folder)


def _is_place(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _own(entry: Entry, changes: Mapping[str, Any]) -> Entry:
    """Return a network trained here, of which a variant changes settings.

    Raises:
        InputError: it has what only networks of other authors have.
    """
    for section in ("options", "retrain"):
        if section in changes:
            raise InputError(
                f"methods.{entry.card.name}.{section}: is for methods of other authors; this one is trained here, and "
                "a variant changes network, losses or train"
            )
    return entry


def with_options(entry: Entry, options: Mapping[str, Any], where: str = "--option") -> Entry:
    """Return a method with options of its card changed.

    Args:
        entry: Of the catalogue.
        options: Name -> value.
        where: What to name in messages.

    Raises:
        InputError: an option that the method does not have, or a value of another type.
    """
    own = entry.card.options
    for key, value in options.items():
        if key not in own:
            raise InputError(f"{where}: {entry.card.name} has no option '{key}'; it has: {', '.join(own) or 'none'}")
        if type(value) is not type(own[key]):
            raise InputError(f"{where}: {key} of {entry.card.name}: expected one like {own[key]!r}, found {value!r}")
    return replace(entry, card=replace(entry.card, options={**own, **options})) if options else entry


def load(
    name: str,
    *,
    model: Path | None = None,
    weights: Path | None = None,
    device: str = "auto",
    engine: str | None = None,
    embed: "Embed | None" = None,
    options: Mapping[str, Any] | None = None,
) -> Method:
    """Return a method, ready to fuse.

    Args:
        name: Of the catalogue.
        model: Folder that the stage `method` wrote; None: the authors' own files, or the network of the package.
        weights: Folder of the authors' files.
        device: Where a network runs; "auto" is CUDA where there is one.
        engine: Of our network, "onnx" or "torch"; see `methods.trained.load`.
        embed: Where the text encoder of a method that reads text finds its model or table.
        options: Of the method, in place of those of its card.

    Raises:
        InputError: an unknown name or option, weights that are missing or not the authors', an extra that is not
            installed, or no such device.
    """
    entry = with_options(entry_of(name), options or {})
    return _ready(entry, model, weights, device, engine, embed)


def load_model(folder: Path, device: str = "auto", embed: "Embed | None" = None) -> Method:
    """Return the method whose model the stage `method` wrote.

    Raises:
        InputError: see `load`.
    """
    card, of = read_card(folder)
    return _ready(replace(entry_of(of), card=card), folder, None, device, None, embed)


def _ready(
    entry: Entry, model: Path | None, weights: Path | None, device: str, engine: str | None, embed: "Embed | None"
) -> Method:
    match entry.kind:
        case "filter":
            return Filter(entry.card, locate(entry))
        case "network":
            require("torch", "benchmark")
            from text2pixels.methods.networks import authors

            describe = None
            if entry.card.text:
                from text2pixels.methods.networks.clip_text import ClipText

                describe = ClipText(model, embed)
            if model is not None:
                network = authors.read_imported(entry.card, locate(entry), model)
                return authors.ready(entry.card, network, device, describe)
            return authors.ready(*authors.read_official(entry.card, locate(entry), weights), device, describe)
        case "results":
            raise InputError(f"{entry.card.name} is a folder of images: it fuses nothing, and costs nothing")
        case "ours" | "checkpoint":
            from text2pixels.methods import own

            return own.load(entry.card, model, device, engine, embed)


def locate(entry: Entry) -> Any:  # noqa: ANN401  (a function or an Authors)
    """Import what an entry names."""
    module, _, name = entry.place.partition(":")
    return getattr(import_module(module), name)
