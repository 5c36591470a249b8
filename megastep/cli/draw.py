"""`megastep draw`. What it needs is imported when it runs, so that help comes at once."""

from __future__ import annotations

from pathlib import Path

from tyro.conf import Positional


def draw(
    out: Positional[Path],
    *,
    begin_from: Path | None = None,
    map_id: int = 0,
    agent: str | None = None,
    port: int = 0,
    seed: int = 0,
    show: bool = True,
    device: str | None = None,
) -> None:
    """Draw a floorplan in a browser, and walk in it: `megastep draw my.safetensors`.

    Args:
        out: The file of a map set that the map is saved in, by a click. If it is there, drawing begins from its map.
        begin_from: The file of a map set to begin from instead.
        map_id: Which of its maps.
        agent: The folder of a run, or the name of an agent that comes with megastep, that is sent through the map; by
            default a scripted one, which knows the way.
        port: The port on the loopback address; by default any that is free.
        seed: Another seed gives other colours and beginnings.
        show: Open the page in a browser.
        device: Where the run's agent computes, such as cpu or cuda; by default a GPU if there is one.
    """
    from megastep.learning.agent import load
    from megastep.maps.mapset import MapSet
    from megastep.viewer.drawing.session import Draw
    from megastep.viewer.server import serve

    there = MapSet.load(out) if out.exists() else None
    if there is not None and len(there) != 1:  # a click would put the one map that is drawn in the place of all
        way = f'another file, and --begin-from {out}, draws one of them'
        raise ValueError(f'{out} must hold 1 map to be drawn in, got {len(there)}: {way}.')
    maps = there if begin_from is None else MapSet.load(begin_from)
    if maps is not None and not 0 <= map_id < len(maps):
        raise ValueError(f'map_id must be from 0 to {len(maps) - 1}, got {map_id}.')
    acting = None if agent is None else load(agent, device=device, seed=seed)
    serve(Draw(None if maps is None else maps[map_id], acting, path=out, seed=seed), port=port, show=show)
