"""Pictures and boxes to phrases: from a pair's labels and its two images, or as a user wrote them.

The front door is `describe` for a pair, `split` for what a user typed, and `read_csv` for a user's file. Taggers
and captioners are in modules of their own, which need the extra `clip`.
"""

from text2pixels.prompts.phrases import KINDS
from text2pixels.prompts.table import Prompt, describe, read_prompts, write_prompts
from text2pixels.prompts.user_prompts import read_csv, split

__all__ = ["KINDS", "Prompt", "describe", "read_csv", "read_prompts", "split", "write_prompts"]
