import numpy as np
import pytest

from emo3d_exp.errors import DataError
from emo3d_exp.faces import Renderer, animate, write_gif, write_mp4
from emo3d_exp.faces.animation import tween


@pytest.fixture
def keys():
    keys = np.zeros((3, 52), np.float32)
    keys[1, 25], keys[2, 44] = 0.8, 1.0
    return keys


@pytest.fixture
def frames():
    ramp = np.linspace(0, 255, 48, dtype=np.uint8)
    return np.stack([np.repeat(np.roll(ramp, 8 * k)[None, :, None], 32, 0).repeat(3, 2) for k in range(6)])


def test_tween_holds_eases_and_ends_at_the_keyframes(keys):
    path = tween(keys, moving=4, still=2)
    assert path.shape == (2 + 2 * (3 + 2), 52)
    for first, key in ((0, keys[0]), (5, keys[1]), (10, keys[2])):
        np.testing.assert_array_equal(path[first : first + 2], np.repeat(key[None], 2, 0))
    times = np.array([1, 2, 3]) / 4
    np.testing.assert_allclose(path[2:5, 25], 0.8 * (3 * times**2 - 2 * times**3), atol=1e-6)


def test_animation_starts_rests_and_ends_at_the_pictures_of_the_keyframes(ball, keys):
    renderer = Renderer(ball, size=32)
    frames, stills = animate(renderer, keys, seconds=0.4, fps=10, hold=0.1), renderer.render(keys)
    assert frames.shape == (1 + 2 * 4, 32, 32, 3)
    for place, still in zip((0, 4, 8), stills, strict=True):
        np.testing.assert_array_equal(frames[place], still)
    assert len(np.unique(frames.reshape(9, -1), axis=0)) == 9


def test_one_keyframe_is_a_still(ball, keys):
    frames = animate(Renderer(ball, size=16), keys[:1], hold=0.2, fps=10)
    assert len(frames) == 2 and (frames[0] == frames[1]).all()


def test_gif_is_whole_and_near_the_frames(tmp_path, frames):
    from PIL import Image

    path = tmp_path / "new" / "face.gif"
    write_gif(path, frames, fps=10)
    assert [file.name for file in path.parent.iterdir()] == ["face.gif"]
    with Image.open(path) as image:
        assert image.n_frames == 6 and image.info["duration"] == 100 and image.info["loop"] == 0
        image.seek(5)
        read = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(read - frames[5]).mean() < 6


def test_mp4_is_whole_and_near_the_frames(tmp_path, frames):
    import cv2

    path = tmp_path / "face.mp4"
    write_mp4(path, frames, fps=12)
    assert [file.name for file in tmp_path.iterdir()] == ["face.mp4"]
    video = cv2.VideoCapture(str(path))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 6 and video.get(cv2.CAP_PROP_FPS) == 12
    assert np.abs(video.read()[1][..., ::-1].astype(int) - frames[0]).mean() < 12


def test_missing_codec_is_a_clear_error_and_leaves_no_file(tmp_path, frames, monkeypatch):
    import cv2

    class Closed:
        def __init__(self, *arguments):
            pass

        def isOpened(self):
            return False

    monkeypatch.setattr(cv2, "VideoWriter", Closed)
    with pytest.raises(DataError, match=r"face.mp4.*gif"):
        write_mp4(tmp_path / "face.mp4", frames)
    assert not list(tmp_path.iterdir())


def test_wrong_input_is_refused(tmp_path, frames, keys):
    with pytest.raises(ValueError, match="uint8"):
        write_gif(tmp_path / "a.gif", frames.astype(float))
    with pytest.raises(ValueError, match="fps"):
        write_mp4(tmp_path / "a.mp4", frames, fps=0)
    with pytest.raises(ValueError, match="keyframes"):
        tween(keys[0], 3, 1)
    with pytest.raises(ValueError, match="at least 1"):
        tween(keys, 0, 1)
