"""Pictures for people: floorplans and their statistics, one env with what its agents see, and how learning went."""

from megastep.plotting.curves import curves
from megastep.plotting.distributions import distributions
from megastep.plotting.figures import Picture
from megastep.plotting.floorplans import gallery
from megastep.plotting.rows import rows
from megastep.plotting.states import StatePlot, plot_state

__all__ = ['Picture', 'StatePlot', 'curves', 'distributions', 'gallery', 'plot_state', 'rows']
