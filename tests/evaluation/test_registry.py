"""Tasks by name and of one's own: an env that no module knows says all that has to be known of it."""

import pytest
import torch
from gymnasium.spaces import Dict
from trainings import STEPS, TINY
from worlds import houses

from envs import Deathmatch, Minimal, Waypoint
from megastep import Core, Scenery, learning, mapgen, physics
from megastep.env import Env
from megastep.env.motion import ACTIONS, SimpleMovement
from megastep.env.sensors import IMU
from megastep.env.spawning import RandomSpawns
from megastep.evaluation import evaluate_in
from megastep.evaluation.registry import Task
from megastep.learning import Policy
from megastep.learning.run.run_folder import Run
from megastep.plotting.curves import curves
from megastep.world.cameras import Cameras

TURN_LEFT = ACTIONS.index('turn left')


class Foraging(Env):
    """Paid for walking about: a berry a metre. Episodes have 6 steps."""

    scores = ('berries',)

    def __init__(self, maps, num_envs=8, device=None, *, num_agents=2, seed=0, sweetness: float = 1.0, **options):
        scenery = Scenery.pack(maps, num_agents=num_agents, device=device, seed=seed)
        core = Core(scenery, num_envs // num_agents, seed=seed)
        self._movement, self._imu, self._spawns = SimpleMovement(core), IMU(core), RandomSpawns(core)
        self._berries, self._sweetness = torch.zeros_like(core.agents.angles), sweetness
        space = Dict(imu=self._imu.space)
        kept = {'berries': self._berries}
        cameras = Cameras(res=8, subsample=1)
        super().__init__(
            core, cameras, action_space=self._movement.space, observation_space=space, kept=kept, **options
        )

    @classmethod
    def default_maps(cls, *, seed=0):
        return mapgen.generate('box', 3, seed=seed, width=5.0 + seed)

    def scripted_opponent(self):
        return lambda observations: torch.full((self.num_envs,), TURN_LEFT, device=self.device)

    def _respawn(self, mask):
        super()._respawn(mask)
        self._berries.masked_fill_(mask[:, None], 0)

    def _act(self, actions):
        before = self.core.agents.positions.clone()
        self._movement.step(actions)
        physics.advance(self.core)
        self._found = (self.core.agents.positions - before).norm(dim=-1)
        self._berries.add_(self._found)

    def _observe(self):
        return {'imu': self._imu.observe()}

    def _outcome(self):
        return self._sweetness * self._found, self._nobody, self.lengths >= 6

    def _info(self):
        return {'berries': self._berries, 'hunger': 1 / (1 + self._berries)}


def test_an_env_that_no_module_knows_is_trained_and_evaluated(tmp_path, capsys):
    """In maps of its own, against its script. Log, bar and curves have its scores, and no other info."""
    out = tmp_path / 'run'
    for updates in (2, 3):
        learning.train(
            Foraging, out, TINY, steps=updates * STEPS, options={'sweetness': 2.0}, opponents=1, device='cpu',
            eval_maps=Foraging.default_maps(seed=1), resume=updates == 3,
        )  # fmt: skip
    config = Run(out).read()
    assert 'berries=' in capsys.readouterr().err
    assert (config.env, config.scores) == (f'{Foraging.__module__}:Foraging', ('berries',))
    assert (config.maps['count'], config.options) == (2, {'sweetness': 2.0})  # as many as there are worlds
    lines = Run(out).lines()
    assert [axes.get_title(loc='left') for axes in curves(lines, config.scores).axes][:2] == ['return', 'berries']
    evaluations = [line['evaluation'] for line in lines if 'evaluation' in line]
    assert all(set(means) == {'return', 'length', 'berries'} for means in evaluations)
    assert all(means['return'] == pytest.approx(2 * means['berries']) for means in evaluations)
    trained = [line for line in lines if 'evaluation' not in line and line['episodes']]
    assert trained and all('berries' in line and 'hunger' not in line for line in trained)


def test_an_env_that_no_module_knows_is_evaluated_against_its_script():
    task = Task.of(Foraging)
    env = task.make(Foraging.default_maps(), 6, device='cpu')
    found = evaluate_in(Policy.of(env, 8), env, opponents=task.opponents(env, 1))
    assert found.scores['berries'].shape == (3, 1)
    turning = evaluate_in(lambda observations, begins: env.scripted_opponent()(observations), env)
    assert turning.means()['berries'] == 0


def test_a_name_stands_for_an_env():
    assert Task.of('waypoint', {'time_limit': 9}) == Task.of(Waypoint, {'time_limit': 9})
    assert (Task.of('deathmatch').num_agents, Task.of(Deathmatch, {'num_agents': 2}).num_agents) == (4, 2)
    assert [Task.of(env).name for env in (Waypoint, Foraging)] == ['waypoint', f'{__name__}:Foraging']


def test_options_are_the_envs_own_and_those_that_every_env_takes():
    options = {
        'motion': 'unicycle',
        'fov': 90,
        'depth_noise': 0.1,
        'action_lag': 2,
        'palette': 'grey',
        'agent_radius': 0.08,
    }
    env = Task.of('waypoint', options).make(houses(1), 2, device='cpu')
    assert (env.cameras.fov, env.core.agent_radius, env.motion.max_speed) == (90, 0.08, 2)
    with pytest.raises(ValueError, match=r'action_lag must be an integer, got 1.5'):
        Task.of('waypoint', {'action_lag': 1.5})


@pytest.mark.parametrize(
    'env, options, message',
    [
        (
            'chess',
            {},
            "env must be one of deathmatch, explorer, .* or a Gymnasium id, got 'chess'",
        ),
        (Foraging, {'salt': 1}, r'options of .*:Foraging may be num_agents, sweetness, fov, light, .*, got salt'),
        (Foraging, {'sweetness': 'very'}, "sweetness must be a number, got 'very'"),
    ],
)
def test_what_is_no_task_is_refused(env, options, message):
    with pytest.raises(ValueError, match=message):
        Task.of(env, options)


class Mapless(Minimal):
    """Says no maps of its own, but one in a list."""

    @classmethod
    def default_maps(cls, *, seed=0):
        return [seed]


def test_default_maps_that_are_none_are_refused():
    with pytest.raises(ValueError, match=r'default_maps of .*Mapless must return a MapSet, got \[3\]'):
        Task.of(Mapless).default_maps(seed=3)


def test_a_script_that_is_none_is_refused(monkeypatch):
    monkeypatch.setattr(Foraging, 'scripted_opponent', lambda env: 3)
    task = Task.of(Foraging)
    env = task.make(Foraging.default_maps(), 6, device='cpu')
    with pytest.raises(
        ValueError, match=r'scripted_opponent of .* must return a function of observations, or None, got 3'
    ):
        task.opponents(env, 1)
