"""Pictures for people: floorplans, how their statistics are distributed, and one env with what its agents see."""

from megastep.plotting.distributions import distributions
from megastep.plotting.floorplans import gallery
from megastep.plotting.rows import rows
from megastep.plotting.states import StatePlot, plot_state

__all__ = ['StatePlot', 'distributions', 'gallery', 'plot_state', 'rows']
