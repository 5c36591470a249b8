"""JupyterLab for the tests: a server of its own, and a notebook in it, as a person has it in a browser."""

import ast
import json
import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from urllib.parse import quote

from pages.notebook import json_of, until

OPTIONS = ('--no-browser', '--expose-app-in-browser', '--allow-root', '--ServerApp.port=0', '--ServerApp.ip=127.0.0.1')
NEWS = '@jupyterlab/apputils-extension/notification.jupyterlab-settings'


ASK = """async (panel, value) => {
  const { kernel } = panel.sessionContext.session;
  const { done } = kernel.requestExecute({ code: '', silent: true, user_expressions: { value } });
  const found = (await done).content.user_expressions.value;
  if (found.status !== 'ok') throw new Error(`${found.ename}: ${found.evalue}`);
  return found.data['text/plain'];
}"""
WAIT = """async (ask, panel, condition) => {
  for (let tries = 0; tries < 600; tries++) {
    if ((await ask(panel, `bool(${condition})`)) === 'True') return true;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`never: ${condition}`);
}"""


@contextmanager
def jupyterlab(folder):
    """Runs JupyterLab on a folder, with settings and kernels of its own. Yields its page's address."""
    own = folder / '.jupyter'
    write_kernel(own / 'data' / 'kernels' / 'python3')
    settings = own / 'config' / 'lab' / 'user-settings' / NEWS
    settings.parent.mkdir(parents=True)
    settings.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    places = {'CONFIG_DIR': 'config', 'DATA_DIR': 'data', 'RUNTIME_DIR': 'runtime', 'PATH': 'data'}
    process = subprocess.Popen(
        [sys.executable, '-m', 'jupyterlab', *OPTIONS, f'--ServerApp.root_dir={folder}'],
        env=os.environ | {f'JUPYTER_{name}': str(own / place) for name, place in places.items()},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        try:
            yield _address(process.stderr)
        finally:
            process.terminate()  # it ends its kernels


def write_kernel(folder):
    """Describes a kernel run by the interpreter that runs the tests, whatever others are installed."""
    folder.mkdir(parents=True)
    arguments = [sys.executable, '-m', 'ipykernel_launcher', '-f', '{connection_file}']
    spec = {'argv': arguments, 'display_name': 'megastep tests', 'language': 'python'}
    (folder / 'kernel.json').write_text(json.dumps(spec))


def _address(log):
    """Reads a server's log until it says where it is; what it says afterwards is dropped."""
    lines = []
    for line in log:
        lines.append(line)
        if found := re.search(r'http://127\.0\.0\.1:\d+/lab\?token=\w+', line):
            threading.Thread(target=log.read, daemon=True).start()  # so that it never waits for a reader
            return found[0]
    raise RuntimeError(f'JupyterLab has ended: {"".join(lines[-5:])}')


class Notebook:
    """A notebook that is open in JupyterLab: its cells are run there, and its kernel is asked beside them."""

    panel = 'jupyterapp.shell.currentWidget'

    def __init__(self, tab, address, name, **window):
        self.tab = tab
        tab.open(address.replace('/lab?', f'/lab/tree/{quote(name)}?reset&'), **window)
        ready = f'{self.panel}?.context?.isReady && {self.panel}.sessionContext.session?.kernel?.status === "idle"'
        assert tab.run(until(f'window.jupyterapp && {ready}'))

    def run_all(self):
        """Runs all cells, one after the other, and waits until they have run. Returns the errors that they raised."""
        self.tab.run('jupyterapp.commands.execute("notebook:run-all-cells")')
        outputs = f'{self.panel}.content.widgets.flatMap((cell) => cell.model.outputs?.toJSON() ?? [])'
        return self.tab.run(f'{outputs}.filter((each) => each.output_type === "error")')

    def add(self, source):
        """Adds a cell at the end and runs it."""
        self.tab.run(f'{self.panel}.content.activeCellIndex = {self.panel}.content.widgets.length - 1')
        self.tab.run('jupyterapp.commands.execute("notebook:insert-cell-below").then(() => null)')
        self.tab.run(f'{self.panel}.content.activeCell.model.sharedModel.setSource({json_of(source)})')
        self.tab.run('jupyterapp.commands.execute("notebook:run-cell")')

    def show(self, source, selector):
        """Scrolls to what some cell has put out, once it is drawn. Returns the script that finds the element."""
        cells = f'{self.panel}.content.widgets'
        number = self.tab.run(f'{cells}.findIndex((cell) => cell.model.sharedModel.source.includes({json_of(source)}))')
        self.tab.run(f'{self.panel}.content.scrollToItem({number})')
        found = f'{cells}[{number}].node.querySelector({json_of(selector)})'
        self.tab.run(until(f'{found}?.getBoundingClientRect().height > 0'))
        self.tab.run(f'{found}.scrollIntoView({{ block: "center", behavior: "instant" }})')
        return found

    def place(self, found, right=0.5, down=0.5):
        """A place on an element, in pixels of the window: by default its middle."""
        box = self.tab.run(f'(({{ x, y, width, height }}) => [x, y, width, height])({found}.getBoundingClientRect())')
        return box[0] + right * box[2], box[1] + down * box[3]

    def ask(self, expression):
        """Evaluates an expression in the kernel, whose value can be written down."""
        return ast.literal_eval(self.tab.run(f'({ASK})({self.panel}, {json_of(expression)})'))

    def wait(self, expression):
        """Waits until an expression is true in the kernel."""
        assert self.tab.run(f'({WAIT})({ASK}, {self.panel}, {json_of(expression)})')
