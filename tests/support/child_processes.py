"""Other processes: waiting for what they do, and killing them at each step of a write, or after so many bytes."""

import ctypes
import os
import resource
import signal
import sys
import time
from contextlib import suppress

SUBREAPER = 36  # Linux's PR_SET_CHILD_SUBREAPER

CHANGES = ('open', 'os.rename', 'os.remove', 'os.mkdir', 'os.rmdir', 'shutil.rmtree', 'killing.step')


def wait_until(condition, process=None, seconds=60):
    """Looks again and again, until the condition holds; not after the process has ended, nor for ever.

    In between the processor is the others': who looks without a pause takes it from those that are waited for.
    """
    end = time.monotonic() + seconds
    while not condition():
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < end, f'waited {seconds} s in vain'
        time.sleep(0.02)


def step(folder):
    """Somewhere to be killed, where nothing is changed on the disk."""
    sys.audit('killing.step', str(folder))


def killed(write, folder, *, change=None, size=None):
    """True if a copy of this process was killed as it wrote; False if it had done so before.

    Args:
        write: What it does.
        folder: The folder that it writes in.
        change: Before which change there it is killed, from 0.
        size: At how many bytes a file that it writes kills it.
    """
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)  # an encoder that outlives who started it is this process's child
    child = os.fork()
    if not child:
        try:
            os.setpgid(0, 0)
            _arm(str(folder), change, size)
            write()
            os._exit(0)
        except BaseException as error:
            os.write(2, f'{error!r}\n'.encode())
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, 'it failed by itself'
    return os.WIFSIGNALED(status)


def _arm(folder, change, size):
    if size is not None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    left = change

    def hook(event, arguments):
        nonlocal left
        if left is None or event not in CHANGES or not any(folder in str(argument) for argument in arguments):
            return
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    sys.addaudithook(hook)


def kills(write, folder, *, sizes=(), stride=1):
    """Kills a write before each of its changes, or some of them, one an iteration, and then at some sizes of a file."""
    change = 0
    while killed(write, folder, change=change):
        yield f'before change {change}'
        change += stride
    assert change > stride
    for size in sizes:
        if killed(write, folder, size=size):
            yield f'at {size} bytes'


def listing(folder):
    """All files there are in a folder, by their places in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob('*') if path.is_file()}
