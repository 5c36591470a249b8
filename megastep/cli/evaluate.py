"""`megastep evaluate` and `megastep suite`. What they need is imported when they run, so that help comes at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tyro.conf import Positional

if TYPE_CHECKING:
    from megastep.evaluation import Suite
    from megastep.evaluation.registry import Task

STANDARD = 'standard'
"""The name that stands for the standard suite."""


def evaluate(
    runs: Positional[tuple[str, ...]],
    *,
    suite: str | None = None,
    maps: tuple[Path, ...] = (),
    task: str | None = None,
    per_map: int = 16,
    out: Path | None = None,
    baselines: tuple[str, ...] = (),
    variations: tuple[str, ...] = (),
    opponents_from: tuple[Path, ...] = (),
    options: tuple[str, ...] = (),
    greedy: bool = False,
    seed: int = 0,
    num_envs: int | None = None,
    device: str | None = None,
) -> None:
    """Evaluate agents in a suite of fixed episodes: `megastep evaluate runs/a runs/b --suite standard --out report`.

    Runs that differ in nothing but the seed are runs of one agent, and scores get intervals over them. `ours=runs/a`
    gives an agent a name, `ours=runs/a,runs/b` several runs.

    Args:
        runs: The folders of runs, of checkpoints or of agents that were saved.
        suite: The folder of a suite, or standard.
        maps: Files of map sets to draw episodes in, each a set of its own, instead of a suite.
        task: The task that the suite or the episodes are of; by default that of the first run.
        per_map: How many episodes each of these maps has.
        out: The folder that a report is written to: a page, tables, and the scores of every episode.
        baselines: What else is played, to give scores a scale: random, shortest path and the like.
        variations: How the env is varied beside, in the same episodes: fov=90, fps=5 and the like, or all.
        opponents_from: The folders of runs as whose agents all but the first of each world act; by default those that
            a run was trained among.
        options: What the task takes that is to be otherwise than in training, as name=value, such as fov=90.
        greedy: Take the likeliest action instead of drawing one.
        seed: Another seed draws other actions, in the same episodes.
        num_envs: How many worlds are played at once; by default as many as keep busy.
        device: Where to compute, such as cpu or cuda; by default a GPU if there is one.
    """
    import megastep
    from megastep.cli.train import parse_options
    from megastep.evaluation import evaluate_variations
    from megastep.evaluation.analysis.summaries import overview
    from megastep.evaluation.registry import Task
    from megastep.evaluation.report import check_folder

    if not runs and not baselines:
        raise ValueError('evaluate needs at least 1 run or baseline, got none.')
    if (suite is None) == (not maps):
        raise ValueError(f'evaluate needs a suite or maps, and not both, got --suite {suite} and {len(maps)} maps.')
    if out is not None:
        check_folder(out)  # now, and not when all has been played
    varied, given = variations_by_name(variations), parse_options(options)
    agents = by_name([*named(runs, device), *baselines_by_name(baselines, seed).items()])
    what = asked(task, agents)
    chosen = suite_of(suite, maps, what, per_map)
    check_options(what or Task.of(chosen.task), given)
    print(chosen.describe())
    rivals = [megastep.load(folder, device=device) for folder in opponents_from] or None
    results = evaluate_variations(
        agents, chosen, varied, task=task, opponents=rivals, greedy=greedy, seed=seed, num_envs=num_envs,
        device=device, progress=True, **given,
    )  # fmt: skip
    print(overview(results.table, results.known_scores[:3]))
    if varied:
        print(results.variations(results.known_scores[0]))
    if out is not None:
        print(f'The report is {results.report(out)}.')


def suite(
    out: Positional[Path],
    maps: Positional[tuple[Path, ...]] = (),
    *,
    task: str = '',
    per_map: int = 16,
    seed: int = 0,
    options: tuple[str, ...] = (),
    time_limit: float | None = None,
    overwrite: bool = False,
) -> None:
    """Draw a suite of fixed episodes, or say what is in one: `megastep suite a test.safetensors --task pointgoal`.

    Every file of maps becomes a set of its name; without any, the standard suite is drawn. Without a task, what is in
    the folder is said.

    Args:
        out: The suite's folder.
        maps: Files of map sets.
        task: The task, such as pointgoal, or one of your own, as module:Class.
        per_map: How many episodes each map has.
        seed: Another seed gives other episodes.
        options: What the task takes, as name=value, such as num_agents=2.
        time_limit: When each episode is truncated, in seconds; by default with a goal after 10 s and four times as long
            as the shortest path takes, and otherwise by the task's own rules.
        overwrite: Write the suite in the place of one that is there.
    """
    from megastep.cli.train import parse_options
    from megastep.evaluation import Suite
    from megastep.evaluation.registry import Task
    from megastep.evaluation.suite import MANIFEST

    if not task:
        if maps:
            raise ValueError('suite needs --task to draw episodes in maps, got none.')
        print(Suite.load(out).describe())
        return
    if out.exists() and not out.is_dir():
        raise ValueError(f'out must be a folder, got the file {out}.')
    if (out / MANIFEST).exists() and not overwrite:
        raise ValueError(f'{out} holds a suite already: say --overwrite to have another in its place.')
    what = Task.of(task, parse_options(options))
    drawn = suite_of(None if maps else STANDARD, maps, what, per_map, seed=seed, time_limit=time_limit)
    drawn.save(out)
    print(f'{drawn.describe()}\nis in {out}.')


def suite_of(
    suite: str | None, maps: Sequence[Path], task: Task | None, per_map: int, seed: int = 0, **options: Any
) -> Suite:
    """The suite that was asked for: the standard one, that of a folder, or one drawn in some maps."""
    from megastep.evaluation import Episodes, Suite
    from megastep.maps.mapset import MapSet

    if suite is not None and suite != STANDARD:
        return Suite.load(suite)
    if task is None:
        raise ValueError('task must be said where no run does, got none.')
    if suite == STANDARD:
        return Suite.standard(task)
    if len({path.stem for path in maps}) < len(maps):
        raise ValueError(f'maps must be files of different names, got {", ".join(map(str, maps))}.')
    sets = {path.stem: MapSet.load(path) for path in maps}
    drawn = {name: Episodes.draw(found, task, per_map, seed, progress=True, **options) for name, found in sets.items()}
    return Suite(drawn, name=', '.join(drawn))


def named(texts: Sequence[str], device: str | None) -> list[tuple[str, list[Any]]]:
    """The agents that are asked for: the name of each, and its runs.

    Raises:
        ValueError: if a name before a = is empty, or a folder is there twice.
    """
    import megastep

    agents: dict[str | int, tuple[str, list[Any]]] = {}
    for text in texts:
        name, folders = parted(text)
        loaded = [megastep.load(folder, device=device) for folder in folders]
        alike = len(agents) if name else kind(loaded[0])
        agents.setdefault(alike, (name or loaded[0].folder.resolve().name, []))[1].extend(loaded)
    for name, runs in agents.values():
        places = [run.folder.resolve() for run in runs]
        if twice := [place for place in places if places.count(place) > 1]:
            raise ValueError(f'runs of an agent must be different ones, got {twice[0]} twice for {name}.')
    return list(agents.values())


def by_name(agents: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Agents by their names.

    Raises:
        ValueError: if two have the same, as the last folders of two runs may.
    """
    found: dict[str, Any] = {}
    for name, agent in agents:
        if name in found:
            raise ValueError(f'agents must have names of their own, got {name} twice. NAME=FOLDER gives a run another.')
        found[name] = agent
    return found


def parted(text: str) -> tuple[str | None, list[str]]:
    """The name that an agent is given, if it is, and the folders of its runs. What is there is a folder as it stands.

    Raises:
        ValueError: if the name is empty.
    """
    name, equals, rest = text.partition('=')
    if not equals or Path(text).exists():
        return None, [text]
    if not name:
        raise ValueError(f'agents must have names before the =, got {text}.')
    return name, [rest] if Path(rest).exists() else rest.split(',')


def kind(agent: Any) -> str:
    """A text that is the same for runs that differ in nothing but the seed."""
    about = {name: value for name, value in agent.about.items() if name not in ('results', 'scores', 'spaces')}
    return repr((about, replace(agent.settings, seed=0)))


def check_options(task: Task, options: Mapping[str, Any]) -> None:
    """Raises a `ValueError` unless a task takes some options beside its own."""
    replace(task, options={**task.options, **options})


def baselines_by_name(names: Sequence[str], seed: int) -> dict[str, Any]:
    """The baselines of some names, that which draws with a seed.

    Raises:
        ValueError: if there is none of a name.
    """
    from megastep.evaluation.baselines import BASELINES, RandomActions

    if unknown := [name for name in names if name not in BASELINES]:
        raise ValueError(f'baselines must be among {", ".join(BASELINES)}, got {unknown[0]}.')
    found = {name: BASELINES[name] for name in names}
    return {name: RandomActions(seed) if isinstance(each, RandomActions) else each for name, each in found.items()}


def variations_by_name(names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """The variations of some names; ``all`` stands for all.

    Raises:
        ValueError: if there is none of a name.
    """
    from megastep.evaluation.variations import VARIATIONS

    names = [*VARIATIONS] if list(names) == ['all'] else names
    if unknown := [name for name in names if name not in VARIATIONS]:
        raise ValueError(f'variations must be all or among {", ".join(VARIATIONS)}, got {unknown[0]}.')
    return {name: VARIATIONS[name] for name in names}


def asked(task: str | None, agents: dict[str, Any]) -> Task | None:
    """The task that was asked for; by default that of the first run."""
    from megastep.evaluation.registry import Task

    if task is not None:
        return Task.of(task)
    runs = [each[0] for each in agents.values() if isinstance(each, list)]
    return runs[0].task if runs else None
