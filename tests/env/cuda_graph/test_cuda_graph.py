"""What may run from a CUDA graph, and, where there is a GPU, that it does what it would do without one."""

import copy
import gc
from itertools import pairwise

import pytest
import torch
from gymnasium.vector import AutoresetMode
from rollouts import FEW_RAYS, actions_of, copied, equal, leaves, make, rollout
from worlds import box, houses

import envs
from envs import Deathmatch, Explorer, Minimal
from megastep.env import Env
from megastep.env.cuda_graph import CaptureError
from megastep.env.cuda_graph.capturing import Watch, blamed
from megastep.env.motion import SimpleMovement
from megastep.env.sensors import IMU
from megastep.world.core import Core
from megastep.world.scenery import Scenery

CPU = torch.device('cpu')
VALUE, SHAPE, MASK = 'waits for a value', 'how many values there will be', 'how many values a mask picks'
WAITS = [
    (lambda values: values.sum().item(), VALUE),
    (lambda values: bool(values.any()), VALUE),
    (lambda values: torch.equal(values, values + 1), VALUE),
    (lambda values: values[values > 0], MASK),
    (lambda values: values.masked_select(values > 0), SHAPE),
    (lambda values: values.nonzero(), SHAPE),
    (lambda values: values.unique(), SHAPE),
    (lambda values: values.repeat_interleave(values.long()), SHAPE),
    (lambda values: values.index_put_((values > 0,), torch.ones(3, device=values.device)), MASK),
    (lambda values: values.to('meta'), 'copies from .* to meta'),
]


@pytest.mark.parametrize('cause', ['it waits for a value', 'Expected all tensors to be on the same device.'])
def test_an_error_ends_each_sentence_once(cause):
    error = CaptureError.explained('step', cause, 'walk.py:3: x.item()', 'write in place; or set cuda_graph=False.')
    expected = f"step can't run from a CUDA graph: {cause.rstrip('.')}.\n  walk.py:3: x.item()\n"
    assert str(error) == expected + 'write in place; or set cuda_graph=False.'


def fits(values):
    """Things that need no value, though some look as if they did."""
    values[values > 0] = 5.0
    values.masked_fill_(values > 1, 0.0)
    torch.where(values > 0, values, 1.0)
    values[torch.arange(3, device=values.device)] = 1.0
    values[1:].copy_(values[:-1].clone().double())
    values.repeat_interleave(values.long(), output_size=4)
    return torch.cat([values, values * torch.tensor(2.0)]), values.to(torch.int32)


class Holder:
    """Something with state, written in place or replaced."""

    def __init__(self, device='cpu'):
        self.kept = torch.zeros(3, device=device)
        self.row = self.kept[:2]

    def write(self):
        self.kept.add_(1)
        self.row.mul_(2)
        self.row = self.kept[:2]  # another view of what stays

    def replace(self):
        self.row = None
        self.kept = self.kept + 1

    def replace_by_one_alike(self):
        self.row = None
        self.kept = torch.empty_like(self.kept).copy_(self.kept.new_zeros(3))


@pytest.mark.parametrize('wait, cause', WAITS)
def test_refuses_what_waits(wait, cause):
    with pytest.raises(CaptureError, match=cause), Watch(CPU):
        wait(torch.tensor([0.0, 1, 2, 3]))


def test_lets_the_rest_pass():
    with Watch(CPU):
        fits(torch.tensor([0.0, 1, 2, 3]))


@pytest.mark.parametrize('change, lost', [(Holder.write, 0), (Holder.replace, 1)])
def test_notes_what_is_read_and_whether_it_is_still_there(change, lost):
    holder, constant, watch = Holder(), torch.ones(3), Watch(CPU)
    with watch:
        fresh = constant * 2
        change(holder)
        fresh.mul_(2)
    assert len(watch.sources) == 2
    assert sum(source.storage.expired() for source in watch.sources.values()) == lost
    texts = [source.line.partition(': ')[2] for source in watch.sources.values()]
    assert texts[0] == 'fresh = constant * 2'
    assert texts[1] in ('self.kept.add_(1)', 'self.kept = self.kept + 1')


def test_watching_imports_no_compiler():
    """Which takes seconds, at the first step."""
    assert not hasattr(Watch.__torch_dispatch__, '__wrapped__')


def test_a_tensor_like_another_reads_nothing_of_it():
    holder, watch = Holder(), Watch(CPU)
    with watch:
        holder.replace_by_one_alike()
    assert not watch.sources


@pytest.mark.parametrize('name', envs.__all__)
def test_no_task_reads_what_it_replaces(name):
    """A graph would go on reading what was there when it was captured, and so is refused."""
    env, watch = getattr(envs, name)(num_envs=8, device='cpu', cameras=FEW_RAYS), Watch(CPU)
    env.reset(seed=0)
    env.step(env.action_space.sample())
    with torch.no_grad(), watch:
        env._episode_runner.advance(*env._action_batch.examples())
    assert watch.sources
    assert [source.line for source in watch.sources.values() if source.storage.expired()] == []


def test_blames_the_line_that_waits():
    try:
        with Watch(CPU):
            torch.ones(3).sum().item()
    except CaptureError as error:
        assert blamed(error).startswith(f'{__file__}, line ')
        assert blamed(error).endswith(': torch.ones(3).sum().item()')


def test_a_cpu_has_no_graphs():
    with pytest.raises(ValueError, match='cuda_graph must be False or None here, got True: the core is on cpu'):
        make(Minimal, cuda_graph=True)
    make(Minimal, cuda_graph=False)


def test_what_is_not_copied_may_be_overwritten():
    env = Deathmatch(num_envs=4, cameras=FEW_RAYS, device='cpu', copy=False)
    env.reset(seed=0)
    opponents = env.step(actions_of(env, 0))[4]['opponent']
    assert opponents.data_ptr() == env._aim.targets.data_ptr()


# On a GPU


class Task(Env):
    """Pays for the way gone since the last step, with a hook for mistakes."""

    def __init__(self, flaw=None, device='cuda', cuda_graph=None, checked=False):
        core = Core(Scenery.pack([box(), box(1, 1, 9, 9)], device=device), num_envs=6, checked=checked)
        self._flaw, self._movement, self._imu = flaw, SimpleMovement(core), IMU(core)
        self.noise = torch.zeros(6, device=device)
        self.last = core.agents.positions.clone()
        spaces = {'action_space': self._movement.space, 'observation_space': self._imu.space}
        super().__init__(core, FEW_RAYS, **spaces, cuda_graph=cuda_graph)

    def _respawn(self, mask):
        self.core.agents.positions.masked_fill_(mask[:, None, None], 2.5)
        self.last.copy_(self.core.agents.positions)

    def _act(self, actions):
        if self._flaw is not None:
            self._flaw(self)
        self._movement.step(actions)
        self.core.agents.positions.add_(self.core.agents.velocities, alpha=0.1)
        self.noise.copy_(torch.rand(6, device=self.device))  # from PyTorch's own generator

    def _observe(self):
        return self._imu.observe()

    def _outcome(self):
        gone = (self.core.agents.positions - self.last).norm(dim=-1)
        self.last.copy_(self.core.agents.positions)
        ended = self.lengths >= 4
        return gone + self.noise[:, None], ended, torch.zeros_like(ended)


def check_cuda():
    """Asserts that CUDA does what it should: random numbers, memory, and an env with a graph of its own."""
    torch.rand(3, device='cuda').sum().item()
    gc.collect()  # so that nothing of earlier tests is freed meanwhile
    before = torch.cuda.memory_allocated()
    large = torch.zeros(10_000_000, device='cuda')
    assert torch.cuda.memory_allocated() - before >= 40_000_000
    del large
    torch.manual_seed(0)
    graph = rollout(Task(), 6)
    torch.manual_seed(0)
    assert equal(graph, rollout(Task(cuda_graph=False), 6))


def eventful(env, steps=30):
    """Everything that comes out of steps between which all sorts of things are written and reset."""
    outputs = [copied(env.reset(seed=0))]
    mask = torch.arange(env.num_envs, device=env.device) % 3 == 0
    maps = env.core.scenery.num_maps
    for step in range(steps):
        outputs.append(copied(env.step(actions_of(env, step))))
        if step == 7:
            env.core.map_ids[:] = (env.core.map_ids + 1) % maps
        elif step == 9:
            env.core.map_ids = (env.core.map_ids + 1) % maps
        elif step == 11:
            env.core.agents.angles.add_(90)
        elif step == 14:
            outputs.append(copied(env.reset(options={'reset_mask': mask, 'map_ids': env.core.map_ids.flip(0)})))
        elif step == 20:
            outputs.append(copied(env.reset(seed=5)))
        elif step == 25:
            env.core.generator.manual_seed(6)
    return [*outputs, copied([env.core.agents.positions, env.core.turn, env.lengths, env.returns])]


@pytest.fixture(params=[Minimal, Explorer])
def task(request):
    return request.param


def lively(task, **options):
    lives = {'shortest': 2, 'longest': 6} if task is Minimal else {'patience': 0.2, 'cameras': FEW_RAYS}
    return make(task, num_envs=30, device='cuda', maps=houses(3), **lives, **options)


@pytest.mark.gpu
@pytest.mark.parametrize('copied', [True, False])
def test_a_graph_does_what_eager_steps_do(task, copied):
    """Bit by bit: random numbers are the same ones, and texels are counted in whole numbers."""
    assert equal(eventful(lively(task, copy=copied)), eventful(lively(task, cuda_graph=False)))


@pytest.mark.gpu
def test_the_same_seed_gives_the_same_rollout_from_a_graph(task):
    env = lively(task)
    assert equal(rollout(env, 12, seed=7), rollout(env, 12, seed=7))
    assert not equal(rollout(env, 12, seed=7), rollout(env, 12, seed=8))


@pytest.mark.gpu
def test_graphs_do_not_disturb_each_other(task):
    expected = rollout(lively(task), 12)
    env, other = lively(task), lively(task, seed=5)
    outputs = [copied(env.reset(seed=0))]
    other.reset()
    for step in range(12):
        other.step(actions_of(other, step + 50))
        outputs.append(copied(env.step(actions_of(env, step))))
    assert equal(outputs, expected)


def busied(env, state):
    """Steps, resets of all and of some, and states written back: all that may overwrite what came before."""
    mask = torch.arange(env.num_envs, device=env.device) % 3 == 0
    for step in range(5):
        env.step(actions_of(env, step + 70))
    env.reset(options={'reset_mask': mask})
    env.step(actions_of(env, 80))
    env.set_state(state)
    for step in range(5):
        env.step(actions_of(env, step + 90))
    env.reset()
    env.step(actions_of(env, 99))


HOLDERS = {
    'all': leaves,
    'the rewards': lambda output: [output[1]] if len(output) == 5 else [],
    'a view': lambda output: [leaves(output)[0][1:].flatten()],
    'an info': lambda output: leaves(output[-1])[-1:],
    'capsules': lambda output: [torch.utils.dlpack.to_dlpack(leaf) for leaf in leaves(output)],
}


@pytest.mark.gpu
@pytest.mark.parametrize('holds', HOLDERS.values(), ids=HOLDERS)
@pytest.mark.parametrize('mode', AutoresetMode)
def test_what_a_graph_returned_is_not_overwritten(task, holds, mode):
    env, kept, before = lively(task, autoreset_mode=mode), [], []
    for step in range(7):
        output = env.reset(seed=0) if step == 0 else env.step(actions_of(env, step))
        kept.append(holds(output))
        before.append([torch.from_dlpack(each).clone() for each in holds(output)])
        del output
    busied(env, env.get_state())
    now = [[torch.from_dlpack(each) for each in each_kept] for each_kept in kept]
    assert all(equal(one, other) for one, other in zip(now, before, strict=True))


@pytest.mark.gpu
def test_an_eager_step_on_a_gpu_is_not_overwritten_either(task):
    env = lively(task, cuda_graph=False)
    outputs = [env.reset(seed=0), *(env.step(actions_of(env, step)) for step in range(4))]
    before = [copied(output) for output in outputs]
    busied(env, env.get_state())
    assert all(equal(output, kept) for output, kept in zip(outputs, before, strict=True))


@pytest.mark.gpu
def test_who_drops_what_a_step_returned_gets_no_copies(task):
    """Its memory is that of one graph and then of another."""
    env = lively(task)
    env.reset(seed=0)
    for step in range(3):
        outputs = env.step(actions_of(env, step))
    places = []
    for step in range(8):
        outputs = env.step(actions_of(env, step))
        places.append(tuple(leaf.data_ptr() for leaf in leaves(outputs)))
    assert len(set(places)) == 2 and all(one != other for one, other in pairwise(places))


@pytest.mark.gpu
def test_who_writes_into_what_a_step_returned_changes_nothing_of_the_env(task):
    env, other = lively(task), lively(task)
    env.reset(seed=0)
    other.reset(seed=0)
    for step in range(12):
        outputs, expected = env.step(actions_of(env, step)), copied(other.step(actions_of(env, step)))
        assert equal(outputs, expected)
        for leaf in leaves(outputs):
            leaf.fill_(1)
        if step:  # the first is taken without a graph
            with pytest.raises(RuntimeError, match='not resizable'):
                leaf.resize_(10_000)
    assert equal(list(env.get_state()['episode'].values()), list(other.get_state()['episode'].values()))


@pytest.mark.gpu
@pytest.mark.parametrize('copied', [True, False])
def test_attributes_are_those_of_the_last_step(copied):
    """Whichever graph it was, and though a reset has assigned others since."""
    env = lively(Explorer, copy=copied)
    env.reset(seed=0)
    for step in range(9):
        _, rewards, *_, info = env.step(actions_of(env, step))
        assert torch.equal(env._coverage.shares, info['coverage'])
        assert torch.equal(torch.where(info['episode']['length'] == 0, 0, env._earned), rewards)
        if step % 4 == 3:
            env.reset(options={'reset_mask': torch.arange(env.num_envs, device='cuda') < 3})


@pytest.mark.gpu
def test_a_graph_captured_in_inference_mode_can_be_used_outside_it(task):
    env, other = lively(task), lively(task)
    with torch.inference_mode():
        outputs = rollout(env, 4, seed=3)
    expected = rollout(other, 4, seed=3)
    assert equal(outputs, expected)
    assert not any(leaf.is_inference() for leaf in leaves(env.step(actions_of(env, 9))))


@pytest.mark.gpu
def test_a_graph_sees_what_is_written_in_place():
    task = Task(flaw=lambda env: env.core.agents.angles.add_(env.wind))
    task.wind = torch.zeros(6, 1, device='cuda')
    task.reset(seed=0)
    for _ in range(3):
        task.step(torch.zeros(6, dtype=torch.int32, device='cuda'))
    before = task.core.agents.angles.clone()
    task.wind.fill_(30)
    task.step(torch.zeros(6, dtype=torch.int64, device='cuda'))
    torch.testing.assert_close(task.core.agents.angles, before + 30)


def waits_for_the_device(env):
    torch.cuda.synchronize()


def reads_what_the_last_step_made(env):
    """Of which somebody else keeps the first."""
    env.__dict__.setdefault('all_made', []).append(made := torch.zeros(6, 1, device='cuda'))
    env.core.agents.angles.add_(getattr(env, 'made', made))
    env.made = made


def replaces_its_state(env):
    env.seen = env.seen + 1 if hasattr(env, 'seen') else torch.zeros(3, device='cuda')


FLAWS = [
    (lambda env: env.lengths.sum().item(), 'it waits for a value', 'masked writes'),
    (lambda env: env.lengths[env.lengths > 1], 'it waits to learn how many values a mask picks', 'masked writes'),
    (lambda env: env.lengths.nonzero(), 'it waits to learn how many values there will be', 'masked writes'),
    (lambda env: env.lengths.cpu(), 'it copies from cuda:0 to cpu', 'masked writes'),
    (lambda env: env.lengths.copy_(torch.arange(6)), 'it copies from cpu to cuda:0', 'masked writes'),
    (lambda env: torch.tensor([1.0, 2.0], device='cuda'), '', 'masked writes'),
    (waits_for_the_device, 'capturing', 'masked writes'),
    (reads_what_the_last_step_made, 'in whose place there is now another one', 'in place'),
    (replaces_its_state, 'in whose place there is now another one', 'in place'),
]


@pytest.mark.gpu
@pytest.mark.parametrize('flaw, cause, advice', FLAWS)
def test_a_step_that_cannot_be_captured_says_why_and_leaves_cuda_usable(flaw, cause, advice):
    env = Task(flaw)
    env.reset()
    env.step(actions_of(env, 0))
    with pytest.raises(CaptureError, match=f"^Task's step can't run from a CUDA graph: .*{cause}") as raised:
        env.step(actions_of(env, 1))
    _, line, remedy = str(raised.value).split('\n')
    assert line.startswith(f'  {__file__}, line ')
    assert advice in remedy and remedy.endswith('; or make the env with cuda_graph=False.')
    check_cuda()
    eager = Task(flaw, cuda_graph=False)
    eager.reset()
    for step in range(3):
        eager.step(actions_of(eager, step))


@pytest.mark.gpu
def test_a_graph_notices_that_a_tensor_was_replaced():
    env = Task(flaw=lambda env: env.core.agents.angles.add_(env.wind))
    env.wind = torch.zeros(6, 1, device='cuda')
    rollout(env, 3)
    env.wind = torch.ones(6, 1, device='cuda')
    with pytest.raises(CaptureError, match=r'in whose place there is now another one.*\n.*angles.add_\(env.wind'):
        env.step(actions_of(env, 0))
    check_cuda()


@pytest.mark.gpu
def test_an_error_of_the_task_is_passed_on():
    def fails(env):
        if env.graph_calls:
            raise KeyError('goal')
        env.graph_calls = 1

    env = Task(fails)
    env.graph_calls = 0
    env.reset()
    env.step(actions_of(env, 0))
    with pytest.raises(KeyError, match='goal'):
        env.step(actions_of(env, 1))
    check_cuda()


@pytest.mark.gpu
def test_a_checked_core_steps_without_a_graph():
    env = Task(checked=True)
    rollout(env, 3)
    with pytest.raises(ValueError, match='got True: a checked core waits for the GPU in every step'):
        Task(checked=True, cuda_graph=True)


@pytest.mark.gpu
def test_an_env_with_a_graph_goes_away(task):
    """And takes its memory with it."""
    rollout(lively(task), 3)
    gc.collect()
    before = torch.cuda.memory_allocated()
    rollout(lively(task), 3)
    gc.collect()
    assert torch.cuda.memory_allocated() <= before + 2**20


def test_what_is_returned_is_of_new_containers():
    env = make(Explorer, cameras=FEW_RAYS, copy=False)
    env.reset()
    info = env.step(actions_of(env, 0))[4]
    info['mine'] = copy.copy(info['episode'])
    assert set(env.step(actions_of(env, 1))[4]) == {'episode', '_episode', 'coverage'}
