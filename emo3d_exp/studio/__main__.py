"""Open the studio: ``python -m emo3d_exp.studio run_dir=outputs/…``."""

from omegaconf import DictConfig

from emo3d_exp.app.cli import script


@script("studio")
def main(cfg: DictConfig) -> None:
    from emo3d_exp.studio.serve import serve

    serve(cfg)


if __name__ == "__main__":
    main()
