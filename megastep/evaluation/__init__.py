"""How good an agent is: the same number of episodes in every row, and so in every map."""

from megastep.evaluation.rollouts import Actor, Evaluation, evaluate

__all__ = ['Actor', 'Evaluation', 'evaluate']
