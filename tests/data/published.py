"""A small table in the published layout, written the way numpy and pandas print it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from emo3d_exp.vocab import EMOTIONS


def jpeg(value: int) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(np.full((6, 5, 3), (value, 10, 200), dtype=np.uint8)).save(stream, "JPEG", quality=95)
    return stream.getvalue()


def scores(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 1, 52).round(4).astype(np.float32)


def row(sample: int, **changes: object) -> dict[str, object]:
    emotions = dict.fromkeys(EMOTIONS, 0.0) | {"anger": 0.8, "fear": 0.4}
    texts = {f"text_{n}": f"text {n} of sample {sample}" for n in (1, 2, 3)}
    images = {f"img_{n}": f"prompt1_images_0_1000/{sample}_{n - 1}.jpeg" for n in (1, 2, 3, 4)}
    printed = {f"blenshape_score_{n}": str(scores(10 * sample + n)) for n in (1, 2, 3, 4)}
    return {
        "sample_id": sample,
        "prompt_type": "prompt1",
        **texts,
        **emotions,
        **images,
        **printed,
        **changes,
    }


def write_csv(
    root: Path, train: list[dict], val: list[dict] | None = None, test: list[dict] | None = None
) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    given = {"train": train, "val": val or [row(900)], "test": test or [row(901)]}
    for split, rows in given.items():
        pd.DataFrame(rows).to_csv(root / f"{split}_data.csv", index=False)
    return root


def write_archive(file: Path, samples: list[int], folder: str = "prompt1_images_0_1000/") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w") as archive:
        for sample in samples:
            for number in range(4):
                archive.writestr(f"{folder}{sample}_{number}.jpeg", jpeg(40 * number + sample))
