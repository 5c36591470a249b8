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
import traceback
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, NoReturn

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

TASKS = ('Explorer', 'PointGoal', 'Deathmatch', 'Foraging')
"""Envs that are stepped before any page is executed: pages have little to compile beyond what these do."""


def begin(app: Sphinx, config: Any) -> None:
    """Starts the server, and has pages that ask for `python3` take its forks."""
    if config.nb_execution_mode == 'off' or not hasattr(os, 'fork'):
        return
    folder = Path(mkdtemp())
    address = str(folder / 'socket')
    spec = {'argv': [sys.executable, '-IS', __file__, 'ask', address, '{connection_file}'], 'display_name': 'Python 3'}
    (folder / 'kernels' / 'forked').mkdir(parents=True)
    (folder / 'kernels' / 'forked' / 'kernel.json').write_text(json.dumps({**spec, 'language': 'python'}))
    os.environ['JUPYTER_PATH'] = os.pathsep.join(filter(None, [str(folder), os.environ.get('JUPYTER_PATH')]))
    config.nb_kernel_rgx_aliases = {'python3': 'forked'}
    reads, writes = os.pipe()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        handed = [listener.fileno(), writes]
        environment = {**os.environ, 'MPLBACKEND': 'module://matplotlib_inline.backend_inline'}
        command = [sys.executable, __file__, 'serve', *map(str, handed)]
        server = subprocess.Popen(command, pass_fds=handed, env=environment)
    os.close(writes)
    app.connect('env-before-read-docs', lambda *about: os.read(reads, 1))  # which ends once all is imported
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


def serve(listener: socket.socket, ready: int) -> None:
    """Forks a kernel for each request, and closes a pipe when it is ready to."""
    sys.path.pop(0)  # this folder, which no kernel has
    for name in IMPORTED:
        import_module(name)
    signal.signal(signal.SIGCHLD, reap)
    os.close(ready)
    compiled = compile_once()
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            run(connection, compiled)
        connection.close()


def compile_once() -> int:
    """Forks a process that compiles what most pages run, for else each would. Returns a pipe that ends with it."""
    reads, writes = os.pipe()
    if os.fork() == 0:
        ending(step_all)
    os.close(writes)
    return reads


def step_all() -> None:
    """Steps an env of each kind that pages have, once."""
    import megastep
    from megastep import envs, mapgen

    maps = mapgen.generate('house', 1, seed=0)
    maps.stats('detour_mean')
    agents = [megastep.load('explorer', device='cpu').env(maps, num_envs=1)]
    for env in (*agents, *(getattr(envs, name)(maps, num_envs=4, device='cpu') for name in TASKS)):
        env.reset(seed=0)
        env.step(env.action_space.sample())


def reap(number: int, frame: Any) -> None:
    """Takes note of forks that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def ending(function: Callable[[], None]) -> NoReturn:
    """Calls a function and ends the process, without what the server would do at its end."""
    try:
        function()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def run(connection: socket.socket, compiled: int) -> NoReturn:
    """Runs a kernel until it is shut down, or until who asked for it is gone. Cells wait for the end of the pipe."""
    connection_file, folder = json.loads(connection.makefile().readline())
    os.chdir(folder)

    def watch() -> None:
        connection.recv(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    from ipykernel.kernelapp import IPKernelApp

    def kernel() -> None:
        app = IPKernelApp.instance()
        app.initialize(['-f', connection_file, f'--IPKernelApp.parent_handle={os.getppid()}'])
        app.shell.events.register('pre_run_cell', lambda about: os.read(compiled, 1))
        app.start()

    ending(kernel)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connects it, before MyST-NB reads the configuration."""
    app.connect('config-inited', begin, priority=100)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}


if __name__ == '__main__':
    role, first, second = sys.argv[1:]
    if role == 'ask':
        ask(first, second)
    else:
        serve(socket.socket(fileno=int(first)), int(second))
