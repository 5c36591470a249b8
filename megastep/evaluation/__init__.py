"""Evaluation of agents: fixed episodes, and what came of them."""

from megastep.evaluation.episodes import Episodes
from megastep.evaluation.in_env import evaluate_in
from megastep.evaluation.recorder import Evaluation
from megastep.evaluation.results import Results

__all__ = ['Episodes', 'Evaluation', 'Results', 'evaluate_in']
