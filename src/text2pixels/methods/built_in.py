"""The methods that come with this project, as one table: their cards, and where their code is.

A filter is a function of two images, a network an `Authors` of a module that is imported when it is
needed (torch takes seconds), and ours is `methods.own`. `catalogue` finds a method in this table.
"""

from dataclasses import dataclass
from typing import Any

from text2pixels.methods.card import Card, Entry
from text2pixels.methods.weights import WeightFile

OURS = "ours"


def _filter(place: str, name: str, title: str, paper: str, **more: Any) -> Entry:  # noqa: ANN401
    return Entry(Card(name, title, paper, **more), "filter", f"text2pixels.methods.filters.{place}")


def _network(place: str, name: str, title: str, paper: str, recipe: str = "", **more: Any) -> Entry:  # noqa: ANN401
    card = Card(name, title, paper, **{"weights": "official", "colour": "chroma", **more})
    training = f"text2pixels.training.rivals.{recipe}" if recipe else ""
    return Entry(card, "network", f"text2pixels.methods.networks.{place}", training)


def _tensorflow(
    prefix: str, source: str, index: str, data: str, megabytes: tuple[float, float]
) -> tuple[WeightFile, ...]:
    """Return the two files of a TensorFlow checkpoint, with their SHA-256 and sizes."""
    parts = (("index", index, megabytes[0]), ("data-00000-of-00001", data, megabytes[1]))
    return tuple(WeightFile(f"{prefix}.{part}", digest, source.format(part=part), size) for part, digest, size in parts)


def _ifcnn(strategy: str, sha256: str) -> Entry:
    file = f"IFCNN-{strategy.upper()}.pth"
    return _network(
        f"ifcnn:{strategy.upper()}",
        f"ifcnn-{strategy}",
        f"IFCNN ({strategy})",
        "Zhang et al., IFCNN: A general image fusion framework based on convolutional neural network, "
        "Information Fusion",
        year=2020,
        licence="none stated",
        files=(WeightFile(f"ifcnn/{file}", sha256, f"github.com/uzeful/IFCNN (Code/snapshots/{file})", 0.337),),
        parameters=83_587,
        visible="rounded luminance",
        eight_bits="truncate",
        notes="network of RGB images: gray replicated, each channel truncated to 8 bits, then BT.601 luma; "
        "batch normalisation in evaluation mode",
    )


def _segmif(name: str, title: str, mask: str, third: str) -> Entry:
    return _network(
        "segmif:AUTHORS",
        name,
        title,
        "Liu et al., Multi-interactive Feature Learning and a Full-time Multi-modality Benchmark for Image Fusion and "
        "Segmentation, ICCV",
        year=2023,
        licence="none stated; NVIDIA Source Code License of SegFormer",
        files=tuple(
            WeightFile(
                f"segmif/{file}",
                None,
                "the Google Drive link in the README of github.com/JinyuanLiu-CV/SegMiF (for weights of FMB: its "
                "issues 13 and 24)",
                megabytes,
            )
            for file, megabytes in (("modelfusion-final2.pth", 4.16), ("model-fusion_add_final2.pth", 0))
        ),
        recipe="segmif:RECIPE",
        parameters=3_860_482,
        visible="rgb",
        colour="own",
        eight_bits="truncate, stretch min-max, truncate",
        options={"mask": mask, "channel": "red"},
        notes=f"{third}; the red channel of the visible is fused where the paper has luminance, as the authors' script "
        "does (the paper's: channel=luminance); coloured by the chroma of the visible, truncated, stretched min-max "
        "over all channels and truncated again, as the authors save it: that raises EN, SD, SF and AG; of the "
        "segmentation network, fusing uses two stages of the encoder, so its number of classes does not matter",
    )


BUILT_IN = (
    _filter(
        "classical:take_infrared",
        "infrared",
        "Infrared",
        "the camera's own image",
        colour="none",
        notes="gets no chroma: there is none in the infrared",
    ),
    _filter("classical:take_visible", "visible", "Visible", "the camera's own image"),
    _filter("classical:average", "average", "Average", "(infrared + visible) / 2"),
    _filter("classical:maximum", "max", "Maximum", "max(infrared, visible)"),
    _filter(
        "classical:laplacian",
        "laplacian",
        "Laplacian pyramid",
        "Burt and Adelson, The Laplacian pyramid as a compact image code, IEEE Trans. Communications",
        year=1983,
        notes="5 bands at most; larger absolute detail, mean of the lowest band",
    ),
    _filter(
        "classical:wavelet",
        "wavelet",
        "Wavelet transform",
        "discrete wavelet transform (db2, 4 levels), larger absolute coefficient",
        notes="mean of the approximation band",
    ),
    _filter(
        "guided_filter:fuse",
        "gff",
        "Guided filter (GFF)",
        "Li, Kang and Hu, Image Fusion With Guided Filtering, IEEE Trans. Image Processing",
        year=2013,
        notes="the paper's parameters; weights clipped to [0, 1] before they are made to sum to 1",
    ),
    _filter(
        "classical:tsifvs",
        "tsifvs",
        "Two-scale saliency (TSIFVS)",
        "Bavirisetti and Dhuli, Two-scale image fusion of visible and infrared images using saliency detection, "
        "Infrared Physics & Technology",
        year=2016,
        notes="mean of the bases; mean filter 35x35, median filter 3x3",
    ),
    _filter(
        "vsm_wls:fuse",
        "vsm-wls",
        "VSM-WLS",
        "Ma et al., Infrared and visible image fusion based on visual saliency map and weighted least square "
        "optimization, Infrared Physics & Technology",
        year=2017,
        colour="gray",
        visible="rounded luminance",
        notes="the parameters of the authors' script; what is beyond 0..255 is clipped",
    ),
    _network(
        "densefuse:AUTHORS",
        "densefuse",
        "DenseFuse",
        "Li and Wu, DenseFuse: A Fusion Approach to Infrared and Visible Images, IEEE Trans. Image Processing",
        year=2019,
        licence="none stated",
        files=(
            WeightFile(
                "densefuse/densefuse_gray.model",
                "b34cf3650f04161b31ac2467decfeedf7eba39165b7618f846e0f298ecd2ac65",
                "github.com/hli1221/densefuse-pytorch (models/densefuse_gray.model)",
                0.300,
            ),
        ),
        parameters=74_193,
        visible="rounded luminance",
        eight_bits="truncate",
        notes="addition strategy; truncated, not rounded, to 8 bits",
    ),
    _ifcnn("max", "6022b44c88a2f0367ba9b08fcdf0d663745d9a966fca0ee1f41867797b6ff53f"),
    _ifcnn("sum", "a8c1d293f1bf16a93e6244a4bf8f7a7bd300dc10555c8597ad7ef3320b0410cb"),
    _ifcnn("mean", "fd2ee9361f1d428fc9749e28e8a2c5c5ef6ce6528ab6f5ad8ef5def42e7ffa4b"),
    _network(
        "u2fusion:AUTHORS",
        "u2fusion",
        "U2Fusion",
        "Xu et al., U2Fusion: A Unified Unsupervised Image Fusion Network, IEEE Trans. Pattern Analysis and "
        "Machine Intelligence",
        year=2020,
        licence="none stated",
        files=_tensorflow(
            "u2fusion/model.ckpt",
            "github.com/hanna-xu/U2Fusion (model/model.ckpt.{part})",
            "15b7d283a1de8f616cc42978346bd24d47a9c380d624370368b956beb593014e",
            "e50cada8d4ec92f2577ad5db5d212fba521dffb35d04e00a20364b43512c64c8",
            (0.001, 2.637),
        ),
        parameters=659_217,
        eight_bits="stretch to maximum",
        notes="stretched so that the brightest pixel of each image is 255, as the authors save it",
    ),
    _network(
        "sdnet:AUTHORS",
        "sdnet",
        "SDNet",
        "Zhang and Ma, SDNet: A Versatile Squeeze-and-Decomposition Network for Real-Time Image Fusion, "
        "International Journal of Computer Vision",
        year=2021,
        licence="MIT",
        files=_tensorflow(
            "sdnet/IRVIS.model-10",
            "github.com/HaoZhang1018/SDNet (IR_VIS/checkpoint/IRVIS.model-10.{part})",
            "bed2d4628732a36bc972de1189c4e139d8bc233077da20156e8e662a17df35aa",
            "17e4426453f09f3dae7887244f48eed54550bdd584792ac284597ee3713293a0",
            (0.001, 0.268),
        ),
        parameters=28_705,
        visible="rounded luminance",
        eight_bits="stretch min-max",
        notes="stretched min-max per image, as the authors save it: that raises EN, SD, SF and AG; of the 67,091 "
        "parameters of the file, fusing uses 28,705",
    ),
    _network(
        "tardal:AUTHORS",
        "tardal",
        "TarDAL",
        "Liu et al., Target-aware Dual Adversarial Learning and a Multi-scenario Multi-Modality Benchmark to Fuse "
        "Infrared and Visible for Object Detection, CVPR",
        year=2022,
        licence="GPL-3.0",
        files=(
            WeightFile(
                "tardal/tardal.pt",
                "e0fa61e25cffa9fb14ff17b47ea7ba237a6e8c6f37e1b9b115d63354ff0f13e1",
                "the releases of github.com/JinyuanLiu-CV/TarDAL",
                1.203,
            ),
        ),
        parameters=296_577,
        visible="rounded luminance",
        notes="batch normalisation in evaluation mode; what tanh puts below 0 is clipped",
    ),
    _network(
        "ddcgan:AUTHORS",
        "ddcgan",
        "DDcGAN",
        "Ma et al., DDcGAN: A Dual-Discriminator Conditional Generative Adversarial Network for Multi-Resolution "
        "Image Fusion, IEEE Trans. Image Processing",
        year=2020,
        licence="none stated",
        files=tuple(
            WeightFile(
                f"ddcgan/model.ckpt.{part}",
                None,
                f"github.com/hanna-xu/DDcGAN (same-resolution vis-ir image fusion/model/model.ckpt.{part})",
                megabytes,
                git_blob=blob,
                quoted_sha256=digest,
            )
            # Of the data nobody here has the SHA-256; reading them holds every tensor against the index's checksums.
            for part, megabytes, blob, digest in (
                ("index", 0.009, "", "ad0d4eefa9bb4cd3a1da26c89056a810c577290bbe16b0ebe4be0617d260ea7d"),
                ("data-00000-of-00001", 22.2, "fa8355deb0e88fe406c7486939d00c87cf26ab3b", ""),
            )
        ),
        parameters=1_097_665,
        recipe="ddcgan:RECIPE",
        colour="gray",
        visible="rounded luminance",
        eight_bits="stretch min-max",
        notes="the network for images of one size, as its published graph has it: the decoder's first convolution "
        "twice, batch normalisation by the statistics of the image at hand; stretched min-max per image, as the "
        "authors save it: that raises EN, SD, SF and AG",
    ),
    _network(
        "cddfuse:AUTHORS",
        "cddfuse",
        "CDDFuse",
        "Zhao et al., CDDFuse: Correlation-Driven Dual-Branch Feature Decomposition for Multi-Modality Image Fusion, "
        "CVPR",
        year=2023,
        licence="none stated",
        files=(
            WeightFile(
                "cddfuse/CDDFuse_IVF.pth",
                None,
                "github.com/Zhaozixiang1228/MMIF-CDDFuse (models/CDDFuse_IVF.pth)",
                4.8,
                "d2794226bd48961132111bceff89ce3c955b3985",
            ),
        ),
        parameters=1_188_272,
        recipe="cddfuse:RECIPE",
        colour="gray",
        visible="rounded luminance",
        eight_bits="stretch min-max, halves down",
        notes="stretched min-max per image, as the authors save it: that raises EN, SD, SF and AG",
    ),
    _segmif("segmif", "SegMiF", "vsm-wls", "the third image is the pair fused by VSM-WLS"),
    _segmif(
        "segmif-visible",
        "SegMiF (visible as mask)",
        "visible",
        "the third image is the visible one, as the authors have it for TNO and RoadScene",
    ),
    _network(
        "defusion:AUTHORS",
        "defusion",
        "DeFusion",
        "Liang et al., Fusion from Decomposition: A Self-Supervised Decomposition Approach for Image Fusion, ECCV",
        year=2022,
        licence="MIT",
        files=(
            WeightFile(
                "defusion/models.pth",
                None,
                "the Google Drive link in the README of github.com/erfect2020/DecompositionForFusion",
            ),
        ),
        parameters=7_874_473,
        recipe="defusion:RECIPE",
        visible="rgb",
        colour="own",
        eight_bits="truncate",
        notes="16 pixels reflected on each side; infrared first; a gray visible is replicated to three channels, and "
        "the network gives RGB, truncated to 8 bits",
    ),
    _network(
        "ddfm:AUTHORS",
        "ddfm",
        "DDFM",
        "Zhao et al., DDFM: Denoising Diffusion Model for Multi-Modality Image Fusion, ICCV",
        year=2023,
        licence="none stated; MIT of the network",
        files=(
            WeightFile(
                "ddfm/256x256_diffusion_uncond.pt",
                None,
                "the README of github.com/openai/guided-diffusion",
                2211.383,
                quoted_sha256="a37c32fffd316cd494cf3f35b339936debdc1576dad13fe57c42399a5dbc78b1",
            ),
        ),
        parameters=552_814_086,
        colour="gray",
        visible="rounded luminance",
        eight_bits="stretch min-max, halves down",
        options={"steps": 100},
        notes="not trained for fusion: a diffusion model of photographs and one EM step per denoising step, from one "
        "seed; visible and infrared in the places that the authors' script gives them; images are reflected up to "
        "multiples of 32 pixels where the authors cut them down; stretched min-max per image, as the authors save it: "
        "that raises EN, SD, SF and AG",
    ),
    _network(
        "ddfm:AUTHORS",
        "ddfm-small",
        "DDFM-small",
        "Zhao et al., DDFM: Denoising Diffusion Model for Multi-Modality Image Fusion, ICCV",
        year=2023,
        licence="AGPL-3.0-only",
        weights="retrained",
        parameters=3_862_691,
        recipe="ddfm_small:RECIPE",
        colour="gray",
        visible="rounded luminance",
        eight_bits="stretch min-max, halves down",
        options={"steps": 25},
        notes="DDFM's sampler and EM step with a small diffusion model trained here, in fewer steps: not DDFM, whose "
        "model of photographs is 140 times as large; stretched min-max per image, as DDFM's authors save it: that "
        "raises EN, SD, SF and AG",
    ),
    _network(
        "seafusion:AUTHORS",
        "seafusion",
        "SeAFusion",
        "Tang, Yuan and Ma, Image fusion in the loop of high-level vision tasks: A semantic-aware real-time infrared "
        "and visible image fusion network, Information Fusion",
        year=2022,
        licence="MIT",
        files=(
            WeightFile(
                "seafusion/SeAFusion.pth",
                "8d65a7f9a50f36349803368cf9920f40420776995e7e8cc8a56d8d30e499431d",
                "github.com/Linfeng-Tang/VIF-Benchmark (Checkpoint/SeAFusion/SeAFusion.pth)",
                0.682,
            ),
        ),
        parameters=166_657,
        visible="rgb",
        colour="own",
        eight_bits="stretch min-max, truncate",
        notes="coloured by the chroma of the visible, then the three channels stretched min-max together and "
        "truncated, as the authors save it: of gray pairs that raises EN, SD, SF and AG; of the 167,113 values of the "
        "file, the decoder's batch normalisation is in no path to the image",
    ),
    _network(
        "reconet:AUTHORS",
        "reconet",
        "ReCoNet",
        "Huang et al., ReCoNet: Recurrent Correction Network for Fast and Efficient Multi-modality Image Fusion, ECCV",
        year=2022,
        licence="MIT",
        files=(
            WeightFile(
                "reconet/params.pth",
                "d4f013c85e48d10d4f6c8b6574f16e4fe9cb5df48c77fc17c1e524f04bb3c290",
                "github.com/dlut-dimt/ReCoNet (archive/params.pth)",
                0.040,
            ),
        ),
        parameters=7_527,
        visible="rounded luminance",
        notes="without its registration network; three passes; what tanh puts below 0 is clipped",
    ),
    _network(
        "lrrnet:AUTHORS",
        "lrrnet",
        "LRRNet",
        "Li et al., LRRNet: A Novel Representation Learning Guided Fusion Network for Infrared and Visible Images, "
        "IEEE Trans. Pattern Analysis and Machine Intelligence",
        year=2023,
        licence="none stated",
        files=(
            WeightFile(
                "lrrnet/lrrnet.model",
                "1de9dd8dee9b650ce69c74ea53e3b9a6b749222f1059a689aabf28f68ee63e29",
                "github.com/hli1221/imagefusion-LRRNet (model/final_lrr_net_lam2_1.5_wir_3.0_lam3_gram_2000_epoch_4_"
                "block_4.model, renamed)",
                0.219,
            ),
        ),
        parameters=49_204,
        visible="rounded luminance",
        eight_bits="stretch min-max, truncate",
        notes="each source stretched to [0, 1] before the network; the result stretched min-max per image and "
        "truncated, as the authors save it: that raises EN, SD, SF and AG",
    ),
    _network(
        "datfuse:AUTHORS",
        "datfuse",
        "DATFuse",
        "Tang et al., DATFuse: Infrared and Visible Image Fusion via Dual Attention Transformer, IEEE Trans. Circuits "
        "and Systems for Video Technology",
        year=2023,
        licence="none stated",
        files=(
            WeightFile(
                "datfuse/model_10.pth",
                "075b636954cbd425fc29be808bcfb42232e29b203f054c2a637ed301300d5a1d",
                "github.com/tthinking/DATFuse (model_10.pth)",
                0.065,
            ),
        ),
        parameters=9_464,
        visible="rounded luminance",
        eight_bits="truncate",
        notes="truncated to 8 bits, what tanh puts below 0 is clipped; of the 10,840 values of the file those of "
        "queries, keys and position biases change nothing, because the authors' attention has windows of one token",
    ),
    _network(
        "mufusion:AUTHORS",
        "mufusion",
        "MUFusion",
        "Cheng, Xu and Wu, MUFusion: A general unsupervised image fusion network based on memory unit, Information "
        "Fusion",
        year=2023,
        licence="MIT",
        files=(
            WeightFile(
                "mufusion/RoadScene.model",
                "8c358e4869092fb0bb553947674ee1b04bfffe06eb200354c3a62ee005f093fd",
                "github.com/AWCXV/MUFusion (ir_vis/models/RoadScene.model)",
                2.228,
            ),
        ),
        parameters=554_721,
        visible="rounded luminance",
        eight_bits="stretch min-max",
        notes="the weights trained on RoadScene; tiles of 128 pixels that overlap by four; stretched min-max per "
        "image, as the authors save it: that raises EN, SD, SF and AG",
    ),
    _network(
        "mmdrfuse:AUTHORS",
        "mmdrfuse",
        "MMDRFuse",
        "Deng et al., MMDRFuse: Distilled Mini-Model with Dynamic Refresh for Multi-Modality Image Fusion, ACM "
        "Multimedia",
        year=2024,
        licence="none stated",
        files=(
            WeightFile(
                "mmdrfuse/student.model",
                "e5ad5bab796f4480dbbc35a8f6f63e69ba3ccd1842476d2c2453ca1aca6eb17c",
                "github.com/yanglinDeng/MMDRFuse (pretrained_models/student.model)",
                0.002,
            ),
        ),
        parameters=113,
        visible="rounded luminance",
        eight_bits="stretch min-max",
        notes="stretched min-max per image, as the authors save it: that raises EN, SD, SF and AG",
    ),
    _network(
        "gifnet:AUTHORS",
        "gifnet",
        "GIFNet",
        "Cheng et al., One Model for ALL: Low-Level Task Interaction Is a Key to Task-Agnostic Image Fusion, CVPR",
        year=2025,
        licence="none stated",
        files=(
            WeightFile(
                "gifnet/Final.model",
                "bfc1dfef0d5b386b0c04f172daf8f6af52ba395f26dc3dd5757425fd32eb1038",
                "github.com/AWCXV/GIFNet (model/Final.model)",
                3.408,
            ),
        ),
        parameters=662_378,
        visible="truncated luminance",
        eight_bits="truncate",
        notes="the branch of several tasks, asked for that of many focuses, as the authors' script does; truncated to "
        "8 bits; of the 822,780 parameters of the file, fusing uses 662,378",
    ),
    _network(
        "sage:AUTHORS",
        "sage",
        "SAGE",
        "Wu et al., Every SAM Drop Counts: Embracing Semantic Priors for Multi-Modality Image Fusion and Beyond, CVPR",
        year=2025,
        licence="MIT",
        files=(
            WeightFile(
                "sage/checkpoints.pt",
                "ecfde477ca4cd65401f207d5dc91ce6c475a49891d768dbdb7a66366255ee836",
                "github.com/RollingPlain/SAGE_IVIF (checkpoints/checkpoints.pt)",
                0.579,
            ),
        ),
        parameters=135_617,
        visible="rounded luminance",
        notes="the distilled sub-network, which alone fuses; batch normalisation in evaluation mode; what tanh puts "
        "below 0 is clipped",
    ),
    _network(
        "textfusion:AUTHORS",
        "textfusion",
        "TextFusion",
        "Cheng et al., TextFusion: Unveiling the Power of Textual Semantics for Controllable Image Fusion, Information "
        "Fusion",
        year=2025,
        licence="MIT",
        files=(
            WeightFile(
                "textfusion/LLVIP_pretrained.model",
                "4471c6c376b8f7c5d63b2766d0dd9f5c361c740e1dc937658ed418febcd7d657",
                "github.com/AWCXV/TextFusion (models/LLVIP_pretrained.model)",
                0.347,
            ),
        ),
        parameters=67_715,
        text=True,
        visible="rounded luminance",
        notes="guided by text: gets the phrases that ours gets, as one CLIP vector, their mean; where it is told "
        "nothing it hears 'a person', of which its training pairs speak; of the 73,859 parameters of the file, fusing "
        "uses 67,715",
    ),
    Entry(
        Card(
            OURS,
            "text2pixels",
            "Li et al., From Text to Pixels: A Context-Aware Semantic Synergy Solution for Infrared and Visible Image "
            "Fusion, arXiv 2401.00421",
            year=2024,
            licence="AGPL-3.0-only",
            weights="trained here",
            text=True,
        ),
        "ours",
    ),
)


@dataclass(frozen=True)
class Absent:
    """A method of the literature that this project does not run, and why: nothing is filled in for it."""

    title: str
    paper: str
    year: int
    reason: str


_EDGES = (
    "its published file gives dark, edge-like images (tardal+) or over-sharpened ones (tardal++), whatever the input "
    "range, the order of inputs and the mode of batch normalisation; scores of those would say nothing about the method"
)

NOT_RUNNABLE: tuple[Absent, ...] = (Absent("TarDAL+ and TarDAL++", "Liu et al., CVPR", 2022, _EDGES),)
