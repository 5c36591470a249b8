"""A first step of an env in a process of its own, by what is really compiled for a GPU, whether there is one or not.

Run with an env's name, it prints for each kernel which threads have compiled it, whether the env was made as it is
where nothing is compiled ahead, and what it has returned at last. Run with ``geodesics``, it finds path lengths and
makes a geodesic field of four houses instead, and returns nothing.

Where there is no GPU, tensors stay on the CPU, and a driver takes the place of Triton's that compiles for one and
launches nothing: what is returned then has any values. ``TRITON_INTERPRET=0`` is to be set.
"""

import collections
import json
import operator
import sys
import threading
from types import SimpleNamespace

import torch
import triton
from triton.backends.compiler import GPUTarget

import envs
import megastep.triton
from megastep import mapgen
from megastep.env import base as tasks
from megastep.env.fields import path_lengths, tables
from megastep.maps.geometry import AGENT_RADIUS
from megastep.world import kernels


def listen():
    """A list of the threads in which each kernel is compiled, which grows as they are."""
    threads, compiling = collections.defaultdict(list), triton.compiler.compile

    def listening(source, *args, **options):
        threads[source.name].append(threading.current_thread().name)
        return compiling(source, *args, **options)

    triton.compiler.compile = listening  # each kernel looks it up there when it is first called
    return threads


def pretend():
    """Has kernels compiled as if there were a GPU, and launches none."""
    utils = SimpleNamespace(
        load_binary=lambda name, kernel, shared, device: (1, 1, 32, 0, 1024),
        get_device_properties=lambda device: {'max_shared_mem': 232448},
    )
    driver = SimpleNamespace(
        utils=utils,
        launcher_cls=lambda source, metadata: lambda *args: None,
        get_current_device=lambda: 0,
        get_current_stream=lambda device: 0,
        get_current_target=lambda: GPUTarget('cuda', 90, 32),
    )
    triton.runtime.driver.set_active(driver)
    replace(kernels.implementation, lambda device: megastep.triton)
    ahead, gpu = kernels.compile_ahead, SimpleNamespace(type='cuda')
    replace(ahead, lambda device, *launches: ahead(gpu, *launches))


def replace(function, other):
    """Gives all modules that have imported a function of `megastep.world.kernels` another in its place."""
    for name, module in list(sys.modules.items()):
        if name.startswith(('megastep', 'envs')) and getattr(module, function.__name__, None) is function:
            setattr(module, function.__name__, other)


def state(env):
    """All that an env keeps, as it has just been made."""
    groups = env._episode_runner, env.core.streams, env.core.agents, env.core
    kept = {name: value for group in groups for name, value in vars(group).items()}
    for name, part in vars(env).items():
        kept |= {f'{name} {key}': value for key, value in getattr(part, 'state', {}).items()}
    return {name: value for name, value in kept.items() if isinstance(value, torch.Tensor | int)}


def alike(one, other):
    """True if two states are the same."""
    equal = {torch.Tensor: torch.equal}
    return one.keys() == other.keys() and all(
        equal.get(type(value), operator.eq)(value, other[name]) for name, value in one.items()
    )


def main(name):
    threads = listen()
    if not torch.cuda.is_available():
        pretend()
    as_ever, returned = find_paths() if name == 'geodesics' else step(getattr(envs, name))
    print(json.dumps({'threads': threads, 'as_ever': as_ever, 'returned': returned}))


def find_paths():
    """Finds path lengths, and makes a geodesic field, as a GPU does."""
    maps, device = mapgen.generate('house', 4, seed=0), torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    path_lengths.in_batches(maps, AGENT_RADIUS, device, None)
    tables.in_batches(maps, AGENT_RADIUS, device, None)
    return True, []


def step(task):
    """Makes an env, whether as ever, and makes some steps, and returns what comes of them."""
    env = task(num_envs=64)
    made, ahead = state(env), tasks.compile_ahead
    replace(ahead, lambda *launches: None)
    as_ever = alike(made, state(task(num_envs=64)))
    replace(tasks.compile_ahead, ahead)
    env.reset(seed=0)
    env.action_space.seed(0)
    for _ in range(3 if torch.cuda.is_available() else 1):  # the second step is captured
        observations, rewards, *_ = env.step(env.action_space.sample())
    parts = observations.values() if isinstance(observations, dict) else [observations]
    return as_ever, [each.tolist() for each in (*parts, rewards)]


if __name__ == '__main__':
    main(sys.argv[1])
