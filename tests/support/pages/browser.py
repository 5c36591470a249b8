"""A browser for the tests: Chromium, driven through a pipe by the DevTools protocol, so that no library is needed."""

import base64
import itertools
import json
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager

CHROMIUM = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
NO_BROWSER = 'needs chromium, and there is none'
OPTIONS = [
    '--headless=new', '--remote-debugging-pipe', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
    '--hide-scrollbars', '--no-first-run', '--disable-extensions', '--disable-background-networking', '--mute-audio',
]  # fmt: skip


class Page:
    """A tab: what it asks the network for, what it says on its console, and what scripts find in it.

    Attributes:
        requests: The addresses that were asked for.
        errors: What went wrong in scripts.
    """

    def __init__(self, send, receive):
        self._send, self._receive, self._numbers = send, receive, itertools.count(1)
        self.requests, self.errors, self._session, self._events = [], [], None, []
        target = self.call('Target.createTarget', url='about:blank')['targetId']
        self._session = self.call('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        for domain in ('Page', 'Runtime', 'Network', 'Log'):
            self.call(f'{domain}.enable')

    def call(self, method, **parameters):
        """Calls a method of the protocol, and returns its result."""
        number = next(self._numbers)
        session = {'sessionId': self._session} if self._session else {}
        self._send({'id': number, 'method': method, 'params': parameters, **session})
        while True:
            message = self._receive()
            if message.get('id') == number:
                if 'error' in message:
                    raise RuntimeError(f'{method}: {message["error"]["message"]}')
                return message['result']
            self._note(message)

    def _note(self, message):
        method, about = message.get('method'), message.get('params', {})
        if method == 'Network.requestWillBeSent' and not about['request']['url'].startswith(('data:', 'blob:')):
            self.requests.append(about['request']['url'])
        elif method == 'Runtime.exceptionThrown':
            details = about['exceptionDetails']
            self.errors.append(details.get('exception', {}).get('description') or details['text'])
        elif method == 'Log.entryAdded' and about['entry']['level'] == 'error':
            self.errors.append(about['entry']['text'])
        self._events.append(method)

    def open(self, url, width=1280, height=720, dark=True, still=False):
        """Opens an address in a window of some size, and waits until it has loaded."""
        features = [
            {'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'},
            {'name': 'prefers-reduced-motion', 'value': 'reduce' if still else 'no-preference'},
        ]
        self.call('Emulation.setEmulatedMedia', features=features)
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=False)
        self._events.clear()
        self.call('Page.navigate', url=url)
        while 'Page.loadEventFired' not in self._events:
            self._note(self._receive())

    def run(self, script):
        """Runs an expression, waits for what it promises, and returns its value."""
        result = self.call('Runtime.evaluate', expression=script, awaitPromise=True, returnByValue=True)
        if 'exceptionDetails' in result:
            raise AssertionError(result['exceptionDetails']['exception'].get('description'))
        return result['result'].get('value')

    def press(self, key):
        """Presses a key, as a person does."""
        text = {'text': key} if len(key) == 1 else {}
        self.call('Input.dispatchKeyEvent', type='keyDown', key=key, **text)
        self.call('Input.dispatchKeyEvent', type='keyUp', key=key)

    def move(self, x, y):
        """Moves the mouse."""
        self.call('Input.dispatchMouseEvent', type='mouseMoved', x=x, y=y)

    def drag(self, x, y, to_x=None, to_y=None):
        """Presses the mouse at a place, and lets it go there or elsewhere."""
        end_x, end_y = (x if to_x is None else to_x), (y if to_y is None else to_y)
        self.move(x, y)
        self.call('Input.dispatchMouseEvent', type='mousePressed', x=x, y=y, button='left', clickCount=1)
        if to_x is not None:
            self.call('Input.dispatchMouseEvent', type='mouseMoved', x=end_x, y=end_y, button='left', buttons=1)
        self.call('Input.dispatchMouseEvent', type='mouseReleased', x=end_x, y=end_y, button='left', clickCount=1)

    def wheel(self, x, y, by):
        """Turns the mouse's wheel."""
        self.call('Input.dispatchMouseEvent', type='mouseWheel', x=x, y=y, deltaX=0, deltaY=by)

    def screenshot(self, path=None):
        """A picture of the window, as PNG."""
        content = base64.b64decode(self.call('Page.captureScreenshot', format='png')['data'])
        if path is not None:
            path.write_bytes(content)
        return content


@contextmanager
def browser():
    """Runs a browser of one tab, and ends it."""
    to_read, to_write = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = ['bash', '-c', f'exec "$0" "$@" 3<&{to_read[0]} 4>&{to_write[1]}', CHROMIUM, *OPTIONS]
        process = subprocess.Popen(
            [*command, f'--user-data-dir={profile}', 'about:blank'],
            pass_fds=(to_read[0], to_write[1]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_read[0])
        os.close(to_write[1])
        with os.fdopen(to_read[1], 'wb', 0) as outgoing, os.fdopen(to_write[0], 'rb') as incoming:
            try:
                yield Page(lambda message: outgoing.write(json.dumps(message).encode() + b'\0'), _reader(incoming))
            finally:
                process.terminate()
                process.wait()


def _reader(incoming):
    """Reads messages, which end with a zero."""
    rest = b''

    def receive():
        nonlocal rest
        while b'\0' not in rest:
            part = os.read(incoming.fileno(), 2**20)
            if not part:
                raise RuntimeError('the browser has ended.')
            rest += part
        message, _, rest = rest.partition(b'\0')
        return json.loads(message)

    return receive
