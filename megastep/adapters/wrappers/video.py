"""Videos of some of a vector env's envs, recorded while something else steps it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from jaxtyping import UInt8
from torch import Tensor

from megastep.adapters.wrappers.base import TensorWrapper
from megastep.checks import check_at_least_zero, is_integer
from megastep.plotting.video import Recorder

Trigger = Callable[[int], bool]


class RecordVideo(TensorWrapper):
    """Video recording: an env's videos in a folder, or those of several envs side by side.

    Drawing waits for the GPU, and so does every step in which it matters whether the first env's episode has ended: not
    so with a step trigger and a length.

    Args:
        env: A megastep env with ``render_mode='rgb_array'``, or a wrapper of one.
        video_folder: Where the videos go; made if it isn't there.
        envs: Which envs are drawn: one, or several.
        episode_trigger: Of the number of an episode of the first of these, whether it is recorded. By default episodes
            0, 1, 8, 27 and so on up to 1000, and then every thousandth, unless there is a step trigger.
        step_trigger: Of the number of a step, whether a video begins with it.
        video_length: How many frames a video has; 0 if it ends with the first env's episode.
        name_prefix: What files' names begin with. A number of the episode or of the step follows.
        fps: How many frames a second it plays; by default as many as the env has steps.

    Raises:
        ValueError: if the env doesn't draw, there is no such env, both triggers are given, or the length is below 0.
    """

    def __init__(
        self,
        env: VectorEnv,
        video_folder: str | Path,
        *,
        envs: int | Sequence[int] = 0,
        episode_trigger: Trigger | None = None,
        step_trigger: Trigger | None = None,
        video_length: int = 0,
        name_prefix: str = 'rl-video',
        fps: float | None = None,
    ) -> None:
        super().__init__(env)
        if env.unwrapped.render_mode != 'rgb_array':
            raise ValueError(f"env must have render_mode='rgb_array', got {env.unwrapped.render_mode!r}.")
        if episode_trigger is not None and step_trigger is not None:
            raise ValueError('there must be an episode_trigger or a step_trigger, got both.')
        check_at_least_zero(video_length=video_length)
        core = env.unwrapped.core  # type: ignore[attr-defined]
        self._envs: list[int] = [envs] if is_integer(envs) else list(envs)  # type: ignore[arg-type,list-item]
        if not self._envs or not all(is_integer(each) and 0 <= each < core.num_envs for each in self._envs):
            raise ValueError(f'envs must be numbers from 0 to {core.num_envs - 1}, got {envs}.')
        self._row = self._envs[0] * core.num_agents
        if episode_trigger is None and step_trigger is None:
            episode_trigger = now_and_then
        self._episode_trigger, self._step_trigger = episode_trigger, step_trigger
        self._length, self._fps = video_length, fps or env.metadata['render_fps']
        self._folder, self._prefix = Path(video_folder), name_prefix
        self._steps, self._episode, self._count = 0, -1, 0
        self._recorder: Recorder | None = None
        self._recording = ExitStack()

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begins new episodes, in all rows or in some."""
        result = self.env.reset(seed=seed, options=options)
        mask = self._reset_rows(options)
        self._tick(begun=self._follows and bool(mask[self._row]), ended=False)
        return result

    def step(self, actions: Any) -> tuple[Any, Tensor, Tensor, Tensor, dict[str, Any]]:
        """Steps, and draws if a video is being recorded."""
        outputs = self.env.step(actions)
        self._steps += 1
        ended = outputs[2] | outputs[3]
        begun = self._begun_rows(ended)
        self._tick(*(self._follows and bool(rows[self._row]) for rows in (begun, ended)))
        return outputs

    def close(self, **options: Any) -> None:
        """Finishes the video, and closes the env."""
        self._finish()
        super().close(**options)

    @property
    def _follows(self) -> bool:
        """True if it makes a difference where the first env's episodes begin and end."""
        return self._episode_trigger is not None or self._length == 0

    def _tick(self, begun: bool, ended: bool) -> None:
        """Draws a moment, in which the first env's episode may have begun or ended."""
        if begun:
            self._episode += 1
            if not self._length:
                self._finish()
        if self._recorder is None:
            self._begin(begun)
        if self._recorder is not None:
            self._recorder.add(tiled(self.unwrapped.render(self._envs)))  # type: ignore[call-arg,arg-type]
            self._count += 1
            over = ended and self.mode is not AutoresetMode.SAME_STEP  # with that it shows the next one's beginning
            if self._count == self._length or (over and not self._length):
                self._finish()

    def _begin(self, begun: bool) -> None:
        """Begins a video, if the trigger says so."""
        if self._step_trigger is not None:
            wanted, name = self._step_trigger(self._steps), f'step-{self._steps}'
        else:
            assert self._episode_trigger is not None
            wanted, name = begun and self._episode_trigger(self._episode), f'episode-{self._episode}'
        if wanted:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._count, path = 0, self._folder / f'{self._prefix}-{name}.mp4'
            self._recorder = self._recording.enter_context(Recorder(path, self._fps))

    def _finish(self) -> None:
        """Finishes the video, if there is one."""
        self._recorder = None
        self._recording.close()


def now_and_then(episode: int) -> bool:
    """Gymnasium's default schedule of videos: the cubes up to 1000, and then every thousandth."""
    return round(episode ** (1 / 3)) ** 3 == episode if episode < 1000 else episode % 1000 == 0


def tiled(frames: Sequence[UInt8[np.ndarray, 'height width 3']]) -> UInt8[np.ndarray, 'tall wide 3']:
    """Frames of one size side by side, in rows that are as many as they are wide; the rest is black."""
    wide = math.ceil(math.sqrt(len(frames)))
    padded = [*frames, *[np.zeros_like(frames[0])] * (-len(frames) % wide)]
    rows = [np.concatenate(padded[i : i + wide], axis=1) for i in range(0, len(padded), wide)]
    return np.concatenate(rows, axis=0)
