"""The same world over on the CPU, for the kernels that are each other's twins."""

from dataclasses import fields, replace

import torch

from megastep.maps.ragged import Ragged
from megastep.world.buffers import on_device
from megastep.world.core import Core
from megastep.world.wall_boxes import WallBoxes


def _moved(values):
    return on_device(values, 'cpu') if isinstance(values, Ragged) else values.cpu()


def on_cpu(scenery):
    """The same buffers on the CPU."""
    values = {field.name: getattr(scenery, field.name) for field in fields(scenery)}
    moved = {name: _moved(value) for name, value in values.items() if isinstance(value, Ragged | torch.Tensor)}
    boxes = WallBoxes(*(_moved(getattr(scenery.wall_boxes, field.name)) for field in fields(WallBoxes)))
    return replace(scenery, wall_boxes=boxes, **moved)


def twin(core, scenery=None):
    """The same core over on the CPU, or in a scenery that is given."""
    scenery = scenery or on_cpu(core.scenery)
    markers = {'num_markers': core.num_markers, 'solid': core.solid}
    copy = Core(scenery, num_envs=core.num_envs, fps=core.fps, map_ids=core.map_ids, **markers)
    for name in ('positions', 'velocities', 'angles', 'angular_velocities'):
        getattr(copy.agents, name).copy_(getattr(core.agents, name))
    for name in ('positions', 'radii', 'colours', 'visible'):
        getattr(copy.markers, name).copy_(getattr(core.markers, name))
    copy.turn.copy_(core.turn)
    return copy


def draw_on_cpu(draw):
    """The same draw of random numbers on the CPU."""
    return draw._replace(keys=draw.keys.cpu(), steps=draw.steps.cpu())
