"""Pictures and films: floorplans and their statistics, an env with what its agents see, and how learning went."""

from megastep.plotting.curves import curves
from megastep.plotting.distributions import distributions
from megastep.plotting.figures import Picture
from megastep.plotting.floorplans import gallery
from megastep.plotting.rows import rows
from megastep.plotting.states import StatePlot, plot_state
from megastep.plotting.video import record

__all__ = ['Picture', 'StatePlot', 'curves', 'distributions', 'gallery', 'plot_state', 'record', 'rows']
