"""How much work a call does, counted and not timed: what takes too long is found on any machine."""

import sys
from contextlib import contextmanager


class TooMuchWork(BaseException):
    """Not an Exception, so that nothing on the way takes it for one of its own."""


@contextmanager
def at_most(calls):
    """Stops what is done within, if it calls more functions than that, compiled ones included."""
    left = calls

    def count(frame, event, argument):
        nonlocal left
        if event in ('call', 'c_call'):
            left -= 1
            if left < 0:
                sys.setprofile(None)
                raise TooMuchWork(f'more than {calls} calls')

    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(None)
