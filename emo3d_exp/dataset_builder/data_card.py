"""The page of a data set on the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emo3d_exp.data.table import FACE_NUMBERS, PARQUET_FILE, SCORE_COLUMNS, SPLIT_FILES, TEXT_NUMBERS
from emo3d_exp.dataset_builder.store import RowStore
from emo3d_exp.records import Corpus
from emo3d_exp.vocab import EMOTIONS

_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"))
_HUB_SPLITS = {"train": "train", "val": "validation", "test": "test"}
SECRET_WORDS = ("key", "token", "secret", "password")


@dataclass(frozen=True)
class CardFacts:
    """What only the maker of a data set can say.

    Attributes:
        title: of the page. licence: the hub's name of it, such as ``mit`` or ``cc-by-4.0``. summary: a
            paragraph on what it is. language: codes such as ``en``.
    """

    title: str
    licence: str
    summary: str = ""
    language: Sequence[str] = ("en",)


def data_card(facts: CardFacts, corpus: Corpus, build: Path, parquet: bool) -> str:
    """The text of README.md: front matter, counts, columns, and how the table was built."""
    from huggingface_hub import DatasetCardData

    files = [{"split": "train", "path": f"data/{PARQUET_FILE}"}]
    if not parquet:
        files = [{"split": _HUB_SPLITS[part], "path": f"data/{name}"} for part, name in SPLIT_FILES.items()]
    front = DatasetCardData(
        pretty_name=facts.title,
        license=facts.licence,
        language=list(facts.language),
        task_categories=["other"],
        tags=["emotion", "blendshapes", "facial-expression", "3d"],
        size_categories=[next((name for limit, name in _SIZES if len(corpus) < limit), "1M<n<10M")],
        configs=[{"config_name": "default", "data_files": files}],
    )
    features = [{"name": name, "dtype": kind} for name, kind in _features()]
    front.dataset_info = {"features": features}
    blocks = [
        f"---\n{front.to_yaml()}\n---",
        f"# {facts.title}",
        facts.summary,
        "Descriptions of emotions with the faces that show them: 52 blendshape scores (MediaPipe's order) "
        "and pictures. The columns are those of the published Emo3D data set: what reads it reads this.",
        "## Counts\n\n" + _table(("", "count"), _counts(corpus)),
        "## Columns\n\n" + _table(("column", ""), _columns()),
        "## How it was built\n\n" + _how(build),
        "## Reading\n\n    python train.py data=emo3d data.root=FOLDER",
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _features() -> list[tuple[str, str]]:
    return [
        ("sample_id", "int64"),
        ("prompt_type", "string"),
        *((f"text_{number}", "string") for number in TEXT_NUMBERS),
        *((emotion, "float64") for emotion in EMOTIONS),
        *((f"img_{number}", "string") for number in FACE_NUMBERS),
        *((SCORE_COLUMNS[0].format(number), "string") for number in FACE_NUMBERS),
    ]


def _columns() -> list[tuple[str, str]]:
    return [
        ("sample_id", "one emotion, told and shown several times; splits never divide a sample"),
        ("prompt_type", "how the texts were made"),
        ("text_1 … text_3", "descriptions"),
        (f"{EMOTIONS[0]} … {EMOTIONS[-1]}", "intensities in [0, 1], which need not sum to 1"),
        ("img_1 … img_4", "paths of pictures in the archives data/*.zip"),
        (
            "blenshape_score_1 … 4",
            "52 scores in [0, 1], as numpy prints an array; empty where there are none",
        ),
    ]


def _counts(corpus: Corpus) -> list[tuple[str, str]]:
    counts = {
        "samples": len(corpus),
        **{f"samples, {part}": int((corpus.published_split == part).sum()) for part in SPLIT_FILES},
        "texts": len(corpus.text),
        "pictures": sum(ref is not None for ref in corpus.image),
        "faces with scores": int(corpus.has_blendshapes.sum()),
        "pairs of a text and a scored face": len(corpus.pairs()),
    }
    dominant = corpus.emotions.argmax(axis=1)
    counts |= {f"dominant {name}": int((dominant == i).sum()) for i, name in enumerate(EMOTIONS)}
    return [(name, f"{count:,}") for name, count in counts.items()]


def _how(build: Path) -> str:
    """A row a stage: its parameters and counts, as its manifest has them."""
    rows = []
    for file in sorted(build.glob("*/manifest.json")):
        manifest = RowStore(build, file.parent.name).manifest() or {}
        parameters = ", ".join(f"{k}={v}" for k, v in _open(manifest.get("parameters", {})).items())
        rows.append((file.parent.name, str(manifest.get("rows", "")), parameters))
    return _table(("stage", "rows", "parameters"), rows) if rows else "No manifest is with the table."


def _open(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters that may be told, at any depth: no keys, no addresses, no paths of a machine."""
    told = {}
    for name, value in parameters.items():
        if any(word in name.lower() for word in SECRET_WORDS):
            continue
        if isinstance(value, Mapping):
            told[name] = _open(value)
        elif not (isinstance(value, str) and ("://" in value or Path(value).is_absolute())):
            told[name] = value
    return told


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        f"| {' | '.join(' '.join(c.replace('|', ' ').split()) for c in line)} |" for line in lines
    )
