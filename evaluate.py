"""Score a run or a predictions file: ``python evaluate.py run_dir=outputs/…``."""

from omegaconf import DictConfig

from emo3d_exp.app.cli import script


@script("evaluate")
def main(cfg: DictConfig) -> None:
    from emo3d_exp.app.evaluate import evaluate

    evaluate(cfg)


if __name__ == "__main__":
    main()
