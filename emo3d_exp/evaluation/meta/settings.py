"""What the meta-evaluation changes, and by how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from emo3d_exp.errors import ConfigError

STARTS = ("true_face", "another_draw")


@dataclass(frozen=True)
class MetaSettings:
    """Settings of the meta-evaluation; those of the metric itself stay in the group ``metric``.

    Attributes:
        prompts: of the part, drawn at random, each of another sample; None for all.
        start: what is changed: ``true_face``, or ``another_draw`` of the prior for the same emotions, as the
            answer of a system is not made from the true face either. Scores are compared with the true
            face's in both cases.
        variation: of the prior that draws other faces for the same emotions; ``data=mini`` is drawn with 0.5.
        weaker, stronger: factors of all blendshapes; the results are clipped to [0, 1].
        shapes: how many single blendshapes are exchanged; one change for each number.
        steps: faces on the way from the true face to another emotion's, both ends included.
        noise: standard deviations of normal noise on the 51 moving blendshapes.
        ks, epsilons, banks, looks: values of ``metric.k``, ``metric.eps``, ``metric.bank.size`` and
            ``metric.looks.count`` to measure with, each beside the metric's own.
        redraws: banks that are drawn with other seeds.
        judges: backbones to measure with beside the metric's own, whose weights must be at hand.
        detail: of the renderer here; None: as ``renderer.detail`` says.
        seed: of everything that is drawn.

    Raises:
        ConfigError: a number that cannot be.
    """

    prompts: int | None = 150
    start: str = "true_face"
    variation: float = 0.5
    weaker: float = 0.8
    stronger: float = 1.2
    shapes: Sequence[int] = (2, 3)
    steps: int = 9
    noise: Sequence[float] = (0.05, 0.1, 0.2, 0.3, 0.4)
    ks: Sequence[int] = (1, 2, 5, 10, 20, 40, 80)
    epsilons: Sequence[float] = (1e-4, 1e-3, 1e-2, 1e-1)
    banks: Sequence[int] = (100, 200, 400, 800, 1600)
    looks: Sequence[int] = (1, 2, 4, 8)
    redraws: int = 20
    judges: Sequence[str] = ()
    detail: str | None = "light"
    seed: int = 0

    def __post_init__(self) -> None:
        wrong = [
            name
            for name, right in {
                "prompts": self.prompts is None or self.prompts >= 16,
                "start": self.start in STARTS,
                "variation": self.variation >= 0,
                "weaker": 0 < self.weaker < 1,
                "stronger": self.stronger > 1,
                "shapes": all(1 <= count <= 51 for count in self.shapes),
                "steps": self.steps >= 3,
                "noise": len(self.noise) > 1 and all(sd > 0 for sd in self.noise),
                "ks": all(k >= 1 for k in self.ks),
                "epsilons": all(eps >= 0 for eps in self.epsilons),
                "banks": all(size >= 1 for size in self.banks),
                "looks": all(count >= 1 for count in self.looks),
                "redraws": self.redraws >= 2,
                "seed": self.seed >= 0,
            }.items()
            if not right
        ]
        if wrong:
            told = ", ".join(f"meta.{name}={getattr(self, name)}" for name in wrong)
            raise ConfigError(
                f"{told}: at least 16 prompts, 3 steps, 2 kinds of noise and 2 redraws are needed, start is "
                f"{' or '.join(STARTS)}, weaker lies in (0, 1), stronger above 1, counts from 1 up, and "
                "nothing is negative"
            )
