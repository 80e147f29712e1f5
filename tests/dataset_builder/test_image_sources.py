import sys
import types
import zipfile

import fsspec
import numpy as np
import pyarrow as pa
import pytest
from build_beginnings import CHEERFUL, SomeEmotions, SomeTexts, input_row, picture
from PIL import Image

from emo3d_exp.data import read_image
from emo3d_exp.dataset_builder import (
    DiffusersImages,
    FolderImages,
    PriorBlendshapes,
    RenderedImages,
    RowStore,
    run_stages,
)
from emo3d_exp.errors import ConfigError, DataError, WeightsUnavailableError
from emo3d_exp.records import ImageRef

FILES = {"a/0_1.png": 1, "a/0_2.jpg": 2, "b/0_10.png": 3, "1_1.JPEG": 4, "1_2.png.txt": 5, "face.png": 6}


def _contents():
    return {name: picture(seed, suffix="." + name.split(".")[1]) for name, seed in FILES.items()}


def _folder(folder):
    for name, content in _contents().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def _zip(folder):
    with zipfile.ZipFile(folder / "faces.zip", "w") as archive:
        for name, content in _contents().items():
            archive.writestr(name, content)
    return folder / "faces.zip"


def _memory(folder):
    system = fsspec.filesystem("memory")
    for name, content in _contents().items():
        system.pipe_file(f"/photographs/{name}", content)
    return "memory://photographs"


def _images(stage, *samples):
    return [row["images"] for row in stage.process([input_row(sample) for sample in samples])]


@pytest.mark.parametrize("place", [_folder, _zip, _memory])
def test_photographs_are_found_by_their_names(tmp_path, place):
    stage = FolderImages(str(place(tmp_path)), processes=1)
    first, second, third = _images(stage, 0, 1, 2)
    contents = _contents()
    names = ("a/0_1.png", "a/0_2.jpg", "b/0_10.png")
    assert [image["image"] for image in first] == [contents[name] for name in names]
    assert [image["image"] for image in second] == [contents["1_1.JPEG"]]
    assert third == [] and stage.process([input_row(2)])[0]["set_aside"] == "no image: none was given"


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_photographs_are_found_by_a_table(tmp_path, suffix):
    import pandas as pd

    table = pd.DataFrame(
        {"sample_id": [7, 7, 7], "file": ["face.png", "gone.png", "a/0_1.png"], "text_number": [2, 1, 3]}
    )
    mapping = tmp_path / f"map.{suffix}"
    table.to_csv(mapping) if suffix == "csv" else table.to_parquet(mapping)
    images = _images(FolderImages(str(_folder(tmp_path / "x")), str(mapping), processes=1), 7)[0]
    assert images[0]["image"] == _contents()["face.png"] and images[0]["text_number"] == 2
    assert [image["image"] for image in images[1:]] == [None, None]
    assert "gone.png: no such file below" in images[1]["reason"]
    assert "a/0_1.png: the sample has no text 3" in images[2]["reason"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("sample_id,file\n1,../secret.png\n", "unsafe image path"),
        ("sample_id,file\n1,/etc/secret.png\n", "unsafe image path"),
        ("sample,file\n1,a.png\n", "needs sample_id and file"),
        ("sample_id,file\none,a.png\n", "map.csv"),
        ("sample_id,file,text_number\n1,a.png,0\n", "counts from 1"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, content, message):
    (tmp_path / "map.csv").write_text(content)
    with pytest.raises(DataError, match=message):
        _images(FolderImages(str(tmp_path), str(tmp_path / "map.csv"), processes=1), 1)


def test_places_that_are_none(tmp_path):
    (tmp_path / "bad.zip").write_bytes(b"no archive")
    for root in (tmp_path / "nowhere", tmp_path / "bad.zip", tmp_path / "gone.zip", "nosuch://x"):
        with pytest.raises(DataError, match=r"builder\.images\.root="):
            _images(FolderImages(str(root), processes=1), 1)
    with pytest.raises(DataError, match=r"builder\.images\.mapping=.*cannot be read"):
        FolderImages(str(tmp_path), str(tmp_path / "gone.csv")).parameters()
    with pytest.raises(ConfigError, match="give the folder"):
        FolderImages("")


def test_a_build_of_photographs_sets_aside_who_has_none(tmp_path):
    photographs = FolderImages(str(_folder(tmp_path / "photographs")), processes=1)
    stages = [SomeTexts(4), SomeEmotions(), photographs]
    manifest = run_stages(tmp_path / "build", stages, progress=False)["images"]
    assert (manifest["rows"], manifest["set_aside"]) == (4, 2)


def test_drawn_faces_have_the_blendshapes_that_were_drawn(tmp_path):
    stages = [SomeTexts(3), SomeEmotions(), RenderedImages(faces=2, size=96, processes=1), PriorBlendshapes()]
    run_stages(tmp_path, stages, progress=False)
    faces = [row["faces"] for row in RowStore(tmp_path, "blendshapes").rows(["faces"])]
    assert [[face["face_number"] for face in each] for each in faces] == [[1, 2]] * 3
    drawn = stages[2].drawn({"sample_id": 2, "emotions": CHEERFUL}, 1)
    np.testing.assert_allclose(faces[2][1]["blendshapes"], drawn, atol=1e-6)
    first = read_image(ImageRef(f"{tmp_path}/images/00000.parquet!2!0", "k"))
    second = read_image(ImageRef(f"{tmp_path}/images/00000.parquet!2!1", "k"))
    assert first.shape == (96, 96, 3) and (first != second).any()


def test_blendshapes_that_nobody_drew(tmp_path):
    photographs = FolderImages(str(_folder(tmp_path / "photographs")), processes=1)
    stages = [SomeTexts(2), SomeEmotions(), photographs, PriorBlendshapes()]
    with pytest.raises(ConfigError, match="builder/blendshapes=prior goes with builder/images=rendered"):
        run_stages(tmp_path / "build", stages, progress=False)


class _Pipeline:
    """What of a diffusers pipeline is used; its picture is the noise of the generator."""

    def from_pretrained(self, model, torch_dtype):
        if model == "gone":
            raise OSError("no such model")
        self.dtype, self.asked = torch_dtype, []
        return self

    def set_progress_bar_config(self, disable):
        assert disable

    def to(self, device):
        self.device = device
        return self

    def __call__(self, prompt, num_inference_steps, height, width, generator, guidance_scale=None):
        import torch

        self.asked.append((prompt, num_inference_steps, guidance_scale))
        noise = torch.randint(0, 256, (height, width, 3), generator=generator, dtype=torch.uint8)
        return types.SimpleNamespace(images=[Image.fromarray(noise.numpy())])


def test_a_diffusers_pipeline_is_asked_with_a_seed_a_picture(monkeypatch):
    pipeline = _Pipeline()
    fake = types.SimpleNamespace(AutoPipelineForText2Image=pipeline)
    monkeypatch.setitem(sys.modules, "diffusers", fake)
    settings = {"device": "cpu", "dtype": "float32", "steps": 7, "size": 72, "faces": 2}
    rows = [input_row(1), input_row(2)]
    made = DiffusersImages("some/model", guidance=3.0, **settings).process(rows)
    assert len({image["key"] for row in made for image in row["images"]}) == 4
    assert "text 2 of sample 2" in pipeline.asked[-1][0] and pipeline.asked[-1][1:] == (7, 3.0)
    assert DiffusersImages("some/model", guidance=3.0, **settings).process(rows[1:]) == made[1:]
    with pytest.raises(ConfigError, match="float17"):
        DiffusersImages("some/model", dtype="float17").process(rows)
    with pytest.raises(WeightsUnavailableError, match="gone cannot be loaded"):
        DiffusersImages("gone", **settings).process(rows)


def test_diffusers_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(ConfigError, match=r"pip install 'emo3d_exp\[diffusers\]'"):
        DiffusersImages("some/model").process([input_row()])


def test_every_source_writes_the_columns_of_the_stage():
    stages = [FolderImages("x"), RenderedImages(), DiffusersImages("x")]
    first = stages[0].schema()
    assert first.names == ["sample_id", "images", "calls", "cost", "set_aside", "lacking"]
    assert pa.types.is_struct(first.field("images").type.value_type)
    for stage in stages:
        assert [stage.schema().field(name) for name in first.names] == list(first)
