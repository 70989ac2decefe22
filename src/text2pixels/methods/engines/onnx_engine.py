"""The trained network run by ONNX Runtime: no torch, on the CPU, or on a GPU with the extra `gpu`.

Shapes: B batch; H, W image; T phrases, S = T + 1 with the null token last; D dimension of a phrase vector; h, w tokens.
"""

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, RuntimeException

from text2pixels import tensor_files
from text2pixels.errors import InputError
from text2pixels.extras import install
from text2pixels.methods.engines import tiles
from text2pixels.methods.engines.engine import Float, Output
from text2pixels.network.description import LAYOUT, ONNX, STRIDE, Description

_CUDA, _CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
_ONLY_FATAL = 4  # of the library's log: its errors are raised, too


class OnnxEngine:
    """See `engine.Engine`.

    Raises:
        InputError: the file is missing, cut short or of another network; or there is no such device.
    """

    name = "onnx"
    most = 1  # a batch gains nothing on a CPU

    def __init__(self, folder: Path, described: Description, device: str) -> None:
        tensor_files.check(folder, LAYOUT, described.content, [ONNX])
        self._text_dim = described.network.text_dim if described.network.cross_attention else None
        self._session = _session(folder / ONNX, device)
        self._outputs = [each.name for each in self._session.get_outputs()]
        self._self_attention = described.network.self_attention
        self.device = "cuda" if self._session.get_providers()[0] == _CUDA else "cpu"

    def run(
        self, infrared_B1HW: Float, visible_B1HW: Float, text_TD: Float | None, lead_B: Float | None = None
    ) -> Output:
        """Run the network; see `engine.Engine.run`."""
        if tiles.is_large(infrared_B1HW):
            return tiles.run(self, infrared_B1HW, visible_B1HW, text_TD, lead_B)
        whole = None if lead_B is None else tiles.Whole(lead_B, None)
        return self.fuse(infrared_B1HW, visible_B1HW, text_TD, whole)

    def tokens(self, infrared_11HW: Float, visible_11HW: Float) -> Float | None:
        """Return the tokens of a tile; see `tiles.Tiled`."""
        if not self._self_attention:
            return None
        tokens_hwE: Float = self._run(self._feed(infrared_11HW, visible_11HW, None), ["tokens"])[0][0]
        return tokens_hwE

    def fuse(
        self, infrared_B1HW: Float, visible_B1HW: Float, text_TD: Float | None, whole: tiles.Whole | None
    ) -> Output:
        """Run the network on images, or on a tile of one; see `tiles.Tiled`."""
        feed = self._feed(infrared_B1HW, visible_B1HW, text_TD)
        if whole is not None:
            feed["lead"] = whole.lead_B
        if whole is not None and whole.landmarks_1ME is not None:
            feed |= {"landmarks": whole.landmarks_1ME, "tile": np.ones((1, 1, 1), bool)}
        fused_B1HW, *attention = self._run(feed, [name for name in self._outputs if name != "tokens"])
        if text_TD is None and attention:
            attention = [attention[0][:, 1:]]  # the null token alone
        return Output(fused_B1HW, attention[0] if attention else None)

    def _feed(self, infrared_B1HW: Float, visible_B1HW: Float, text_TD: Float | None) -> dict[str, Any]:
        feed: dict[str, Any] = {"infrared": infrared_B1HW, "visible": visible_B1HW}
        if self._text_dim is not None:
            # No text is one phrase that nobody may attend to.
            phrases_TD = np.zeros((1, self._text_dim), np.float32) if text_TD is None else text_TD
            shape_BTD = (len(infrared_B1HW), *phrases_TD.shape)
            feed["text"] = np.broadcast_to(phrases_TD, shape_BTD)
            feed["mask"] = np.full(shape_BTD[:2], text_TD is not None)
        return feed

    def _run(self, feed: dict[str, Any], outputs: list[str]) -> list[Float]:
        try:
            found: list[Float] = self._session.run(outputs, feed)
        except (Fail, RuntimeException) as error:
            if not any(sign in str(error).lower() for sign in ("allocate memory", "bad_alloc", "bad allocation")):
                raise
            raise MemoryError(str(error)) from error
        return found

    def enlarge(self, maps_Shw: Float) -> Float:
        """Return maps of tokens as maps of pixels, (S, 8 h, 8 w), bilinear."""
        sides = (maps_Shw.shape[2] * STRIDE, maps_Shw.shape[1] * STRIDE)
        return np.stack([cv2.resize(map_hw, sides, interpolation=cv2.INTER_LINEAR) for map_hw in maps_Shw])


def _session(path: Path, device: str) -> Any:  # noqa: ANN401  (the library is untyped)
    gpu = device != "cpu" and _CUDA in onnxruntime.get_available_providers()
    if device.startswith("cuda") and not gpu:
        raise InputError(
            f"device '{device}' cannot be used here: ONNX Runtime is built for the CPU; set device to auto or cpu, or "
            f"{install('gpu')}"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _threads()
    options.log_severity_level = _ONLY_FATAL
    # Threads that wait give their core to whoever else is at work; measured: 4 % slower on two quiet cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    cuda = (_CUDA, {"device_id": int(device.partition(":")[2] or 0)})
    return onnxruntime.InferenceSession(path, options, providers=[cuda, _CPU] if gpu else [_CPU])


def _threads() -> int:
    """Return how many cores this process may use: OMP_NUM_THREADS, which torch heeds too, or those it may run on."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked):
        return int(asked)
    # Not on every system; by default the library takes all cores of the machine.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
