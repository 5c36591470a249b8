"""Widget of a drive, for notebooks, by anywidget: keys drive an agent of an env."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from megastep.env import Env
from megastep.maps.geometry import Geometry
from megastep.maps.mapset import MapSet
from megastep.viewer import page
from megastep.viewer.driving import Drive
from megastep.viewer.replay_widget import libraries


def drive(
    env: Env,
    agent: Any = None,
    *,
    number: int = 0,
    maps: MapSet | Geometry | Sequence[Geometry] | None = None,
    seed: int = 0,
) -> Any:
    """A widget by which a person drives an agent of an env: by keys, once it was clicked. See `Drive`.

    The env steps only while the widget has the focus, so it can be used between cells. Its ``drive`` is the session.

    Args:
        env: The env, in Gymnasium's NEXT_STEP mode. It is reset first.
        agent: What acts for agents that nobody drives, as `Replay.record` takes it; by default at random.
        number: The number of the env that is shown and driven.
        maps: The maps that the env stands in, if rooms and doors are to be shown.
        seed: Seeds the env, and what is drawn.

    Raises:
        ImportError: if the extra ``notebook`` isn't installed.
        ValueError: if the env can't be driven, or there is no such number.
    """
    made = _widget_class()
    return made(Drive(env, agent, number=number, maps=maps, seed=seed))


@cache
def _widget_class() -> Any:
    anywidget, traitlets = libraries()

    class DriveWidget(anywidget.AnyWidget):  # type: ignore[name-defined]
        _esm = page.module((*page.MODULES, *page.LIVE, *page.WIDGET, *page.DRIVE_WIDGET), 'driveWidget')
        _css = page.style()
        document = traitlets.Dict().tag(sync=True)

        def __init__(self, session: Drive) -> None:
            super().__init__(document=session.document())
            self.drive = session
            self.on_msg(self._answer)

        def _answer(self, _: Any, message: Any, buffers: Any) -> None:
            """Takes a step, as the page has asked for, and sends what is then to be seen."""
            try:
                answer = self.drive.ask(message['request'])
            except (ValueError, TypeError, KeyError) as error:
                answer = {'error': str(error)}
            self.send({'number': message.get('number'), 'moment': answer})

    return DriveWidget
