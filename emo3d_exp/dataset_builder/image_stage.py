"""What all stages that bring images have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emo3d_exp.dataset_builder.image_checks import image_key, image_problem
from emo3d_exp.dataset_builder.stage import CALLS, COST, LACKING, SET_ASIDE, Row, Stage
from emo3d_exp.errors import ConfigError

if TYPE_CHECKING:
    import pyarrow as pa

MAX_FACES = 4


@dataclass(frozen=True)
class Picture:
    """One picture for a sample, or why there is none.

    Attributes:
        text_number: of the text that it shows, from 1.
        encoded: JPEG, PNG or WebP file; None where it could not be had. reason: why, in words.
        calls: requests that it took. cost: US dollars.
    """

    text_number: int
    encoded: bytes | None = None
    reason: str | None = None
    calls: int = 0
    cost: float = 0.0


class ImageStage(Stage):
    """Stage ``images``: 1 to 4 pictures a sample. Those that cannot be used are kept without bytes, with the
    reason; a sample without any picture is set aside, and ``lacking`` says which reasons there are for
    pictures that a sample lacks beside those it has.
    """

    name = "images"
    reads = {"texts": ("texts", "age", "gender", "style"), "emotions": ("emotions",)}  # noqa: RUF012
    shard_rows = 32
    min_size: int = 1

    @abstractmethod
    def pictures(self, row: Row) -> Iterable[Picture]:
        """Pictures of one sample, in the order of their place."""

    def schema(self) -> pa.Schema:
        import pyarrow as pa

        image = pa.struct(
            [
                ("image", pa.binary()),
                ("key", pa.string()),
                ("text_number", pa.int64()),
                ("reason", pa.string()),
            ]
        )
        columns = [("sample_id", pa.int64()), ("images", pa.list_(image))]
        paid = [(CALLS, pa.int64()), (COST, pa.float64())]
        return pa.schema([*columns, *paid, (SET_ASIDE, pa.string()), (LACKING, pa.string())])

    def process(self, rows: list[Row]) -> list[Row]:
        return [self.image_row(row, list(self.pictures(row))) for row in rows]

    def image_row(self, row: Row, pictures: list[Picture]) -> Row:
        """The row of a sample, its pictures checked."""
        images = [_checked(picture, self.min_size) for picture in pictures]
        reasons = list(dict.fromkeys(image["reason"] for image in images if image["reason"]))
        none_left = all(image["image"] is None for image in images)
        told = "; ".join(reasons)
        return {
            "sample_id": row["sample_id"],
            "images": images,
            CALLS: sum(picture.calls for picture in pictures),
            COST: float(sum(picture.cost for picture in pictures)),
            SET_ASIDE: f"no image: {told or 'none was given'}" if none_left else None,
            LACKING: told if told and not none_left else None,
        }


def _checked(picture: Picture, min_size: int) -> dict[str, Any]:
    encoded, reason = picture.encoded, picture.reason
    if encoded is not None and reason is None:
        reason = image_problem(encoded, min_size)
    good = encoded is not None and reason is None
    return {
        "image": encoded if good else None,
        "key": image_key(encoded) if good and encoded else None,
        "text_number": picture.text_number,
        "reason": reason,
    }


def text_of_face(row: Row, face: int) -> int:
    """Number of the text, from 1, that the ``face``-th picture (from 0) shows: each text in turn."""
    return 1 + face % len(row["texts"])


def check_faces(faces: int) -> int:
    """Raise ConfigError for a number of pictures that a sample cannot have."""
    if not 1 <= faces <= MAX_FACES:
        raise ConfigError(f"builder.images.faces={faces} must lie in 1 … {MAX_FACES}")
    return faces
