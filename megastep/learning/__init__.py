"""Agents that learn: a recurrent policy for any spaces, and proximal policy optimisation."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from megastep.learning.agent import Agent, load
    from megastep.learning.learner import Learner
    from megastep.learning.model.heads import intake, output
    from megastep.learning.model.policy import Actor, Policy
    from megastep.learning.run.episode_log import read_episodes
    from megastep.learning.run.run_folder import Run
    from megastep.learning.run.train import train
    from megastep.learning.settings import Settings

__all__ = [
    'Actor', 'Agent', 'Learner', 'Policy', 'Run', 'Settings', 'intake', 'load', 'output', 'read_episodes', 'train',
]  # fmt: skip

_HOMES = {
    'Actor': 'model.policy', 'Agent': 'agent', 'Learner': 'learner', 'Policy': 'model.policy', 'Run': 'run.run_folder',
    'Settings': 'settings', 'intake': 'model.heads', 'load': 'agent', 'output': 'model.heads',
    'read_episodes': 'run.episode_log', 'train': 'run.train',
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Imports a public name on first use, so that `megastep train --help` needs no torch."""
    if name not in __all__:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    value = globals()[name] = getattr(import_module(f'{__name__}.{_HOMES[name]}'), name)
    return value
