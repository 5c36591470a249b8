"""Calls on several threads."""

import pytest

from megastep.maps.threads import mapped


@pytest.mark.parametrize('workers', [1, 3])
def test_results_are_in_the_order_of_the_items(workers, capsys):
    assert mapped(str, range(20), 20, name='texts', workers=workers, progress=False) == [str(i) for i in range(20)]
    assert not capsys.readouterr().err


def test_a_bar_says_what_is_made(capsys):
    mapped(str, range(3), 3, name='texts', workers=1, progress=True)
    assert 'texts' in (shown := capsys.readouterr().err)
    assert 'maps/s' in shown


def test_a_failure_is_the_callers(capsys):
    with pytest.raises(ZeroDivisionError):
        mapped(lambda i: 1 // i, range(3), 3, name='parts', workers=2, progress=False)
