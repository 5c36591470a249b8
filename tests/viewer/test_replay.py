"""A replay holds what happened, to the pixel, and takes little room."""

import base64
import io
import json
import re
import zlib
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode
from PIL import Image
from rollouts import FEW_RAYS, actions_of, make
from walks import Walk
from worlds import houses

from envs import Deathmatch, Explorer, Foraging, Minimal, PointGoal
from megastep import mapgen
from megastep.cli import main
from megastep.evaluation.baselines import RandomActions
from megastep.viewer import Replay, archive, page, pixels, rows, tape, track
from megastep.viewer.encoding import encoded
from megastep.world import rendering
from megastep.world.overlays import BatchedOverlay, Marks, Points, Segments, Shares

STEPS = 12


def counted(env):
    """Acts alike whenever it begins anew."""
    steps = iter(range(10_000))
    return lambda observations, begins: actions_of(env, next(steps))


@pytest.fixture(scope='module')
def replay():
    env = make(Explorer, num_envs=3, cameras=FEW_RAYS)
    return Replay.record(env, counted(env), STEPS, envs=[2, 0], maps=houses(2))


def document_of(html):
    return json.loads(re.search(r'<script type="application/json" id="recording">(.*?)</script>', html, re.DOTALL)[1])


def array_of(document, number):
    """An array of a page's archive, read as its script reads it."""
    entry = document['archive']['index'][number]
    content = zlib.decompress(base64.b64decode(document['archive']['bytes']))
    count = int(np.prod(entry['shape'], dtype=int))
    values = np.frombuffer(content, entry['type'], count, entry['at'])
    if 'unit' not in entry:
        return values.reshape(entry['shape'])
    series = np.cumsum(values.reshape(*entry['shape'][1:], entry['shape'][0]), axis=-1, dtype=np.uint16)
    known = entry['origin'] + series * entry['unit']
    return np.moveaxis(known if entry.get('whole') else np.where(series == archive.ABSENT, np.nan, known), -1, 0)


def pixels_of(tiles):
    return np.concatenate([np.asarray(Image.open(io.BytesIO(base64.b64decode(tile)))) for tile in tiles])


def test_it_keeps_what_happened(replay):
    env = make(Explorer, num_envs=3, cameras=FEW_RAYS)
    env.reset(seed=0)
    act = counted(env)
    for frame in range(STEPS + 1):
        if frame:
            _, rewards, _, _, info = env.step(act(None, None))
        for recorded, number in zip(replay.trajectories.tracks, (2, 0), strict=True):
            assert recorded.env == number
            assert np.array_equal(recorded.positions[frame], env.core.agents.positions[number])
            assert np.array_equal(recorded.angles[frame], env.core.agents.angles[number])
            assert recorded.lengths[frame] == env.lengths[number] == frame
            view = rendering.render(env.core, FEW_RAYS)
            assert np.array_equal(recorded.rgb[''][frame], encoded(view.rgb[number]).movedim(-2, -1))
            assert np.array_equal(recorded.depth[''][frame], (view.depth[number] * 255).round())
            if frame:
                assert recorded.rewards[frame, 0] == rewards[number]
                assert recorded.values['coverage'][frame, 0] == info['coverage'][number].float()
    assert np.isnan(replay.trajectories.tracks[0].values['coverage'][0])  # a reset says nothing


class Spoiler(Explorer):
    """A task that paints over its view, and then turns those who have looked, if it is to."""

    moves = False

    def _observe(self):
        seen = super()._observe()
        seen['rgb'].fill_(0.5)
        return seen

    def _outcome(self):
        self.core.agents.angles.add_(90 * self.moves)
        return super()._outcome()


def recorded_pixels(env, rows, steps=5):
    """What a tape has kept of some envs, what is to be seen from where they were, and which was the env's own."""
    env.reset(seed=0)
    kept, expected = tape.Tape(env, rows, steps + 1), []
    with kept.watching():
        for step in range(steps):
            _, _, terminated, _, info = env.step(actions_of(env, step))
            kept.add(info, terminated)
            taken = kept._pixels._taken[:]
            if step == 0:  # there were no buffers for it to be taken into
                kept.develop()
            watchers, env.core.watchers[:] = env.core.watchers[:], []
            view = rendering.render(env.core, env.cameras)
            env.core.watchers[:] = watchers
            expected.append((encoded(view.rgb[rows]).movedim(-2, -1).cpu(), (view.depth[rows] * 255).round().cpu()))
    assert env.core.watchers == []
    return kept.arrays(), expected, taken


@pytest.mark.parametrize('rows', [[1], [1, 2], [2, 0]])
@pytest.mark.parametrize('moves', [False, True])
def test_pixels_are_those_that_the_env_has_rendered_unless_somebody_has_moved_since(monkeypatch, rows, moves):
    monkeypatch.setattr(Spoiler, 'moves', moves)
    monkeypatch.setattr(pixels, 'LOOK', 0)
    arrays, expected, taken = recorded_pixels(make(Spoiler, num_envs=3, cameras=FEW_RAYS), rows)
    assert set(taken) == {not moves}
    for frame, (rgb, depth) in enumerate(expected):
        assert np.array_equal(arrays['rgb.'][frame], rgb)
        assert np.array_equal(arrays['depth.'][frame], depth)


def test_few_agents_are_rendered_again_as_that_takes_less_than_looking():
    arrays, expected, taken = recorded_pixels(make(Spoiler, num_envs=3, cameras=FEW_RAYS), [1])
    assert not any(taken)
    for frame, (rgb, depth) in enumerate(expected):
        assert np.array_equal(arrays['rgb.'][frame], rgb)
        assert np.array_equal(arrays['depth.'][frame], depth)


@pytest.mark.gpu
@pytest.mark.parametrize('cuda_graph, copy', [(True, False), (True, True), (False, False)])
def test_pixels_are_exact_where_steps_run_from_a_graph(cuda_graph, copy):
    """And nothing waits for the GPU before the end."""
    options = {'device': 'cuda', 'cuda_graph': cuda_graph, 'copy': copy, 'patience': 0.3}
    env = make(Explorer, num_envs=300, cameras=FEW_RAYS, **options)
    arrays, expected, _ = recorded_pixels(env, [7, 2], steps=200)  # more than are rendered together
    for frame, (rgb, depth) in enumerate(expected):
        assert np.array_equal(arrays['rgb.'][frame], rgb)
        assert np.array_equal(arrays['depth.'][frame], depth)
    kept = tape.Tape(env, [7, 2], 200)
    actions = actions_of(env, 0)
    for _ in range(3):  # what is compiled is compiled
        kept.add(env.step(actions)[-1])
    torch.cuda.set_sync_debug_mode('error')
    try:
        for _ in range(150):
            _, _, terminated, _, info = env.step(actions)
            kept.add(info, terminated)
    finally:
        torch.cuda.set_sync_debug_mode('default')
    assert len(kept.arrays()['lengths']) == 153


def test_the_page_holds_it(replay):
    document = document_of(replay.html())
    assert [each['env'] for each in document['envs']] == [2, 0]
    for shown, recorded in zip(document['envs'], replay.trajectories.tracks, strict=True):
        assert np.array_equal(array_of(document, shown['rewards']), recorded.rewards)
        assert abs(array_of(document, shown['positions']) - recorded.positions).max() <= 0.0006
        turned = (array_of(document, shown['angles']) - recorded.angles + 180) % 360 - 180
        assert abs(turned).max() <= 180 / 2**16 + 1e-3
        assert np.array_equal(pixels_of(shown['rgb'][''][0][0]), recorded.rgb[''][:, 0, 0])
        assert np.array_equal(pixels_of(shown['depth'][''][0][0]), recorded.depth[''][:, 0, 0])


def test_the_page_needs_nothing_else(replay):
    html = replay.html()
    assert not re.search(r'https?://|src=|@import|url\(', html)
    assert html.count('</script>') == 2


def test_modules_are_small_and_stand_after_those_that_they_import():
    web = Path(page.__file__).parent / 'web'
    modules = (*page.MODULES, *page.LIVE, *page.DRAW, *page.WIDGET, *page.DRIVE_WIDGET, *page.DRAW_WIDGET)
    assert {path.stem for path in web.glob('*.js')} == set(modules)
    for number, name in enumerate(modules):
        source = (web / f'{name}.js').read_text()
        assert source.count('\n') < 300
        for names, module in re.findall(r"^import \{ ([^}]*) \} from '\./(\w+)\.js';$", source, re.MULTILINE):
            assert module in modules[:number]
            exported = (web / f'{module}.js').read_text()
            for each in names.split(', '):
                assert re.search(rf'^export (async )?(const|function|class) {each}\b', exported, re.MULTILINE)
    assert not re.search(r'^(import|export) ', page.script(modules), re.MULTILINE)


def test_a_map_is_kept_with_its_rooms(replay):
    document, maps = document_of(replay.html()), houses(2)
    assert set(document['maps']) == {'0', '1'}
    for number, plan in document['maps'].items():
        geometry = maps[int(number)]
        assert np.allclose(array_of(document, plan['walls']), geometry.walls)
        assert [room['kind'] for room in plan['rooms']] == [room.kind for room in geometry.rooms]
        assert array_of(document, plan['colours']).shape == (array_of(document, plan['counts']).sum(), 3)


def test_numbers_are_rounded_to_sixteen_bits():
    box = archive.Archive()
    values = np.array([[0.0, 500.0], [np.nan, 499.9], [np.inf, 3.25]])
    number, absent = box.tracked(values), box.tracked(np.full((3, 2), np.nan))
    document = {'archive': box.json()}
    found = array_of(document, number)
    assert np.isnan(found[1:, 0]).all()
    assert abs(found[:, 1] - values[:, 1]).max() <= 500 / 2**16
    assert np.isnan(array_of(document, absent)).all()


def test_long_pictures_are_cut(monkeypatch):
    monkeypatch.setattr(archive, 'TILE', 5)
    pixels = np.random.default_rng(0).integers(0, 256, (12, 4, 3), np.uint8)
    tiles = archive.pictures(pixels)
    assert len(tiles) == 3
    assert np.array_equal(pixels_of(tiles), pixels)


def test_episodes_are_told_apart():
    env = make(Minimal, cameras=FEW_RAYS, shortest=3, longest=3)
    (recorded,) = Replay.record(env, counted(env), 10).trajectories.tracks
    lives = track.episodes(recorded)
    assert (lives[0][0], lives[-1][1]) == (0, 10)
    assert [last for _, last in lives if last < 10] == np.flatnonzero(recorded.over)[: len(lives) - 1].tolist()
    assert [recorded.lengths[first] for first, _ in lives] == [0] * len(lives)


def test_the_way_to_a_goal_is_drawn():
    env = make(PointGoal, num_envs=1, cameras=FEW_RAYS, time_limit=1)
    (recorded,) = Replay.record(env, counted(env), 15).trajectories.tracks
    (goals,) = recorded.overlays
    assert goals.kind == 'points'
    assert [(path.first, path.last) for path in recorded.paths] == track.episodes(recorded)
    for path in recorded.paths:
        assert np.allclose(path.points[0], recorded.positions[path.first, 0])
        assert np.allclose(path.points[-1], goals.arrays['positions'][path.first, 0])


def test_markers_shots_and_health_are_kept():
    env = make(Foraging, num_envs=2, cameras=FEW_RAYS, num_items=3)
    (recorded,) = Replay.record(env, counted(env), 4).trajectories.tracks
    assert np.array_equal(recorded.markers['positions'][-1], env.core.markers.positions[0])
    env = make(Deathmatch, num_envs=8, cameras=FEW_RAYS)
    (recorded,) = Replay.record(env, steps=4, envs=[1]).trajectories.tracks
    shares, shots = recorded.overlays
    assert (shares.kind, shots.kind) == ('shares', 'segments')
    assert np.array_equal(shots.arrays['ends'][-1], env._overlays(1)[1].ends, equal_nan=True)
    assert set(recorded.values) >= {'kills', 'hits', 'wounds'}


class Gather(Walk):
    """A task that no module knows."""

    def _overlays(self, env):
        places = self.core.scenery.spawns[self.core.map_ids[env]][:3]
        return [Points(places, colours=torch.tensor([[0, 1, 1]] * 3)), Shares(torch.ones(self.core.num_agents))]

    def _values(self, env):
        return {'carried': self.lengths[env] * 2}


def test_an_env_that_no_module_knows_is_recorded():
    env = Gather(num_agents=2)
    (recorded,) = Replay.record(env, steps=3).trajectories.tracks
    assert [overlay.kind for overlay in recorded.overlays] == ['points', 'shares']
    assert np.array_equal(recorded.values['carried'], 2 * recorded.lengths)
    assert not recorded.paths  # three points for two agents are no goals


class PointGoalByEnv(PointGoal):
    """Says env by env what its base says for all envs at once."""

    def _overlays(self, env):
        reached = self._success[env] & self.core.over[env]
        return [Points(self._goals.current.positions[env]), Marks(reached, 'success')]

    def _values(self, env):
        return {'distance': self._tracker.remaining[env]}


class DeathmatchByEnv(Deathmatch):
    """Says env by env what its base says for all envs at once."""

    def _overlays(self, env):
        victims, positions = self._aim.targets[env].long(), self.core.agents.positions[env]
        fires = (self._combat.waits[env] <= 0) & (victims >= 0)
        shots = torch.stack([positions, positions[victims]], dim=1).masked_fill(~fires[:, None, None], torch.nan)
        return [Shares(self._combat.health[env] / self._combat.full_health), Segments(shots)]

    def _values(self, env):
        return self._score.totals(env, 'hits', 'kills')


@pytest.mark.parametrize('envs', [[1], [0, 1, 2], [2, 0]])
@pytest.mark.parametrize('task, base', [(PointGoalByEnv, PointGoal), (DeathmatchByEnv, Deathmatch)])
def test_what_is_said_for_all_envs_at_once_is_what_each_says(task, base, envs):
    replays = []
    for make_env in (task, base):
        env = make(make_env, num_envs=3 * (4 if base is Deathmatch else 1), cameras=FEW_RAYS, time_limit=2)
        replays.append(Replay.record(env, counted(env), 40, envs).trajectories.tracks)
    for one, other in zip(*replays, strict=True):
        assert_same(vars(one), vars(other))
    shots = [overlay.arrays['ends'] for track in replays[0] for overlay in track.overlays if 'ends' in overlay.arrays]
    assert base is PointGoal or any(np.isfinite(ends).any() for ends in shots)


def assert_same(one, other):
    """Raises unless nested arrays are alike, to the bit."""
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == 'f')
    elif isinstance(one, dict):
        assert set(one) == set(other)
        for name in one:
            assert_same(one[name], other[name])
    elif isinstance(one, list):
        for each, its in zip(one, other, strict=True):
            assert_same(each, its)
    elif hasattr(one, '__dict__'):
        assert_same(vars(one), vars(other))
    else:
        assert one == other


class Flags(Walk):
    """Draws a point for each env, once it has walked for a while, in a colour that is the same for all."""

    def _batched_overlays(self):
        colour = torch.tensor([[1.0, 0, 0]])
        flags = BatchedOverlay(partial(Points, colours=colour), positions=self.core.agents.positions, labels=['flag'])
        return [flags] * int(self.lengths[0] >= 2)

    def _batched_values(self):
        return {'walked': self.lengths}


def test_what_is_drawn_later_is_nothing_before():
    tracks = Replay.record(Flags(num_envs=3), steps=9, envs=[2, 0]).trajectories.tracks
    drawn = tracks[1].lengths >= 2
    assert 0 < drawn.sum() < 8
    for each in tracks:
        (flags,) = each.overlays
        assert flags.kind == 'points' and set(flags.arrays) == {'positions', 'colours'}
        assert np.isnan(flags.arrays['positions'][~drawn]).all() and np.isnan(flags.arrays['colours'][~drawn]).all()
        assert np.array_equal(flags.arrays['positions'][drawn], each.positions[drawn])
        assert (flags.arrays['colours'][drawn] == [1, 0, 0]).all()
        assert np.array_equal(each.values['walked'], each.lengths)


class Renamed(Flags):
    """A task that was made from another: what it says of an env itself is what holds."""

    def _values(self, env):
        return {'strolled': super()._values(env)['walked'] + 1}


def test_what_is_defined_further_down_is_what_is_recorded():
    (recorded,) = Replay.record(Renamed(num_envs=2), steps=3).trajectories.tracks
    assert set(recorded.values) == {'strolled'}
    assert np.array_equal(recorded.values['strolled'], recorded.lengths + 1)
    assert [overlay.kind for overlay in recorded.overlays] == ['points']


def decides(positions):
    return Points(positions if positions.sum() > 0 else -positions)


@pytest.mark.parametrize(
    'hook, says, message',
    [
        ('values', lambda env: {'pace': 1.5}, "value 'pace' must be a tensor with a row for each of 2 envs, got 1.5"),
        ('values', lambda env: {'pace': torch.ones(3)}, r"'pace' must be .* each of 2 envs, got shape \(3,\)"),
        (
            'overlays',
            lambda env: [BatchedOverlay(Points, positions=torch.ones(3, 1, 2))],
            r'positions of batched overlay 0 must be a tensor with a row for each of 2 envs, got shape \(3, 1, 2\)',
        ),
        (
            'overlays',
            lambda env: [BatchedOverlay(Points, positions=torch.ones(2, 1, 3))],
            r'positions must have shape \(any, 2\), got \(1, 3\)',
        ),
        (
            'overlays',
            lambda env: [BatchedOverlay(decides, positions=torch.ones(2, 1, 2))],
            'batched overlay 0 must be drawn by what torch.vmap takes: .*data-dependent',
        ),
        (
            'values',
            lambda env: {'pace': torch.ones(2, int(env.lengths[0]) + 1)},
            r"value 'pace' must have one shape all the time, got \(1, 2\) after \(1, 1\) at step 1",
        ),
    ],
)
def test_says_what_an_env_must_say_of_all_envs(monkeypatch, hook, says, message):
    monkeypatch.setattr(Flags, f'_batched_{hook}', says)
    with pytest.raises(ValueError, match=message):
        Replay.record(Flags(num_envs=2), steps=3, envs=[1])


def test_rows_are_written_alike_as_tensors_and_as_arrays():
    values = {'a': torch.arange(6).view(2, 3), 'b': torch.tensor([True, False]), 'c': torch.rand(2), 'd': torch.rand(2)}
    buffers = {name: torch.full((3, *value.shape), 7.0) for name, value in values.items()}
    arrays = {name: buffer.clone().numpy() for name, buffer in buffers.items()}
    rows.write(buffers, 1, values)
    rows.write(arrays, 1, {name: value.numpy() for name, value in values.items()})
    for name, value in values.items():
        assert np.array_equal(buffers[name], arrays[name])
        assert torch.equal(buffers[name][1], value.float()) and (buffers[name][::2] == 7).all()


def test_who_acts_may_be_a_baseline():
    env = make(Minimal, cameras=FEW_RAYS)
    assert repr(Replay.record(env, RandomActions(), 3, title='Walk')) == "Replay('Walk', 3 steps of 1 env)"


def test_a_notebook_shows_it_in_a_frame_over_a_still_picture(replay):
    html = replay._repr_html_()
    assert 'sandbox="allow-scripts" srcdoc="' in html
    assert html.index('<img alt="Replay of ') < html.index('<iframe')
    assert len(html) < page.LARGEST_OUTPUT


def test_a_page_too_large_for_a_notebook_is_linked(replay, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(page, 'LARGEST_OUTPUT', 1000)
    html = replay._repr_html_()
    (written,) = tmp_path.iterdir()
    assert f'<a href="{written.name}"' in html and 'iframe' not in html
    assert written.read_text() == replay.html()


def test_rewards_that_are_no_numbers_are_warned_of():
    class Broken(Walk):
        def _outcome(self):
            rewards, *over = super()._outcome()
            return torch.where(self.lengths[:, None] == 1, torch.nan, rewards), *over

    with pytest.warns(UserWarning, match='rewards must be finite, got nan for env 0, agent 0 at step 1, and '):
        replay = Replay.record(Broken(), steps=3)
    assert 'NaN' not in replay.html().partition('id="recording"')[2].partition('</script>')[0]


class Lost(Walk):
    """Its agents are nowhere from the first step on."""

    def _act(self, actions):
        super()._act(actions)
        self.core.agents.positions.fill_(torch.nan)


def test_positions_that_are_no_numbers_are_warned_of():
    with pytest.warns(UserWarning) as warned:
        Replay.record(Lost(num_envs=1), steps=3)
    found = [str(warning.message) for warning in warned]
    assert any(
        each.startswith('positions must be finite, got nan for env 0, agent 0 at step 1, and ') for each in found
    )


class Said(Walk):
    """What it says of itself is said by functions of the episode's length."""

    values, overlays = staticmethod(lambda length: {}), staticmethod(lambda length: [])

    def _values(self, env):
        return self.values(int(self.lengths[env]))

    def _overlays(self, env):
        return self.overlays(int(self.lengths[env]))


@pytest.mark.parametrize(
    'name, says, message',
    [
        (
            'values',
            lambda n: {'pace': [0.0] * (n + 1)},
            r"value 'pace' of env 1 must have one shape .* \(2,\) after \(1,\)",
        ),
        ('values', lambda n: {'pace': 'fast'}, "value 'pace' of env 1 must be numbers, got 'fast'"),
        ('overlays', lambda n: [(1, 2)], r'overlay 0 of env 1 must be Points, .* or Marks, got \(1, 2\)'),
        (
            'overlays',
            lambda n: [Points(np.ones((n, 2)))],
            r'positions of overlay 0, points, of env 1 must have one shape',
        ),
    ],
)
def test_says_what_an_env_must_say_of_itself(monkeypatch, name, says, message):
    monkeypatch.setattr(Said, name, staticmethod(says))
    with pytest.raises(ValueError, match=message):
        Replay.record(Said(num_envs=2), steps=3, envs=[1])


def test_what_an_env_says_later_is_nothing_before(monkeypatch):
    monkeypatch.setattr(Said, 'overlays', staticmethod(lambda length: [Points(np.ones((1, 2)))] * min(length, 1)))
    replay = Replay.record(Said(num_envs=2), steps=1, envs=[1])
    (overlay,) = replay.trajectories.tracks[0].overlays
    assert np.isnan(overlay.arrays['positions'][0]).all() and (overlay.arrays['positions'][1] == 1).all()
    replay.html()


@pytest.mark.parametrize(
    'options, message',
    [
        ({'steps': 0}, 'steps must be an integer of at least 1, got 0'),
        ({'steps': 10**9}, r'steps must be at most [\d,]+ for 1 envs that take [\d,]+ bytes a step, got 1,000,000,000'),
        ({'envs': []}, 'envs must be at least 1 number, got 0'),
        ({'envs': [5]}, 'envs must be integers from 0 to 4, got 5'),
        ({'envs': [0.5]}, 'envs must be integers from 0 to 4, got 0.5'),
        ({'envs': 2}, r'envs must be a list of numbers, such as \[0\], got 2'),
        ({'seed': 'a'}, "seed must be an integer from 0 to .*, got 'a'"),
        ({'title': 3}, 'title must be a string, got 3'),
        ({'maps': 'maps.safetensors'}, 'maps must be a MapSet or a list of geometries, got str'),
        ({'maps': [1, 2]}, 'maps must be a MapSet or a list of geometries, got int in it'),
        ({'maps': 3}, 'maps must be a MapSet or a list of geometries, got int'),
        ({'maps': mapgen.make('house', 0)}, "maps must be those of the env's scenery, got others"),
        ({'envs': [1, 1]}, 'envs must be different numbers, got 1 twice'),
        ({'agent': 'random'}, 'agent must be a function of observations and begins, or a policy, got str'),
        ({'agent': RandomActions}, 'agent must be a function of two arguments, .*, got the class RandomActions'),
        ({'agent': lambda seen: seen}, r'agent must be a function of two arguments, .*, got <lambda>\(seen\): too'),
        ({'maps': mapgen.generate('box', 1)}, "maps must be those of the env's scenery, got others"),
    ],
)
def test_says_what_is_wrong(options, message):
    env = make(Minimal, cameras=FEW_RAYS)
    with pytest.raises(ValueError, match=message):
        Replay.record(env, **options)


@pytest.mark.parametrize(
    'wrap', [lambda maps: maps, lambda maps: maps[0], list, iter], ids=['set', 'map', 'list', 'iter']
)
def test_maps_are_a_set_one_alone_or_any_of_them(wrap):
    maps = houses(1)
    replay = Replay.record(make(Explorer, maps=maps, num_envs=1, cameras=FEW_RAYS), steps=1, maps=wrap(maps))
    assert replay.trajectories.floorplans[0].rooms[0].kind == maps[0].rooms[0].kind


def test_rejects_envs_that_it_cannot_record():
    with pytest.raises(ValueError, match='env must be a megastep Env, got str'):
        Replay.record('explorer')
    env = make(Minimal, cameras=FEW_RAYS, autoreset_mode=AutoresetMode.SAME_STEP)
    with pytest.raises(ValueError, match='env must have autoreset_mode NEXT_STEP to be recorded, got SAME_STEP'):
        Replay.record(env)


def test_rejects_a_file_that_is_no_page(replay, tmp_path):
    with pytest.raises(ValueError, match=r"path must end in \.html, got '.*replay\.mp4'"):
        replay.save(tmp_path / 'replay.mp4')
    with pytest.raises(ValueError, match='path must be a path, got None'):
        replay.save(None)
    with pytest.raises(FileNotFoundError, match='nowhere is not a folder'):
        replay.save(tmp_path / 'nowhere' / 'replay.html')


def test_several_kinds_of_cameras_are_kept():
    cameras = {'front': FEW_RAYS, 'rear': replace(FEW_RAYS, res=4, mounts=((0, 0, 180), (0, 0, 90)))}
    env = make(Explorer, num_envs=1, cameras=cameras)
    document = document_of(Replay.record(env, steps=2).html())
    assert [(each['name'], each['res'], len(each['mounts'])) for each in document['cameras']] == [
        ('front', 8, 1),
        ('rear', 4, 2),
    ]
    assert pixels_of(document['envs'][0]['rgb']['rear'][0][1]).shape == (3, 4, 3)


# The command


def test_the_command_writes_a_replay(tmp_path, capsys):
    maps, out = tmp_path / 'maps.safetensors', tmp_path / 'replay.html'
    mapgen.generate('box', 3).save(maps)
    assert main(['record', 'minimal', str(maps), '--html', str(out), '--steps', '4', '--map-id', '2']) == 0
    assert f'4 random steps of minimal in map 2 are in {out}' in capsys.readouterr().out
    document = document_of(out.read_text())
    assert (list(document['maps']), document['envs'][0]['frames']) == (['2'], 5)


@pytest.mark.parametrize(
    'options, message',
    [
        ([], 'record needs a film to write, or a replay with --html, got neither.'),
        (['--html', 'replay.htm'], "path must end in .html, got 'replay.htm'"),
        (['--html', 'nowhere/replay.html'], 'nowhere is not a folder'),
        (['--html', 'replay.html', '--map-id', '3'], 'map_id must be from 0 to 2, got 3'),
    ],
)
def test_the_command_says_what_is_wrong(tmp_path, capsys, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    mapgen.generate('box', 3).save(tmp_path / 'maps.safetensors')
    assert main(['record', 'minimal', 'maps.safetensors', *options]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob('*.htm*'))
