"""Drawing: a sketch that a person changes, the floorplan that it is, and agents that walk in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from megastep.env import Env
from megastep.maps.geometry import Geometry
from megastep.maps.mapset import MapSet
from megastep.maps.storage import atomic
from megastep.viewer import page
from megastep.viewer.drawing.draft import Draft
from megastep.viewer.drawing.errands import Errands, make_walker
from megastep.viewer.drawing.sketch import Sketch
from megastep.viewer.driving import Drive

REQUEST = ('sketch', 'walk', 'drive', 'save')
"""What a request may hold: one of these."""


class Draw:
    """Session of drawing: keeps a sketch, says what is wrong with it and where, and lets agents walk in it.

    Args:
        geometry: The floorplan to begin from; by default an empty sheet. Its spawns are found anew once it is changed.
        agent: What is sent through it: what `megastep.load` returns, or whatever else `Replay.record` takes, for the
            env; by default a scripted agent, which knows the way.
        env: Makes the env that is walked in, of a map set; by default the agent's own, if it has one, or an env in
            which an agent goes where a click sends it.
        path: The file that a click saves the map in.
        seed: Seeds the env.

    Raises:
        ValueError: if it begins from no floorplan, env is no function, an agent comes without an env and has none, or
            the path isn't one of a ``.safetensors`` file.
        FileNotFoundError: if the path's folder isn't there.
    """

    largest_request = 1_000_000
    """The size of a request, in bytes, at most."""

    def __init__(
        self,
        geometry: Geometry | None = None,
        agent: Any = None,
        *,
        env: Callable[[MapSet], Env] | None = None,
        path: str | Path | None = None,
        seed: int = 0,
    ) -> None:
        if geometry is not None and not isinstance(geometry, Geometry):
            raise ValueError(f'geometry must be a Geometry, got {type(geometry).__name__}.')
        if env is not None and not callable(env):
            raise ValueError(f'env must be a function that makes an env of a map set, got {type(env).__name__}.')
        if agent is not None and env is None and not hasattr(agent, 'env'):
            raise ValueError(f'env must make the env that the agent acts in, got None for {type(agent).__name__}.')
        self._agent, self._make, self._seed = agent, env, seed
        self.path = None if path is None else _checked_path(path)
        self._first, self._given = (Sketch() if geometry is None else Sketch.of(geometry)), geometry
        self.drive: Drive | None = None
        self.sketch = self._first

    @property
    def sketch(self) -> Sketch:
        """The sketch. Assigning another draws that."""
        return self._sketch

    @sketch.setter
    def sketch(self, sketch: Sketch) -> None:
        self._sketch = sketch
        unchanged = self._given is not None and sketch.json() == self._first.json()
        draft = Draft.of(sketch)
        self.draft = Draft(self._given, draft.flaws, draft.shift * 0, self._given) if unchanged else draft

    @property
    def geometry(self) -> Geometry:
        """The floorplan that was drawn.

        Raises:
            ValueError: if it is none yet: it says why, and where.
        """
        if self.draft.geometry is None:
            raise ValueError(f'what is drawn is no map yet: {"; ".join(map(str, self._grave()))}.')
        return self.draft.geometry

    def _grave(self) -> list[Any]:
        return [flaw for flaw in self.draft.flaws if flaw.grave]

    @property
    def maps(self) -> MapSet:
        """The floorplan that was drawn, as a set of one.

        Raises:
            ValueError: if it is none yet.
        """
        return MapSet([self.geometry], recipe={'family': 'drawn', 'version': 1, 'seed': None, 'parameters': {}})

    def document(self) -> dict[str, Any]:
        """The sketch and what is known of it, as a page has them."""
        saves = None if self.path is None else self.path.name
        return {'title': 'Draw', 'sketch': self.sketch.json(), 'draft': self.draft.json(), 'saves': saves}

    def html(self) -> str:
        """The page, which asks its server what is wrong with a sketch, and to walk in it."""
        return page.render_draw(self.document())

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Takes a new sketch, or a step of who walks in it, and returns what is then to be seen.

        Args:
            request: One of these. ``'sketch'``: a new one, as `Sketch.json` has it. ``'walk'``: true, to begin.
                ``'drive'``: a request of `Drive.ask`. ``'save'``: true, to write the map's file.

        Raises:
            ValueError: naming what is unknown or out of range in it, or why there is no walking.
        """
        if len(request) != 1 or not set(request) <= set(REQUEST):
            raise ValueError(f'a request must hold one of {", ".join(REQUEST)}, got {", ".join(map(repr, request))}.')
        ((name, content),) = request.items()
        if name == 'sketch':
            self.sketch = Sketch.parse(content)
            return self.draft.json()
        if name == 'walk':
            return self.walk().document()
        if name == 'save':
            return {'saved': str(self.save())}
        if self.drive is None:
            raise ValueError('nobody walks yet: ask to walk first.')
        return self.drive.ask(content)

    def walk(self) -> Drive:
        """Begins to walk in what was drawn: a `Drive`, also kept as ``drive``.

        Raises:
            ValueError: if it is no map yet, or the env can't stand in it.
        """
        maps = self.maps
        env = self._env(maps)
        agent = make_walker(env) if self._agent is None and isinstance(env, Errands) else self._agent
        self.drive = Drive(env, agent, maps=maps, seed=self._seed)
        return self.drive

    def _env(self, maps: MapSet) -> Env:
        if self._make is not None:
            return self._make(maps)
        if self._agent is not None:
            return self._agent.env(maps, self._agent.task.num_agents, seed=self._seed)
        return Errands(maps, seed=self._seed)

    def save(self) -> Path:
        """Writes the map set to the session's file. Returns its path.

        Raises:
            ValueError: if it is no map yet, or there is no path.
        """
        if self.path is None:
            raise ValueError('path must be given to save a drawing, got None.')
        self.maps.save(self.path)
        return self.path


def _checked_path(path: str | Path) -> Path:
    if Path(path).suffix != '.safetensors':
        raise ValueError(f'path must end in .safetensors, got {str(path)!r}.')
    atomic.check_folder(Path(path))
    return Path(path)
