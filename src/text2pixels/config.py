"""What params.yaml may hold: one frozen dataclass for each section, with its defaults and bounds.

`params_file` reads the file and checks it against these; code below the pipeline takes a section as plain values.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeVar

Number = TypeVar("Number", bound=float | None)


def bounded(default: Number, **limits: float) -> Number:
    """Declare a field that is a number within limits.

    Args:
        default: Its value where params.yaml is silent.
        limits: ``ge``, ``gt``, ``le``, ``multiple_of``: pydantic reads them from a dataclass field's metadata.
    """
    number: Number = field(default=default, metadata=limits)
    return number


class Section:
    """Base of every section: no unknown keys, no conversion between types, no infinity."""

    __pydantic_config__: ClassVar = {"extra": "forbid", "strict": True, "allow_inf_nan": False}


@dataclass(frozen=True)
class Source(Section):
    """Where a data set's raw files are, and what we know of them that they do not say."""

    path: str | None = None  # a folder, zip or tar; the simulator's own folder
    aligned: bool = True  # False: the register stage estimates the transform
    options: dict[str, Any] = field(default_factory=dict)  # what the data set's adapter understands


@dataclass(frozen=True)
class Ingest(Section):
    """Reading raw files in."""

    workers: int = bounded(2, ge=1, le=1024)
    dask: str | None = None  # address of a Dask scheduler; None: local processes
    minimum_side: int = bounded(32, ge=16, le=16384)  # pixels; smaller images are quarantined


@dataclass(frozen=True)
class Register(Section):
    """Alignment of the infrared to the visible frame, where the source is not aligned."""

    rig: bool = False  # one transform for the whole set (a fixed pair of cameras)
    workers: int = bounded(2, ge=1, le=1024)
    dask: str | None = None  # address of a Dask scheduler; None: local processes


@dataclass(frozen=True)
class Prompt(Section):
    """Where the phrases come from."""

    csv: str | None = None  # the user's own prompts: columns name, phrases (separated by ;), optionally kind
    tagger: str | None = None  # open_clip model whose image tower tells scene, time and weather: ViT-B-32
    tagger_pretrained: str = "openai"  # a tag of open_clip, or a local file
    captioner: str | None = None  # open_clip model that writes a sentence more: coca_ViT-B-32
    captioner_pretrained: str = "mscoco_finetuned_laion2b_s13b_b90k"


@dataclass(frozen=True)
class Embed(Section):
    """Text encoders."""

    table: str | None = None  # Parquet of (phrase, vector) for the encoder `table`
    open_clip_model: str = "ViT-B-32"
    open_clip_pretrained: str = "openai"  # a tag of open_clip, a local file, or random (a test model)


@dataclass(frozen=True)
class Network(Section):
    """The fusion network: see network/network.py."""

    # at quarter resolution; half as many at half, twice as many at an eighth
    channels: int = bounded(32, ge=2, le=1024, multiple_of=2)
    heads: int = bounded(4, ge=1, le=1024)
    codes: int = bounded(256, ge=1, le=65536)
    text_dim: int = bounded(512, ge=1, le=65536)
    self_attention: bool = True
    cross_attention: bool = True
    codebook: bool = True


@dataclass(frozen=True)
class Losses(Section):
    """Weights of the loss terms, chosen on validation pairs: see network/losses.py; 0 switches a term off."""

    ssim: float = bounded(4.0, ge=0)
    pixel: float = bounded(1.0, ge=0)
    gradient: float = bounded(1.0, ge=0)
    structure: float = bounded(0.1, ge=0)  # equation (8)
    content: float = bounded(1.0, ge=0)  # equation (9)
    # derivatives against those of the source with the greater gradient; not in the paper
    texture: float = bounded(20.0, ge=0)
    # intensity against the brighter one of the sources; not in the paper
    brightness: float = bounded(1.0, ge=0)
    guidance: float = bounded(10.0, ge=0)  # emphasis on the objects that the prompt names; not in the paper
    grounding: float = bounded(1.0, ge=0)  # attention to phrases where their objects are; not in the paper
    commitment: float = bounded(0.25, ge=0)  # equation (11)
    saliency: Literal["normalised", "printed"] = "normalised"
    weigh: Literal["terms", "images"] = "terms"  # what (9)'s weights multiply; "images" is as printed


@dataclass(frozen=True)
class Train(Section):
    """Bilevel training: see training/."""

    datasets: tuple[str, ...] = ()  # none: all of this file
    encoder: str = "distilled"
    prompts: Literal["none", "coarse", "fine"] = "fine"
    strategy: Literal["separate", "joint", "bilevel"] = "bilevel"
    # folder of a network that was trained before, to go on from (src/text2pixels/weights is the shipped one): fewer
    # pairs and epochs are enough then; None: random weights
    start: str | None = None
    epochs: int = bounded(10, ge=0, le=100_000)  # 0: the pictures without text stay those of ``start``
    batch: int = bounded(8, ge=1, le=65536)  # pairs, over all processes
    crop: int = bounded(128, ge=32, le=16384, multiple_of=32)  # pixels, side of the square training crop
    # share of the pairs of bilevel training whose images are changed as other cameras, weather or faults would: see
    # training/augmentation.py
    augment: float = bounded(0.0, ge=0, le=1)
    learning_rate: float = bounded(2e-3, gt=0, le=1)
    decay: float = bounded(0.68, gt=0, le=1)  # of the learning rates, per epoch
    detector_rate: float = bounded(3e-4, gt=0, le=1)  # learning rate of the detector
    lower_steps: int = bounded(6, ge=1, le=100_000)  # K: fusion steps before an upper step
    upper_weight: float = bounded(0.5, ge=0, le=1)  # of the detection gradient in bi-level descent aggregation
    upper_decay: float = bounded(0.1, ge=0)  # that weight in epoch e is upper_weight / (1 + upper_decay * e)
    clip: float = bounded(1.0, gt=0)  # norm of either level's gradient
    # after bilevel training, of what reads the prompt alone: see training/text.py; 0: the prompt does what it did
    text_steps: int = bounded(2400, ge=0, le=100_000_000)
    text_rate: float = bounded(2e-3, gt=0, le=1)  # learning rate of these steps, which falls to 0 like a cosine
    device: str = "auto"
    seed: int | None = bounded(None, ge=0, lt=2**32)  # of this variant; None: the pipeline's


@dataclass(frozen=True)
class Retrain(Section):
    """Training another method's network again, under `methods`: None is what its authors took."""

    steps: int | None = bounded(None, ge=1, le=100_000_000)
    batch: int | None = bounded(None, ge=1, le=65536)
    patch: int | None = bounded(None, ge=16, le=16384)  # pixels, side of the square patches


@dataclass(frozen=True)
class Fuse(Section):
    """Running the methods."""

    weights: str | None = None  # folder with other methods' official weights
    results: str | None = None  # folder with folders of images that were fused elsewhere: methods.NAME.folder
    # Phrases, separated by semicolons, under which a trained network fuses every pair. None: each pair's own
    # prompt, which is made of that pair's labelled boxes where it has any.
    prompt: str | None = None
    # Those of the test split, and every labelled one, because detectors are trained and tested in folds; or "test":
    # those of the test split alone, which takes less time. No detector is trained then.
    pairs: Literal["labelled", "test"] = "labelled"
    device: str = "auto"


@dataclass(frozen=True)
class Score(Section):
    """Fusion metrics."""

    workers: int = bounded(1, ge=1, le=1024)  # processes of one thread each; 1 is this one
    dask: str | None = None  # address of a Dask scheduler; None: local processes


@dataclass(frozen=True)
class Detect(Section):
    """The detection protocols, the same for all methods."""

    # COCO weights (yolov5n.pt; yolov5nu.pt for the head "free"), or a folder that the stage pretrain wrote, which gives
    # no zero-shot detection; None: random start, no zero-shot, one fold
    weights: str | None = None
    scale: Literal["n", "s", "m", "l", "x"] = "n"  # of YOLOv5
    head: Literal["anchors", "free"] = "anchors"  # the classic one, or YOLOv5u's, which COCO's file cannot start
    # of the detector of bilevel training, on infrared and visible images
    pretrain_epochs: int = bounded(15, ge=0, le=100_000)
    pretrain_rate: float = bounded(2e-3, gt=0, le=1)  # learning rate of those epochs
    # each labelled pair is tested in one and trained on in the others; 1: the committed split
    folds: int = bounded(5, ge=1, le=1000)
    seeds: int = bounded(1, ge=1, le=100)  # trainings of each fold
    # with boxes, that a fold trains on; with fewer no detector is trained
    least_pairs: int = bounded(30, ge=1, le=1_000_000)
    # of a category that a fold trains; a rarer one is found as COCO's weights do
    least_boxes: int = bounded(50, ge=0, le=1_000_000)
    epochs: int = bounded(4, ge=0, le=100_000)  # of a fold, on a method's images
    image_size: int = bounded(640, ge=32, le=16384, multiple_of=32)  # pixels, longest side
    batch: int = bounded(8, ge=1, le=65536)
    learning_rate: float = bounded(1e-4, gt=0, le=1)  # with more, what COCO taught is lost: docs/detection.md
    frozen_layers: int = bounded(10, ge=0, le=24)  # first layers that stay COCO's in a fold; 10 are the backbone
    memory: float = bounded(0.0, ge=0, lt=1)  # share that the weights' average (EMA) keeps at a step; 0: no average
    # train folds in bfloat16: half the time of a step where the processor computes in it (avx512_bf16, amx_bf16; a GPU)
    bf16: bool = False
    workers: int = bounded(1, ge=1, le=1024)  # folds at a time, each in a process of one thread
    device: str = "auto"


@dataclass(frozen=True)
class Cost(Section):
    """What the cost of a method is measured on."""

    width: int = bounded(640, ge=16, le=16384)
    height: int = bounded(480, ge=16, le=16384)
    repeats: int = bounded(3, ge=1, le=100_000)


@dataclass(frozen=True)
class Report(Section):
    """The site."""

    title: str = "text2pixels"
    gallery: int = bounded(12, ge=0, le=100_000)  # pairs shown per data set
    bootstrap: int = bounded(2000, ge=1, le=1_000_000)  # resamples of an interval


@dataclass(frozen=True)
class Params(Section):
    """The whole of params.yaml."""

    profile: str
    seed: int = field(metadata={"ge": 0, "lt": 2**32})
    datasets: dict[str, Source]
    encoders: tuple[str, ...]
    methods: dict[str, dict[str, Any]]  # name -> section -> what it changes there; or name -> folder -> path
    ingest: Ingest = field(default_factory=Ingest)
    register: Register = field(default_factory=Register)
    prompt: Prompt = field(default_factory=Prompt)
    embed: Embed = field(default_factory=Embed)
    network: Network = field(default_factory=Network)
    losses: Losses = field(default_factory=Losses)
    train: Train = field(default_factory=Train)
    fuse: Fuse = field(default_factory=Fuse)
    score: Score = field(default_factory=Score)
    detect: Detect = field(default_factory=Detect)
    cost: Cost = field(default_factory=Cost)
    report: Report = field(default_factory=Report)
