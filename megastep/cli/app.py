"""The `megastep` command. What a command needs is imported when it runs, so that help comes at once."""

from __future__ import annotations

import inspect
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import tyro
from tyro.conf import Positional

from megastep import __version__
from megastep.cli import draw, drive, evaluate, exchange, generate, streams, train, watch

ABOUT = 'Floorplans, and thousands of small two-dimensional worlds in them.'

app = tyro.extras.SubcommandApp()


def command(function: Callable[..., Any], *, name: str | None = None) -> Callable[..., Any]:
    """Makes a function a command, whose help breaks lines where the terminal ends, and not where the docstring does."""
    if function.__doc__ is not None:  # Python's option -OO leaves docstrings out
        function.__doc__ = re.sub(r'\n {8}(?=\S)', ' ', inspect.cleandoc(function.__doc__))
    return app.command(name=name)(function)


@command
def demo(out: Path = Path('out'), seed: int = 0) -> None:
    """Generate 64 houses, send a trained agent through one, and leave pictures, a film and a replay.

    Args:
        out: The folder the files go to; made if it isn't there.
        seed: Another seed shows other houses.
    """
    from megastep.cli import demo

    demo.run(out, seed=seed)


command(generate.generate)
command(generate.show)


@command
def stats(maps: Positional[tuple[Path, ...]], *, out: Path = Path('stats.png'), workers: int = 1) -> None:
    """Say what sets of maps are like, and how near they are to real apartments: `megastep stats a.safetensors`.

    Args:
        maps: The files of map sets.
        out: The picture to write, .png or .svg.
        workers: How many threads to use.
    """
    if not maps:
        raise ValueError('stats needs at least 1 file of maps, got 0.')
    generate.check_picture(out)

    from megastep.cli import stats

    stats.run(maps, out, workers=workers)


command(exchange.import_maps, name='import')
command(exchange.export_maps, name='export')
command(exchange.split)
command(watch.record)
command(train.train)
command(watch.watch)
command(drive.drive)
command(draw.draw)
command(evaluate.evaluate)
command(evaluate.suite)
command(generate.families)


@command
def doctor() -> int:
    """Check that megastep can run here, and say what to do about what is wrong."""
    from megastep.cli import doctor

    return doctor.run()


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: By default what the shell gives.

    Returns:
        The exit status: 0 if all went well, 1 if `megastep doctor` found something wrong or training went wrong, 2 if a
        value or a file was not what it should be, an extra isn't installed or output is lost, 130 if it was
        interrupted, 143 if told to end.
    """
    arguments = train.spelled_out(sys.argv[1:] if arguments is None else arguments)
    if list(arguments) == ['--version']:
        print(f'megastep {__version__}')
        return 0
    # Before PyTorch comes: threads that spin while they wait slow a machine that has other work to a twentieth.
    os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
    here = os.getcwd()
    sys.path.insert(0, here)  # as `python -m` has it: tasks of one's own are in the working directory
    style = (tyro.conf.PositionalMetavarFromFieldName,)
    try:
        with streams.open_streams(), streams.plain_warnings():
            app.command(name='train')(train.training(arguments))
            return app.cli(prog='megastep', description=ABOUT, args=arguments, config=style) or 0
    except (ValueError, OSError, streams.LostOutputError) as error:
        print(f'megastep: {explain(error)}', file=sys.stderr)
        return 2
    except ImportError as error:
        if error.name is not None:  # a module's that isn't there; where an extra isn't, the message says which
            raise
        print(f'megastep: {explain(error)}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print('megastep: interrupted.', file=sys.stderr)
        return 130
    finally:
        sys.path.remove(here)


def explain(error: Exception) -> str:
    """One line on what was wrong."""
    if isinstance(error, OSError) and error.strerror:
        return f'{error.filename}: {error.strerror}.' if error.filename else f'{error.strerror}.'
    return ' '.join(str(error).split()).rstrip('.') + '.'
