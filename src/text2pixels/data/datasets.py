"""The data sets: a name, and its declaration."""

from text2pixels.data.adapter import Adapter
from text2pixels.data.flir import FLIR
from text2pixels.data.folder import FOLDER
from text2pixels.data.llvip import LLVIP
from text2pixels.data.m3fd import M3FD, M3FD_FUSION
from text2pixels.data.msrs import MSRS
from text2pixels.data.roadscene import ROADSCENE
from text2pixels.data.simulated import SIMULATOR
from text2pixels.data.tno import TNO

DATASETS: dict[str, Adapter] = {
    adapter.name: adapter for adapter in (SIMULATOR, ROADSCENE, TNO, M3FD, M3FD_FUSION, MSRS, LLVIP, FLIR, FOLDER)
}
