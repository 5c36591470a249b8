"""Kernels that execute pages, forked from a process that has imported what pages import.

Each page has a kernel of its own, and a kernel takes three seconds to import PyTorch and megastep. A server imports
them once and forks. Jupyter starts this file as the kernel: it hands its request to the server, and ends when the fork
does. Where processes can't be forked, pages have the kernels that Jupyter has.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

IMPORTED = (
    'ipykernel.kernelapp',
    'matplotlib.pyplot',
    'megastep.envs',
    'megastep.evaluation.baselines',
    'megastep.learning',
    'megastep.testing',
    'megastep.viewer',
)
"""Modules that kernels have from the beginning. Importing them starts no thread, which a fork wouldn't have."""


def begin(app: Sphinx, config: Any) -> None:
    """Starts the server, and has pages that ask for `python3` take its forks."""
    if not hasattr(os, 'fork'):
        return
    folder = Path(mkdtemp())
    address = str(folder / 'socket')
    spec = {'argv': [sys.executable, '-IS', __file__, address, '{connection_file}'], 'display_name': 'Python 3'}
    (folder / 'kernels' / 'forked').mkdir(parents=True)
    (folder / 'kernels' / 'forked' / 'kernel.json').write_text(json.dumps({**spec, 'language': 'python'}))
    os.environ['JUPYTER_PATH'] = os.pathsep.join(filter(None, [str(folder), os.environ.get('JUPYTER_PATH')]))
    config.nb_kernel_rgx_aliases = {'python3': 'forked'}
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        handed = {
            'pass_fds': [listener.fileno()],
            'env': {**os.environ, 'MPLBACKEND': 'module://matplotlib_inline.backend_inline'},
        }
        server = subprocess.Popen([sys.executable, __file__, str(listener.fileno())], **handed)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(server.wait)  # last comes first: it is ended, waited for, and so its time counts as the build's
    atexit.register(server.terminate)


def ask(address: str, connection_file: str) -> None:
    """Asks the server for a kernel, and waits for its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Jupyter sends one before it shuts a kernel down
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        connection.sendall(f'{json.dumps([connection_file, os.getcwd()])}\n'.encode())
        connection.recv(1)


def serve(listener: socket.socket) -> None:
    """Forks a kernel for each request."""
    sys.path.pop(0)  # this folder, which no kernel has
    for name in IMPORTED:
        import_module(name)
    signal.signal(signal.SIGCHLD, reap)
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            run(connection)
        connection.close()


def reap(number: int, frame: Any) -> None:
    """Takes note of forks that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def run(connection: socket.socket) -> None:
    """Runs a kernel until it is shut down, or until who asked for it is gone. Never returns."""
    connection_file, folder = json.loads(connection.makefile().readline())
    os.chdir(folder)

    def watch() -> None:
        connection.recv(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    from ipykernel.kernelapp import IPKernelApp

    try:
        IPKernelApp.launch_instance(['-f', connection_file, f'--IPKernelApp.parent_handle={os.getppid()}'])
    finally:
        os._exit(0)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connects it, before MyST-NB reads the configuration."""
    app.connect('config-inited', begin, priority=100)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}


if __name__ == '__main__':
    if len(sys.argv) == 3:
        ask(*sys.argv[1:])
    else:
        serve(socket.socket(fileno=int(sys.argv[1])))
