"""Evaluation of agents: the same number of episodes in every row, and so in every map."""

from megastep.evaluation.episodes import Evaluation
from megastep.evaluation.evaluating import evaluate
from megastep.evaluation.results import Results

__all__ = ['Evaluation', 'Results', 'evaluate']
