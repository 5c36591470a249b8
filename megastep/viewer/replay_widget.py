"""Widget of a replay, for notebooks, by anywidget: Python can seek in it."""

from __future__ import annotations

from functools import cache
from typing import Any

from megastep.viewer import page
from megastep.viewer.document import document
from megastep.viewer.trajectories import Trajectories


def replay_widget(trajectories: Trajectories) -> Any:
    """A widget of a replay. Its ``step``, ``env`` and ``agent`` may be read and set, and be linked to other widgets'.

    Raises:
        ImportError: if the extra ``notebook`` isn't installed.
    """
    return _widget_class()(document=document(trajectories))


def libraries() -> tuple[Any, Any]:
    """The libraries that widgets are made by: anywidget and traitlets.

    Raises:
        ImportError: if the extra ``notebook`` isn't installed.
    """
    try:
        import anywidget
        import traitlets
    except ImportError as error:
        raise ImportError('widgets need anywidget: pip install "megastep[notebook]".') from error
    return anywidget, traitlets


@cache
def _widget_class() -> Any:
    anywidget, traitlets = libraries()

    class ReplayWidget(anywidget.AnyWidget):  # type: ignore[name-defined]
        _esm = page.module((*page.MODULES, *page.WIDGET), 'replayWidget')
        _css = page.style()
        document = traitlets.Dict().tag(sync=True)
        step = traitlets.Int(0).tag(sync=True)
        env = traitlets.Int(0).tag(sync=True)
        agent = traitlets.Int(0).tag(sync=True)

    return ReplayWidget
