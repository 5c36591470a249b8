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


NO_GPU = 'needs a real GPU, and torch finds none'
# No installation brings GPUs, nor what lies beside the project.
EXCUSES = (NO_GPU, 'a second GPU', 'apartments')


def pytest_addoption(parser):
    text = 'a test that is skipped fails, unless it is for want of a GPU or of the real apartments'
    parser.addoption('--complete', action='store_true', help=text)


def pytest_collection_modifyitems(items):
    if torch.cuda.is_available():
        return
    for item in items:
        if item.get_closest_marker('gpu'):
            item.add_marker(pytest.mark.skip(reason=NO_GPU))


def complete(config, report):
    """The report of a test or a file; a failure with ``--complete`` if it was skipped without an excuse."""
    if config.getoption('complete') and report.skipped and not hasattr(report, 'wasxfail'):
        _, _, reason = report.longrepr
        if not any(excuse in reason for excuse in EXCUSES):
            report.outcome, report.longrepr = 'failed', f'--complete lets no test be skipped. {reason}'
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    return complete(item.config, (yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    return complete(collector.config, (yield))


@pytest.fixture(scope='session')
def device():
    """Where a test's world stands: the GPU, and so the Triton kernels, if there is one."""
    return torch.device('cuda' if torch.cuda.is_available() else 'cpu')


@pytest.fixture(scope='session', autouse=True)
def compiled(request, tmp_path_factory):
    """Processes that share the tests share what is to be compiled: it takes a minute, and all need all of it."""
    if hasattr(request.config, 'workerinput'):  # there are such processes, and this is one
        from compiling import share

        share(tmp_path_factory.getbasetemp().parent)


@pytest.fixture
def poisoned():
    """Fresh buffers come full of NaNs, so that a kernel which forgets to write one is caught."""
    before = torch.utils.deterministic.fill_uninitialized_memory
    torch.utils.deterministic.fill_uninitialized_memory = True
    torch.use_deterministic_algorithms(True, warn_only=True)  # without this, nothing is filled
    yield
    torch.use_deterministic_algorithms(False)
    torch.utils.deterministic.fill_uninitialized_memory = before
