"""Build a data set: ``python build_data.py``."""

from omegaconf import DictConfig

from emo3d_exp.app.cli import script


@script("build_data")
def main(cfg: DictConfig) -> None:
    from emo3d_exp.app.build_data import build

    build(cfg)


if __name__ == "__main__":
    main()
