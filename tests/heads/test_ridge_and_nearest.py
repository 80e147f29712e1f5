"""The closed forms against numpy's solver, scikit-learn and loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from emo3d_exp.errors import ConfigError
from emo3d_exp.heads import NearestHead, RidgeHead

ROWS, WIDTH, FACES = 60, 9, 52


def known(seed: int = 0, rows: int = ROWS) -> tuple[Tensor, Tensor]:
    """Embeddings, and faces around .5 that depend on them."""
    torch.manual_seed(99)
    to_face = 0.05 * torch.randn(WIDTH, FACES)
    torch.manual_seed(seed)
    text = 0.7 + torch.randn(rows, WIDTH)
    return text, (0.4 + text @ to_face + 0.02 * torch.randn(rows, FACES)).clamp(0, 1)


@pytest.mark.parametrize("alpha", [0.01, 3.0, 500.0])
def test_ridge_is_the_normal_equations(alpha: float) -> None:
    """With the constant as a column of its own that bears no penalty."""
    text, faces = known()
    head = RidgeHead(WIDTH, (alpha,))
    head.fit(text, faces, text, faces)
    columns = np.column_stack([text.double().numpy(), np.ones(ROWS)])
    penalty = np.diag([alpha] * WIDTH + [0.0])
    solved = np.linalg.solve(columns.T @ columns + penalty, columns.T @ faces.double().numpy())
    np.testing.assert_allclose(head.weight.numpy(), solved[:WIDTH].T, atol=1e-6)
    np.testing.assert_allclose(head.bias.numpy(), solved[WIDTH], atol=1e-6)
    new, _ = known(seed=1)
    expected = np.column_stack([new.numpy(), np.ones(ROWS)]) @ solved
    np.testing.assert_allclose(head(new).numpy(), expected.clip(0, 1), atol=1e-5)


@pytest.mark.parametrize("rows", [5, ROWS])
def test_ridge_is_scikit_learns(rows: int) -> None:
    """Also with fewer texts than dimensions."""
    from sklearn.linear_model import Ridge

    text, faces = known(rows=rows)
    head = RidgeHead(WIDTH, (0.3,))
    head.fit(text, faces, text, faces)
    reference = Ridge(alpha=0.3).fit(text.double().numpy(), faces.double().numpy())
    np.testing.assert_allclose(head.weight.numpy(), reference.coef_, atol=1e-6)
    np.testing.assert_allclose(head.bias.numpy(), reference.intercept_, atol=1e-6)


def test_ridge_keeps_the_penalty_with_the_lowest_validation_error() -> None:
    text, faces = known(rows=14)
    held_out = known(seed=1)
    errors = {}
    for alpha in (0.001, 0.1, 3.0, 1000.0):
        alone = RidgeHead(WIDTH, (alpha,))
        alone.fit(text, faces, *held_out)
        errors[alpha] = float((alone(held_out[0]) - held_out[1]).square().mean())
    best = min(errors, key=errors.__getitem__)
    assert best in (0.1, 3.0), "or the case shows nothing"
    head, alone = RidgeHead(WIDTH, tuple(errors)), RidgeHead(WIDTH, (best,))
    for each in (head, alone):
        each.fit(text, faces, *held_out)
    assert head.alpha.item() == pytest.approx(best)
    assert torch.equal(head.weight, alone.weight) and torch.equal(head.bias, alone.bias)


def test_a_best_penalty_at_the_end_is_told(caplog: pytest.LogCaptureFixture) -> None:
    RidgeHead(WIDTH, (1e6, 1e7)).fit(*known(), *known(seed=1))
    assert "alpha 1e+06 is at the end of head.alphas" in caplog.text


def test_a_strong_penalty_leaves_the_mean_face() -> None:
    text, faces = known()
    head = RidgeHead(WIDTH, (1e12,))
    head.fit(text, faces, text, faces)
    torch.testing.assert_close(head(text), faces.mean(dim=0).expand(ROWS, -1))


def slow_nearest(query: list[float], texts: list[list[float]], faces: Tensor, k: int) -> list[float]:
    def cosine(text: list[float]) -> float:
        dot = sum(a * b for a, b in zip(query, text, strict=True))
        return dot / math.sqrt(sum(a * a for a in query)) / math.sqrt(sum(b * b for b in text))

    order = sorted(range(len(texts)), key=lambda row: -cosine(texts[row]))[:k]
    return [sum(faces[row, column].item() for row in order) / k for column in range(faces.shape[1])]


@pytest.mark.parametrize("k", [1, 4, ROWS])
def test_nearest_is_the_search_through_all(k: int) -> None:
    text, faces = known()
    head = NearestHead(WIDTH, k)
    head.fit(text, faces, *known(seed=1))
    queries, _ = known(seed=2, rows=25)
    expected = [slow_nearest(query, text.tolist(), faces, k) for query in queries.tolist()]
    torch.testing.assert_close(head(queries), torch.tensor(expected))


def test_nearest_knows_its_own_texts_at_any_length() -> None:
    text, faces = known()
    head = NearestHead(WIDTH)
    head.fit(text, faces, text, faces)
    torch.testing.assert_close(head(7.5 * text), faces)


def test_a_text_with_several_faces_counts_once_with_their_mean() -> None:
    text, faces = known(rows=3)
    head = NearestHead(WIDTH)
    head.fit(text[[0, 1, 0, 2, 0]], torch.cat([faces, faces[:2]]), text, faces)
    assert head.texts.shape == (3, WIDTH)
    means = torch.stack([(faces[0] + faces[2] + faces[1]) / 3, faces[1], faces[0]])
    torch.testing.assert_close(head(text), means)


def test_more_queries_than_are_compared_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from emo3d_exp.heads import nearest

    text, faces = known()
    head = NearestHead(WIDTH, 2)
    head.fit(text, faces, text, faces)
    whole = head(text)
    monkeypatch.setattr(nearest, "ROWS", 7)
    torch.testing.assert_close(head(text), whole)


def test_a_bank_is_loaded_at_its_own_length() -> None:
    head, other = NearestHead(WIDTH), NearestHead(WIDTH)
    head.fit(*known(), *known())
    other.fit(*known(rows=8), *known())
    other.load_state_dict(head.state_dict())
    assert torch.equal(other.texts, head.texts) and torch.equal(other.faces, head.faces)
    with pytest.raises(RuntimeError, match="size mismatch"):
        NearestHead(WIDTH + 1).load_state_dict(head.state_dict())
    with pytest.raises(RuntimeError, match="texts"):
        NearestHead(WIDTH).load_state_dict({})


@pytest.mark.parametrize("alphas", [(), (0.0,), (1.0, -1.0), (float("nan"),)])
def test_penalties_that_make_no_sense_are_refused(alphas: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match=r"head\.alphas"):
        RidgeHead(WIDTH, alphas)


def test_numbers_of_neighbours_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"head\.k=0"):
        NearestHead(WIDTH, 0)
    with pytest.raises(ConfigError, match="3 distinct texts"):
        NearestHead(WIDTH, 4).fit(*known(rows=3), *known())
