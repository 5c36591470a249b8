"""Loggers of a run: where its numbers go beside its own log, such as TensorBoard or a tracker of experiments."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

Numbers = Mapping[str, float]
"""Numbers by name, such as ``'evaluation/return'``."""


class Logger(Protocol):
    """Logger of numbers over time."""

    def log(self, numbers: Numbers, frames: int) -> None:
        """Takes numbers, and after how many steps they were so."""

    def close(self) -> None:
        """Writes what hasn't been written."""


Log = str | Logger | Callable[[Numbers, int], None]
"""What numbers are handed to: the name of one of `LOGGERS`, a `Logger`, or a function of numbers and steps."""


class Calling:
    """Logger that calls a function.

    Args:
        function: What is called, with the numbers and after how many steps they were so.
    """

    def __init__(self, function: Callable[[Numbers, int], None]) -> None:
        self.log = function

    def close(self) -> None:
        """Does nothing."""


class TensorBoard:
    """Logger for TensorBoard, into the run's folder.

    Args:
        folder: The run's folder.
        config: How the run is configured; left out.
        purged: After how many steps what was written before doesn't count; None if nothing was.
    """

    def __init__(self, folder: Path, config: Mapping[str, Any], purged: int | None) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder), purge_step=None if purged is None else purged + 1)

    def log(self, numbers: Numbers, frames: int) -> None:
        """Takes numbers."""
        for name, value in numbers.items():
            self._writer.add_scalar(name, value, frames)

    def close(self) -> None:
        """Writes what hasn't been written."""
        self._writer.close()


class WeightsAndBiases:
    """Logger for Weights & Biases: a run of the project megastep, unless its environment variables say otherwise.

    Args:
        folder: The run's folder, of whose place the run's id is made, so that a resumed run goes on there.
        config: How the run is configured.
        purged: After how many steps what was written before doesn't count.
    """

    def __init__(self, folder: Path, config: Mapping[str, Any], purged: int | None) -> None:
        import wandb

        self._run = wandb.init(
            project=None if 'WANDB_PROJECT' in os.environ else 'megastep', name=folder.name, id=identity(folder),
            dir=str(folder), config=dict(config), resume='allow',
        )  # fmt: skip

    def log(self, numbers: Numbers, frames: int) -> None:
        """Takes numbers."""
        self._run.log(dict(numbers), step=frames)

    def close(self) -> None:
        """Writes what hasn't been written."""
        self._run.finish()


class Trackio:
    """Logger for trackio: a run of the project megastep.

    Args:
        folder: The run's folder. The run has its name and, for trackio knows runs by their names alone, a part of the
            id that is made of its place.
        config: How the run is configured.
        purged: After how many steps what was written before doesn't count.
    """

    def __init__(self, folder: Path, config: Mapping[str, Any], purged: int | None) -> None:
        import trackio

        resume = 'never' if purged is None else 'allow'  # what was begun anew in its place has its name too
        name = f'{folder.name}-{identity(folder)[:8]}'
        self._run = trackio.init(project='megastep', name=name, config=dict(config), resume=resume)

    def log(self, numbers: Numbers, frames: int) -> None:
        """Takes numbers."""
        self._run.log(dict(numbers), step=frames)

    def close(self) -> None:
        """Writes what hasn't been written."""
        self._run.finish()


class MLflow:
    """Logger for MLflow: a run of the experiment megastep, where ``MLFLOW_TRACKING_URI`` says.

    Args:
        folder: The run's folder, whose name is the run's.
        config: How the run is configured.
        purged: After how many steps what was written before doesn't count.
    """

    def __init__(self, folder: Path, config: Mapping[str, Any], purged: int | None) -> None:
        import mlflow

        self._client = mlflow.MlflowClient()
        known = self._client.get_experiment_by_name('megastep')
        experiment = self._client.create_experiment('megastep') if known is None else known.experiment_id
        self._id = self._client.create_run(experiment, run_name=folder.name).info.run_id
        for name, value in config.items():
            self._client.log_param(self._id, name, value)

    def log(self, numbers: Numbers, frames: int) -> None:
        """Takes numbers."""
        for name, value in numbers.items():
            self._client.log_metric(self._id, name, value, step=frames)

    def close(self) -> None:
        """Says that the run has ended."""
        self._client.set_terminated(self._id)


LOGGERS: Mapping[str, Callable[[Path, Mapping[str, Any], int | None], Logger]] = {
    'tensorboard': TensorBoard,
    'wandb': WeightsAndBiases,
    'trackio': Trackio,
    'mlflow': MLflow,
}
"""The loggers that can be asked for by name. Their libraries are imported when they are."""


def listed(log: Log | Sequence[Log] | None) -> Sequence[Log] | None:
    """Loggers that are asked for, as a list; None if none are.

    Raises:
        ValueError: if one is neither the name of a logger, nor a logger or a function; it names it.
    """
    several = log is None or (isinstance(log, Sequence) and not isinstance(log, str))
    logs: Any = log if several else [log]
    for each in logs or ():
        known = each in LOGGERS if isinstance(each, str) else callable(each) or callable(getattr(each, 'log', None))
        if not known:
            raise ValueError(f'log must be one of {", ".join(LOGGERS)}, a logger or a function, got {each!r}.')
    return logs


def opened(logs: Iterable[Log] | None, folder: Path, config: Mapping[str, Any], purged: int | None) -> list[Logger]:
    """Loggers, ready to log.

    Args:
        logs: What is asked for; by default TensorBoard, where it is installed.
        folder: The run's folder.
        config: How the run is configured.
        purged: After how many steps what was written before doesn't count; None if nothing was.

    Raises:
        ValueError: if a logger's library isn't installed; it names what brings it.
    """
    if logs is None:
        try:
            return [TensorBoard(folder, config, purged)]
        except ImportError:
            return []
    made: list[Logger] = []
    try:
        for log in logs:
            made.append(_logger(log, folder, config, purged))
    except BaseException:
        close(made)
        raise
    return made


def close(several: Iterable[Logger]) -> None:
    """Closes loggers that can be closed, all of them even where one fails, which is raised then."""
    with ExitStack() as stack:
        for logger in reversed([*several]):
            if hasattr(logger, 'close'):
                stack.callback(logger.close)


def _logger(log: Log, folder: Path, config: Mapping[str, Any], purged: int | None) -> Logger:
    if not isinstance(log, str):
        return log if hasattr(log, 'log') else Calling(log)  # type: ignore[return-value]
    try:
        return LOGGERS[log](folder, config, purged)
    except ImportError as error:
        raise ValueError(f"log must be installed, got {log!r}: {error}. pip install '{log}' brings it.") from error


def identity(folder: Path) -> str:
    """An id of a run, the same whenever it goes on in the same place."""
    return hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
