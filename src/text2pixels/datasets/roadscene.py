"""RoadScene: 221 aligned road scenes cut from FLIR ADAS videos; gray infrared, colour visible.

The split file puts into ``test`` the 50 names that several papers test on (list ``test50``) and every
labelled pair of the FLIR test part, so that neither is trained on. The other labelled pairs keep their FLIR
part; unlabelled ones go by hash; pairs that look alike stay together.
"""

from text2pixels.datasets.adapter import Adapter, Archive, Layout

# FLIR's boxes, mapped to the crops: of 202 pairs, or of the 108 that an earlier file has.
_LABELS = ("annotations_202.json", "annotations.json")

ROADSCENE = Adapter(
    name="roadscene",
    title="RoadScene",
    licence="research use; the frames are FLIR's (FLIR ADAS terms)",
    citation="Xu et al., FusionDN: A Unified Densely Connected Network for Image Fusion, AAAI 2020",
    home="https://github.com/hanna-xu/RoadScene",
    archives=(Archive("RoadScene-master.zip"),),
    layouts=((Layout("cropinfrared", "crop_LR_visible", labels=_LABELS, format="coco"),),),
    classes={"person": "person", "bicycle": "bicycle", "car": "car"},
    split="hash",
    split_file="roadscene",
)
