import numpy as np
import pytest

from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.faces import Renderer, animate, write_gif, write_mp4
from emo3d_exp.faces.animation import eased


@pytest.fixture
def keys():
    keys = np.zeros((3, 52), np.float32)
    keys[1, 25], keys[2, 44] = 0.8, 1.0
    return keys


@pytest.fixture
def frames():
    ramp = np.linspace(0, 255, 48, dtype=np.uint8)
    return np.stack([np.repeat(np.roll(ramp, 8 * k)[None, :, None], 32, 0).repeat(3, 2) for k in range(6)])


def test_the_way_is_eased_between_poses_and_rests_at_them(keys):
    times = np.array([0, 0.2, 0.6, 0.7, 1.1])
    at, path = eased(times, keys[[0, 0, 1, 1, 2]], 10)
    np.testing.assert_allclose(at, np.arange(12) / 10)
    for first, last, key in ((0, 2, keys[0]), (6, 7, keys[1]), (11, 11, keys[2])):
        np.testing.assert_allclose(
            path[first : last + 1], np.repeat(key[None], last + 1 - first, 0), atol=1e-6
        )
    passed = np.array([1, 2, 3]) / 4
    np.testing.assert_allclose(path[3:6, 25], 0.8 * (3 * passed**2 - 2 * passed**3), atol=1e-6)


def test_animation_starts_rests_and_ends_at_the_pictures_of_the_keyframes(ball, keys):
    renderer = Renderer(ball, size=32)
    frames, stills = animate(renderer, keys, seconds=0.4, fps=10, hold=0.1), renderer.render(keys)
    assert frames.shape == (3 * 1 + 2 * 4 + 1, 32, 32, 3)
    for places, still in zip(((0, 1), (5, 6), (10, 11)), stills, strict=True):
        np.testing.assert_array_equal(frames[list(places)], still[None].repeat(2, axis=0))
    assert len(np.unique(frames.reshape(12, -1), axis=0)) == 9


def test_one_keyframe_is_a_still(ball, keys):
    frames = animate(Renderer(ball, size=16), keys[:1], hold=0.2, fps=10)
    assert len(frames) == 3 and (frames[0] == frames[1:]).all()


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


@pytest.mark.parametrize("fps", [7, 12, 25, 30, 40, 50])
def test_gif_keeps_its_rate_on_the_whole(tmp_path, fps):
    from PIL import Image, ImageSequence

    rng = np.random.default_rng(0)
    write_gif(tmp_path / "face.gif", rng.integers(0, 255, (2 * fps, 4, 4, 3), np.uint8), fps=fps)
    with Image.open(tmp_path / "face.gif") as image:
        durations = [page.info["duration"] for page in ImageSequence.Iterator(image)]
    assert len(durations) == 2 * fps and sum(durations) == 2000 and min(durations) >= 20


def test_rates_and_sizes_that_would_come_out_wrong_are_refused(tmp_path, frames):
    with pytest.raises(ConfigError, match="fps=60: a GIF has at most 50"):
        write_gif(tmp_path / "a.gif", frames, fps=60)
    for odd, told in ((frames[:, 1:], r"48 x 31"), (frames[:, :, 1:], r"47 x 32.*size=48")):
        with pytest.raises(ConfigError, match=told):
            write_mp4(tmp_path / "a.mp4", odd)
    assert not list(tmp_path.iterdir())


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
        animate(None, keys[0])
    with pytest.raises(ValueError, match="above 0"):
        animate(None, keys, seconds=0)
