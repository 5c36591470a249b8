"""Evaluation of agents: the same number of episodes in every row, and so in every map."""

from megastep.evaluation.in_env import evaluate_in
from megastep.evaluation.recorder import Evaluation
from megastep.evaluation.results import Results

__all__ = ['Evaluation', 'Results', 'evaluate_in']
