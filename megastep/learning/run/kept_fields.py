"""Geodesic fields that are kept: found beside their maps' file or handed over, and given to envs that take one."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch

from megastep.env.navigation import GeodesicField, kept_beside
from megastep.evaluation.registry import Task
from megastep.maps.geometry import AGENT_RADIUS
from megastep.maps.mapset import MapSet

OPTION = 'geodesic_field'
"""The keyword by which an env takes the geodesic field of its maps."""


def field_option(
    task: Task, maps: MapSet, file: str | Path | None, device: torch.device, given: GeodesicField | None = None
) -> dict[str, Any]:
    """The option that gives an env the geodesic field of its maps, so that it needn't compute it; or no option.

    Args:
        task: The env's task.
        maps: The maps.
        file: The file that they are from, if they are from one. The field is looked for where `kept_beside` says.
        device: Where the env will be.
        given: A field that was handed over, of these maps and maybe of others. It comes first.

    Warns:
        UserWarning: if there is a file of a field beside that of the maps and it is of other maps or other agents, or
            damaged; it says why it isn't used.

    Raises:
        ValueError: if a field is handed over and is none, or isn't of all these maps.
    """
    if not task.takes(OPTION) or OPTION in task.options:
        return {}
    if not isinstance(given, GeodesicField | None):
        raise ValueError(f'{OPTION} must be a GeodesicField, got {type(given).__name__}.')  # noqa: TRY004
    if given is not None:
        return {OPTION: given.of(maps)}
    path = None if file is None else kept_beside(file)
    if path is None or not path.is_file():
        return {}
    radius = task.options.get('agent_radius', AGENT_RADIUS)
    try:
        return {OPTION: GeodesicField.load(path, maps, device, agent_radius=radius)}
    except ValueError as error:
        warnings.warn(f'{str(error).rstrip(".")}; it is computed anew.', stacklevel=2)
        return {}
