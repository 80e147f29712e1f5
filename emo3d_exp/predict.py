"""``python -m emo3d_exp.predict run_dir=outputs/… text="a faint, bitter smile"``"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from emo3d_exp.errors import ConfigError, Emo3DError
from emo3d_exp.vocab import BLENDSHAPES

USAGE = """\
Show the face that a trained run gives to a text.

  python -m emo3d_exp.predict run_dir=outputs/… text="a faint, bitter smile"

  run_dir   folder that train.py wrote
  text      a description of an emotion; several as text='["one", "another"]'
  out       picture to write (.png); default: face.png here, face_2.png … for more texts
  top       how many of the strongest blendshapes to print; default 12
  size      pixels per side of the picture; default 512
"""
DEFAULTS = {"run_dir": None, "text": None, "out": "face.png", "top": 12, "size": 512}


def main(arguments: list[str] | None = None) -> None:
    """Entry point. Exits with 2, after one line, for errors that the user can mend."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or {"-h", "--help"} & set(arguments):
        print(USAGE, end="")
        return
    try:
        predict(_settings(arguments))
    except Emo3DError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)


def _settings(arguments: list[str]) -> dict[str, object]:
    cfg = OmegaConf.create(DEFAULTS)
    OmegaConf.set_struct(cfg, True)
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals or key not in DEFAULTS:
            raise ConfigError(f"'{argument}' is no setting; valid: {', '.join(f'{k}=…' for k in DEFAULTS)}")
        # A text is taken as it stands, unless it is a list: commas and colons in it are no syntax.
        if key != "text" or value.startswith("["):
            try:
                cfg.merge_with_dotlist([argument])
            except OmegaConfBaseException as error:
                raise ConfigError(f"{argument}: {error}") from error
        else:
            cfg.text = value
    for key in ("run_dir", "text"):
        if not cfg[key]:
            raise ConfigError(f"{key}=… is missing; see python -m emo3d_exp.predict --help")
    return OmegaConf.to_container(cfg)  # type: ignore[return-value]


def predict(settings: dict[str, object]) -> None:
    """Print the strongest blendshapes of each text and write its face as PNG."""
    from emo3d_exp.app.predictor import load_predictor
    from emo3d_exp.app.quiet import quiet_libraries

    quiet_libraries()
    texts = settings["text"] if isinstance(settings["text"], list) else [settings["text"]]
    texts = [str(text) for text in texts]
    predictor = load_predictor(str(settings["run_dir"]))
    scores = predictor(texts)
    pictures = _draw(predictor.run_config, scores, int(str(settings["size"])))
    out = Path(str(settings["out"]))
    for number, (text, face, picture) in enumerate(zip(texts, scores, pictures, strict=True), 1):
        file = out if number == 1 else out.with_name(f"{out.stem}_{number}{out.suffix}")
        print(text)
        for index in np.argsort(-face, kind="stable")[: int(str(settings["top"]))]:
            print(f"  {BLENDSHAPES[index]:<20} {face[index]:.3f} {'█' * round(float(face[index]) * 30)}")
        _write(picture, file)
        print(f"  → {file}")


def _draw(cfg: object, scores: np.ndarray, size: int) -> np.ndarray:
    from hydra.utils import instantiate

    rig = instantiate(cfg.rig)  # type: ignore[attr-defined]
    return instantiate(cfg.renderer, rig=rig, size=size).render(scores)  # type: ignore[attr-defined]


def _write(picture: np.ndarray, file: Path) -> None:
    from PIL import Image

    from emo3d_exp.runs import write_atomically

    with write_atomically(file) as partial:
        Image.fromarray(picture).save(partial, format="PNG")


if __name__ == "__main__":
    main()
