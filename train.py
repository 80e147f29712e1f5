"""Train a system and score it: ``python train.py model=vae_clip loss.lambda_text=0.5``."""

from omegaconf import DictConfig

from emo3d_exp.app.cli import script


@script("train")
def main(cfg: DictConfig) -> float | None:
    from emo3d_exp.app.train import train

    return train(cfg)


if __name__ == "__main__":
    main()
