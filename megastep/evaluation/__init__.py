"""Evaluation of agents: fixed episodes, and what came of them."""

from megastep.evaluation.episodes import Episodes
from megastep.evaluation.evaluating import evaluate
from megastep.evaluation.playing.in_env import evaluate_in
from megastep.evaluation.playing.recorder import Evaluation
from megastep.evaluation.results import Results
from megastep.evaluation.suite import Suite
from megastep.evaluation.variations import evaluate_variations

__all__ = ['Episodes', 'Evaluation', 'Results', 'Suite', 'evaluate', 'evaluate_in', 'evaluate_variations']
