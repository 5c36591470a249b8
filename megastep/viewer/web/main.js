// The replay: its panels, and what they share.

import { Rewards, Values, telling } from './charts.js';
import { Clock } from './clock.js';
import { themeOf } from './colours.js';
import { KEYS, addControls, addKeys } from './controls.js';
import { Numbers, described } from './numbers.js';
import { Plan } from './plan.js';
import { pointAtPixels, pointAtPlan } from './pointing.js';
import { read } from './recording.js';
import { Rows } from './rows.js';
import { Scene, Strip } from './scene.js';

const still = matchMedia('(prefers-reduced-motion: reduce)');

/** Makes an element in another. */
export function element(parent, tag, className, text = '') {
  const made = document.createElement(tag);
  Object.assign(made, { className, textContent: text });
  parent.append(made);
  return made;
}

/** A canvas that is as large as the place it has. */
export function panelOf(parent, className, label, caption) {
  const figure = element(parent, 'figure', className);
  const canvas = element(figure, 'canvas', '');
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', label);
  if (caption) element(figure, 'figcaption', '', caption);
  return { figure, canvas, context: canvas.getContext('2d'), width: 1, height: 1, ratio: 1 };
}

/** What the panels share: the recording, the moment, the chosen env and agent. */
class App {
  constructor(root, recording) {
    Object.assign(this, { root, recording, number: 0, agent: 0, follow: false, drawers: [], asked: false });
    this.theme = themeOf(root);
    this.clock = new Clock(recording.envs[0].frames, recording.fps, () => this.changed());
    this.charted = telling(recording, this.track);
  }

  get track() {
    return this.recording.envs[this.number];
  }

  /** The moment that is shown: between frames while it plays, unless motion is to be reduced. */
  get moment() {
    if (still.matches) return this.clock.frame;
    if (!this.clock.live || this.clock.frame < 1) return this.clock.moment;
    const share = Math.min(1, (performance.now() - this.arrived) / (1000 / this.recording.fps));
    return this.clock.moment - 1 + share; // on the way to where it has just come
  }

  /** Draws a step that has just come, and the way to it. */
  glide() {
    this.arrived = performance.now();
    this.changed();
  }

  get sights() {
    return this.track.sights(this.agent, () => this.changed());
  }

  changed() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame((now) => {
      this.asked = false;
      if (!this.theme.ground) this.theme = themeOf(this.root); // a notebook may not have had it on its page yet
      const goesOn = this.clock.tick(now);
      for (const draw of this.drawers) draw();
      this.drawn = (this.drawn ?? 0) + 1;
      const gliding = this.clock.live && !still.matches && performance.now() - this.arrived < 1000 / this.recording.fps;
      if (goesOn || gliding) this.changed();
    });
  }

  choose(number, agent) {
    const other = number !== this.number;
    Object.assign(this, { number, agent });
    if (other) this.rechart?.();
    this.changed();
  }

  setSpeed(speed) {
    this.clock.speed = speed;
    this.changed();
  }

  toggleFollow() {
    this.follow = !this.follow;
    this.changed();
  }

  fit() {
    this.follow = false;
    this.plan.view.fitted = true;
    this.changed();
  }

  toggleTheme() {
    this.root.dataset.theme = this.theme.dark ? 'light' : 'dark';
    this.retheme();
  }

  retheme() {
    this.theme = themeOf(this.root);
    this.changed();
  }

  toggleHelp(open = this.help.hidden) {
    this.help.hidden = !open;
  }
}

/** Draws a recording's document into an element. Returns what it is made of. */
export async function mount(root, document_) {
  root.replaceChildren();
  root.classList.add('replay');
  root.tabIndex = 0;
  let recording;
  try {
    recording = await read(document_);
  } catch (error) {
    element(root, 'p', 'error', error.message).setAttribute('role', 'alert');
    return null;
  }
  return mountPanels(root, recording, `Replay of ${recording.title}`, KEYS, (app, bar) => {
    addKeys(app, root);
    return addControls(app, bar);
  });
}

/** Makes the panels of a recording in an element. Returns what they share. */
export function mountPanels(root, recording, label, keys, addBar) {
  root.replaceChildren();
  root.classList.add('replay');
  root.tabIndex = 0;
  root.setAttribute('aria-label', label);
  const app = new App(root, recording);
  const say = addTip(root);
  addPlan(app, root, say);
  addSide(app, root, say);
  const bar = element(root, 'div', 'bar');
  bar.setAttribute('role', 'toolbar');
  bar.setAttribute('aria-label', 'Playback');
  app.drawers.push(addBar(app, bar));
  addHelp(app, root, keys);
  addVoice(app, root);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => app.retheme());
  if (!root.classList.contains('framed')) root.focus({ preventScroll: true }); // a notebook keeps it
  app.changed();
  return app;
}

/** Has a drawing redrawn whenever anything has changed, at the size that its panel has by then. */
export function addDrawing(app, panel, drawing) {
  const fit = () => {
    const { width, height } = panel.figure.getBoundingClientRect();
    const ratio = window.devicePixelRatio || 1;
    Object.assign(panel, { width: Math.max(1, width), height: Math.max(1, height), ratio });
    Object.assign(panel.canvas, { width: Math.round(ratio * panel.width), height: Math.round(ratio * panel.height) });
    app.changed();
  };
  new ResizeObserver(fit).observe(panel.figure);
  app.drawers.push(() => panel.figure.isConnected && drawing.draw());
  return drawing;
}

function addPlan(app, root, say) {
  const panel = panelOf(root, 'plan', 'The plan: the map, the agents on it and what the chosen one sees');
  app.plan = addDrawing(app, panel, new Plan(app, panel));
  pointAtPlan(app, app.plan, say);
}

function addSide(app, root, say) {
  const side = element(root, 'div', 'side');
  const numbers = new Numbers(app, element(side, 'dl', 'numbers'));
  app.drawers.push(() => numbers.draw());
  const add = (className, Drawing, label, caption, ...rest) => {
    const panel = panelOf(side, className, label, caption);
    addDrawing(app, panel, new Drawing(app, panel, ...rest));
    return panel;
  };
  add('scene', Scene, 'The scene as the chosen agent sees it', 'as the agent sees it');
  pointAtPixels(app, add('strip', Strip, 'The pixels that reach the chosen agent'), false, say);
  pointAtPixels(app, add('rows', Rows, 'Every row of pixels, over time: click to seek', 'every row of pixels, over time', 'rgb'), true, say);
  pointAtPixels(app, add('depth', Rows, 'Depth over time: click to seek', 'depth', 'depth'), true, say);
  add('chart', Rewards, 'Reward and return over time: click to seek', 'reward and return');
  const values = element(side, 'div', 'values');
  app.rechart = () => {
    values.replaceChildren();
    app.charted = telling(app.recording, app.track);
    for (const name of app.charted) {
      const label = name.replaceAll('_', ' ');
      const panel = panelOf(values, 'chart', `${label} over time: click to seek`, label);
      addDrawing(app, panel, new Values(app, panel, name));
    }
  };
  app.rechart();
}

/** The note beside the pointer. Returns what writes it. */
export function addTip(root) {
  const tip = element(root, 'div', 'tip');
  tip.hidden = true;
  return (event, about) => {
    tip.hidden = !event || !about?.lines.length;
    if (tip.hidden) return;
    tip.replaceChildren();
    for (const line of about.lines) element(tip, 'div', '', line);
    if (about.colour) element(tip, 'i', '').style.background = about.colour;
    const { left, top, width, height } = root.getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    tip.style.left = `${x + 16 + tip.offsetWidth > width ? x - tip.offsetWidth - 10 : x + 16}px`;
    tip.style.top = `${Math.min(y + 14, height - tip.offsetHeight - 4)}px`;
  };
}

/** Adds the list of keys, which is hidden at first. */
export function addHelp(app, root, keys) {
  app.help = element(root, 'dl', 'help');
  app.help.hidden = true;
  for (const [key, text] of keys) {
    element(app.help, 'dt', '', key);
    element(app.help, 'dd', '', text);
  }
}

/** Tells screen readers of the frame that is shown, once it has stood still for a while. */
function addVoice(app, root) {
  const voice = element(root, 'p', 'voice');
  voice.setAttribute('aria-live', 'polite');
  let timer;
  app.drawers.push(() => {
    clearTimeout(timer);
    if (!app.clock.playing && !app.clock.live) timer = setTimeout(() => (voice.textContent = described(app)), 400);
  });
}
