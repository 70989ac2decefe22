"""The data sets: a name, and its declaration."""

from text2pixels.data.adapter import Adapter
from text2pixels.data.roadscene import ROADSCENE
from text2pixels.data.simulated import SIMULATOR
from text2pixels.data.tno import TNO

DATASETS: dict[str, Adapter] = {adapter.name: adapter for adapter in (SIMULATOR, ROADSCENE, TNO)}
