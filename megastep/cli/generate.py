"""`megastep generate`, `megastep show` and `megastep families`: map sets made, drawn, and what there is to make."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tyro.conf import Positional

from megastep.cli.literals import check_once, literal

PICTURES = ('.png', '.svg')
"""The suffixes of pictures."""


def generate(
    family: Positional[str],
    count: Positional[int],
    out: Positional[Path],
    parameters: Positional[tuple[str, ...]] = (),
    *,
    seed: int = 0,
    workers: int = 1,
    resume: bool = False,
    overwrite: bool = False,
    geodesics: bool = False,
) -> None:
    """Generate a set of maps: `megastep generate house 1000 out.safetensors rooms=8,12 shafts=0`.

    Several families: `megastep generate house=.5,maze=.5 1000 out.safetensors house.rooms=8,12`.

    Args:
        family: The kind of map, or several with how many there are of each compared with the others. `megastep
            families` lists them.
        count: How many maps.
        out: The file to write. Until it is there, what is finished is kept in a folder of its name and .shards.
        parameters: What the family takes, as name=value; a pair of numbers as name=least,most. One family's of several
            as family.name=value.
        seed: Another seed gives other maps.
        workers: How many processes to use.
        resume: Go on with a run that was killed; if it has been finished, check that it is this one.
        overwrite: Write the file in the place of one that is there.
        geodesics: Add how long the shortest paths between a map's spawns are.
    """
    kinds = parse_families(family)
    shared, own = parse_parameters(parameters)

    from megastep import mapgen

    try:
        maps = mapgen.generate(
            **kinds, count=count, parameters=own, seed=seed, workers=workers, out=out, resume=resume,
            overwrite=overwrite, geodesics=geodesics, progress=True, **shared,
        )  # fmt: skip
    except KeyboardInterrupt:
        print(f'{out}.shards holds what is finished; --resume goes on with it.', file=sys.stderr)
        raise
    print(f'{describe(maps)} {are(len(maps))} in {out} ({out.stat().st_size / 1000:,.0f} kB).')


def show(maps: Positional[Path], *, out: Path = Path('maps.png'), count: int = 12) -> None:
    """Draw the first maps of a set side by side.

    Args:
        maps: The file of a map set.
        out: The picture to write, .png or .svg.
        count: How many maps to draw.
    """
    check_picture(out)

    from megastep import plotting
    from megastep.maps.mapset import MapSet

    loaded = MapSet.load(maps)
    plotting.gallery(loaded, count).savefig(out)
    print(f'{describe(loaded)}: {min(count, len(loaded))} of them are drawn in {out}.')


def families() -> None:
    """List the kinds of map that can be generated, and what each takes."""
    from rich.console import Console

    from megastep import mapgen
    from megastep.mapgen.variations.options import OPTIONS

    console = Console()
    for family in mapgen.FAMILIES.values():
        own = {name: taken for name, taken in family.parameters.items() if OPTIONS.get(name) is not taken}
        console.print(f'[bold]{family.name}[/bold]: {family.about}', parameter_table(own), '', sep='\n')
    console.print('[bold]Options[/bold] that every family takes too:', parameter_table(OPTIONS), sep='\n')


def parse_families(text: str) -> dict[str, Any]:
    """Reads what maps are of, as `generate` takes it: ``'house'`` is a family, ``'house=.5,maze=.5'`` a mixture.

    Raises:
        ValueError: if the text is neither.
    """
    if '=' not in text:
        return {'family': text}
    pairs = [part.partition('=') for part in text.split(',')]
    mixture = {name: literal(share) for name, _, share in pairs}
    if len(mixture) < len(pairs) or not all(type(share) in (int, float) for share in mixture.values()):
        raise ValueError(f'families must look like house or house=.5,maze=.5, each once, got {text!r}.')
    return {'mixture': mixture}


def parse_parameters(texts: Sequence[str]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Reads parameters.

    Returns:
        Those of every family, by name; and those that are one family's alone, by family and name.

    Raises:
        ValueError: if one can't be read, or is there twice.
    """
    shared: dict[str, Any] = {}
    own: dict[str, dict[str, Any]] = {}
    check_once('parameters', texts)
    for name, value in map(parse_parameter, texts):
        family, _, rest = name.rpartition('.')
        (own.setdefault(family, {}) if family else shared)[rest] = value
    return shared, own


def parse_parameter(text: str) -> tuple[str, Any]:
    """Reads a parameter: ``'shafts=0.5'`` is a number, ``'rooms=8,12'`` a pair and ``'growth=wilson'`` a word.

    Raises:
        ValueError: if the text isn't a name, an equals sign, and numbers or a word.
    """
    name, _, written = text.partition('=')
    value = literal(written)
    parts = value if isinstance(value, tuple) else (value,)
    usable = isinstance(value, str) or all(type(part) in (int, float) for part in parts)
    if not usable or not all(part.isidentifier() for part in name.split('.')):
        raise ValueError(f'parameters must look like shafts=0.5, rooms=8,12 or growth=wilson, got {text!r}.')
    return name, value


def are(count: int) -> str:
    """The verb that follows a count."""
    return 'is' if count == 1 else 'are'


def describe(maps: Any) -> str:
    """Description of a map set, one line for a person: the number of maps, their families, and how large they are."""
    import numpy as np

    from megastep.maps.words import counted

    stats = maps.stats('rooms', 'walls', 'area')
    families = ' and '.join(filter(None, sorted(set(maps.families.tolist()))))
    medians = {name: np.median(stats[name]) for name in ('rooms', 'walls', 'area')}
    rooms = f'{medians["rooms"]:g} room{"" if medians["rooms"] == 1 else "s"}'
    sizes = f'{rooms}, {medians["walls"]:g} walls and {medians["area"]:.0f} m²'
    return f'{counted(len(maps), f"{families} map".lstrip())} (median {sizes})'


def parameter_table(parameters: Mapping[str, Any]) -> Any:
    """A table of what families take, for a console."""
    from rich.table import Table

    from megastep.mapgen import Choice

    table = Table(box=None)
    for head in ('parameter', 'default', 'from', 'to', 'unit', 'what it is'):
        table.add_column(head, overflow='fold', no_wrap=head == 'parameter')  # nothing is cut off in a narrow terminal
    for name, taken in parameters.items():
        if isinstance(taken, Choice):
            table.add_row(name, taken.default, '', '', '', f'{taken.about} One of {", ".join(taken.options)}.')
        else:
            table.add_row(name, written(taken.default), f'{taken.least:g}', f'{taken.most:g}', taken.unit, taken.about)
    return table


def written(value: float | tuple[float, float]) -> str:
    """A parameter's value as the command line takes it."""
    return ','.join(f'{number:g}' for number in (value if isinstance(value, tuple) else (value,)))


def check_picture(out: Path) -> None:
    """Raises if no picture could be put there."""
    if out.suffix not in PICTURES:
        raise ValueError(f'out must end in {" or ".join(PICTURES)}, got {out}.')
    from megastep.maps.storage import atomic

    atomic.check_folder(out)
