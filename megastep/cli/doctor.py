"""`megastep doctor`: checks that megastep can run here, and says what to do about what is wrong."""

from __future__ import annotations

import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from configparser import ConfigParser
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal, no_type_check

from packaging.requirements import Requirement
from rich.console import Console
from rich.markup import escape
from rich.table import Table

import megastep
from megastep.world.device import default_device, device_name

if TYPE_CHECKING:
    import torch

Verdict = Literal['well', 'note', 'wrong']

MARKS: dict[Verdict, str] = {'well': '[green]✓[/green]', 'note': '[yellow]![/yellow]', 'wrong': '[red]✗[/red]'}

OLDEST_PYTHON = (3, 10)

ARCHITECTURE = 90
"""The compute capability that a kernel is compiled for where there is no GPU: 9.0, an H100's or H200's."""

WALL = 2.0
"""The distance, in metres, of the wall that the kernels are tried on."""


@dataclass(frozen=True)
class Finding:
    """Finding of one check.

    Args:
        subject: What was looked at.
        verdict: Whether it is well, worth a note, or wrong.
        detail: What was found.
        remedy: What to do, unless all is well.
    """

    subject: str
    verdict: Verdict
    detail: str
    remedy: str = ''


def run() -> int:
    """Makes every check, prints a line for each, and returns the exit status: 1 if anything is wrong, else 0."""
    console = Console()
    with console.status('Compiling and launching kernels. The first time takes a minute.'):
        findings = list(examine())
    console.print(as_table(findings))
    wrong = sum(finding.verdict == 'wrong' for finding in findings)
    console.print(f'\n{wrong} of {len(findings)} checks failed.' if wrong else '\nAll is well: try `megastep demo`.')
    return 1 if wrong else 0


def examine() -> Iterator[Finding]:
    """Makes every check that makes sense on this machine."""
    yield check_python()
    yield from check_libraries()
    yield attempt('device', check_device, 'Install PyTorch as https://pytorch.org/get-started says.')
    yield attempt(
        'kernels', check_kernels, 'Mend what is wrong above; if nothing is, report this with all that stands here.'
    )
    yield attempt('numba cache', check_cache, 'Set NUMBA_CACHE_DIR to a folder that can be written.')
    if platform.system() == 'Linux':
        yield attempt('triton compiler', check_compiler, 'Install a Triton that fits your PyTorch: pip install triton')
    yield attempt('video encoder', check_encoder, 'pip install "megastep[video]"')


def as_table(findings: list[Finding]) -> Table:
    """A line for each finding, and beneath it the remedy where there is one."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        table.add_row(MARKS[finding.verdict], finding.subject, escape(finding.detail))
        if finding.remedy:
            table.add_row('', '', f'[bold]Remedy:[/bold] {escape(finding.remedy)}')
    return table


def attempt(subject: str, check: Callable[[], Finding], remedy: str) -> Finding:
    """The finding of a check; if it raised, whatever it raised, that something is wrong."""
    try:
        return check()
    except Exception as error:
        text = ' '.join(str(error).split())
        return Finding(subject, 'wrong', f'{type(error).__name__}: {text[:300]}', remedy)


def check_python() -> Finding:
    """Checks that Python is new enough."""
    detail = f'{platform.python_version()} at {sys.executable}'
    if sys.version_info < OLDEST_PYTHON:
        oldest = '.'.join(map(str, OLDEST_PYTHON))
        return Finding('python', 'wrong', detail, f'Install Python {oldest} or later: make PYTHON=python3.12 test')
    return Finding('python', 'well', detail)


def check_libraries() -> Iterator[Finding]:
    """Checks that each library megastep needs is there, in a version it takes; those that are share one line."""
    fitting = []
    for requirement in requirements():
        found = version(requirement.name)
        if found is not None and requirement.specifier.contains(found, prereleases=True):
            fitting.append(f'{requirement.name} {found}')
        else:
            remedy = f'pip install "{requirement.name}{requirement.specifier}"'
            yield Finding(requirement.name, 'wrong', found or 'not installed', remedy)
    yield Finding('libraries', 'well', ', '.join(sorted(fitting)))


def requirements() -> list[Requirement]:
    """The libraries that megastep needs on this machine, extras left out."""
    wanted = map(Requirement, declared())
    return [
        requirement for requirement in wanted if not requirement.marker or requirement.marker.evaluate({'extra': ''})
    ]


def declared() -> list[str]:
    """Requirements of megastep as they are written: where it was installed, or in a checkout's ``setup.cfg``."""
    try:
        return metadata.requires('megastep') or []
    except metadata.PackageNotFoundError:
        checkout, parser = Path(megastep.__file__).parents[1] / 'setup.cfg', ConfigParser()
        if not parser.read(checkout):
            raise
        return parser['options']['install_requires'].split('\n')[1:]


def version(distribution: str) -> str | None:
    """The installed version of a distribution, or None if it isn't installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def check_device() -> Finding:
    """Says on which device envs would run, and so with which kernels."""
    import torch

    if torch.cuda.is_available():
        gigabytes = torch.cuda.get_device_properties(0).total_memory / 2**30
        return Finding('device', 'well', f'{device_name("cuda")}, {gigabytes:.0f} GiB: Triton kernels would run')
    detail = f'{device_name("cpu")}, no GPU that PyTorch can use: Numba kernels would run'
    if Path('/proc/driver/nvidia').exists() and torch.version.cuda is None:
        remedy = 'This PyTorch is built for CPUs alone. Install one for CUDA: https://pytorch.org/get-started'
        return Finding('device', 'wrong', detail, remedy)
    return Finding('device', 'well', detail)


def check_kernels() -> Finding:
    """Checks that this device's kernels compile, launch and give the right answer."""
    device = default_device()
    seen, stopped = measure_wall(device)
    detail = f'a wall {WALL:.3f} m off is seen at {seen:.3f} m, and stops an agent that is sent into it'
    if abs(seen - WALL) > 1e-3:
        return Finding('kernels', 'wrong', f'a wall {WALL:.3f} m off is seen at {seen:.3f} m', 'Please report this.')
    if abs(stopped) > 1e-2:
        return Finding('kernels', 'wrong', f'an agent stops {stopped:.3f} m before a wall', 'Please report this.')
    return Finding('kernels', 'well', detail)


def measure_wall(device: torch.device) -> tuple[float, float]:
    """Looks at a wall two metres off and walks into it.

    Returns:
        How far off the wall seems, and the gap between it and the agent's rim after the collision, in metres.
    """
    import numpy as np

    from megastep.maps.geometry import Geometry
    from megastep.world import physics, rendering
    from megastep.world.cameras import Cameras
    from megastep.world.core import Core
    from megastep.world.scenery import Scenery

    corners = np.array([[1, 1], [5, 1], [5, 4], [1, 4]])
    box = Geometry.from_walls(np.stack([corners, np.roll(corners, -1, axis=0)], axis=1))
    core = Core(Scenery.pack([box], device=device), num_envs=1, fps=10)
    core.agents.positions[0, 0, 0], core.agents.positions[0, 0, 1] = 5 - WALL, 2.5
    core.agents.angles.zero_()
    view = rendering.render(core, Cameras(res=1, subsample=1), per_ray=True)
    core.agents.velocities[..., 0] = 100
    physics.advance(core)
    rim = float(core.agents.positions[0, 0, 0]) + core.agent_radius
    return float(view.distances[0, 0, 0, 0]), 5 - rim  # type: ignore[index]


def check_cache() -> Finding:
    """Checks that compiled CPU kernels can be kept from one run to the next."""
    from megastep.numba.raycasting import by_ray

    folder = Path(str(by_ray._render.stats.cache_path))  # where Numba has decided to put it
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        return Finding('numba cache', 'well', f'{folder} can be written: kernels are compiled once')


def check_compiler() -> Finding:
    """Checks that Triton compiles for a GPU; none has to be there."""
    import triton
    import triton.language as tl
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    @triton.jit
    @no_type_check
    def double(values, block: tl.constexpr):
        places = values + tl.arange(0, block)
        tl.store(places, 2 * tl.load(places))

    source = ASTSource(fn=double, signature={'values': '*fp32', 'block': 'constexpr'}, constexprs={'block': 32})
    triton.compile(source, target=GPUTarget('cuda', ARCHITECTURE, 32), options={'enable_fp_fusion': True})
    return Finding('triton compiler', 'well', f'Triton {triton.__version__} compiles for sm_{ARCHITECTURE}')


def check_encoder() -> Finding:
    """Checks that recordings can be mp4."""
    from megastep.plotting import video

    if video.encoder() == 'ffmpeg':
        return Finding('video encoder', 'well', 'ffmpeg: recordings are mp4')
    return Finding('video encoder', 'note', 'none: recordings are GIF', 'pip install "megastep[video]"')
