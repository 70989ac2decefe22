"""Numbers and sentences as the report writes them."""

import math


def figure(value: float, digits: int = 3) -> str:
    """Format a number: as many decimals as make ``digits`` significant ones, at least two."""
    if not math.isfinite(value):
        return "–"
    whole = 0 if value == 0 else math.floor(math.log10(abs(value))) + 1
    return f"{value:.{max(2 if abs(value) < 100 else 1, min(digits, digits - whole))}f}"


def sentence(words: str) -> str:
    """Begin with a capital, as headings and sentences do."""
    return words[:1].upper() + words[1:]
