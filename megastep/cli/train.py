"""`megastep train`. What it needs is imported when it runs, so that help comes at once."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tyro.conf import OmitArgPrefixes, Positional

from megastep.cli.literals import check_once, literal
from megastep.learning.settings import PRESETS, Settings

if TYPE_CHECKING:
    from megastep.learning.run.train import Ending

RESUME: dict[str, bool | Literal['auto']] = {'no': False, 'yes': True, 'auto': 'auto'}
"""What `--resume` may be told; alone it is told yes."""

DIVERGED = 1
"""The exit status of training that has gone wrong."""


@dataclass(frozen=True)
class Asked(Settings):
    """`Settings` as they are asked for: not checked yet, so that what is wrong with them is said as all else is."""

    def __post_init__(self) -> None:
        pass


def train(
    env: Positional[str],
    *,
    out: Path,
    maps: Path | None = None,
    eval_maps: Path | None = None,
    steps: float = 50e6,
    options: tuple[str, ...] = (),
    opponents: int = 0,
    opponents_from: tuple[Path, ...] = (),
    weights: Path | None = None,
    preset: Literal['gpu', 'cpu'] = 'gpu',
    resume: Literal['no', 'yes', 'auto'] = 'no',
    overwrite: bool = False,
    eval_every: float = 60.0,
    eval_episodes: int = 4,
    greedy: bool = False,
    checkpoint_every: float = 300.0,
    keep: int = 3,
    device: str | None = None,
    log: tuple[str, ...] = (),
    settings: OmitArgPrefixes[Asked],
) -> int:
    """Train an agent: `megastep train explorer --maps train.safetensors --eval-maps test.safetensors --out runs/a`.

    The folder gets a log, learning curves and checkpoints; `megastep watch runs/a` films the agent. On several GPUs:
    `torchrun --nproc-per-node=2 -m megastep train ...`.

    Args:
        env: The task, such as explorer or waypoint; or one of your own, as module:Class or module:function, from the
            working directory too; or a Gymnasium id, as module:id.
        out: The run's folder.
        maps: The file of a map set. By default a few maps are generated that suit the task.
        eval_maps: The file of the maps that the agent is evaluated in now and then, none of them one of those that it
            is trained in; by default there is none.
        steps: How many steps are made, of all agents and processes together.
        options: What the task takes, as name=value, such as reward=sparse or time_limit=20.
        opponents: How many agents of each world don't learn, and act by the task's script; deathmatch has one.
        opponents_from: The folders of runs, or of their checkpoints, as whose agents the opponents act instead of by a
            script: one in each world, in turn.
        weights: The folder of a run, or of one of its checkpoints, whose agent is trained on; none by default.
        preset: Which settings are the defaults: those for a large GPU, or for two cores of a CPU.
        resume: Go on with the run in the folder. What isn't said is as it was begun. auto goes on if there is a
            checkpoint, and else begins.
        overwrite: Begin anew in place of the run in the folder.
        eval_every: How many seconds lie between evaluations.
        eval_episodes: How many episodes each map has in an evaluation.
        greedy: In evaluations, take the likeliest action instead of drawing one.
        checkpoint_every: How many seconds lie between checkpoints.
        keep: How many checkpoints stay.
        device: Where to compute, such as cpu or cuda; by default a GPU if there is one.
        log: Where numbers go beside the run's own log: tensorboard, wandb, trackio, mlflow, or several. By default
            TensorBoard, where it is installed.
        settings: How to learn.
    """
    from megastep import learning

    try:
        ending = learning.train(
            env, out, Settings(**asdict(settings)), maps=maps, eval_maps=eval_maps, steps=steps,
            options=parse_options(options), opponents=opponents, opponents_from=opponents_from, weights=weights,
            resume=RESUME[resume], overwrite=overwrite, eval_every=eval_every, eval_episodes=eval_episodes,
            greedy=greedy, checkpoint_every=checkpoint_every, keep=keep, device=device,
            log=log or None,
        )  # fmt: skip
    except FloatingPointError as error:
        print(f'megastep: learning has gone wrong: {error}.', file=sys.stderr)
        return DIVERGED
    return _report(ending)


def parse_options(texts: Sequence[str]) -> dict[str, Any]:
    """Reads options of a task, by name.

    Raises:
        ValueError: if one can't be read, or is there twice.
    """
    check_once('options', texts)
    return dict(map(parse_option, texts))


def parse_option(text: str) -> tuple[str, Any]:
    """Reads an option of a task: ``'reward=sparse'`` is a word, ``'trigger=True'`` yes, ``'bonus=5'`` a number
    and ``'furthest=None'`` nothing.

    Raises:
        ValueError: if the text isn't a name, an equals sign and one of these.
    """
    name, _, written = text.partition('=')
    value = literal(written)
    if not name.isidentifier() or (not isinstance(value, (str, bool, int, float)) and written != 'None'):
        raise ValueError(f'options must look like reward=sparse, trigger=True or bonus=5, got {text!r}.')
    return name, value


def _report(ending: Ending) -> int:
    """Says how training ended, and returns the exit status."""
    made = f'{ending.frames:,} steps are made; {ending.checkpoint} holds'
    if ending.signal and ending.leads:
        print(f'megastep: {signal.Signals(ending.signal).name}: {made} all of it. --resume goes on.', file=sys.stderr)
    elif ending.leads:
        print(f'{made} the agent.')
    return 128 + ending.signal if ending.signal else 0


def training(arguments: Sequence[str]) -> partial[int]:
    """`train`, with its defaults: the settings of the preset that is named; or what a run to go on with was begun with.

    Raises:
        ValueError: if what that run was begun with can't be read.
    """
    named = dict(pairwise(arguments))
    named |= dict(argument.split('=', 1) for argument in arguments if '=' in argument)
    resumes = any(argument.partition('=')[0] == '--resume' for argument in arguments)
    defaults = begun(Path(named['--out']), arguments) if resumes and '--out' in named else {}
    if '--preset' in named or not defaults:
        defaults['settings'] = Asked(**asdict(PRESETS.get(named.get('--preset', ''), Settings())))
    return partial(train, **defaults)


def spelled_out(arguments: Sequence[str]) -> list[str]:
    """Arguments of the command, with ``--resume yes`` where `train` is told to ``--resume`` and no more."""
    found = list(arguments)
    if found[:1] == ['train']:
        for i, following in reversed([*enumerate([*found[1:], ''])]):
            if found[i] == '--resume' and following not in RESUME:
                found.insert(i + 1, 'yes')
    return found


def begun(folder: Path, arguments: Sequence[str]) -> dict[str, Any]:
    """The arguments that the run in a folder was begun with, as `train` takes them.

    Returns:
        Nothing if there is no run, or the arguments don't name its task. Both are refused by `train`.
    """
    from megastep.learning.run.run_folder import Run

    run = Run(folder)
    if not run.description.is_file() or not any(is_called((config := run.read()).env, text) for text in arguments):
        return {}
    files = {'maps': config.maps_file, 'eval_maps': config.eval_maps_file}
    same = ('opponents', 'device', 'steps', 'eval_every', 'eval_episodes', 'greedy', 'checkpoint_every', 'keep')
    return {
        **{name: getattr(config, name) for name in same},
        **{name: Path(file) for name, file in files.items() if file is not None},
        'options': tuple(f'{name}={value}' for name, value in config.options.items()),
        'settings': Asked(**asdict(config.settings)),
    }


def is_called(name: str, text: str) -> bool:
    """True if a text is a task's name, or another for it: a Gymnasium id, for example."""
    from megastep.evaluation.registry import Task

    try:
        return text == name or (':' in text and Task.of(text).name == name)
    except ValueError:
        return False
