"""Libraries that extras of megastep's bring: a test that needs one is skipped where it isn't installed."""

import pytest

EXTRAS = {
    'torchrl': 'torchrl', 'stable_baselines3': 'stable-baselines3', 'pettingzoo': 'pettingzoo', 'jax': 'jax',
    'array_api_compat': 'wrappers',
}  # fmt: skip


def needs(library):
    return pytest.importorskip(library, reason=f'needs the extra {EXTRAS[library]}')
