import pytest

from megastep.learning.run.run_log import RunLog

DRAW = RunLog.draw


@pytest.fixture(autouse=True, scope='module')
def undrawn():
    """Drawing curves takes longer than these runs: they are drawn only where they are looked at."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunLog, 'draw', lambda log: None)
        yield


@pytest.fixture
def drawn(monkeypatch):
    """Asks for curves to be drawn."""
    monkeypatch.setattr(RunLog, 'draw', DRAW)
