"""A film shows what was added, in order, whoever drew it."""

import os
import subprocess
import sys
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from child_processes import wait_until
from PIL import Image
from rollouts import FEW_RAYS, FORWARD, make
from walks import Walk
from worlds import box, houses, pillar

from envs import Minimal
from megastep import mapgen, plotting
from megastep.cli import main
from megastep.evaluation.entry_points import tasks
from megastep.evaluation.registry import Task
from megastep.plotting.film import CHUNK, Film, Grid, _sharing, drawn
from megastep.plotting.states import TRAIL
from megastep.world.overlays import Points, Shares

SIZE = (480, 300)


@pytest.fixture(scope='module')
def snapshots():
    """An agent on its way through two maps."""
    env = make(Minimal, num_envs=2, maps=houses(2), cameras=FEW_RAYS, shortest=500, longest=500)
    env.reset(seed=0)
    found = []
    for step in range(TRAIL + 12):
        env.step(torch.full((2,), 5 if step % 3 else FORWARD))
        found.append(env.snapshot(step // 40 % 2))
    return found


def alone(snapshots):
    """Moments of one env."""
    return [(snapshot,) for snapshot in snapshots]


def test_chunks_are_drawn_as_if_they_were_one(snapshots):
    plot, cut = plotting.StatePlot(snapshots[0], SIZE), TRAIL + 8
    for snapshot in snapshots[1:cut]:
        plot.update(snapshot)
    frames = drawn(alone(snapshots[cut - TRAIL : cut]), alone(snapshots[cut:]), SIZE)
    assert len(frames) == len(snapshots) - cut
    for snapshot, frame in zip(snapshots[cut:], frames, strict=True):
        plot.update(snapshot)
        assert np.array_equal(plot.frame(), frame)
    assert not np.array_equal(frames[-1], plotting.StatePlot(snapshots[-1], SIZE).frame())  # its trail is there


def test_the_first_chunk_has_the_first_frame(snapshots):
    first, second = drawn([], alone(snapshots[:2]), SIZE)
    plot = plotting.StatePlot(snapshots[0], SIZE)
    assert np.array_equal(plot.frame(), first)
    plot.update(snapshots[1])
    assert np.array_equal(plot.frame(), second)


def test_what_is_the_same_is_shared(snapshots):
    lean = _sharing(snapshots[1], snapshots[0])
    assert lean.walls is snapshots[0].walls and lean.texel_colours is snapshots[0].texel_colours
    assert lean.depth is not snapshots[0].depth
    assert np.array_equal(lean.positions, snapshots[1].positions)


def test_a_film_holds_every_frame_in_order(snapshots, tmp_path):
    path = tmp_path / 'film.gif'
    with Film(path, fps=20, size=SIZE) as film:
        for snapshot in snapshots[:5]:
            film.add(snapshot)
        assert not path.exists()
    with Image.open(path) as image:
        assert image.n_frames == 5
        for number, expected in enumerate(drawn([], alone(snapshots[:5]), SIZE)):
            image.seek(number)
            assert abs(np.asarray(image.convert('RGB')).astype(int) - expected).mean() < 6


def test_chunks_are_handed_over_as_they_fill(snapshots, tmp_path, monkeypatch):
    """Those before a chunk are as many as a trail is long."""
    handed = []

    def submit(draw, before, chunk, *_):
        handed.append((len(before), len(chunk)))
        drawing = Future()
        drawing.set_result([np.zeros((8, 8, 3), np.uint8)] * len(chunk))
        return drawing

    with Film(tmp_path / 'film.gif', size=SIZE) as film:
        monkeypatch.setattr(film._pool, 'submit', submit)
        for number in range(2 * CHUNK + 3):
            film.add(snapshots[number % 40])
        assert handed == [(0, CHUNK), (TRAIL, CHUNK)]
    assert handed[-1] == (TRAIL, 3)


def test_a_failure_leaves_nothing_behind(snapshots, tmp_path):
    with pytest.raises(RuntimeError, match='the world ended'), Film(tmp_path / 'film.gif') as film:
        film.add(snapshots[0])
        raise RuntimeError('the world ended')
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('suffix', ['gif', 'mp4'])
def test_who_writes_lets_go_of_a_film_that_is_interrupted(snapshots, tmp_path, monkeypatch, suffix):
    """The encoder was begun anew for what had been drawn, and left a file behind."""
    drawing, frames = Future(), [np.zeros((64, 64, 3), np.uint8)] * 200

    def interrupted():
        drawing.set_result(frames)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Film(tmp_path / f'film.{suffix}') as film:
        monkeypatch.setattr(film._pool, 'submit', lambda *_: drawing)
        monkeypatch.setattr(film, '_writing', SimpleNamespace(done=lambda: False, result=interrupted))
        film.add(snapshots[0])
    assert not list(tmp_path.iterdir())


def test_what_nobody_waits_for_is_not_drawn(snapshots, tmp_path):
    wanted = tmp_path / 'wanted'
    wanted.touch()
    assert len(drawn([], alone(snapshots[:3]), SIZE, wanted)) == 3
    assert len(drawn([], alone(snapshots[:3]), SIZE, tmp_path / 'none')) <= 1


FILMING = """
from megastep.plotting.film import Film

if __name__ == '__main__':
    with Film('film.gif') as film:
        film._pool.submit(abs, 0).result()
        print(*film._pool._processes, flush=True)
        input()
"""


@pytest.mark.skipif(not Path('/proc').exists(), reason='needs /proc')
def test_who_draws_ends_when_who_films_is_killed(tmp_path):
    (tmp_path / 'filming.py').write_text(FILMING)
    command = {'args': [sys.executable, 'filming.py'], 'cwd': tmp_path, 'text': True}
    pipes = {'stdin': subprocess.PIPE, 'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE}
    environment = {**os.environ, 'PYTHONPATH': str(Path(__file__).parents[2])}
    with subprocess.Popen(**command, **pipes, env=environment) as process:
        pid = process.stdout.readline().strip()
        assert Path('/proc', pid).exists()
        process.kill()
    wait_until(lambda: not Path('/proc', pid).exists() or ') Z ' in Path('/proc', pid, 'stat').read_text())


def test_what_cannot_be_drawn_is_reported(snapshots, tmp_path, monkeypatch):
    def submit(draw, *parts):
        drawing = Future()
        with pytest.raises(ValueError, match='no room') as raised:
            draw(*parts)
        drawing.set_exception(raised.value)
        return drawing

    def full(*_):
        raise ValueError('no room')

    with pytest.raises(ValueError, match='no room'), Film(tmp_path / 'film.gif') as film:
        monkeypatch.setattr(film._pool, 'submit', submit)
        monkeypatch.setattr('megastep.plotting.film.Grid', full)
        film.add(snapshots[0])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    'size, message',
    [
        ((960, 20), 'size must be at least 64 by 64 pixels, got 960 by 20'),
        ((10**5, 10**5), 'size must be at most 16,384 by 16,384 pixels, got 100,000 by 100,000'),
        ((96.5, 100), r'size must be a width and a height in whole pixels, got \(96.5, 100\)'),
        (640, 'size must be a width and a height in whole pixels, got 640'),
    ],
)
def test_sizes_that_cannot_be_drawn_are_refused_at_once(tmp_path, size, message):
    with pytest.raises(ValueError, match=message):
        Film(tmp_path / 'film.gif', size=size)


def test_more_envs_than_there_is_room_for_are_refused(snapshots, tmp_path):
    message = 'size must be at least 192 by 128 pixels for 3 envs by 2, got 128 by 128'
    with pytest.raises(ValueError, match=message), Film(tmp_path / 'film.gif', size=(128, 128)) as film:
        film.add(*snapshots[:1] * 5)
    message = 'snapshots must be what env.snapshot returns, got int'
    with pytest.raises(ValueError, match=message), Film(tmp_path / 'film.gif') as film:
        film.add(3)
    assert not list(tmp_path.iterdir())


def test_several_envs_are_in_a_grid(snapshots):
    one, two, three = snapshots[:3]
    frame = Grid((one, two, three), (401, 300)).frame()
    assert frame.shape == (300, 401, 3)
    tiles = [plotting.StatePlot(snapshot, (200, 150)).frame() for snapshot in (one, two, three)]
    for tile, (top, left) in zip(tiles, [(0, 0), (0, 200), (150, 0)], strict=True):
        assert np.array_equal(frame[top : top + 150, left : left + 200], tile)
    assert len(np.unique(frame[150:, 200:].reshape(-1, 3), axis=0)) == 1  # nothing is there


@pytest.mark.parametrize(
    'added, message', [([0], 'must be at least 1, got 0'), ([2, 1], 'must be 2, as before, got 1')]
)
def test_rejects_moments_of_other_envs(snapshots, tmp_path, added, message):
    with pytest.raises(ValueError, match=f'snapshots {message}'), Film(tmp_path / 'film.gif') as film:
        for count in added:
            film.add(*snapshots[:count])


@pytest.mark.parametrize('workers', [0, 1.5])
def test_rejects_no_workers(tmp_path, workers):
    with pytest.raises(ValueError, match=f'workers must be an integer of at least 1, got {workers}'):
        Film(tmp_path / 'film.gif', workers=workers)


def test_rejects_no_frames(tmp_path):
    with pytest.raises(ValueError, match='a recording needs at least 1 frame, got 0'), Film(tmp_path / 'film.gif'):
        pass


class Gather(Walk):
    """A task that no module knows: agents are drawn with what they carry, and with where they are to bring it."""

    def _overlays(self, env):
        places = self.core.scenery.spawns[self.core.map_ids[env]][:2]
        carried = torch.full((self.core.num_agents,), 0.25, device=self.device)
        return [Points(places, colours=torch.tensor([[0, 1, 1]] * 2), labels=['wood', 'stone']), Shares(carried)]

    def _values(self, env):
        return {'carried': self.lengths[env] * 2}


def test_an_env_that_no_module_knows_is_drawn(tmp_path):
    env = Gather(render_mode='rgb_array', num_agents=2)
    env.reset(seed=0)
    env.step(env.action_space.sample())
    snapshot = env.snapshot(0)
    assert [type(overlay) for overlay in snapshot.overlays] == [Points, Shares]
    assert snapshot.values['carried'] == 2
    (frame,) = env.render()
    assert np.array_equal(frame, plotting.StatePlot(snapshot).frame())
    assert (frame == (0, 255, 255)).all(axis=-1).sum() > 50
    assert not (plotting.StatePlot(replace(snapshot, overlays=())).frame() == (0, 255, 255)).all(axis=-1).any()


def test_an_env_that_no_module_knows_is_filmed(tmp_path):
    """By other processes, which know nothing of it."""
    env = Gather(num_agents=2)
    env.reset(seed=0)
    with Film(tmp_path / 'film.gif', size=SIZE) as film:
        for _ in range(3):
            film.add(env.snapshot(0))
            env.step(env.action_space.sample())
    with Image.open(film.path) as image:
        assert image.n_frames == 3
        frame = np.asarray(image.convert('RGB')).astype(int)
    assert (abs(frame - (0, 255, 255)).max(axis=-1) < 40).sum() > 10


# The command


@pytest.fixture
def maps(tmp_path):
    path = tmp_path / 'maps.safetensors'
    mapgen.generate('box', 3).save(path)
    return path


def test_the_command_films(maps, tmp_path, capsys):
    out = tmp_path / 'film.gif'
    assert main(['record', 'minimal', str(maps), str(out), '--steps', '4', '--map-id', '2']) == 0
    with Image.open(out) as image:
        assert image.n_frames == 5
    assert f'4 random steps of minimal in map 2 are in {out}' in capsys.readouterr().out


def test_the_command_films_several_envs_of_any_size_and_rate(maps, tmp_path):
    out = tmp_path / 'film.gif'
    look = ['--envs', '2', '--size', '240', '100', '--fps', '25']
    assert main(['record', 'minimal', str(maps), str(out), '--steps', '2', '--map-id', '2', *look]) == 0
    with Image.open(out) as image:
        assert (image.size, image.n_frames, image.info['duration']) == ((240, 100), 3, 40)


@pytest.mark.parametrize(
    'arguments, message',
    [
        (['minimal', 'film.gif', '--envs', '0'], 'envs must be at least 1, got 0'),
        (['minimal', 'film.gif', '--fps', '0'], 'fps must be above 0 and finite, got 0'),
        (['minimal', 'film.gif', '--size', '10', '10'], 'size must be at least 64 by 64 pixels, got 10 by 10'),
        (['chess', 'film.gif'], 'env must be one of deathmatch, explorer, foraging, minimal, pointgoal, racing, '),
        (['minimal', 'film.avi'], 'path must end in .mp4 or .gif, got '),
        (['minimal', 'film.gif', '--map-id', '3'], 'map_id must be from 0 to 2, got 3'),
        (['minimal', 'film.gif', '--steps', '0'], ' steps must be at least 1, got 0'),
        (['minimal', 'nowhere/film.gif'], 'nowhere is not a folder'),
    ],
)
def test_the_command_says_what_is_wrong(maps, tmp_path, capsys, arguments, message):
    task, out, *options = arguments
    assert main(['record', task, str(maps), str(tmp_path / out), *options]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob('*.gif'))


@pytest.mark.parametrize('name', tasks())
def test_every_task_can_be_made_for_a_film(name):
    spawns = [(x, y) for x in range(2, 9) for y in range(2, 9)]
    task = Task.of(name)
    room = box(1, 1, 9, 9, spawns=spawns, pillars=[pillar(4.4, 4.4, 4.6, 4.6)])  # to drive around
    env = task.make([room] * 2, task.num_agents)
    assert (env.core.num_envs, env.num_envs) == (1, task.num_agents)
