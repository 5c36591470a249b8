"""`megastep drive`. What it needs is imported when it runs, so that help comes at once."""

from __future__ import annotations

from pathlib import Path

from tyro.conf import Positional


def drive(
    what: Positional[str],
    *,
    agent: str | None = None,
    maps: Path | None = None,
    port: int = 0,
    seed: int = 0,
    show: bool = True,
    device: str | None = None,
) -> None:
    """Drive an agent in a browser, by keys: `megastep drive explorer`, or `megastep drive runs/a`.

    Args:
        what: The task, such as explorer, or one of your own, as module:Class; others act at random. Or the folder of a
            run, whose agent acts for those that nobody drives, and for all when it is given back.
        agent: The folder of a run, or the name of an agent that comes with megastep, that acts in the task for those
            that nobody drives, instead of at random.
        maps: The file of a map set; by default maps are generated.
        port: The port on the loopback address; by default any that is free.
        seed: Another seed gives another beginning.
        show: Open the page in a browser.
        device: Where to compute, such as cpu or cuda; by default a GPU if there is one.
    """
    from megastep.cli.filming import UNSEEN, at_random, trained
    from megastep.evaluation.registry import Task
    from megastep.maps.mapset import MapSet
    from megastep.viewer.driving import Drive
    from megastep.viewer.server import serve

    given = None if maps is None else MapSet.load(maps)
    if Path(what).is_dir():
        if agent is not None:
            raise ValueError(f'agent is for a task, and {what} is a folder, whose agent acts, got agent={agent!r}.')
        act, env, walked = trained(Path(what), given, seed, False, device)
    elif agent is not None:
        act, env, walked = trained(Path(agent), given, seed, False, device)
        maker = Task.of(what).env
        if isinstance(maker, type) and not isinstance(env, maker):
            raise ValueError(f'agent must be one of {what}, got {agent!r}, which is of {type(env).__name__}.')
    else:
        walked = Task.of(what).default_maps(seed=UNSEEN) if given is None else given
        act, env = at_random(what, walked, seed)
    serve(Drive(env, act, maps=walked, seed=seed), port=port, show=show)
