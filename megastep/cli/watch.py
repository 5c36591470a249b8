"""`megastep record` and `megastep watch`. What they need is imported when they run, so that help comes at once."""

from __future__ import annotations

from pathlib import Path

from tyro.conf import Positional

NO_ENCODER = 'The film is a GIF, for there is no mp4 encoder here: pip install "megastep[video]" brings one.'


def record(
    env: Positional[str],
    maps: Positional[Path],
    out: Positional[Path],
    *,
    map_id: int = 0,
    steps: int = 300,
    seed: int = 0,
    workers: int = 1,
) -> None:
    """Film agents that act at random: `megastep record explorer maps.safetensors out.mp4`.

    Args:
        env: The task, such as explorer or deathmatch, or one of your own, as module:Class.
        maps: The file of a map set.
        out: The film to write, .mp4 or .gif.
        map_id: The number of the map that is filmed.
        steps: How many steps it is filmed for.
        seed: Another seed gives other actions, and agents that begin elsewhere.
        workers: How many processes draw.
    """
    from megastep.cli.filming import film_random
    from megastep.maps import storage
    from megastep.maps.mapset import MapSet

    storage.check_folder(out)

    film = film_random(env, MapSet.load(maps), out, map_id=map_id, steps=steps, seed=seed, workers=workers)
    print(f'{steps} random steps of {env} in map {map_id} are in {film} ({film.stat().st_size / 1000:,.0f} kB).')
    if film.suffix != out.suffix:
        print(NO_ENCODER)


def watch(
    run: Positional[Path],
    *,
    maps: Path | None = None,
    out: Path | None = None,
    map_id: int = 0,
    steps: int = 300,
    seed: int = 0,
    greedy: bool = False,
    workers: int = 1,
    device: str | None = None,
) -> None:
    """Film a trained agent in a map that it hasn't seen: `megastep watch runs/a`.

    Args:
        run: The run's folder, or that of a checkpoint or of an agent that was saved.
        maps: The file of a map set. By default that of the run's evaluations; without one, maps are generated.
        out: The film to write, .mp4 or .gif; by default film.mp4 in the run's folder.
        map_id: The number of the map that is filmed.
        steps: How many steps it is filmed for.
        seed: Another seed gives another beginning.
        greedy: Take the likeliest action instead of drawing one.
        workers: How many processes draw.
        device: Where to compute, such as cpu or cuda; by default a GPU if there is one.
    """
    from megastep.cli.filming import film_run
    from megastep.maps import storage
    from megastep.maps.mapset import MapSet

    wanted = run / 'film.mp4' if out is None else out
    if out is not None:
        storage.check_folder(out)

    film = film_run(
        run, wanted, None if maps is None else MapSet.load(maps), map_id=map_id, steps=steps, seed=seed,
        greedy=greedy, workers=workers, device=device,
    )  # fmt: skip
    print(f'{steps} steps of the agent of {run} in map {map_id} are in {film} ({film.stat().st_size / 1000:,.0f} kB).')
    if film.suffix != wanted.suffix:
        print(NO_ENCODER)
