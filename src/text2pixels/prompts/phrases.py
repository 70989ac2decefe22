"""The project's vocabulary: short lower-case phrases for objects, their counts, sizes and places.

A prompt is a list of phrases; each is one text token of the fusion network. The phrase of a single
object has the form "a <noun>" of the published phrase tables, so that an encoder `table` knows it.
The vocabulary is closed, except for the categories of a user's own data: however many images there
are, only a few hundred phrases are to be encoded.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from text2pixels.image.boxes import Box

KINDS = ("coarse", "fine")  # of prompts: `table` says what each holds
LONGEST = 300  # characters of a phrase; CLIP reads at most 77 tokens


@dataclass(frozen=True)
class Noun:
    """How an object is called: "a car", "cars"."""

    one: str
    many: str

    @property
    def bare(self) -> str:
        """The noun without its article."""
        return self.one.split(" ", 1)[1]


PERSON = Noun("a person", "people")
BICYCLE = Noun("a bicycle", "bicycles")
CAR = Noun("a car", "cars")
MOTORCYCLE = Noun("a motorcycle", "motorcycles")
BUS = Noun("a bus", "buses")
TRUCK = Noun("a truck", "trucks")
VAN = Noun("a van", "vans")
VEHICLE = Noun("a vehicle", "vehicles")
STREET_LIGHT = Noun("a street light", "street lights")
TRAFFIC_LIGHT = Noun("a traffic light", "traffic lights")
TRAFFIC_SIGN = Noun("a traffic sign", "traffic signs")
TRAFFIC_CONE = Noun("a traffic cone", "traffic cones")

# Category names of the data sets (M3FD, FLIR, MSRS, LLVIP, COCO) in lower case.
NOUNS: dict[str, Noun] = {
    "person": PERSON,
    "people": PERSON,
    "pedestrian": PERSON,
    "bicycle": BICYCLE,
    "bike": BICYCLE,
    "car": CAR,
    "motorcycle": MOTORCYCLE,
    "motorbike": MOTORCYCLE,
    "motor": MOTORCYCLE,
    "bus": BUS,
    "truck": TRUCK,
    "van": VAN,
    "vehicle": VEHICLE,
    "other vehicle": VEHICLE,
    "lamp": STREET_LIGHT,
    "street light": STREET_LIGHT,
    "light": TRAFFIC_LIGHT,
    "traffic light": TRAFFIC_LIGHT,
    "sign": TRAFFIC_SIGN,
    "traffic sign": TRAFFIC_SIGN,
    "stop sign": Noun("a stop sign", "stop signs"),
    "color cone": TRAFFIC_CONE,
    "traffic cone": TRAFFIC_CONE,
    "dog": Noun("a dog", "dogs"),
    "deer": Noun("a deer", "deer"),
    "train": Noun("a train", "trains"),
    "boat": Noun("a boat", "boats"),
    "scooter": Noun("a scooter", "scooters"),
    "stroller": Noun("a stroller", "strollers"),
    "hydrant": Noun("a fire hydrant", "fire hydrants"),
}

# Objects that make a scene a street. Bicycles are not among them, as they go anywhere.
STREET = frozenset({CAR, MOTORCYCLE, BUS, TRUCK, VAN, TRAFFIC_LIGHT})

# Other names of an object, singular, as the published phrase tables have them. The prompts written here never use
# them, but users do, so training sometimes puts one in place of the object's own name.
SYNONYMS: dict[Noun, tuple[str, ...]] = {
    PERSON: ("a man", "a woman", "a boy", "a girl"),
    CAR: ("a vehicle", "a taxi", "a minivan", "a jeep"),
}

# Words for people by age or occupation, all of which the vocabulary calls a person.
_PEOPLE = {
    *("adult", "baby", "bystander", "child", "driver", "firefighter", "guard", "hiker", "human", "kid", "officer"),
    *("passenger", "passer-by", "police officer", "policeman", "policewoman", "rider", "runner", "skier", "soldier"),
    *("student", "teenager", "toddler", "walker", "worker"),
}
_MANY = {"children", "men", "women", "babies", "passers-by", "policemen", "crowd", "crowd of people", "group of people"}

# Other words for what the vocabulary has. Whoever types one is told how it is read.
_NEAR: dict[str, Noun | str] = {
    **dict.fromkeys(("cyclist", "bicyclist", "bike rider"), BICYCLE),
    **dict.fromkeys(("motorcyclist", "moped", "motor scooter"), MOTORCYCLE),
    **dict.fromkeys(("automobile", "sedan", "hatchback", "motorcar", "cab", "police car"), CAR),
    **dict.fromkeys(("lorry", "pickup", "pickup truck", "trailer"), TRUCK),
    **dict.fromkeys(("coach", "minibus", "double-decker"), BUS),
    **dict.fromkeys(("streetlamp", "street lamp", "lamppost", "lamp post"), STREET_LIGHT),
    **dict.fromkeys(("stoplight", "traffic signal"), TRAFFIC_LIGHT),
    **dict.fromkeys(("road sign", "street sign"), TRAFFIC_SIGN),
    **dict.fromkeys(("sky", "open air", "landscape"), "outdoors"),
    **dict.fromkeys(("haze", "mist", "dense fog"), "thick fog"),
    **dict.fromkeys(("road", "lane", "pavement", "sidewalk", "asphalt", "alley"), "a street"),
    **dict.fromkeys(("grass", "bush", "hedge", "lawn", "plant", "vegetation"), "green vegetation"),
    **dict.fromkeys(("infrared", "heat", "hot object", "thermal"), "warm objects"),
    **dict.fromkeys(("evening", "nighttime", "midnight", "darkness"), "at night"),
    **dict.fromkeys(("daytime", "daylight", "noon"), "in daylight"),
    **dict.fromkeys(("headlight", "glow"), "bright lights"),
}

# Objects that a street scene hardly ever shows unlabelled. Training adds some to the prompts of scenes without them.
STRANGERS: tuple[Noun, ...] = tuple(
    NOUNS[name] for name in ("dog", "deer", "train", "boat", "scooter", "stroller", "hydrant")
)

_PLACES = ("on the left", "in the middle", "on the right")
_PLACED = 2  # places named per category: the fullest two


def noun(category: str) -> Noun:
    """Return what a category is called; a category of the user's own is called by its name."""
    name = " ".join(category.lower().replace("_", " ").replace("-", " ").split()) or "object"
    if name in NOUNS:
        return NOUNS[name]
    return Noun(f"{'an' if name[0] in 'aeiou' else 'a'} {name}", f"{name}s")


def plainer(phrase: str) -> str | None:
    """Return the vocabulary's word for what a phrase calls otherwise or more narrowly: "a person" for "a child".

    None where it has no such word, or the phrase is the vocabulary's own.
    """
    article, _, rest = phrase.partition(" ")
    bare = rest if article in ("a", "an", "the") else phrase
    if bare in _MANY:
        return PERSON.many
    plural = f"{bare[:-3]}y" if bare.endswith("ies") else bare.removesuffix("s")
    for name, form in ((bare, "one"), (plural, "many")):
        if name in _PEOPLE:
            return str(getattr(PERSON, form))
        if name in _NEAR:
            near = _NEAR[name]
            return near if isinstance(near, str) else str(getattr(near, form))
        if name in NOUNS and (found := str(getattr(NOUNS[name], form))) != phrase:
            return found
    return None


def of_objects(boxes: Iterable[Box], width: int, height: int) -> list[str]:
    """Describe the objects of a frame of ``width`` x ``height`` pixels: what, how many, how large and where.

    The largest category (by area) comes first; the order of the boxes does not matter.
    """
    phrases: list[str] = []
    for name, members in by_noun(boxes):
        phrases.append(name.one)
        if len(members) > 1:
            phrases.append(f"{_count(len(members))} {name.many}")
        phrases += _places(name, members, width, height)
    return phrases


def by_noun(boxes: Iterable[Box]) -> list[tuple[Noun, list[Box]]]:
    """Group the boxes by what they are called, largest total area first."""
    groups: dict[Noun, list[Box]] = defaultdict(list)
    for box in boxes:
        groups[noun(box.category)].append(box)
    # Rounded: a sum of floats depends on its order in the last bits.
    return sorted(groups.items(), key=lambda group: (-round(sum(b.w * b.h for b in group[1]), 1), group[0].one))


def speaks_of(phrase: str, noun: Noun) -> bool:
    """Return whether a phrase speaks of a noun: in singular, in plural, or by a synonym."""
    words = [noun.bare, noun.many, *(synonym.split(" ", 1)[1] for synonym in SYNONYMS.get(noun, ()))]
    return re.search(rf"\b({'|'.join(map(re.escape, words))})\b", phrase) is not None


def size(box: Box, width: int, height: int) -> str:
    """Return "large", "small" or "" by the share of the frame that the longer side takes."""
    share = max(box.w / width, box.h / height)
    return "large" if share >= 0.35 else "small" if share < 0.08 else ""


def shown_in_training() -> list[str]:
    """Return the phrases that training uses beside those of the prompts."""
    return sorted({phrase for others in SYNONYMS.values() for phrase in others} | {each.one for each in STRANGERS})


def unique(phrases: Iterable[str]) -> list[str]:
    """Drop repeated phrases, keeping the first of each."""
    return list(dict.fromkeys(phrases))


def tidy(phrase: str) -> str:
    """Bring a phrase to the form under which it is encoded and cached: lower case, single spaces."""
    return " ".join(phrase.lower().split())


def _count(number: int) -> str:
    return {2: "two", 3: "three"}.get(number, "several" if number < 10 else "many")


def _places(name: Noun, members: list[Box], width: int, height: int) -> list[str]:
    thirds: dict[int, list[Box]] = defaultdict(list)
    for box in members:
        centre = (box.x + box.w / 2) / width
        thirds[min(max(int(centre * 3), 0), 2)].append(box)
    fullest = sorted(thirds, key=lambda third: (-round(sum(b.w * b.h for b in thirds[third]), 1), third))[:_PLACED]
    return [_placed(name, thirds[third], _PLACES[third], width, height) for third in sorted(fullest)]


def _placed(name: Noun, here: list[Box], place: str, width: int, height: int) -> str:
    sizes = {size(box, width, height) for box in here}
    adjective = sizes.pop() if len(sizes) == 1 else ""  # a mixed group gets none
    if len(here) > 1:
        return " ".join(part for part in (adjective, name.many, place) if part)
    if adjective:
        return f"a {adjective} {name.bare} {place}"
    return f"{name.one} {place}"


# All words of the phrases that the project itself writes, those of `prompts.conditions` and of tags included; a test
# compares the list with them.
VOCABULARY: tuple[str, ...] = (
    *(name for noun in NOUNS.values() for name in (noun.one, noun.many)),
    *("two", "three", "several", "many", "small", "large", "warm", "cold", "hard to see"),
    *("on the left", "in the middle", "on the right"),
    *("in daylight", "at night", "thick fog", "poor visibility", "clear weather", "good visibility"),
    *("a dark scene", "bright lights", "overexposed areas", "glare", "low contrast", "low thermal contrast"),
    *("warm objects", "outdoors", "a street", "a tree", "green vegetation"),
    *("a highway", "a parking lot", "a square", "a forest", "a field", "a house", "a harbour"),
    *("rain", "snow", "smoke"),
)
