"""Images: reading any file, the pipeline's own PNG, colour, boxes, views of an image with its boxes.

The front door for a file that a user names is `read_infrared` and `read_visible`; an image is an `Image8`
array from there on, gray (H, W) or RGB (H, W, 3).
"""

from text2pixels.errors import Unusable
from text2pixels.image.boxes import Box
from text2pixels.image.colour import Image8, luminance, quantise, restore_colour, stretch
from text2pixels.image.decode import SUFFIXES
from text2pixels.image.reader import images_of, read_infrared, read_infrared_field, read_visible

__all__ = [
    "SUFFIXES",
    "Box",
    "Image8",
    "Unusable",
    "images_of",
    "luminance",
    "quantise",
    "read_infrared",
    "read_infrared_field",
    "read_visible",
    "restore_colour",
    "stretch",
]
