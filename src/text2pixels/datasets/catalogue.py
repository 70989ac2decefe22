"""The data sets: a name, and its declaration."""

from text2pixels.datasets.adapter import Adapter
from text2pixels.datasets.flir import FLIR
from text2pixels.datasets.folder import FOLDER
from text2pixels.datasets.llvip import LLVIP
from text2pixels.datasets.m3fd import M3FD, M3FD_FUSION
from text2pixels.datasets.msrs import MSRS
from text2pixels.datasets.roadscene import ROADSCENE
from text2pixels.datasets.simulated import SIMULATOR
from text2pixels.datasets.tno import TNO

DATASETS: dict[str, Adapter] = {
    adapter.name: adapter for adapter in (SIMULATOR, ROADSCENE, TNO, M3FD, M3FD_FUSION, MSRS, LLVIP, FLIR, FOLDER)
}
