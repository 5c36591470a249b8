"""Waiting for what other processes do."""

import time


def wait_until(condition, process=None, seconds=60):
    """Looks again and again, until the condition holds; not after the process has ended, nor for ever.

    In between the processor is the others': who looks without a pause takes it from those that are waited for.
    """
    end = time.monotonic() + seconds
    while not condition():
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < end, f'waited {seconds} s in vain'
        time.sleep(0.02)
