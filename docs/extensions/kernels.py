"""Kernels that execute pages, forked from a process that has imported what pages import.

Each page has a kernel of its own, and a kernel takes three seconds to import PyTorch and megastep. A server imports
them once and forks. Jupyter starts this file as the kernel: it hands its request to the server, and ends when the fork
does. Where processes can't be forked, pages have the kernels that Jupyter has.

In a fresh clone Numba compiles for most of a minute. The server has forks that do nothing else, each with a part of
it, while pages are read; whichever process comes to a function first compiles it, and the others wait for that one.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
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
    'megastep.numba',
    'megastep.testing',
    'megastep.viewer',
    'torch._dynamo',
)
"""Modules that kernels have from the beginning. Importing them starts no thread, which a fork wouldn't have."""


def launch() -> str:
    """Launches the server, which takes a while to be ready and so comes first. Returns its folder, or nothing."""
    if not hasattr(os, 'fork'):
        return ''
    folder = mkdtemp()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f'{folder}/socket')
        listener.listen()
        environment = {**os.environ, 'MPLBACKEND': 'module://matplotlib_inline.backend_inline'}
        command = [sys.executable, __file__, 'serve', str(listener.fileno()), folder]
        descriptor = listener.fileno()
        server = subprocess.Popen(command, pass_fds=[descriptor], env=environment, start_new_session=True)

    def end() -> None:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)  # its forks too
        server.wait()  # and so its time counts as the build's
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    return folder


def begin(app: Sphinx, config: Any) -> None:
    """Has pages that ask for `python3` take the server's forks."""
    if config.nb_execution_mode == 'off' or not config.kernel_server:
        return
    folder = Path(config.kernel_server)
    argv = [sys.executable, '-IS', __file__, 'ask', str(folder / 'socket'), '{connection_file}']
    spec = {'argv': argv, 'display_name': 'Python 3', 'language': 'python'}
    (folder / 'kernels' / 'forked').mkdir(parents=True)
    (folder / 'kernels' / 'forked' / 'kernel.json').write_text(json.dumps(spec))
    os.environ['JUPYTER_PATH'] = os.pathsep.join(filter(None, [str(folder), os.environ.get('JUPYTER_PATH')]))
    config.nb_kernel_rgx_aliases = {'python3': 'forked'}
    app.connect('env-before-read-docs', lambda *about: call(str(folder / 'socket'), ''))  # until all is imported


def ask(address: str, connection_file: str) -> None:
    """Asks the server for a kernel, and waits for its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Jupyter sends one before it shuts a kernel down
    call(address, json.dumps([connection_file, os.getcwd()]))


def call(address: str, request: str) -> None:
    """Sends the server a line, and waits for the end of the fork that takes it."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        connection.sendall(f'{request}\n'.encode())
        connection.recv(1)


def serve(listener: socket.socket, folder: str) -> None:
    """Forks a kernel for each request, and before that the processes that compile."""
    sys.path.pop(0)  # this folder, which no kernel has
    for name in IMPORTED:
        import_module(name)
    signal.signal(signal.SIGCHLD, reap)
    compile_alone(Path(folder))
    for part in (step_through_walls, find_ways):
        if os.fork() == 0:
            listener.close()
            ending(part)
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            run(connection)
        connection.close()


def compile_alone(folder: Path) -> None:
    """Has one process at a time compile a function that Numba keeps: the others wait, and then load it.

    Functions wait for the ones that they call, never for those that call them, so no two wait for each other.
    """
    from numba.core.caching import NullCache
    from numba.core.dispatcher import Dispatcher

    compile_one = Dispatcher.compile

    def compile_or_load(self: Any, signature: Any) -> Any:
        name = f'{self.py_func.__module__}.{self.py_func.__qualname__}'
        with nullcontext() if isinstance(self._cache, NullCache) else locked(folder / name):
            return compile_one(self, signature)

    Dispatcher.compile = compile_or_load


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds a file's lock, which a process that is killed lets go of."""
    import fcntl  # Windows has none, and no forks

    with path.open('w') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def step_through_walls() -> None:
    """Compiles how the world is seen and how things move in it: half of what pages run."""
    from megastep import envs, mapgen

    for task in (envs.Explorer, envs.Deathmatch):
        env = task(mapgen.generate('house', 1, seed=0), num_envs=4, device='cpu')
        env.reset(seed=0)
        env.step(env.action_space.sample())


def find_ways() -> None:
    """Compiles statistics of maps, shortest paths, and what follows them: the other half."""
    import megastep
    from megastep import envs, mapgen

    maps = mapgen.generate('house', 1, seed=0)
    maps.stats('detour_mean')
    agents = [megastep.load('explorer', device='cpu').env(maps, num_envs=1)]
    for env in (*(task(maps, num_envs=4, device='cpu') for task in (envs.PointGoal, envs.Foraging)), *agents):
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


def run(connection: socket.socket) -> NoReturn:
    """Runs a kernel until it is shut down, or until who asked for it is gone; none, if nothing was asked for."""
    request = connection.makefile().readline().strip()
    if not request:
        os._exit(0)
    connection_file, folder = json.loads(request)
    os.chdir(folder)

    def watch() -> None:
        connection.recv(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    from ipykernel.kernelapp import IPKernelApp

    def kernel() -> None:
        app = IPKernelApp.instance()
        app.initialize(['-f', connection_file, f'--IPKernelApp.parent_handle={os.getppid()}'])
        app.start()

    ending(kernel)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connects it, before MyST-NB reads the configuration."""
    app.add_config_value('kernel_server', '', '', str, 'The folder of the server, which `launch` returns.')
    app.connect('config-inited', begin, priority=100)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}


if __name__ == '__main__':
    role, first, second = sys.argv[1:]
    if role == 'ask':
        ask(first, second)
    else:
        serve(socket.socket(fileno=int(first)), second)
