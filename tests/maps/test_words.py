"""What is counted is in the singular where there is one."""

import pytest

from megastep.maps.words import counted


@pytest.mark.parametrize('count, said', [(0, '0 maps'), (1, '1 map'), (2, '2 maps'), (2000, '2,000 maps')])
def test_one_is_one(count, said):
    assert counted(count, 'map') == said
