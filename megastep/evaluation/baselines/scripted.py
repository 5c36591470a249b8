"""Scripted baselines: the policies that tasks bring themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jaxtyping import Bool
from torch import Tensor

from megastep.env import Env
from megastep.evaluation.play import Act


@dataclass(frozen=True)
class Scripted:
    """Scripted policy of the env's own, such as `Deathmatch`'s `Gunner`: see `Env.scripted_opponent`."""

    def for_env(self, env: Env) -> Act:
        """Makes who acts in an env.

        Raises:
            ValueError: if the env has no script.
        """
        script = env.scripted_opponent()
        if script is None:
            raise ValueError(f'Scripted needs an env with a scripted opponent, got {type(env).__name__} without any.')

        def act(observations: Any, begins: Bool[Tensor, ' row']) -> Any:
            return script(observations)

        return act
