"""What is recorded can be read back; what fails leaves nothing behind."""

import sys

import numpy as np
import pytest
from PIL import Image

from megastep.plotting import record, video
from megastep.plotting.video import Recorder

COLOURS = [(200, 30, 30), (30, 200, 30), (30, 30, 200), (220, 220, 40), (10, 10, 10)]


@pytest.fixture
def ffmpeg():
    return pytest.importorskip('imageio_ffmpeg', reason='needs the extra video')


def frames(height=64, width=96):
    return [np.full((height, width, 3), colour, np.uint8) for colour in COLOURS]


def read_mp4(path, ffmpeg):
    """The frames, and what the file says of itself."""
    reader = ffmpeg.read_frames(str(path))
    about = next(reader)
    width, height = about['size']
    return np.stack([np.frombuffer(data, np.uint8).reshape(height, width, 3) for data in reader]), about


def read_gif(path):
    """The frames, and how long each is shown, in milliseconds."""
    with Image.open(path) as image:
        read = []
        for i in range(image.n_frames):
            image.seek(i)
            read.append((np.asarray(image.convert('RGB')), image.info['duration']))
    pictures, durations = zip(*read, strict=True)
    return np.stack(pictures), set(durations)


def failing():
    """Frames that break off."""
    yield from frames()[:3]
    raise RuntimeError('the world ended')


def test_an_mp4_can_be_read_back(tmp_path, ffmpeg):
    path = record(frames(), tmp_path / 'film.mp4', fps=5)
    assert path == tmp_path / 'film.mp4'
    read, about = read_mp4(path, ffmpeg)
    assert (about['codec'], about['fps'], about['pix_fmt'][:7]) == ('h264', 5, 'yuv420p')
    np.testing.assert_allclose(read.astype(int), frames(), atol=6)


def test_a_gif_can_be_read_back(tmp_path):
    path = record(frames(), tmp_path / 'film.gif', fps=20)
    assert path == tmp_path / 'film.gif'
    read, durations = read_gif(path)
    assert durations == {50}
    np.testing.assert_allclose(read.astype(int), frames(), atol=6)


def test_a_gif_plays_fifty_frames_a_second_at_most(tmp_path):
    assert read_gif(record(frames(), tmp_path / 'film.gif', fps=200))[1] == {20}


def test_odd_sizes_are_made_even(tmp_path, ffmpeg):
    """H.264 in browsers needs even sizes: the last row and column are shown twice."""
    read, _ = read_mp4(record(frames(63, 95), tmp_path / 'film.mp4'), ffmpeg)
    np.testing.assert_allclose(read.astype(int), frames(64, 96), atol=6)


def test_without_an_encoder_it_is_a_gif(tmp_path, monkeypatch):
    monkeypatch.setattr(video, 'encoder', lambda: 'pillow')
    path = record(iter(frames()), tmp_path / 'film.mp4')
    assert path == tmp_path / 'film.gif'
    assert len(read_gif(path)[0]) == len(COLOURS)
    assert list(tmp_path.iterdir()) == [path]


def test_the_encoder_is_ffmpeg(ffmpeg):
    assert video.encoder() == 'ffmpeg'


def test_the_encoder_is_pillow_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, 'imageio_ffmpeg', None)
    assert video.encoder() == 'pillow'


def test_the_encoder_is_pillow_without_an_executable(monkeypatch, ffmpeg):
    def missing():
        raise RuntimeError('No ffmpeg exe could be found.')

    monkeypatch.setattr(ffmpeg, 'get_ffmpeg_exe', missing)
    assert video.encoder() == 'pillow'


def test_a_recorder_takes_frames_as_they_come(tmp_path):
    with Recorder(tmp_path / 'film.gif') as recorder:
        for frame in frames():
            recorder.add(frame)
            assert not recorder.path.exists()
    assert len(read_gif(recorder.path)[0]) == len(COLOURS)


@pytest.mark.parametrize('name', ['film.mp4', 'film.gif'])
def test_a_failure_leaves_nothing_behind(tmp_path, name):
    with pytest.raises(RuntimeError, match='the world ended'):
        record(failing(), tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('name', ['film.mp4', 'film.gif'])
def test_a_failure_leaves_the_old_file_whole(tmp_path, name):
    path = record(frames(), tmp_path / name)
    before = path.read_bytes()
    with pytest.raises(RuntimeError, match='the world ended'):
        record(failing(), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize('name', ['film.mp4', 'film.gif'])
def test_a_new_file_takes_the_place_of_the_old(tmp_path, name):
    path = record(frames(), tmp_path / name)
    before = path.read_bytes()
    record(frames()[:2], path)
    assert path.read_bytes() != before
    assert list(tmp_path.iterdir()) == [path]


def test_an_mp4_that_came_out_short_is_reported(tmp_path, monkeypatch, ffmpeg):
    monkeypatch.setattr(ffmpeg, 'count_frames_and_secs', lambda path: (2, 0.2))
    with pytest.raises(OSError, match='5 frames were recorded, but 2 were written'):
        record(frames(), tmp_path / 'film.mp4')
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('name', ['film.avi', 'film', 'film.mp4.txt'])
def test_rejects_an_unknown_suffix(tmp_path, name):
    with pytest.raises(ValueError, match=rf"path must end in \.mp4 or \.gif, got '.*{name}'"):
        record(frames(), tmp_path / name)


@pytest.mark.parametrize('fps', [0, -1, float('inf'), float('nan')])
def test_rejects_an_impossible_fps(tmp_path, fps):
    with pytest.raises(ValueError, match=f'fps must be above 0 and finite, got {fps}'):
        record(frames(), tmp_path / 'film.gif', fps=fps)


@pytest.mark.parametrize('name', ['film.mp4', 'film.gif'])
def test_rejects_no_frames(tmp_path, name):
    with pytest.raises(ValueError, match='a recording needs at least 1 frame, got 0'):
        record([], tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_rejects_frames_of_differing_size(tmp_path):
    with pytest.raises(ValueError, match=r'must all be \(64, 96, 3\), as the first was, got \(32, 96, 3\)'):
        record([*frames(), frames(32)[0]], tmp_path / 'film.gif')
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('frame', [np.zeros((4, 6, 3)), np.zeros((4, 6), np.uint8), np.zeros((4, 6, 4), np.uint8)])
def test_rejects_what_is_no_picture(tmp_path, frame):
    with pytest.raises(ValueError, match=r'frames must be \(height, width, 3\) of uint8, got \(4, 6'):
        record([frame], tmp_path / 'film.gif')


@pytest.mark.parametrize(
    'path, options, frame, message',
    [
        (3, {}, COLOURS[0], 'path must be a path, got 3'),
        ('film.gif', {'fps': 'a'}, COLOURS[0], "fps must be a number, got 'a'"),
        ('film.gif', {}, [[0]], 'frames must be arrays, got list'),
        (
            'film.gif',
            {},
            np.zeros((0, 0, 3), np.uint8),
            r'frames must be \(height, width, 3\) of uint8, got \(0, 0, 3\)',
        ),
    ],
)
def test_what_is_none_of_its_arguments_is_named(tmp_path, monkeypatch, path, options, frame, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        record([frame], path, **options)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_reported_first(tmp_path):
    with pytest.raises(FileNotFoundError), Recorder(tmp_path / 'nowhere' / 'film.mp4'):
        pytest.fail('the work had begun')
