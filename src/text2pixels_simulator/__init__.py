"""The embedded data set: street scenes that an infrared and a visible camera see, with exact boxes.

Everything is drawn here and nothing is downloaded. Whatever shows these scenes says that they are simulated.
"""

from text2pixels_simulator.scene import CATEGORIES, Scene, announce, simulate, splits, true_homography
from text2pixels_simulator.weather import CONDITIONS

__all__ = ["CATEGORIES", "CONDITIONS", "Scene", "announce", "simulate", "splits", "true_homography"]
