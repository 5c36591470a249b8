"""Page of a replay: HTML with its script, style and data in it; and that page in a frame, as notebooks show it."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

from PIL import Image

from megastep import plotting
from megastep.maps.storage import atomic
from megastep.viewer.document import document
from megastep.viewer.trajectories import Trajectories

MODULES = (
    'archive', 'recording', 'clock', 'colours', 'rays', 'shapes', 'floor', 'view', 'agents', 'overlays', 'plan',
    'scene', 'timeline', 'rows', 'charts', 'numbers', 'pointing', 'controls', 'main',
)  # fmt: skip
"""The page's modules, each after those that it imports."""

LIVE = ('live', 'drive')
"""The modules that the page of a drive has besides."""

DRAW = ('templates', 'sketch', 'marks', 'sheet', 'tools', 'drawing_panels', 'draw_input', 'draw')
"""The modules that the page of a drawing has besides those of a drive."""

WIDGET, DRIVE_WIDGET, DRAW_WIDGET = ('widget',), ('drive_widget',), ('draw_widget',)
"""The modules that notebooks' widgets have besides: of replays, of drives, and of drawings."""

LARGEST_OUTPUT = 900_000
"""A notebook is given pages of up to so many bytes: Jupyter drops output of more than 1 MB a second."""

STILL = (800, 450)
"""The still picture's width and height, in pixels."""


@cache
def script(modules: Sequence[str] = MODULES) -> str:
    """A page's script: its modules one after the other, as one."""
    return '\n'.join(_without_imports(_asset(f'{name}.js')) for name in modules)


def module(modules: Sequence[str], exported: str) -> str:
    """A script as a module that a widget is made of, whose default export is named."""
    return f'{script(modules)}\nexport default {exported};\n'


def style() -> str:
    """The page's style sheet."""
    return _asset('style.css') + _asset('draw.css')


def _without_imports(source: str) -> str:
    source = re.sub(r"^import [^;]*? from '\./\w+\.js';\n", '', source, flags=re.MULTILINE)
    return re.sub(r'^export (?=const|let|function|class|async)', '', source, flags=re.MULTILINE)


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath('web', name).read_text(encoding='utf-8')


def render(trajectories: Trajectories) -> str:
    """The page, which needs no other file and no network."""
    return _filled(document(trajectories), MODULES, 'await mount(root, recording)')


def render_drive(document: dict[str, Any]) -> str:
    """The page of a drive, which asks its server for each step."""
    return _filled(document, (*MODULES, *LIVE), 'await drive(root, recording, ask)')


def render_draw(document: dict[str, Any]) -> str:
    """The page of a drawing, which asks its server what is wrong with it, and to walk in it."""
    return _filled(document, (*MODULES, *LIVE, *DRAW), 'await draw(root, recording, ask)')


def _filled(document: dict[str, Any], modules: Sequence[str], start: str) -> str:
    data = json.dumps(document, separators=(',', ':'), allow_nan=False)
    parts = {
        'title': escape(document['title']), 'start': start, 'style': style(),
        'script': script(modules).replace('</script', '<\\/script'),
        'data': data.replace('<', '\\u003c'),  # no end of the script, and no beginning of a comment
    }  # fmt: skip
    return re.sub(r'\{\{(\w+)\}\}', lambda found: parts[found[1]], _asset('page.html'))


def still(trajectories: Trajectories) -> bytes:
    """A still picture of the replay, as PNG."""
    content = io.BytesIO()
    plot = plotting.StatePlot(trajectories.still, STILL)
    Image.fromarray(plot.frame()).quantize(128).save(content, 'PNG', optimize=True)
    return content.getvalue()


def frame(trajectories: Trajectories) -> str:
    """The page in a frame, as a notebook shows it, over a still picture for notebooks that aren't trusted.

    A page that is too large for a notebook's output is written to a file beside the notebook, and linked.
    """
    picture = base64.b64encode(still(trajectories)).decode()
    called = escape(f'Replay of {trajectories!r}')
    image = f'<img alt="{called}" src="data:image/png;base64,{picture}" style="width:100%;height:auto">'
    content = escape(render(trajectories))
    if len(content) > LARGEST_OUTPUT:
        path = _beside(trajectories)
        link = f'<a href="{path}" target="_blank">{path}</a>'
        return f'<div>{image}<p>{called} is too large for a notebook: open {link}.</p></div>'
    style = 'position:absolute;inset:0;width:100%;height:100%;border:0;border-radius:6px'
    inside = f'<iframe title="{called}" sandbox="allow-scripts" srcdoc="{content}" style="{style}"></iframe>'
    around = 'position:relative;width:100%;min-height:560px;line-height:0;border-radius:6px;overflow:hidden'
    return f'<div style="{around}">{image}{inside}</div>'


def _beside(trajectories: Trajectories) -> str:
    """Writes the page to a file in the working directory that is named after its content."""
    content = render(trajectories).encode()
    path = Path(f'replay-{hashlib.sha256(content).hexdigest()[:12]}.html')
    if not path.exists():
        atomic.replace(path, content)
    return str(path)
