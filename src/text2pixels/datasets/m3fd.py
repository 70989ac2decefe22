"""M3FD: 4,200 labelled pairs for detection and 300 unlabelled ones for fusion, two archives, two data sets.

Their file names overlap ("00471" is in both, with different pictures), so they stay apart: ``m3fd`` and
``m3fd_fusion``. The authors published no split of the 4,200. Neighbouring numbers are neighbouring video
frames, so a random split tests on what it trained on; splits/README.md says how ours was cut.
"""

from text2pixels.datasets.adapter import Adapter, Archive, Layout

_LICENCE = "research use; ask the authors for anything else"
_CITATION = (
    "Liu et al., Target-aware Dual Adversarial Learning and a Multi-scenario Multi-Modality Benchmark to Fuse "
    "Infrared and Visible for Object Detection, CVPR 2022"
)
_HOME = "https://github.com/dlut-dimt/TarDAL"

M3FD = Adapter(
    name="m3fd",
    title="M3FD (detection)",
    licence=_LICENCE,
    citation=_CITATION,
    home=_HOME,
    archives=(Archive("M3FD_Detection.zip"),),
    layouts=(
        (Layout("M3FD_Detection/Ir", "M3FD_Detection/Vi", labels="M3FD_Detection/Annotation", format="voc"),),
        (Layout("Ir", "Vi", labels="Annotation", format="voc"),),
    ),
    classes={name: name for name in ("People", "Car", "Bus", "Motorcycle", "Lamp", "Truck")},
    split_file="m3fd",
    options=("folders",),
)

M3FD_FUSION = Adapter(
    name="m3fd_fusion",
    title="M3FD (fusion)",
    licence=_LICENCE,
    citation=_CITATION,
    home=_HOME,
    archives=(Archive("M3FD_Fusion.zip"),),
    layouts=((Layout("M3FD_Fusion/Ir", "M3FD_Fusion/Vi"),), (Layout("Ir", "Vi"),)),
    split="test",
)
