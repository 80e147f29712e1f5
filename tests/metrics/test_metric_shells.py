"""The torchmetrics shells: batches, order, repeats and processes do not change the value."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from emo3d_exp.metrics import BlendshapeMSE, Emo3DMetric, blendshape_errors, emo3d_scores

RNG = np.random.default_rng(11)
N, M = 23, 30
BANK, BANK_EMOTIONS = RNG.normal(size=(M, 8)).astype(np.float32), RNG.random((M, 8), dtype=np.float32)
FEATURES, EMOTIONS = RNG.normal(size=(N, 8)).astype(np.float32), RNG.random((N, 8), dtype=np.float32)
PREDICTED, TARGET = RNG.random((N, 52), dtype=np.float32), RNG.random((N, 52), dtype=np.float32)
SAMPLE_ID, TEXT_NUMBER = np.arange(N) // 2 * 7, np.arange(N) % 2 + 1


def metrics():
    return Emo3DMetric(BANK, BANK_EMOTIONS, k=5), BlendshapeMSE(), BlendshapeMSE(neutral=False)


def expected():
    errors = blendshape_errors(PREDICTED, TARGET)
    emo3d = emo3d_scores(FEATURES, BANK, EMOTIONS, BANK_EMOTIONS, k=5)["emo3d"]
    return [float(values.mean()) for values in (emo3d, errors["mse"], errors["mse_51"])]


def feed(metric, rows):
    inputs = (FEATURES, EMOTIONS) if isinstance(metric, Emo3DMetric) else (PREDICTED, TARGET)
    first, second = (torch.from_numpy(array[rows]) for array in inputs)
    metric.update(first, second, sample_id=SAMPLE_ID[rows], text_number=torch.from_numpy(TEXT_NUMBER[rows]))


@pytest.mark.parametrize("batch", [1, 4, N])
@pytest.mark.parametrize("shuffled", [False, True])
def test_batches_order_and_repeats_do_not_matter(batch, shuffled):
    order = np.random.default_rng(0).permutation(N) if shuffled else np.arange(N)
    order = np.concatenate([order, order[:3]])  # as a distributed sampler pads
    for metric, value in zip(metrics(), expected(), strict=True):
        for start in range(0, len(order), batch):
            feed(metric, order[start : start + batch])
        assert metric.compute().item() == value
        rows = metric.per_sample()
        assert list(zip(rows["sample_id"], rows["text_number"], strict=True)) == list(
            zip(SAMPLE_ID, TEXT_NUMBER, strict=True)
        )


def run_rank(rank, address, shares, results):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{address}", rank=rank, world_size=2)
    values = []
    for metric in metrics():
        feed(metric, shares[rank])
        values.append((metric.compute().item(), metric.per_sample()["sample_id"].tolist()))
        metric.reset()
        if rank == 0:  # the other process sees nothing
            feed(metric, np.arange(N))
        values.append((metric.compute().item(), metric.per_sample()["sample_id"].tolist()))
    results.put((rank, values))
    dist.barrier()
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_agree_with_one(tmp_path):
    shares = [np.arange(0, N, 2), np.append(np.arange(1, N, 2), 0)]  # 12 and 12 rows, row 0 twice
    shares[1] = np.append(shares[1], 2)  # and shares of unequal length
    results = mp.get_context("spawn").SimpleQueue()
    mp.spawn(run_rank, args=(tmp_path / "address", shares, results), nprocs=2)
    for _ in range(2):
        _, values = results.get()
        for (value, ids), one in zip(values, np.repeat(expected(), 2), strict=True):
            assert value == pytest.approx(one, rel=1e-12)
            assert ids == SAMPLE_ID.tolist()


def check_direction(metric, best, worse):
    """Best and worse inputs stay inside the declared interval, and the better one is lower."""
    values = []
    for arguments in (best, worse):
        metric.reset()
        metric.update(*arguments, sample_id=SAMPLE_ID, text_number=TEXT_NUMBER)
        values.append(metric.compute().item())
    assert metric.higher_is_better is False
    assert values[0] == metric.interval.lower < values[1]
    assert values[1] in metric.interval
    assert metric.link.startswith("https://")


def test_emo3d_interval_and_direction():
    one_hot = np.eye(8, dtype=np.float32)
    asked, missed = one_hot[np.arange(N) % 8], one_hot[(np.arange(N) + 1) % 8]
    metric = Emo3DMetric(one_hot, one_hot, k=1)
    check_direction(metric, best=(asked, asked), worse=(missed, asked))
    assert 1.0 not in metric.interval and str(metric.interval) == "[0.5, 1)"


@pytest.mark.parametrize("neutral", [True, False])
def test_mse_interval_and_direction(neutral):
    metric = BlendshapeMSE(neutral)
    worst = np.zeros_like(TARGET)
    check_direction(metric, best=(TARGET, TARGET), worse=(worst, np.ones_like(TARGET)))
    assert metric.compute().item() == metric.interval.upper


def test_state_is_released_copied_and_pickled():
    metric = metrics()[0]
    with pytest.raises(ValueError, match="never called"):
        metric.per_sample()
    buffer = FEATURES.copy()
    metric.update(buffer, EMOTIONS, SAMPLE_ID, TEXT_NUMBER)
    buffer[:] = 1
    assert pickle.loads(pickle.dumps(metric)).compute().item() == expected()[0]
    assert not metric.state_dict()
    metric.reset()
    assert metric.keys == []


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_bank_of_whole_numbers_does_not_round_the_features(dtype):
    bank = np.random.default_rng(4).integers(-3, 4, (M, 8)) + np.eye(M, 8, dtype=int)
    features = FEATURES.astype(dtype)
    metric = Emo3DMetric(bank, BANK_EMOTIONS, k=5)
    metric.update(features, EMOTIONS, SAMPLE_ID, TEXT_NUMBER)
    core = emo3d_scores(features, bank, EMOTIONS, BANK_EMOTIONS, k=5)["emo3d"]
    assert metric.compute().item() == core.mean()
    assert metric.features[0].dtype == torch.from_numpy(features).dtype, "no more memory than is given"


@pytest.mark.parametrize("ids", [SAMPLE_ID + 0.2, SAMPLE_ID * np.nan, SAMPLE_ID / np.float64(0.5) + 0.5])
def test_ids_that_are_no_whole_numbers_are_refused(ids):
    with pytest.raises(ValueError, match="sample ids must be whole numbers"):
        BlendshapeMSE().update(PREDICTED, TARGET, ids, TEXT_NUMBER)
    with pytest.raises(ValueError, match="text numbers must be whole numbers"):
        BlendshapeMSE().update(PREDICTED, TARGET, SAMPLE_ID, ids)


def test_other_rows_under_the_same_key_are_refused():
    for metric, told in zip(metrics(), ("features", "mse", "mse"), strict=True):
        feed(metric, np.arange(N))
        first, second = (FEATURES, EMOTIONS) if told == "features" else (PREDICTED, TARGET)
        metric.update(first[:1] * 0.5, second[:1], SAMPLE_ID[:1], TEXT_NUMBER[:1])
        with pytest.raises(ValueError, match=f"sample 0, text 1 was given twice with different {told}"):
            metric.compute()


def test_the_noise_of_another_batch_is_no_conflict():
    metric = metrics()[0]
    feed(metric, np.arange(N))
    metric.update(FEATURES * np.float32(1 + 1e-5), EMOTIONS, SAMPLE_ID, TEXT_NUMBER)
    assert metric.compute().item() == expected()[0]


def test_rows_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"mse: expected \(23,\), got \(22,\)"):
        BlendshapeMSE().update(PREDICTED[1:], TARGET[1:], SAMPLE_ID, TEXT_NUMBER)
    with pytest.raises(ValueError, match="k must lie in 1 … 30"):
        Emo3DMetric(BANK, BANK_EMOTIONS, k=31)
