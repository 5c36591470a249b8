"""Small runs for the tests."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace

from megastep import learning, mapgen
from megastep.learning.run.checkpoints import found
from megastep.learning.run.run_config import RunConfig, fingerprint
from megastep.learning.settings import Settings

TINY = Settings(num_envs=4, horizon=8, num_minibatches=2, width=8, stagger=16)
STEPS = TINY.num_envs * TINY.horizon
"""How many steps an update takes."""

ARGUMENTS = [
    'minimal',
    *['--num-envs', '4', '--horizon', '8', '--num-minibatches', '2', '--width', '8', '--stagger', '16'],
    *['--device', 'cpu'],
]
"""The same as the command takes it."""


def boxes(count=2):
    return mapgen.generate('box', count)


def unseen(count=1):
    """Maps to be evaluated in: none of `boxes`."""
    return mapgen.generate('box', count, width=4.0)


def train(out, updates, name='minimal', settings=TINY, maps=None, **options):
    """Trains, unless told otherwise on the CPU, for so many updates, of which resumed runs have made some already."""
    steps = updates * settings.num_envs * settings.horizon
    maps = boxes() if maps is None else maps
    options = {'device': 'cpu', 'bar': False, **options}
    return learning.train(name, out, settings, maps=maps, steps=steps, **options)


def config(**changes):
    """The configuration of a run, as `train` makes it by default."""
    begun = RunConfig(
        env='minimal', options={}, opponents=0, scores=(), spaces={}, maps=fingerprint(boxes()), settings=TINY,
        processes=1, device='cpu', steps=STEPS, eval_every=60.0, eval_episodes=4, greedy=False, checkpoint_every=300.0,
        keep=3, maps_file=None, eval_maps_file=None, weights=None, launch=None, version='0.1.0',
    )  # fmt: skip
    return replace(begun, **changes)


def weights(out):
    """The last checkpoint's weights, as they are in their file."""
    return (found(out / 'checkpoints')[-1] / 'policy.safetensors').read_bytes()


def contents(folder):
    """What is in a folder: a digest of each file."""
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob('*') if path.is_file()}


def command(*arguments, launcher=(), **environment):
    """Starts the command in a process of its own."""
    line = [sys.executable, '-m', *launcher, 'megastep', *map(str, arguments)]
    variables = {**os.environ, 'OMP_NUM_THREADS': '1', **environment}
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables)
