"""`megastep import`, `megastep export` and `megastep split`: maps from and to other programs' files, and in parts."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from tyro.conf import Positional

from megastep.cli.generate import are, describe
from megastep.cli.literals import check_once, literal

SUFFIXES = {
    '.svg': 'svg', '.dxf': 'dxf', '.wad': 'wad', '.csv': 'centreline', '.yaml': 'occupancy', '.yml': 'occupancy',
    '.geojson': 'geojson', '.geojsonl': 'geojson', '.json': 'geojson', '.jsonl': 'geojson',
    '.png': 'grid', '.pgm': 'grid', '.bmp': 'grid', '.npy': 'grid', '.txt': 'grid', '.zip': 'imdf',
}  # fmt: skip
"""The format of a file, by its suffix, where it isn't said."""

OF_OTHERS = {
    'cubicasa': ('.svg',), 'imdf': ('.zip', '.geojson', '.json'), 'osm': ('.geojson', '.json'),
    'houseexpo': ('.json',), 'msd': ('.csv',), 'rplan': ('.png',),
}  # fmt: skip
"""The suffixes of the formats that are kept in files of another's kind."""

Format = Literal[
    'auto', 'svg', 'cubicasa', 'geojson', 'imdf', 'osm', 'wad', 'occupancy', 'grid', 'centreline', 'dxf', 'houseexpo',
    'msd', 'rplan',
]  # fmt: skip

Target = Literal['ros', 'svg', 'dxf', 'png', 'gazebo', 'geojson']


def import_maps(
    file: Positional[Path],
    out: Positional[Path],
    options: Positional[tuple[str, ...]] = (),
    *,
    format: Format = 'auto',  # noqa: A002
    skip_invalid: bool = False,
    overwrite: bool = False,
) -> None:
    """Make maps of another program's file: `megastep import plan.svg maps.safetensors inside=300,250 scale=100`.

    Args:
        file: The file, or a folder of files of one format, or of folders of them if the format is said.
        out: The file of maps to write.
        options: What the format's importer takes, as name=value; layers of a role as layers.doors=A-DOOR.
        format: What the file is, if its suffix doesn't say so.
        skip_invalid: Leave out maps that can't be used.
        overwrite: Write the file in the place of one that is there.
    """
    from megastep.maps.mapset import MapSet

    _check_target(out, overwrite)
    kind = _kind(file) if format == 'auto' else format
    files = _files(file, kind)
    importer = getattr(MapSet, f'from_{kind}')
    chosen = _options(options, importer)
    maps = _imported(importer, files, {**chosen, 'skip_invalid': skip_invalid})
    maps.save(out)
    print(f'{describe(maps)} {are(len(maps))} in {out} ({out.stat().st_size / 1000:,.0f} kB).')


def _check_target(path: Path, overwrite: bool) -> None:
    """Refuses a file that can't be written to, or that is there already, unless it is to be overwritten."""
    from megastep.maps.storage import atomic

    atomic.check_folder(path)
    if path.exists() and not overwrite:
        raise ValueError(f'{path} is there already: say --overwrite to have another in its place.')


def _kind(file: Path) -> str:
    """The format of a file, or of a folder's files, by their suffixes. Pictures beside YAML files belong to these."""
    found = [SUFFIXES.get(path.suffix.lower()) for path in (sorted(file.iterdir()) if file.is_dir() else [file])]
    known = [kind for kind in found if kind is not None]
    if file.is_dir() and not known:
        raise ValueError(f'{file} must have files to import ({", ".join(SUFFIXES)}), got none.')
    if not known:
        raise ValueError(f'format must be said of a file that ends in {file.suffix!r}.')
    return 'occupancy' if 'occupancy' in known else known[0]


def _files(file: Path, kind: str) -> list[Path]:
    """The files of a format: the one that is named, a folder's, or if it has none those of the folders in it.

    CubiCasa's data set has a folder a floorplan. An unpacked IMDF archive is one file.
    """
    if not file.is_dir() or (kind == 'imdf' and (file / 'unit.geojson').exists()):
        return [file]
    suffixes = OF_OTHERS.get(kind, tuple(suffix for suffix, other in SUFFIXES.items() if other == kind))
    for found in (file.iterdir(), file.rglob('*')):
        if files := sorted(path for path in found if path.suffix.lower() in suffixes):
            break
    else:
        raise ValueError(f'{file} must have files to import ({", ".join(suffixes)}), got none.')
    return files


def _imported(importer: Any, files: list[Path], options: dict[str, Any]) -> Any:
    """The maps of all files: of one format that takes several at once, or one after another."""
    from megastep.maps.mapset import MapSet

    if len(files) == 1:
        return importer(files[0], **options)
    if importer.__name__ in ('from_geojson', 'from_wad'):
        return MapSet.concat(list(_of_each(importer, files, options)))
    return importer(files, **options)


def _of_each(importer: Any, files: list[Path], options: dict[str, Any]) -> Iterator[Any]:
    """The maps of each file, without the files in which none can be used, if such are to be left out.

    Raises:
        ValueError: if one is in a file that isn't left out; or if none can be used in any.
    """
    reasons = []
    for file in files:
        try:
            yield importer(file, **options)
        except ValueError as error:
            if not options['skip_invalid']:
                raise
            reasons.append(str(error))
            warnings.warn(str(error), stacklevel=2)
    if len(reasons) == len(files):
        raise ValueError(f'none of {len(files)} files holds a map that can be used.')


def export_maps(
    maps: Positional[Path],
    out: Positional[Path],
    options: Positional[tuple[str, ...]] = (),
    *,
    format: Target = 'ros',  # noqa: A002
    count: int | None = None,
    overwrite: bool = False,
) -> None:
    """Write maps for another program: `megastep export maps.safetensors folder --format ros resolution=0.05`.

    Args:
        maps: The file of a map set.
        out: The folder to write to, which is made if it isn't there; for GeoJSON the file.
        options: What the format's exporter takes, as name=value.
        format: For whom.
        count: Write the first so many maps alone.
        overwrite: Write GeoJSON in the place of a file that is there.
    """
    from megastep.maps.mapset import MapSet
    from megastep.maps.words import counted

    if count is not None and count < 1:
        raise ValueError(f'--count must be at least 1 map, got {count}.')
    loaded = MapSet.load(maps)
    loaded = loaded if count is None else loaded[:count]
    exporter = getattr(loaded, f'to_{"occupancy" if format == "ros" else format}')
    chosen = _options(options, exporter)
    if format == 'geojson':
        _check_target(out, overwrite)
        if out.resolve() == maps.resolve():
            raise ValueError(f'maps and out must be two files, got {maps} and {out}.')
    else:
        if out.exists() and not out.is_dir():
            raise ValueError(f'out must be a folder, got the file {out}.')
        out.mkdir(parents=True, exist_ok=True)
    written = exporter(out, **chosen)
    first = '' if written is None else f', from {written[0].name} on'
    print(f'{counted(len(loaded), "map")} {are(len(loaded))} in {out}{first}.')


def split(
    maps: Positional[Path],
    first: Positional[Path],
    second: Positional[Path],
    *,
    share: float = 0.8,
    seed: int = 0,
    overwrite: bool = False,
) -> None:
    """Deal a set of maps out into two, no map, turned or mirrored, in both: `megastep split all.st train.st test.st`.

    Args:
        maps: The file of a map set.
        first: The file of the first part, to write.
        second: The file of the second.
        share: The first part's share of the maps, between 0 and 1.
        seed: Another seed deals them out differently.
        overwrite: Write the files in the place of those that are there.
    """
    from megastep.maps.mapset import MapSet

    if len({path.resolve() for path in (maps, first, second)}) < 3:
        raise ValueError(f'maps, first and second must be three files, got {maps}, {first} and {second}.')
    for path in (first, second):
        _check_target(path, overwrite)
    parts = MapSet.load(maps).split(share, seed=seed)
    for part, path in zip(parts, (first, second), strict=True):
        part.save(path)
        print(f'{describe(part)} {are(len(part))} in {path}.')


def _options(texts: Sequence[str], method: Callable[..., Any]) -> dict[str, Any]:
    """Reads options: ``'scale=100'`` is a number, ``'inside=3,2'`` a pair, ``'layers=A-WALL*,B'`` names.

    Raises:
        ValueError: if a text isn't a name, an equals sign and a value, the method doesn't take it, or needs another.
    """
    found = _parsed(texts)
    parameters = {
        name: parameter
        for name, parameter in inspect.signature(method).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and name != 'skip_invalid'
    }
    taken = {name: str(parameter.annotation) for name, parameter in parameters.items()}
    for name, parameter in parameters.items():
        if parameter.default is parameter.empty and name not in found:
            raise ValueError(f'{method.__name__} needs the option {name}: say {name}=VALUE.')
    for name, value in found.items():
        if name not in taken:
            raise ValueError(
                f'{method.__name__} does not take these options: {name}. It takes {", ".join(taken) or "none"}.'
            )
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if taken[name].startswith('float') and not is_number:
            raise ValueError(f'{name} must be a number, got {value!r}.')
        if taken[name] == 'bool' and not isinstance(value, bool):
            raise ValueError(f'{name} must be true or false, got {value!r}.')
    return found


def _parsed(texts: Sequence[str]) -> dict[str, Any]:
    """The values of options by name, each as what it looks like."""
    found: dict[str, Any] = {}
    check_once('options', texts)
    for text in texts:
        name, equals, written = text.partition('=')
        name, dot, role = name.partition('.')
        if not equals or not written or not name.isidentifier():
            raise ValueError(f'options must look like scale=100, inside=3,2.5 or layers.doors=A-DOOR, got {text!r}.')
        value = {'true': True, 'false': False}.get(written.lower(), literal(written))
        value = (written.split(',') if ',' in written else written) if value is None else value
        if dot:
            found.setdefault(name, {})[role] = value
        else:
            found[name] = value
    return found
