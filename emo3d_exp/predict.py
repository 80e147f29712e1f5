"""``python -m emo3d_exp.predict run_dir=outputs/… text="a faint, bitter smile"``"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emo3d_exp.app.texts import read_texts
from emo3d_exp.errors import ConfigError, Emo3DError
from emo3d_exp.vocab import BLENDSHAPES

if TYPE_CHECKING:
    from omegaconf import DictConfig

USAGE = """\
Show the face that a trained run gives to a text.

  python -m emo3d_exp.predict run_dir=outputs/… text="a faint, bitter smile"

  run_dir   folder that train.py wrote
  text      a description of an emotion; several as text='["one", "another"]'
  out       picture to write (.png); default: face.png here, face_2.png … for more texts
  samples   with a model that gives several faces for a text: so many more, to the right of its answer
  top       how many of the strongest blendshapes to print; default 12
  size      pixels per side of the picture; default 512
"""


def main(arguments: list[str] | None = None) -> None:
    """Entry point. Exits with 2, after one line, for errors that the user can mend."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or {"-h", "--help"} & set(arguments):
        print(USAGE, end="")
        return
    try:
        predict(_settings(arguments))
    except BrokenPipeError:  # the reader of our output has left: `… | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Emo3DError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)


@dataclass(frozen=True)
class Settings:
    """What the command line asks for, as in ``USAGE``."""

    run_dir: str
    text: list[str]
    out: Path = Path("face.png")
    samples: int = 0
    top: int = 12
    size: int = 512


def _settings(arguments: list[str]) -> Settings:
    keys = [field.name for field in fields(Settings)]
    given: dict[str, Any] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals or key not in keys:
            raise ConfigError(f"'{argument}' is no setting; valid: {', '.join(f'{k}=…' for k in keys)}")
        given[key] = _value(key, value)
    for key in ("run_dir", "text"):
        if not given.get(key):
            raise ConfigError(f"{key}=… is missing; see python -m emo3d_exp.predict --help")
    return Settings(**given)


def _value(key: str, value: str) -> object:
    if key == "text":
        return read_texts(value)
    if key in ("top", "size", "samples"):
        if not value.isdecimal() or int(value) < 1:
            raise ConfigError(f"{key}={value}: give a whole number from 1")
        return int(value)
    if key == "out":
        if not Path(value).name:
            raise ConfigError(f"out={value}: give the name of a picture, such as out=face.png")
        return Path(value)
    return value


def predict(settings: Settings) -> None:
    """Print the strongest blendshapes of each text and write its face as PNG."""
    from emo3d_exp.app.predictor import load_predictor
    from emo3d_exp.app.quiet import quiet_libraries

    quiet_libraries()
    predictor = load_predictor(settings.run_dir)
    scores = predictor(settings.text)
    shown = scores[None]
    if settings.samples:
        shown = np.concatenate([shown, predictor.samples(settings.text, settings.samples)])
    drawn = _draw(predictor.run_config, shown.reshape(-1, len(BLENDSHAPES)), settings.size)
    pictures = _strips(drawn, len(shown))
    out = settings.out
    for number, (text, face, picture) in enumerate(zip(settings.text, scores, pictures, strict=True), 1):
        file = out if number == 1 else out.with_name(f"{out.stem}_{number}{out.suffix}")
        print(text)
        for index in np.argsort(-face, kind="stable")[: settings.top]:
            print(f"  {BLENDSHAPES[index]:<20} {face[index]:.3f} {'█' * round(float(face[index]) * 30)}")
        _write(picture, file)
        print(f"  → {file}")


def _draw(cfg: DictConfig, scores: np.ndarray, size: int) -> np.ndarray:
    from hydra.utils import instantiate

    from emo3d_exp.app.assemble import portrait_renderer

    rig = instantiate(cfg.rig)
    return portrait_renderer(cfg.renderer, rig, size).render(scores)


def _strips(drawn: np.ndarray, faces: int) -> list[np.ndarray]:
    """(faces · N, H, W, 3) → N pictures, the faces of a text from left to right."""
    of_texts = drawn.reshape(faces, -1, *drawn.shape[1:]).swapaxes(0, 1)
    return [np.concatenate(list(row), axis=1) for row in of_texts]


def _write(picture: np.ndarray, file: Path) -> None:
    from PIL import Image

    from emo3d_exp.runs import write_atomically

    try:
        with write_atomically(file) as partial:
            Image.fromarray(picture).save(partial, format="PNG")
    except OSError as error:
        raise ConfigError(f"cannot write {file}: {error}; choose another place with out=…") from error


if __name__ == "__main__":
    main()
