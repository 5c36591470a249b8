"""Start of a run: it begins or goes on, from what, and what is refused; the processes have to agree on that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from megastep.learning.learner import Learner
from megastep.learning.run.checkpoints import Checkpoints, found, last_good
from megastep.learning.run.distributed import ProcessGroup, restarts
from megastep.learning.run.run_config import RunConfig
from megastep.learning.run.run_folder import UNBEGUN, Run, origin_of
from megastep.learning.run.stored_agent import StoredAgent, keep_opponents, kept_opponents
from megastep.maps.mapset import MapSet


@dataclass(frozen=True)
class Start:
    """Start of a run, seen from one of its processes: it begins, or goes on from a checkpoint.

    Args:
        run: The run's folder.
        config: The configuration that is asked for.
        group: The processes that train together.
        resume: Go on from the last checkpoint.
        overwrite: Begin anew in place of a run.
    """

    run: Run
    config: RunConfig
    group: ProcessGroup
    resume: bool
    overwrite: bool

    def checkpoint(self) -> Path | None:
        """The checkpoint that the run goes on from, or None if it begins.

        Processes that torchrun has restarted go on with what it began when it was launched, and with nothing older.

        Raises:
            ValueError: if the run can neither begin nor go on as it is asked to.
        """
        return self.group.once(self._checkpoint)

    def _checkpoint(self) -> Path | None:
        run = self.run
        ours = restarts() > 0 and run.is_of(self.config.launch)
        if self.resume or (ours and found(run.checkpoints)):
            run.check_same(self.config)
            if not run.can_go_on:
                raise ValueError(f'{run.folder} {UNBEGUN}')
            return last_good(run.checkpoints)
        run.check_new(overwrite=self.overwrite or ours)
        return None

    def origin(self) -> Path | None:
        """The checkpoint whose weights the run begins with, or None if it begins with new ones, or goes on.

        Raises:
            ValueError: if there is none where it should be, or the run can't start.
        """
        weights = self.config.weights
        if self.checkpoint() is not None or weights is None:
            return None
        return self.group.once(lambda: origin_of(Path(weights), self.run))

    def opponents(self) -> list[StoredAgent]:
        """The trained agents to learn among: those that a run that goes on has kept, or those that are named.

        Raises:
            ValueError: if one isn't there, or is damaged.
        """
        if self.checkpoint() is not None:
            return [StoredAgent.find(folder) for folder in kept_opponents(self.run.opponents)]
        return [StoredAgent.find(folder) for folder in self.config.opponents_from]

    @contextmanager
    def opened(
        self, learner: Learner, checkpoints: Checkpoints, maps: MapSet, opponents: Sequence[StoredAgent]
    ) -> Iterator[None]:
        """Begins the run, or goes on from a checkpoint, and meanwhile keeps all but these processes from its folder.

        Where it starts is asked once more, now that nobody else can have trained there. A checkpoint that doesn't fit
        leaves the run as it was.
        """
        run, config, once = self.run, self.config, self.group.once
        with ExitStack() as stack:
            once(lambda: stack.enter_context(run.held()))
            if (checkpoint := self.checkpoint()) is None:
                once(lambda: keep_opponents(opponents, run.coming_opponents))
                once(lambda: run.begin(config, maps))
            else:
                checkpoints.restore(checkpoint)
                once(lambda: run.go_on(config, learner.updates))
            yield
