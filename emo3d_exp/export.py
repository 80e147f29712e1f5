"""``python -m emo3d_exp.export run_dir=outputs/… text="a faint, bitter smile" format=gltf``"""

from __future__ import annotations

import sys

from omegaconf import DictConfig

from emo3d_exp.app.cli import script
from emo3d_exp.app.texts import read_texts


def main() -> None:
    """Entry point. Exits with 2, after one line, for errors that the user can mend."""
    # Hydra has a grammar of its own for values; a text may hold any sign, so it does not pass through it.
    given = [argument for argument in sys.argv[1:] if argument.startswith("text=")]
    sys.argv[1:] = [argument for argument in sys.argv[1:] if argument not in given]
    texts = [text for argument in given for text in read_texts(argument.removeprefix("text="))]

    @script("export")
    def task(cfg: DictConfig) -> None:
        from hydra.core.hydra_config import HydraConfig

        from emo3d_exp.app.export import export_faces

        given = HydraConfig.get().overrides.task
        export_faces(cfg, texts, [override.split("=", 1)[0].lstrip("+~") for override in given])

    task()


if __name__ == "__main__":
    main()
