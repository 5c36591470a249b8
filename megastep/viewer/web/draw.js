// Drawing a floorplan: the sheet and its panels, the pointer and the keys, and walking in what is drawn.

import { unpack } from './archive.js';
import { themeOf } from './colours.js';
import { drive } from './drive.js';
import { addDrawBar, addFlaws, addNumbers, addTemplates, addTools } from './drawing_panels.js';
import { DRAW_KEYS, addDrawKeys, addPointer } from './draw_input.js';
import { addDrawing, addHelp, element, panelOf } from './main.js';
import { floorplan } from './recording.js';
import { Sheet } from './sheet.js';
import { History, exact, moved, replaced, without } from './sketch.js';
import { TOOLS, snapped } from './tools.js';

const FINEST = 0.25; // by so much a light is dimmed or brightened, and no dimmer is it

/** What the panels share: the sketch and its history, the tool, and what is known of the floorplan. */
class DrawApp {
  constructor(root, pane, document_, ask_) {
    const [tool] = TOOLS.slice(1);
    Object.assign(this, {
      outer: root, root: pane, ask: ask_, history: new History(document_.sketch), saves: document_.saves, recording: { hues: ['#ffd166'] },
      tool, template: 0, turns: 0, step: 0.25, flaws: [], plan: null, valid: false, fresh: false, drawers: [], asked: false, note: '',
      start: null, pressed: false, anchor: null, ghost: null, preview: null, chosen: null, hovered: null, cursor: null, pointed: null, answers: 0,
    });
    this.theme = themeOf(pane);
  }

  changed() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      if (!this.theme.ground) this.theme = themeOf(this.root); // a notebook may not have had it on its page yet
      for (const draw of this.drawers) draw();
    });
  }

  /** Goes on to another sketch, and asks what is wrong with it. */
  change(sketch) {
    Object.assign(this, { preview: null, note: '' });
    if (sketch !== this.history.now) this.history.add(sketch);
    this.check();
    this.changed();
  }

  travel(by) {
    if (!this.history.go(by)) return;
    this.rest();
    this.check();
  }

  /** Lets go of whatever is being drawn or is chosen. */
  rest() {
    Object.assign(this, { start: null, pressed: false, anchor: null, ghost: null, preview: null, chosen: null, hovered: null });
    this.changed();
  }

  /** Asks about the sketch as it is, once nothing else is being asked. */
  async check() {
    this.fresh = false;
    if (this.checking) return;
    this.checking = true;
    try {
      let asked;
      while (asked !== this.history.now) {
        asked = this.history.now;
        await this.receive(await this.ask({ sketch: asked }));
      }
      this.fresh = true;
    } catch (error) {
      Object.assign(this, { plan: null, valid: false, flaws: [], note: error.message });
    }
    this.checking = false;
    this.changed();
  }

  /** Takes an answer: what is wrong, and the floorplan if it is one. */
  async receive({ flaws, plan, valid, shift, numbers, spawns }) {
    const made = plan && floorplan(plan, await unpack(plan.archive));
    this.answers += 1;
    this.plan = made && { ...made, shift, numbers, spawns, number: this.answers };
    Object.assign(this, { flaws, valid, pointed: null });
    this.changed();
  }

  take(tool) {
    this.rest();
    this.tool = tool;
    this.sheet.panel.figure.dataset.tool = tool.name;
    this.root.focus({ preventScroll: true });
    this.changed();
  }

  pick(template) {
    this.template = template;
    this.turns = 0;
    this.take(TOOLS.find(({ name }) => name === 'room'));
  }

  point(flaw) {
    this.pointed = flaw;
    this.changed();
  }

  visit(place) {
    if (place) Object.assign(this.sheet.view, { x: place[0], y: place[1], fitted: false });
    this.changed();
  }

  setStep(step) {
    this.step = step;
    this.changed();
  }

  fit() {
    this.sheet.fit();
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

  erase() {
    if (!this.chosen) return;
    const thing = this.chosen;
    this.chosen = null;
    this.change(without(this.history.now, thing));
  }

  brighten(by) {
    if (this.chosen?.sort !== 'lights') return;
    const [x, y, intensity] = this.history.now.lights[this.chosen.i];
    this.change(replaced(this.history.now, this.chosen, [x, y, Math.max(FINEST, exact(intensity + by * FINEST))]));
  }

  /** Moves what is chosen, or else the place that Enter acts at. */
  nudge(dx, dy) {
    const by = [dx * this.step, dy * this.step];
    if (this.chosen) {
      const made = moved(this.history.now, this.chosen, by);
      if (this.chosen.point) this.chosen = { ...this.chosen, point: this.chosen.point.map((each, i) => exact(each + by[i])) };
      this.change(made);
      return;
    }
    const { x, y } = this.sheet.view;
    this.cursor = (this.cursor ?? [x, y]).map((each, i) => exact(Math.round(each / this.step + Math.sign(by[i])) * this.step));
    this.tool.does.hover(this, snapped(this, this.cursor));
    this.changed();
  }

  act() {
    if (!this.cursor) return;
    const place = snapped(this, this.cursor);
    this.tool.does.down(this, place);
    this.tool.does.up(this, place);
    this.changed();
  }

  async save() {
    try {
      this.note = `Saved as ${(await this.ask({ save: true })).saved}.`;
    } catch (error) {
      this.note = error.message;
    }
    this.changed();
  }

  /** Shows an agent in the floorplan, steered by keys or by who acts otherwise. */
  async walk(driving) {
    if (!this.valid || !this.fresh || this.walking) return;
    try {
      const document_ = await this.ask({ walk: true });
      const pane = paneOf(this.outer, this.root.dataset.theme);
      this.root.hidden = true;
      this.walking = await drive(pane, document_, async (request) => this.ask({ drive: request }), {
        driving, leave: () => this.leave(pane),
      });
      pane.focus({ preventScroll: true });
    } catch (error) {
      this.leave();
      this.note = error.message;
    }
    this.changed();
  }

  leave(pane) {
    if (this.walking) this.walking.drive.ended = true;
    pane?.remove();
    Object.assign(this, { walking: null, note: '' });
    this.root.hidden = false;
    this.root.focus({ preventScroll: true });
    this.changed();
  }
}

function paneOf(root, theme) {
  const pane = element(root, 'div', root.classList.contains('framed') ? 'framed' : '');
  if (theme) pane.dataset.theme = theme;
  return pane;
}

/** Shows a sheet to draw a floorplan on, of which `ask_` tells what is wrong with it. Returns what its panels share. */
export async function draw(root, document_, ask_) {
  root.replaceChildren();
  root.classList.add('draws');
  const pane = paneOf(root, root.dataset.theme);
  pane.classList.add('replay', 'drawing');
  pane.tabIndex = 0;
  pane.setAttribute('aria-label', 'Drawing of a floorplan');
  const app = new DrawApp(root, pane, document_, ask_);
  const panel = panelOf(pane, 'plan sheet', 'The sheet: the floorplan that is drawn. Arrows move a place, and Enter acts there');
  app.sheet = addDrawing(app, panel, new Sheet(app, panel));
  panel.figure.dataset.tool = app.tool.name;
  app.drawers.push(addTools(app, panel.figure));
  const side = element(pane, 'div', 'side');
  for (const add of [addNumbers, addTemplates, addFlaws]) app.drawers.push(add(app, side));
  const bar = element(pane, 'div', 'bar');
  bar.setAttribute('role', 'toolbar');
  bar.setAttribute('aria-label', 'Drawing');
  app.drawers.push(addDrawBar(app, bar));
  addHelp(app, pane, DRAW_KEYS);
  addPointer(app, panel.canvas);
  addDrawKeys(app, pane);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => app.retheme());
  await app.receive(document_.draft);
  app.fresh = true;
  if (!root.classList.contains('framed')) pane.focus({ preventScroll: true });
  return app;
}
