import os

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')  # PyTorch's threads don't spin while Numba's run; before torch

import pytest
import torch
from hypothesis import settings

if not torch.cuda.is_available():
    os.environ['TRITON_INTERPRET'] = '1'  # kernels run, slowly, on the CPU; set before triton is imported


# The same examples in every run, so that a failure is the change's; HYPOTHESIS_PROFILE=new tries others.
settings.register_profile('same', derandomize=True)
settings.register_profile('new', derandomize=False)
settings.load_profile(os.environ.get('HYPOTHESIS_PROFILE', 'same'))


def pytest_collection_modifyitems(items):
    if torch.cuda.is_available():
        return
    for item in items:
        if item.get_closest_marker('gpu'):
            item.add_marker(pytest.mark.skip(reason='needs a real GPU, and torch finds none'))


@pytest.fixture(scope='session')
def device():
    """Where a test's world stands: the GPU, and so the Triton kernels, if there is one."""
    return torch.device('cuda' if torch.cuda.is_available() else 'cpu')


@pytest.fixture
def poisoned():
    """Fresh buffers come full of NaNs, so that a kernel which forgets to write one is caught."""
    before = torch.utils.deterministic.fill_uninitialized_memory
    torch.utils.deterministic.fill_uninitialized_memory = True
    torch.use_deterministic_algorithms(True, warn_only=True)  # without this, nothing is filled
    yield
    torch.use_deterministic_algorithms(False)
    torch.utils.deterministic.fill_uninitialized_memory = before
