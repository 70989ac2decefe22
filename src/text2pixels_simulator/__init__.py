"""The embedded data set: street scenes that an infrared and a visible camera see, with exact boxes.

Everything is drawn here; nothing is downloaded. What it makes is simulated, and whatever shows it says so.
"""

from text2pixels_simulator.scene import CATEGORIES, Scene, announce, simulate, splits, true_homography
from text2pixels_simulator.weather import CONDITIONS

__all__ = ["CATEGORIES", "CONDITIONS", "Scene", "announce", "simulate", "splits", "true_homography"]
