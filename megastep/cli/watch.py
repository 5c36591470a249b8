"""`megastep record` and `megastep watch`. What they need is imported when they run, so that help comes at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tyro.conf import Positional

from megastep.cli.generate import are

NO_ENCODER = 'The film is a GIF, for there is no mp4 encoder here: pip install "megastep[video]" brings one.'


def record(
    env: Positional[str],
    maps: Positional[Path],
    out: Positional[Path | None] = None,
    *,
    html: Path | None = None,
    map_id: int = 0,
    steps: int = 300,
    seed: int = 0,
    workers: int = 1,
    envs: int = 1,
    size: tuple[int, int] = (960, 540),
    fps: float | None = None,
) -> None:
    """Film agents that act at random, or write a replay: `megastep record explorer maps.safetensors out.mp4`.

    Args:
        env: The task, such as explorer or deathmatch, or one of your own, as module:Class.
        maps: The file of a map set.
        out: The film to write, .mp4 or .gif; it may be left out where there is a replay.
        html: The replay to write, .html: a page that plays in any browser.
        map_id: The number of the map that is filmed.
        steps: How many steps it is filmed for.
        seed: Another seed gives other actions, and agents that begin elsewhere.
        workers: How many processes draw.
        envs: How many envs the film shows in a grid, each in the map after that of the one before.
        size: The film's width and height, in pixels.
        fps: How many frames a second the film plays; by default as many as there are steps in a second.
    """
    if out is None and html is None:
        raise ValueError('record needs a film to write, or a replay with --html, got neither.')

    from megastep.cli.filming import film_random, replay_random
    from megastep.maps.mapset import MapSet
    from megastep.maps.storage import atomic
    from megastep.maps.words import counted

    for path in filter(None, (out, html)):
        atomic.check_folder(path)
    look: dict[str, Any] = {'workers': workers, 'envs': envs, 'size': size, 'fps': fps}
    about, walked = f'{counted(steps, "random step")} of {env} in map {map_id} {are(steps)}', MapSet.load(maps)
    if html is not None:
        _say(about, replay_random(env, walked, html, map_id=map_id, steps=steps, seed=seed), html)
    if out is not None:
        _say(about, film_random(env, walked, out, map_id=map_id, steps=steps, seed=seed, **look), out)


def watch(
    run: Positional[Path],
    *,
    maps: Path | None = None,
    out: Path | None = None,
    html: Path | None = None,
    map_id: int = 0,
    steps: int = 300,
    seed: int = 0,
    greedy: bool = False,
    workers: int = 1,
    envs: int = 1,
    size: tuple[int, int] = (960, 540),
    fps: float | None = None,
    device: str | None = None,
) -> None:
    """Film a trained agent in a map that it hasn't seen, or write a replay: `megastep watch runs/a`.

    Args:
        run: The run's folder, or that of a checkpoint or of an agent that was saved; or the name of an agent that comes
            with megastep, such as explorer.
        maps: The file of a map set. By default that of the run's evaluations; without one, maps are generated.
        out: The film to write, .mp4 or .gif; by default film.mp4 in the run's folder (explorer.mp4 of such an
            agent), or none if there is a replay.
        html: The replay to write, .html: a page that plays in any browser.
        map_id: The number of the map that is filmed.
        steps: How many steps it is filmed for.
        seed: Another seed gives another beginning.
        greedy: Take the likeliest action instead of drawing one.
        workers: How many processes draw.
        envs: How many envs the film shows in a grid, each in the map after that of the one before.
        size: The film's width and height, in pixels.
        fps: How many frames a second the film plays; by default as many as there are steps in a second.
        device: Where to compute, such as cpu or cuda; by default a GPU if there is one.
    """
    from megastep.cli.filming import film_run, replay_run
    from megastep.maps.mapset import MapSet
    from megastep.maps.storage import atomic
    from megastep.maps.words import counted

    for path in filter(None, (out, html)):
        atomic.check_folder(path)
    about = f'{counted(steps, "step")} of the agent of {run} in map {map_id} {are(steps)}'
    walked = None if maps is None else MapSet.load(maps)
    options: dict[str, Any] = {'map_id': map_id, 'steps': steps, 'seed': seed, 'greedy': greedy, 'device': device}
    if html is not None:
        _say(about, replay_run(run, html, walked, **options), html)
    if out is not None or html is None:
        beside = run / 'film.mp4' if run.is_dir() else Path(f'{run.name}.mp4')
        wanted = beside if out is None else out
        _say(about, film_run(run, wanted, walked, workers=workers, envs=envs, size=size, fps=fps, **options), wanted)


def _say(about: str, path: Path, wanted: Path) -> None:
    """Says what was written."""
    print(f'{about} in {path} ({path.stat().st_size / 1000:,.0f} kB).')
    if path.suffix != wanted.suffix:
        print(NO_ENCODER)
