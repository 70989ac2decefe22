"""How fast ingest is against the least it could cost, and whether its memory stays flat.

    python benchmarks/ingest.py speed [400]   # pairs per second, and the share of the limit that is reached
    python benchmarks/ingest.py memory        # peak memory with 500 and with 20,000 pairs
    python benchmarks/ingest.py sheet <folder with RoadScene/, TNO/, M3FD/, MSRS/> sheet.png
                                         # every set there through its adapter; pictures with boxes, to look at

The limit is what the same number of processes reach that do nothing but decode the same files and encode
the same PNGs with OpenCV: no checks, no hashes, no files written, no manifest. Both are run in turns and
the best of each is taken, because other work on the machine only ever slows down.
"""

import json
import multiprocessing
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np

WORKERS = 2
SIZE = (640, 480)  # width, height of the pairs of `speed`
TURNS = 3


def write_pairs(root: Path, count: int, size: tuple[int, int]) -> None:
    """Write pairs of smooth blobs with sensor noise: infrared gray PNG, visible colour JPEG."""
    rng = np.random.default_rng(0)
    for side in ("ir", "vi"):
        (root / side).mkdir(parents=True)
    noise = rng.normal(0, 2, (size[1], size[0], 3))
    for number in range(count):
        blobs = rng.integers(0, 256, (6, 8, 3)).astype(np.float32)
        image = np.clip(cv2.resize(blobs, size, interpolation=cv2.INTER_CUBIC) + np.roll(noise, number), 0, 255)
        cv2.imwrite(str(root / "ir" / f"{number:05d}.png"), image[..., 0].astype(np.uint8))
        cv2.imwrite(str(root / "vi" / f"{number:05d}.jpg"), image.astype(np.uint8))


def bare(name: str, root: str) -> float:
    """Decode one pair and encode it as PNG; return the processor seconds it took."""
    cv2.setNumThreads(1)
    start = time.process_time()
    for path in (f"{root}/ir/{name}.png", f"{root}/vi/{name}.jpg"):
        image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
        cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return time.process_time() - start


def run_bare(pool: ProcessPoolExecutor, root: Path) -> tuple[float, float]:
    """Return wall and processor seconds."""
    names = sorted(path.stem for path in (root / "ir").iterdir())
    start = time.perf_counter()
    busy = sum(pool.map(bare, names, [str(root)] * len(names), chunksize=8))
    return time.perf_counter() - start, busy


def run_ingest(root: Path, out: Path, workers: int = WORKERS) -> tuple[float, float]:
    """Return wall and processor seconds, those of the workers' start included."""
    from text2pixels import config
    from text2pixels.pipeline.ingest import ingest

    start, busy = time.perf_counter(), _processor_seconds()
    ingest("folder", config.Source(path=str(root)), config.Ingest(workers=workers), out)
    return time.perf_counter() - start, _processor_seconds() - busy


def _processor_seconds() -> float:
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def speed(pairs: str = "400") -> None:
    count = int(pairs)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_pairs(root / "raw", count, SIZE)
        bares, ingests = [], []
        with ProcessPoolExecutor(WORKERS, multiprocessing.get_context("spawn")) as pool:
            run_bare(pool, root / "raw")  # start the processes, fill the file cache
            for _ in range(TURNS):
                bares.append(run_bare(pool, root / "raw"))
                ingests.append(run_ingest(root / "raw", root / "out"))
    (limit, least), (reached, spent) = (
        (count / min(wall for wall, _ in turns), min(busy for _, busy in turns)) for turns in (bares, ingests)
    )
    figures = {
        "pairs": count,
        "size": f"{SIZE[0]}x{SIZE[1]}",
        "workers": WORKERS,
        "limit_pairs_per_s": round(limit, 1),
        "ingest_pairs_per_s": round(reached, 1),
        "share": round(reached / limit, 3),
        "share_by_processor_seconds": round(least / spent, 3),
    }
    print(json.dumps(figures))


def memory() -> None:
    peaks = {}
    for count in (500, 20_000):
        with tempfile.TemporaryDirectory() as folder:
            write_pairs(Path(folder) / "raw", count, (64, 48))
            command = [sys.executable, __file__, "peak", folder]
            last = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
            peaks[count] = json.loads(last)
    growth = {who: round(peaks[20_000][who] / peaks[500][who] - 1, 3) for who in ("main_mib", "worker_mib")}
    print(json.dumps({"peaks": peaks, "growth": growth}))


def peak(folder: str) -> None:
    """Ingest and print the peak resident memory of this process and of its largest worker."""
    run_ingest(Path(folder) / "raw", Path(folder) / "out")
    main, workers = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({"main_mib": round(main / 1024, 1), "worker_mib": round(workers / 1024, 1)}))


def sheet(data: str, out: str, shown: int = 4) -> None:
    """Ingest the data sets of a folder and draw some pairs of each, labelled ones first, infrared above visible."""
    from text2pixels import config
    from text2pixels.datasets.manifest import read_manifest
    from text2pixels.image.png import read_gray, read_rgb
    from text2pixels.pipeline.ingest import ingest

    places = {"RoadScene": "roadscene", "TNO": "tno", "M3FD": "m3fd", "M3FD/M3FD_Fusion": "m3fd_fusion", "MSRS": "msrs"}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for place, dataset in places.items():
            target = Path(folder) / dataset
            ingest(dataset, config.Source(path=str(Path(data) / place)), config.Ingest(), target)
            pairs = sorted(read_manifest(target / "manifest.parquet"), key=lambda pair: -len(pair.boxes))
            cells = [np.full((480, 320, 3), 40, np.uint8) for _ in range(shown)]
            for cell, pair in zip(cells, pairs, strict=False):
                infrared = np.repeat(read_gray(target / pair.infrared)[..., None], 3, axis=2)
                for top, image in ((0, infrared), (240, read_rgb(target / pair.visible))):
                    for box in pair.boxes:
                        corners = [(round(x), round(y)) for x, y in ((box.x, box.y), (box.x + box.w, box.y + box.h))]
                        cv2.rectangle(image, *corners, (255, 220, 0), 2)
                        cv2.putText(image, box.category, corners[0], cv2.FONT_HERSHEY_PLAIN, 1.5, (0, 255, 0), 2)
                    scale = min(320 / pair.width, 240 / pair.height)
                    small = cv2.resize(image, (int(pair.width * scale), int(pair.height * scale)))
                    cell[top : top + small.shape[0], : small.shape[1]] = small
                cv2.putText(cell, f"{pair.pair_id} {pair.split}", (2, 476), cv2.FONT_HERSHEY_PLAIN, 0.9, (255,) * 3, 1)
            rows.append(np.hstack(cells))
    cv2.imwrite(out, np.vstack(rows)[..., ::-1])


if __name__ == "__main__":
    {"speed": speed, "memory": memory, "peak": peak, "sheet": sheet}[sys.argv[1]](*sys.argv[2:])
