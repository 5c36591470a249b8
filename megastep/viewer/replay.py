"""Replays: recordings of some envs, to be looked at in a browser or a notebook."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium.vector import AutoresetMode
from jaxtyping import Bool
from torch import Tensor
from tqdm.auto import tqdm

from megastep.checks import check_acts, check_counts, check_paths, check_seed, is_integer
from megastep.env import Env
from megastep.maps.geometry import Geometry
from megastep.maps.mapset import MapSet
from megastep.maps.storage import atomic
from megastep.viewer import page
from megastep.viewer.encoding import encoded
from megastep.viewer.floorplan import checked_maps, take_floorplan
from megastep.viewer.tape import Tape
from megastep.viewer.track import Track, shortest_paths, split, warn_of_nan
from megastep.viewer.trajectories import Trajectories
from megastep.world.snapshot import Snapshot

Act = Callable[[Any, Bool[Tensor, ' row']], Any]
"""Picks all rows' actions, given what they observe and where an episode has just begun."""


@dataclass(frozen=True, eq=False)
class Replay:
    """Replay: the trajectories of some envs, what their agents saw and were paid, and the maps that they stood in.

    `record` makes it. As a notebook cell's last line it draws itself.

    Args:
        trajectories: What was recorded.
    """

    trajectories: Trajectories

    @classmethod
    def record(
        cls,
        env: Env,
        agent: Any = None,
        steps: int = 300,
        envs: Sequence[int] = (0,),
        *,
        maps: MapSet | Geometry | Sequence[Geometry] | None = None,
        seed: int = 0,
        options: dict[str, Any] | None = None,
        title: str | None = None,
        progress: bool = False,
    ) -> Replay:
        """Records some envs, on their device: the moment after a reset, and that after each step.

        >>> replay = Replay.record(env, steps=1000, envs=[0, 1])  # doctest: +SKIP
        >>> replay.save('replay.html')  # doctest: +SKIP

        Args:
            env: The env, in Gymnasium's NEXT_STEP mode. It is reset first.
            agent: What acts: what `megastep.load` returns, a policy, one of `megastep.evaluation.baselines`, or a
                function of all rows' observations and of where episodes begin; by default actions are drawn at random.
            steps: How many steps.
            envs: The numbers of the envs that are recorded.
            maps: The maps that the env stands in, if rooms and doors are to be shown.
            seed: Seeds the env, and what is drawn.
            options: Of the reset.
            title: What the page is called; by default the env's class.
            progress: Show a bar.

        Warns:
            UserWarning: if a reward is no number.

        Raises:
            ValueError: if the env isn't one of megastep's or has another autoreset mode, there is no such env or the
                same one twice, the agent is none, there are no steps or more than fit, the maps are others, or the
                seed or the title is none.
        """
        check_counts(steps=steps)
        check_seed(seed)
        if not isinstance(title, str | None):
            raise ValueError(f'title must be a string, got {title!r}.')  # noqa: TRY004
        check_env(env)
        chosen, plans, act = check_envs(env, envs), checked_maps(maps, env.core.scenery), acting(agent, env, seed)
        tape, still = Tape(env, chosen, steps + 1), None
        with tape.watching():
            for step in tqdm(_play(act, env, steps, tape, seed, options), 'replay', steps + 1, disable=not progress):
                if step == (steps + 1) // 2:
                    still = env.snapshot(chosen[0])
        assert still is not None
        return cls(gathered(env, split(tape.arrays(), chosen), still, plans, title))

    def __repr__(self) -> str:
        return f'Replay({self.trajectories!r})'

    def html(self) -> str:
        """The replay as a page that needs no other file and no network."""
        return page.render(self.trajectories)

    def save(self, path: str | Path) -> Path:
        """Writes the page, whole or not at all.

        Args:
            path: The file: ``.html``.

        Returns:
            The file written.

        Raises:
            ValueError: if it is no path, or the suffix is another.
            FileNotFoundError: if its folder isn't there.
        """
        path = check_path(path)
        atomic.replace(path, self.html().encode())
        return path

    def widget(self) -> Any:
        """The replay as a widget, whose ``step``, ``env`` and ``agent`` may be read and set.

        Raises:
            ImportError: if the extra ``notebook`` isn't installed.
        """
        from megastep.viewer.replay_widget import replay_widget  # here, so that a replay needs no notebook

        return replay_widget(self.trajectories)

    def _repr_html_(self) -> str:
        return page.frame(self.trajectories)


def check_path(path: str | Path) -> Path:
    """Returns the path of a page that can be written.

    Raises:
        ValueError: if it is no path, or the suffix is another than ``.html``.
        FileNotFoundError: if its folder isn't there.
    """
    check_paths(path=path)
    if Path(path).suffix != '.html':
        raise ValueError(f'path must end in .html, got {str(path)!r}.')
    atomic.check_folder(Path(path))
    return Path(path)


def check_env(env: Env) -> None:
    """Raises unless an env can be recorded, or driven."""
    if not isinstance(env, Env):
        raise ValueError(f'env must be a megastep Env, got {type(env).__name__}.')  # noqa: TRY004
    if (mode := env.metadata['autoreset_mode']) is not AutoresetMode.NEXT_STEP:
        raise ValueError(f'env must have autoreset_mode NEXT_STEP to be recorded, got {mode.name}.')


def check_envs(env: Env, envs: Sequence[int]) -> list[int]:
    """The numbers of the envs that are to be recorded."""
    if isinstance(envs, str) or not isinstance(envs, Iterable):
        raise ValueError(f'envs must be a list of numbers, such as [0], got {envs!r}.')  # noqa: TRY004
    chosen, most = list(envs.tolist() if isinstance(envs, Tensor | np.ndarray) else envs), env.core.num_envs - 1
    if not chosen:
        raise ValueError('envs must be at least 1 number, got 0.')
    for each in chosen:
        if not is_integer(each) or not 0 <= each <= most:
            raise ValueError(f'envs must be integers from 0 to {most}, got {each!r}.')
        if chosen.count(each) > 1:
            raise ValueError(f'envs must be different numbers, got {each} twice.')
    return [int(each) for each in chosen]


def acting(agent: Any, env: Env, seed: int) -> Act:
    """The function that picks actions."""
    if agent is None:
        env.action_space.seed(seed)
        return lambda observations, begins: env.action_space.sample()
    if hasattr(agent, 'for_env') and not isinstance(agent, type):
        act = agent.for_env(env)
        check_acts(**{"what an agent's for_env returns": act})
        return act
    if callable(agent) and not isinstance(agent, torch.nn.Module):
        check_acts(agent=agent)
        return agent
    if hasattr(agent, 'actor'):
        return agent.actor(env.num_envs, seed=seed)
    raise ValueError(f'agent must be a function of observations and begins, or a policy, got {type(agent).__name__}.')


def _play(act: Act, env: Env, steps: int, tape: Tape, seed: int, options: dict[str, Any] | None) -> Any:
    """Resets an env, steps it, and keeps each moment. Yields the moments' numbers."""
    observations, info = env.reset(seed=seed, options=options)
    tape.add(info)
    yield 0
    begins = torch.ones(env.num_envs, dtype=torch.bool, device=env.device)
    over = torch.zeros_like(begins)
    for step in range(1, steps + 1):
        observations, _, terminated, truncated, info = env.step(act(observations, begins))
        tape.add(info, terminated)
        begins, over = over, terminated | truncated
        yield step


def gathered(
    env: Env,
    tracks: Sequence[Track],
    still: Snapshot,
    maps: Sequence[Geometry] | MapSet | None,
    title: str | None,
) -> Trajectories:
    """Tracks with what stands still around them."""
    scenery, radius = env.core.scenery, env.core.agent_radius
    numbers = sorted({int(number) for track in tracks for number in np.unique(track.map_ids)})
    plans = {each: take_floorplan(scenery, each, None if maps is None else maps[each]) for each in numbers}
    for track in tracks:
        warn_of_nan(track)
    albedo = scenery.outline_albedo.view(scenery.lines_per_agent, -1, 3).float().mean(dim=1) / 255
    return Trajectories(
        title=type(env).__name__ if title is None else title,
        fps=env.core.fps,
        agent_radius=radius,
        outline={'sides': scenery.outline.cpu().numpy(), 'colours': encoded(albedo).cpu().numpy()},
        cameras=env.cameras,
        scores=env.scores,
        floorplans=plans,
        tracks=[replace(track, paths=shortest_paths(track, plans, radius)) for track in tracks],
        still=still,
    )
