"""A page that stands for a notebook: it renders a widget for a model that keeps what it is told."""

import json

MODEL = """
const values = {values};
const heard = {{}};
window.model = {{
  sent: [], saved: 0,
  get: (name) => values[name],
  set: (name, value) => {{ values[name] = value; }},
  save_changes() {{ this.saved += 1; }},
  on: (name, act) => {{ heard[name] = act; }},
  send(message) {{ this.sent.push(message); }},
  hear: (name, ...about) => heard[name](...about),
}};
"""


def opened(tab, widget, path, values):
    """Opens a page that stands for a notebook: it renders a widget's module for a model that keeps what it is told."""
    module = widget._esm.replace('export default ', 'const widget = ').replace('</script', '<\\/script')
    start = 'const el = document.createElement("div"); const rendering = widget.render({model, el}); '
    start += 'document.body.append(el); await rendering;'  # as JupyterLab does, which has it on its page later
    text = f'<!doctype html><meta charset="utf-8"><style>{widget._css}</style><body>'
    text += f'<script type="module">{MODEL.format(values=values)}\n{module}\n{start}</script></body>'
    path.write_text(text)
    tab.errors.clear()
    tab.open(path.as_uri())


def until(condition):
    """A script that waits until something holds, and gives up once that takes far too long."""
    look = f'() => ({condition}) ? done(true) : tries++ > 3000 ? failed(new Error("never")) : setTimeout(look, 20)'
    return f'new Promise((done, failed) => {{ let tries = 0; const look = {look}; look(); }})'


def json_of(document):
    return json.dumps(document).replace('</', '<\\/')
