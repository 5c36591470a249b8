"""Widget of a drawing, for notebooks, by anywidget: floorplans are drawn by mouse and keys."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from megastep.env import Env
from megastep.maps.geometry import Geometry
from megastep.maps.mapset import MapSet
from megastep.viewer import page
from megastep.viewer.drawing.session import Draw
from megastep.viewer.replay_widget import libraries


def draw(
    geometry: Geometry | None = None,
    agent: Any = None,
    *,
    env: Callable[[MapSet], Env] | None = None,
    seed: int = 0,
) -> Any:
    """A widget to draw a floorplan by hand, to walk in it and to send an agent through it. See `Draw`.

    Its ``geometry`` is what was drawn, ``maps`` the same as a set of one, and ``draw`` the session.

    >>> drawing = draw()  # doctest: +SKIP
    >>> env = PointGoal(drawing.maps)  # doctest: +SKIP

    Args:
        geometry: The floorplan to begin from; by default an empty sheet.
        agent: What is sent through it; by default a scripted agent, which knows the way.
        env: Makes the env that is walked in, of a map set.
        seed: Seeds the env.

    Raises:
        ImportError: if the extra ``notebook`` isn't installed.
        ValueError: if it begins from no floorplan, or an agent comes without an env and has none.
    """
    made = _widget_class()
    return made(Draw(geometry, agent, env=env, seed=seed))


@cache
def _widget_class() -> Any:
    anywidget, traitlets = libraries()

    class DrawWidget(anywidget.AnyWidget):  # type: ignore[name-defined]
        _esm = page.module((*page.MODULES, *page.LIVE, *page.DRAW, *page.WIDGET, *page.DRAW_WIDGET), 'drawWidget')
        _css = page.style()
        document = traitlets.Dict().tag(sync=True)

        def __init__(self, session: Draw) -> None:
            super().__init__(document=session.document())
            self.draw = session
            self.on_msg(self._answer)

        @property
        def geometry(self) -> Geometry:
            """The floorplan that was drawn. Raises a `ValueError` that says why and where if it is none yet."""
            return self.draw.geometry

        @property
        def maps(self) -> MapSet:
            """The floorplan that was drawn, as a set of one."""
            return self.draw.maps

        def _answer(self, _: Any, message: Any, buffers: Any) -> None:
            """Answers what the page asks."""
            try:
                answer = self.draw.ask(message['request'])
            except (ValueError, TypeError, KeyError) as error:
                answer = {'error': str(error)}
            self.send({'number': message.get('number'), 'moment': answer})
            if 'sketch' in (message.get('request') or ()):
                self.document = self.draw.document()  # so that another view of it begins from what was drawn

    return DrawWidget
