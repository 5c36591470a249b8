"""The `megastep` command. What a command needs is imported when it runs, so that help comes at once."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tyro
from tyro.conf import Positional

ABOUT = 'Floorplans, and thousands of small two-dimensional worlds in them.'

PICTURES = ('.png', '.svg')

app = tyro.extras.SubcommandApp()


@app.command
def demo(out: Path = Path('out'), seed: int = 0) -> None:
    """Generate 64 houses, explore them with random actions, and leave pictures and a film.

    Args:
        out: The folder the files go to; made if it isn't there.
        seed: Another seed shows other houses.
    """
    from megastep import demo

    demo.run(out, seed=seed)


@app.command
def generate(
    family: Positional[str],
    count: Positional[int],
    out: Positional[Path],
    parameters: Positional[tuple[str, ...]] = (),
    *,
    seed: int = 0,
    workers: int = 1,
) -> None:
    """Generate a set of maps: `megastep generate house 1000 out.safetensors rooms=8,12 shafts=0`.

    Args:
        family: The kind of map. `megastep families` lists them.
        count: How many maps.
        out: The file to write.
        parameters: What the family takes, as name=value; a pair of numbers as name=least,most.
        seed: Another seed gives other maps.
        workers: How many processes to use.
    """
    given = dict(parse_parameter(text) for text in parameters)
    _check_folder(out)

    from megastep import mapgen

    maps = mapgen.generate(family, count, seed=seed, workers=workers, progress=True, **given)
    maps.save(out)
    print(f'{describe(maps)} are in {out} ({out.stat().st_size / 1000:,.0f} kB).')


@app.command
def show(maps: Positional[Path], *, out: Path = Path('maps.png'), count: int = 12) -> None:
    """Draw the first maps of a set side by side.

    Args:
        maps: The file of a map set.
        out: The picture to write, .png or .svg.
        count: How many maps to draw.
    """
    if out.suffix not in PICTURES:
        raise ValueError(f'out must end in {" or ".join(PICTURES)}, got {out}.')
    _check_folder(out)

    from megastep import plotting
    from megastep.mapset import MapSet

    loaded = MapSet.load(maps)
    plotting.gallery(loaded, count).savefig(out)
    print(f'{describe(loaded)}: {min(count, len(loaded))} of them are drawn in {out}.')


@app.command
def record(
    env: Positional[str],
    maps: Positional[Path],
    out: Positional[Path],
    *,
    map_id: int = 0,
    steps: int = 300,
    seed: int = 0,
    workers: int = 1,
) -> None:
    """Film agents that act at random: `megastep record explorer maps.safetensors out.mp4`.

    Args:
        env: The task, such as explorer or deathmatch.
        maps: The file of a map set.
        out: The film to write, .mp4 or .gif.
        map_id: The number of the map that is filmed.
        steps: How many steps it is filmed for.
        seed: Another seed gives other actions, and agents that begin elsewhere.
        workers: How many processes draw.
    """
    _check_folder(out)

    from megastep import watching
    from megastep.mapset import MapSet

    film = watching.record(env, MapSet.load(maps), out, map_id=map_id, num_steps=steps, seed=seed, workers=workers)
    print(f'{steps} random steps of {env} in map {map_id} are in {film} ({film.stat().st_size / 1000:,.0f} kB).')
    if film.suffix != out.suffix:
        print('The film is a GIF, for there is no mp4 encoder here: pip install "megastep[video]" brings one.')


@app.command
def families() -> None:
    """List the kinds of map that can be generated, and what each takes."""
    from rich.console import Console
    from rich.table import Table

    from megastep import mapgen

    console = Console()
    for family in mapgen.FAMILIES.values():
        table = Table('parameter', 'default', 'from', 'to', 'unit', 'what it is', box=None)
        for name, taken in family.parameters.items():
            table.add_row(name, written(taken.default), f'{taken.least:g}', f'{taken.most:g}', taken.unit, taken.about)
        console.print(f'[bold]{family.name}[/bold]: {family.about}', table, '', sep='\n')


@app.command
def doctor() -> int:
    """Check that megastep can run here, and say what to do about what is wrong."""
    from megastep import doctor

    return doctor.run()


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: By default what the shell gives.

    Returns:
        The exit status: 0 if all went well, 1 if `megastep doctor` found something wrong, 2 if a value or a file was
        not what it should be, 130 if it was interrupted.
    """
    # Before PyTorch comes: threads that spin while they wait slow a machine that has other work to a twentieth.
    os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
    style = (tyro.conf.PositionalMetavarFromFieldName,)
    try:
        return app.cli(prog='megastep', description=ABOUT, args=arguments, config=style) or 0
    except (ValueError, OSError) as error:
        print(f'megastep: {explain(error)}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print('megastep: interrupted.', file=sys.stderr)
        return 130


def explain(error: ValueError | OSError) -> str:
    """One line on what was wrong."""
    if isinstance(error, OSError) and error.strerror:
        return f'{error.filename}: {error.strerror}.' if error.filename else f'{error.strerror}.'
    return ' '.join(str(error).split()).rstrip('.') + '.'


def parse_parameter(text: str) -> tuple[str, Any]:
    """Reads a family's parameter: ``'shafts=0.5'`` is a number and ``'rooms=8,12'`` is a pair.

    Raises:
        ValueError: if the text isn't a name, an equals sign, and numbers.
    """
    name, _, value = text.partition('=')
    try:
        number = ast.literal_eval(value)
    except (ValueError, SyntaxError):
        number = None
    parts = number if isinstance(number, tuple) else (number,)
    if not name.isidentifier() or not all(type(part) in (int, float) for part in parts):
        raise ValueError(f'parameters must look like shafts=0.5 or rooms=8,12, got {text!r}.')
    return name, number


def describe(maps: Any) -> str:
    """How many maps a set has, of what family, and how large they are: one line for a person."""
    import numpy as np

    stats = maps.stats()
    family = f'{maps.recipe["family"]} ' if maps.recipe else ''
    medians = {name: np.median(stats[name]) for name in ('rooms', 'walls', 'area')}
    sizes = f'{medians["rooms"]:g} rooms, {medians["walls"]:g} walls and {medians["area"]:.0f} m²'
    return f'{len(maps):,} {family}maps (median {sizes})'


def written(value: float | tuple[float, float]) -> str:
    """A parameter's value as the command line takes it."""
    return ','.join(f'{number:g}' for number in (value if isinstance(value, tuple) else (value,)))


def _check_folder(out: Path) -> None:
    """Raises if a file could not be put there, before work is spent on it."""
    if not out.parent.is_dir():
        raise FileNotFoundError(f'{out.parent} is not a folder, so {out.name} cannot be written there.')
