import hashlib
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import cv2
import numpy as np
import pyarrow as pa
import pytest
from apart import apart
from build_beginnings import picture

from emo3d_exp.dataset_builder import FaceLandmarkerScores, LocalExecutor, RayExecutor, RowStore, run_stages
from emo3d_exp.dataset_builder import landmarker_model as models
from emo3d_exp.dataset_builder.face_reading import FaceReader, FoundFace, head_pose
from emo3d_exp.dataset_builder.image_stage import ImageStage, Picture
from emo3d_exp.errors import ConfigError, DataError, WeightsUnavailableError
from emo3d_exp.faces import Look, Renderer, load_rig
from emo3d_exp.faces.camera import Camera
from emo3d_exp.faces.populations import random_faces
from emo3d_exp.vocab import BLENDSHAPE_INDEX

POSES = [(0, 0, 0), (20, 0, 0), (-20, 0, 0), (0, 15, 0), (0, -12, 0), (0, 0, 15), (0, 0, -15), (15, 10, -10)]


@pytest.fixture(scope="module")
def model(shared):
    return str(shared / "data" / "mediapipe" / "face_landmarker.task")


@pytest.mark.parametrize("pose", [*POSES, (-70, 40, 120)])
def test_pose_of_a_known_rotation(pose):
    rotation = Camera.rotation(None, Look(yaw=pose[0], pitch=pose[1], roll=pose[2]))
    np.testing.assert_allclose(head_pose(1.7 * rotation.astype(float)), pose, atol=1e-4)


def _read(model, pictures):
    reader = FaceReader(model)
    try:
        return [reader.read(picture) for picture in pictures]
    finally:
        reader.close()


@pytest.fixture(scope="module")
def found(model):
    """Faces of a head in ``POSES``, of one that smiles, and of the latter beside a smaller one."""
    renderer = Renderer(load_rig("builtin"), size=224, workers=1)
    looks = [Look(yaw=yaw, pitch=pitch, roll=roll) for yaw, pitch, roll in POSES]
    pictures = list(renderer.render(np.zeros((len(looks), 52)), looks))
    smile = np.zeros(52, np.float32)
    smile[[BLENDSHAPE_INDEX["mouthSmileLeft"], BLENDSHAPE_INDEX["mouthSmileRight"]]] = 1
    smiling, both = renderer.render(smile)[0], np.full((224, 380, 3), 222, np.uint8)
    both[:140, :140], both[:, 150:374] = cv2.resize(pictures[0], (140, 140)), smiling
    return apart(_read, model, [*pictures, smiling, both])


@pytest.mark.shared
def test_pose_and_confidence_of_a_head_that_is_drawn(found):
    rest = np.array(found[0].pose)
    for pose, face in zip(POSES[1:], found[1:-2], strict=True):
        np.testing.assert_allclose(np.array(face.pose) - rest, pose, atol=6.5)
        assert face.faces == 1 and 0.8 < face.confidence <= 1


@pytest.mark.shared
def test_the_largest_of_several_faces_is_taken(found):
    alone, two = found[-2:]
    assert (alone.faces, two.faces) == (1, 2)
    assert np.abs(alone.blendshapes - two.blendshapes).max() < 0.2
    assert two.blendshapes[BLENDSHAPE_INDEX["mouthSmileLeft"]] > 0.5


class Drawn(ImageStage):
    """Faces of the built-in head with a grey picture, a failed one and a large photograph of none between."""

    reads = {}  # noqa: RUF012

    def __init__(self, count=12):
        self.count = count

    def parameters(self):
        return {}

    def source(self):
        faces = random_faces(self.count, np.random.default_rng(2))
        pixels = Renderer(load_rig("builtin"), size=160, workers=1).render(faces)
        return [{"sample_id": n, "texts": ["x"], "pixels": image} for n, image in enumerate(pixels)]

    def pictures(self, row):
        yield Picture(1, cv2.imencode(".png", row["pixels"][:, :, ::-1])[1].tobytes())
        if row["sample_id"] == 1:
            yield Picture(1, reason="refused")
            yield Picture(1, picture(size=300))


class Scores(FaceLandmarkerScores):
    shard_rows = 4


class Known:
    """Stands for a reader that finds so many faces, in turn."""

    def __init__(self, *counts):
        self.counts = list(counts)

    def read(self, image):
        faces = self.counts.pop(0)
        return FoundFace(np.full(52, 0.5, np.float32), 0.9, (1.0, 2.0, 3.0), faces) if faces else None


@pytest.mark.parametrize("several", ["refuse", "largest"])
def test_a_picture_of_several_faces_is_kept_with_the_reason(several, monkeypatch):
    stage = FaceLandmarkerScores(several=several)
    stage.__dict__["_reader"] = Known(1, 3, 0)
    monkeypatch.setattr(stage, "with_column", lambda rows, _: [(row, row["images"]) for row in rows])
    rows = [{"sample_id": 7, "images": [{"image": picture(seed), "reason": None} for seed in range(3)]}]
    one, three, none = stage.process(rows)[0]["faces"]
    assert one["reason"] is None and one["blendshapes"] == [0.5] * 52
    assert none["reason"] == "no face found" and none["blendshapes"] is None
    if several == "refuse":
        assert three["reason"] == "3 faces" and three["face_number"] == 2
        assert {three[name] for name in ("confidence", "yaw", "pitch", "roll")} == {None}
        assert three["blendshapes"] is None
    else:
        assert three["reason"] == "the largest of 3 faces" and three["blendshapes"] == [0.5] * 52


class Pairs(Drawn):
    """Two heads side by side in every picture but the first."""

    def pictures(self, row):
        both = np.concatenate([row["pixels"], row["pixels"]], axis=1)
        pixels = both if row["sample_id"] else row["pixels"]
        yield Picture(1, cv2.imencode(".png", pixels[:, :, ::-1])[1].tobytes())


def _reasons(folder, model, several):
    stages = [Pairs(3), Scores(model_path=model, several=several, processes=1)]
    run_stages(folder, stages, progress=False)
    return [(face["reason"], face["blendshapes"] is None) for _, (face,) in _rows(folder)]


@pytest.mark.shared
def test_two_heads_in_a_picture_are_seen(tmp_path, model):
    refused = apart(_reasons, tmp_path / "refused", model, "refuse")
    assert refused == [(None, False), ("2 faces", True), ("2 faces", True)]
    taken = apart(_reasons, tmp_path / "taken", model, "largest")
    assert taken == [(None, False), *[("the largest of 2 faces", False)] * 2]


def _rows(folder):
    rows = RowStore(folder, "blendshapes").rows(["faces"])
    return [(row["sample_id"], row["faces"]) for row in rows]


def _built(folder, model, executor, processes):
    stages = [Drawn(), Scores(model_path=model, processes=processes)]
    manifests = run_stages(folder, stages, executor=executor, progress=False)
    return manifests["blendshapes"]["content_hash"], _rows(folder)


@pytest.mark.shared
def test_two_processes_read_what_one_reads(tmp_path, model):
    content, rows = apart(_built, tmp_path / "one", model, LocalExecutor(), 1)
    assert _built(tmp_path / "two", model, LocalExecutor(), 2) == (content, rows)
    assert [sample for sample, _ in rows] == list(range(12))
    for _, (face, *_rest) in rows:
        assert len(face["blendshapes"]) == 52 and face["reason"] is None and face["confidence"] > 0.5
        assert abs(face["yaw"]) < 15
    _, failed, none = rows[1][1]
    assert failed["reason"] == "no image: refused" and failed["blendshapes"] is None
    assert none["reason"] == "no face found" and none["confidence"] is None and none["face_number"] == 3


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.enable_socket
def test_ray_actors_read_what_one_process_reads(tmp_path, model):
    pytest.importorskip("ray")
    one = apart(_built, tmp_path / "one", model, LocalExecutor(), 1)
    assert _built(tmp_path / "ray", model, RayExecutor(processes=2), 2) == one


def test_models_that_are_none(tmp_path):
    with pytest.raises(ConfigError, match=r"no face landmarker at .*builder\.blendshapes\.model_path"):
        FaceLandmarkerScores("nowhere.task").parameters()
    (tmp_path / "x.task").write_bytes(b"no model")
    with pytest.raises(DataError, match=r"x\.task is no face_landmarker\.task"):
        FaceReader(tmp_path / "x.task")
    with pytest.raises(ConfigError, match="max_faces=0"):
        FaceLandmarkerScores(several="largest", max_faces=0)
    with pytest.raises(ConfigError, match="several=refuse max_faces=1 must be at least 2"):
        FaceLandmarkerScores(max_faces=1)
    with pytest.raises(ConfigError, match="choose one of refuse, largest"):
        FaceLandmarkerScores(several="first")


def test_the_official_model_without_a_network(cache):
    address = "http://127.0.0.1:9/face_landmarker.task"
    with pytest.raises(WeightsUnavailableError, match=r"127\.0\.0\.1:9.*model_path=.*blendshapes=prior"):
        models.landmarker_model(address=address)
    assert FaceLandmarkerScores().parameters()["model"] == models.SHA256


@pytest.mark.enable_socket
def test_the_model_is_fetched_checked_and_continued(cache, tmp_path, monkeypatch):
    content = np.random.default_rng(0).bytes(5000)
    monkeypatch.setattr(models, "SIZE", len(content))
    monkeypatch.setattr(models, "SHA256", hashlib.sha256(content).hexdigest())
    (tmp_path / "good.task").write_bytes(content)
    (tmp_path / "bad.task").write_bytes(content[::-1])
    handler = partial(_Quiet, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"
        with pytest.raises(WeightsUnavailableError, match="SHA-256"):
            models.landmarker_model(address=f"{base}/bad.task")
        part = cache / "downloads" / "face_landmarker.task.partial"
        part.write_bytes(content[:2000])
        found = models.landmarker_model(address=f"{base}/good.task")
        server.shutdown()
    assert found.read_bytes() == content and not part.exists()
    assert models.landmarker_model(address="http://127.0.0.1:9/gone") == found


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


def test_the_columns_of_a_face():
    face = FaceLandmarkerScores().schema().field("faces").type.value_type
    names = ["face_number", "blendshapes", "confidence", "yaw", "pitch", "roll", "reason"]
    assert [face.field(n).name for n in range(face.num_fields)] == names
    assert face.field("blendshapes").type == pa.list_(pa.float32(), 52)
