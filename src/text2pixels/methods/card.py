"""What is known of a method: its card, as tables and pages read it, and the entry that says where its code is."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from text2pixels.errors import InputError
from text2pixels.files import check_size
from text2pixels.methods.weights import WeightFile

Rule = Literal[
    "round",
    "truncate",
    "stretch to maximum",
    "stretch min-max",
    "stretch min-max, halves down",
    "stretch min-max, truncate",
    "truncate, stretch min-max, truncate",
]
Weights = Literal[
    "official", "unverified", "retrained", "none needed", "trained here", "trained before", "fused elsewhere"
]
Visible = Literal["luminance", "rounded luminance", "truncated luminance", "rgb"]
Colour = Literal["visible", "chroma", "own", "gray", "none"]
Option = bool | int | float | str

FILE = "card.json"  # in the folder of a method's model
_LARGEST = 1_000_000  # bytes of it


@dataclass(frozen=True)
class Card:
    """A method's description.

    Attributes:
        name: What the method is called on the command line, in params.yaml and in paths.
        title: What the method is called in text.
        paper: Authors, title, venue.
        year: Of publication.
        licence: Of the authors' code and weights; "none stated" where their repository has none.
        weights: Whose weights these are; "unverified" are those of a file under an official one's name of which
            nobody knows whether it is the authors'; "trained before" is a network of ours that is not trained anew; a
            method "fused elsewhere" is a folder of images.
        files: The authors' files, looked for below the folder of weights.
        parameters: Number of trained parameters that fusing uses; 0 for a method that is not trained.
        colour: Where the colour of a fused picture comes from: the visible image, in proportion ("visible") or its
            chroma added as it is ("chroma", which most authors do; see `image.colour`), the method itself, which
            then returns RGB, or nowhere, because the authors save gray. Pages and detectors see all of them in the
            visible colour, in proportion, but "none", of which there is no other image than a gray one.
        text: Whether the method reads phrases.
        visible: What the method gets of the visible image: its luminance, that luminance rounded to 8 bits, as
            authors' scripts do who read gray images, or cut to 8 bits, or RGB.
        eight_bits: How the authors' scripts turn the output into 8 bits.
        options: What a user may change of the method, with its values.
        schedule: Of retrained weights: how much of the authors' schedule was run, and on which pairs; of those trained
            before: on which data sets.
        notes: What else the authors do before and after the network.
    """

    name: str
    title: str
    paper: str
    year: int | None = None
    licence: str = "-"
    weights: Weights = "none needed"
    files: tuple[WeightFile, ...] = ()
    parameters: int = 0
    colour: Colour = "visible"
    text: bool = False
    visible: Visible = "luminance"
    eight_bits: Rule = "round"
    options: Mapping[str, Option] = field(default_factory=dict)
    schedule: str = ""
    notes: str = ""

    @property
    def aside(self) -> str:
        """Return what a reader has to know of weights that are not, or perhaps not, the authors'; "" of any other."""
        asides = {
            "unverified": "unverified weights",
            "retrained": f"retrained, {self.schedule}",
            "trained before": f"trained before, {self.schedule}",
        }
        return asides.get(self.weights, "")

    @property
    def label(self) -> str:
        """Return the title, and the aside behind it."""
        return f"{self.title} ({self.aside})" if self.aside else self.title


@dataclass(frozen=True)
class Entry:
    """A method of the catalogue.

    Attributes:
        card: What is known of it.
        kind: "filter" (a function of two images), "network" (of other authors), "ours" (trained here), "checkpoint"
            (ours, trained before) or "results" (images that were fused elsewhere).
        place: "module:name" of the function or of the `Authors`; the folder of results or of a checkpoint; "" of ours.
        recipe: "module:name" of the `training.rivals.recipe.Recipe` by which a network can be trained again
            here; "" where there is none.
    """

    card: Card
    kind: Literal["filter", "network", "ours", "checkpoint", "results"]
    place: str = ""
    recipe: str = ""


def write_card(folder: Path, card: Card, of: str) -> None:
    """Write a method's card into the folder of its model.

    Args:
        folder: Of the model.
        card: Of the method.
        of: The catalogue's name of the method; of a variant, that of the method whose settings it changes.
    """
    (folder / FILE).write_text(json.dumps({"of": of} | asdict(card), indent=2) + "\n", encoding="utf-8")


def read_card(folder: Path) -> tuple[Card, str]:
    """Return the card in the folder of a model, and the catalogue's name of the method.

    Raises:
        InputError: there is none, or it is damaged.
    """
    path = folder / FILE
    check_size(path, _LARGEST)
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        of = str(content.pop("of"))
        files = tuple(WeightFile(**file) for file in content.pop("files"))
        return Card(**content, files=files), of
    except OSError as error:
        raise InputError(f"no method at {folder} ({FILE} is missing): write it with: dvc repro method") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InputError(f"{path} is damaged ({error}): write it again with: dvc repro method") from error
