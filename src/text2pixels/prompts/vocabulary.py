"""The phrases that the project itself writes, as a list of what they are made of.

`prompts.phrases` combines the nouns with counts, sizes and places, `prompts.conditions` and `prompts.tags` add
the rest; a test holds the list to them.
"""

from text2pixels.prompts.phrases import NOUNS

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
