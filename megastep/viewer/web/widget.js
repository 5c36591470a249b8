// Widgets for notebooks, as anywidget has them: their place, what they ask, and the widget of a replay.

import { mount } from './main.js';

/** A place in a notebook's output, in the notebook's own theme. */
export function place(el) {
  const root = document.createElement('div');
  root.classList.add('framed');
  const light = document.body.dataset.jpThemeLight;
  if (light) root.dataset.theme = light === 'true' ? 'light' : 'dark';
  el.append(root);
  return root;
}

/** Makes what asks the kernel by messages: each is numbered, and so is its answer. */
export function asking(model) {
  const waiting = new Map();
  let asked = 0;
  model.on('msg:custom', ({ number, moment }) => {
    const { done, failed } = waiting.get(number) ?? {};
    waiting.delete(number);
    if (moment.error) failed?.(new Error(moment.error));
    else done?.(moment);
  });
  return (request) => new Promise((done, failed) => {
    asked += 1;
    waiting.set(asked, { done, failed });
    model.send({ number: asked, request });
  });
}

/** A replay: its step, env and agent are the model's too. */
const replayWidget = {
  async render({ model, el }) {
    const app = await mount(place(el), model.get('document'));
    if (!app) return;
    app.choose(Math.min(model.get('env'), app.recording.envs.length - 1), 0);
    app.choose(app.number, Math.min(model.get('agent'), app.track.agents - 1));
    app.clock.seek(model.get('step'));
    let told = '';
    app.drawers.push(() => {
      const now = { step: app.clock.frame, env: app.number, agent: app.agent };
      if (app.clock.playing || JSON.stringify(now) === told) return;
      told = JSON.stringify(now);
      for (const [name, value] of Object.entries(now)) model.set(name, value);
      model.save_changes();
    });
    model.on('change:step', () => app.clock.seek(model.get('step')));
    for (const name of ['env', 'agent']) {
      model.on(`change:${name}`, () => {
        const number = Math.max(0, Math.min(model.get('env'), app.recording.envs.length - 1));
        const agents = app.recording.envs[number].agents;
        app.choose(number, Math.max(0, Math.min(model.get('agent'), agents - 1)));
      });
    }
  },
};
