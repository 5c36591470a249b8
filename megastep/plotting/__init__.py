"""Pictures for people: a gallery of floorplans, and one env with what its agents see."""

from megastep.plotting.floorplans import gallery
from megastep.plotting.states import StatePlot, plot_state

__all__ = ['StatePlot', 'gallery', 'plot_state']
