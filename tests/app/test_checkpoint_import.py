"""Weights of the authors' code become runs that every later tool takes."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from hydra.utils import instantiate
from omegaconf import DictConfig
from published import row, write_csv
from tiny_clip_files import save_clip
from torch import Tensor

from emo3d_exp import load_predictor
from emo3d_exp.app.assemble import build_model
from emo3d_exp.app.cli import CONF
from emo3d_exp.app.evaluate import evaluate
from emo3d_exp.app.train import train
from emo3d_exp.errors import ConfigError, DataError, Emo3DError, WeightsUnavailableError
from emo3d_exp.evaluation import load_predictions
from emo3d_exp.models.base import FaceSystem
from emo3d_exp.runs import RunFolder
from emo3d_exp.vocab import BLENDSHAPES, MORPH_TARGETS

pytestmark = pytest.mark.usefixtures("cache", "one_thread")
NAMES = ("clip_mlp", "vae_clip")
SHAPES = {
    "clip_mlp": {"network.0": (256, 512), "network.2": (128, 256), "network.4": (51, 128)},
    "vae_clip": {
        "encoder.0": (256, 51), "fc_mu": (512, 256), "fc_logvar": (512, 256),
        "decoder.0": (256, 512), "decoder.3": (51, 256),
    },
}  # fmt: skip
TEXTS = ["a wide grin", "tears of joy, and then nothing"]


@pytest.fixture(autouse=True)
def hydra() -> Iterator[None]:
    """A running application, as the scripts are."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        yield


def tensors(name: str) -> dict[str, Tensor]:
    """Random numbers in the layout of the released files."""
    torch.manual_seed(0)
    layers = {f"{layer}.weight": torch.randn(shape) * 0.1 for layer, shape in SHAPES[name].items()}
    return layers | {f"{layer}.bias": torch.randn(shape[0]) for layer, shape in SHAPES[name].items()}


def slow_answer(name: str, state: dict[str, Tensor], text: np.ndarray) -> np.ndarray:
    """(B, 512) → (B, 51): what the authors' networks compute, layer by layer."""
    layers = ["network.0", "network.2", "network.4"] if name == "clip_mlp" else ["decoder.0", "decoder.3"]
    rows = text.astype(np.float64)
    for layer in layers:
        rows = rows @ state[f"{layer}.weight"].double().numpy().T + state[f"{layer}.bias"].double().numpy()
        rows = 1 / (1 + np.exp(-rows)) if layer == layers[-1] else np.maximum(rows, 0)
    return rows


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CLIP model 512 wide, a table in the published layout, and files in the released layout."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "clip").mkdir()
    save_clip(folder / "clip", dim=512)
    write_csv(folder / "table", [row(i) for i in range(6)], [row(6)], [row(7), row(8)])
    for name in NAMES:
        torch.save(tensors(name), folder / f"{name}.pt")
    return folder


def asked(name: str, place: Path, out: Path, *overrides: str) -> DictConfig:
    given = [
        f"checkpoint=released/{name}", f"path={place / f'{name}.pt'}", f"out={out}", "metric=mse",
        "threads=1", "data=emo3d", f"data.root={place / 'table'}", "backbone.architecture=null",
        f"backbone.pretrained={place / 'clip'}",
    ]  # fmt: skip
    return compose("evaluate", [*given, *overrides])


@pytest.mark.parametrize("name", NAMES)
def test_a_checkpoint_becomes_a_scored_run(name: str, place: Path, tmp_path: Path) -> None:
    evaluate(asked(name, place, tmp_path / "run"))
    run = RunFolder(tmp_path / "run")
    facts, cfg = run.provenance(), run.config()
    assert facts["imported"]["file"] == f"{name}.pt" and not facts["imported"]["published"]
    assert len(facts["imported"]["sha256"]) == 64 and facts["data"] == "emo3d"
    assert (cfg.model.name, cfg.name) == (name, f"released_{name}")
    assert cfg.head.neutral is False and cfg.batch_size == 32
    model = json.loads(run.model_file.read_text(encoding="utf-8"))
    assert model["backbone"] == facts["backbone"] and model["embedding_dim"] == 512
    scores = json.loads((run.evaluation("test") / "metrics.json").read_text(encoding="utf-8"))
    assert 0 < scores["metrics"]["mse"] < 1
    predict = load_predictor(run.path)
    faces = predict(TEXTS)
    assert (faces[:, BLENDSHAPES.index("_neutral")] == 0).all()
    expected = slow_answer(name, tensors(name), predict.encoder.encode_texts(TEXTS))
    np.testing.assert_allclose(faces[:, [BLENDSHAPES.index(n) for n in MORPH_TARGETS]], expected, atol=1e-6)


def test_later_tools_take_it(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from emo3d_exp.app.export import export_faces
    from emo3d_exp.predict import Settings, predict
    from emo3d_exp.studio.runs import finished_runs, load_run

    monkeypatch.chdir(tmp_path)
    evaluate(asked("vae_clip", place, tmp_path / "outputs" / "mine"))
    assert finished_runs() == [Path("outputs/mine")]
    shown = load_run(Path("outputs/mine"))
    assert shown.model == "vae_clip" and shown.metrics["mse"] > 0
    face = shown.predict(TEXTS[:1])[0]
    export_faces(compose("export", ["run_dir=outputs/mine", "format=arkit_json", "out=face.json"]), TEXTS[:1])
    np.testing.assert_allclose(load_predictions("face.json").blendshapes[0], face, atol=1e-6)
    predict(Settings("outputs/mine", TEXTS[:1], size=32))
    assert Path("face.png").is_file()
    evaluate(compose("evaluate", ["run_dir=outputs/*"]))


def test_without_a_place_it_goes_to_outputs(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    with caplog.at_level(logging.INFO):
        evaluate(asked("clip_mlp", place, tmp_path, "out=null"))
    assert (tmp_path / "outputs" / "released_clip_mlp" / "weights.safetensors").is_file()
    assert "is not the published CLIP_Baseline.pth" in caplog.text
    assert "sound only if its weights are those of clip_vit_b32" in caplog.text
    assert "is a run now, in outputs/released_clip_mlp" in caplog.text
    with pytest.raises(ConfigError, match="Score it again with run_dir=outputs/released_clip_mlp"):
        evaluate(asked("clip_mlp", place, tmp_path, "out=null"))


@pytest.mark.parametrize(
    ("overrides", "error", "told"),
    [
        (["path=null"], ConfigError, r"path=…/CLIP_Baseline\.pth"),
        (["path=none.pth"], ConfigError, r"path=none\.pth: No such file"),
        (
            ["path=PLACE/vae_clip.pt"],
            DataError,
            r"vae_clip\.pt is not CLIP_Baseline\.pth: it lacks network\.0",
        ),
        (["backbone=face_clip"], ConfigError, "512 numbers, and backbone face_clip gives 256"),
        (["data.root=none"], DataError, "none"),
        (
            ["backbone=clip_vit_b32"],
            WeightsUnavailableError,
            r"timm/vit_base_patch32_clip_224\.openai.* as backbone\.pretrained=FOLDER\. The checkpoint",
        ),
        (["run_dir=x"], ConfigError, "say what to do"),
    ],
)
def test_what_fails_leaves_nothing_behind(
    overrides: list[str],
    error: type[Emo3DError],
    told: str,
    place: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    given = [override.replace("PLACE", str(place)) for override in overrides]
    cfg = asked("clip_mlp", place, tmp_path / "run")
    if any(override.startswith("backbone=") for override in overrides):
        given = ["checkpoint=released/clip_mlp", f"path={cfg.path}", f"out={cfg.out}", *given]
        cfg = compose("evaluate", given)
    else:
        cfg = asked("clip_mlp", place, tmp_path / "run", *given)
    with pytest.raises(error, match=told):
        evaluate(cfg)
    assert list(tmp_path.iterdir()) == []


def test_an_import_that_was_stopped_can_be_done_again(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def kill(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(RunFolder, "create", kill)
        evaluate(asked("clip_mlp", place, tmp_path / "run"))
    assert RunFolder(tmp_path / "run").weights_file.is_file()
    evaluate(asked("clip_mlp", place, tmp_path / "run"))
    assert "imported" in RunFolder(tmp_path / "run").provenance()


def test_a_file_alone_does_not_say_what_it_is() -> None:
    with pytest.raises(ConfigError, match=r"say which, checkpoint=released/…"):
        evaluate(compose("evaluate", ["path=some.pth", "predictions=mine.csv"]))


def test_there_is_no_training_to_go_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunFolder(tmp_path / "run")
    run.create(compose("train", ["run_dir=null"]))
    run.add_provenance(imported={"file": "CLIP_Baseline.pth"})
    running = DictConfig(
        {"runtime": {"output_dir": str(run.path)}, "overrides": {"task": []}, "mode": RunMode.RUN}
    )
    monkeypatch.setattr(HydraConfig, "get", staticmethod(lambda: running))
    with pytest.raises(ConfigError, match="no training to go on with"):
        train(compose("train", ["resume=true"]))


def imported(name: str, file: Path) -> FaceSystem:
    """The model of a released file."""
    checkpoint = instantiate(compose("evaluate", [f"checkpoint=released/{name}"]).checkpoint, _convert_="all")
    model = build_model(compose("train", [f"experiment={checkpoint.experiment}"]), checkpoint.embedding_dim)
    assert checkpoint.hash(file) == checkpoint.sha256
    checkpoint.load(file, model)
    return model.eval()


@pytest.fixture
def golden(shared: Path) -> dict[str, np.ndarray]:
    with np.load(shared / "golden" / "released_checkpoints.npz") as file:
        return dict(file)


def columns(names: np.ndarray) -> list[int]:
    return [BLENDSHAPES.index(name) for name in names]


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "file", "key"),
    [
        ("clip_mlp", "CLIP_Baseline.pth", "clip_mlp_unit"),
        ("vae_clip", "VAE_CLIP.pt", "vae_decode_unit"),
    ],
)
def test_released_weights_answer_as_recorded(
    name: str, file: str, key: str, released_files: Path, golden: dict[str, np.ndarray]
) -> None:
    with torch.inference_mode():
        faces = imported(name, released_files / file)(torch.from_numpy(golden["embeddings_unit"])).numpy()
    np.testing.assert_allclose(faces[:, columns(golden["names_51"])], golden[key], atol=1e-6)
    assert (faces[:, columns(np.array(["_neutral"]))] == 0).all()
    state = torch.load(released_files / file, map_location="cpu", weights_only=True)
    np.testing.assert_allclose(slow_answer(name, state, golden["embeddings_unit"]), golden[key], atol=1e-6)


@pytest.mark.shared
def test_the_released_encoder_reconstructs_as_recorded(
    released_files: Path, golden: dict[str, np.ndarray]
) -> None:
    model = imported("vae_clip", released_files / "VAE_CLIP.pt")
    with torch.inference_mode():
        latent = model.head.encode(torch.from_numpy(golden["real_sample_52"])[None])
        face = model.head.decode(latent.mu).numpy()
    np.testing.assert_allclose(
        face[0, columns(golden["names_51"])], golden["vae_real_recon_from_mu"], atol=1e-6
    )
    assert torch.equal(latent.z, latent.mu)
