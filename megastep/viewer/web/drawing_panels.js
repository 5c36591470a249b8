// The panels beside the sheet: the tools, the rooms to be put down, numbers, what is wrong, and the bar of buttons.

import { element } from './main.js';
import { placeOf } from './marks.js';
import { TEMPLATES } from './templates.js';
import { TOOLS } from './tools.js';

const SVG = 'http://www.w3.org/2000/svg';
export const STEPS = [1, 0.5, 0.25, 0.1, 0.05];

function picture(parent, path, box) {
  const made = document.createElementNS(SVG, 'svg');
  made.setAttribute('viewBox', box);
  made.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS(SVG, 'path');
  line.setAttribute('d', path);
  made.append(line);
  parent.append(made);
}

function press(parent, className, label, act) {
  const made = element(parent, 'button', className);
  Object.assign(made, { type: 'button', title: label });
  made.setAttribute('aria-label', label);
  made.addEventListener('click', act);
  return made;
}

/** Adds the tools. Returns what brings them up to date. */
export function addTools(app, parent) {
  const bar = element(parent, 'div', 'tools');
  bar.setAttribute('role', 'toolbar');
  bar.setAttribute('aria-label', 'Tools');
  const buttons = TOOLS.map((tool) => {
    const made = press(bar, 'tool', `${tool.name} (${tool.key})`, () => app.take(tool));
    picture(made, tool.icon, '0 0 20 20');
    element(made, 'kbd', '', tool.key);
    return made;
  });
  return () => buttons.forEach((made, i) => made.setAttribute('aria-pressed', String(app.tool === TOOLS[i])));
}

function outlinePath({ outline, size: [width, height], posts = [] }) {
  const scale = 26 / Math.max(width, height);
  const place = ([u, v]) => [20 + (u - 0.5) * width * scale, 16 - (v - 0.5) * height * scale].map((each) => each.toFixed(1)).join(' ');
  const dots = posts.map((post) => `M${place(post)}h.01`).join('');
  return `M${outline.map(place).join('L')}z${dots}`;
}

/** Adds the rooms to be put down. Returns what brings them up to date. */
export function addTemplates(app, parent) {
  element(parent, 'h2', '', 'rooms');
  const list = element(parent, 'div', 'templates');
  const buttons = TEMPLATES.map((template, i) => {
    const made = press(list, 'template', `${template.name}, ${template.size.join(' by ')} m`, () => app.pick(i));
    picture(made, outlinePath(template), '0 0 40 32');
    element(made, 'span', '', template.name);
    return made;
  });
  return () => buttons.forEach((made, i) => made.setAttribute('aria-pressed', String(app.tool.name === 'room' && app.template === i)));
}

const NUMBERS = ['area', 'rooms', 'walls', 'doors', 'lights', 'spawns'];

/** Adds the floorplan's numbers. Returns what brings them up to date. */
export function addNumbers(app, parent) {
  const list = element(parent, 'dl', 'numbers');
  const values = NUMBERS.map((name) => {
    const pair = element(list, 'div', '');
    element(pair, 'dt', '', name);
    return element(pair, 'dd', '', '–');
  });
  return () => NUMBERS.forEach((name, i) => {
    const value = app.plan?.numbers[name];
    values[i].textContent = value === undefined ? '–' : name === 'area' ? `${value.toFixed(1)} m²` : value;
  });
}

/** Adds the list of what is wrong, and the hint on the tool. Returns what brings them up to date. */
export function addFlaws(app, parent) {
  const heading = element(parent, 'h2', '');
  const list = element(parent, 'ul', 'flaws');
  list.setAttribute('role', 'status');
  const hint = element(parent, 'p', 'hint');
  let shown = null;
  return () => {
    hint.textContent = app.tool.hint;
    if (shown === app.flaws) return;
    shown = app.flaws;
    const grave = app.flaws.some((flaw) => flaw.grave);
    const empty = !app.history.now.walls.length;
    heading.textContent = empty ? 'an empty sheet' : grave ? 'not a map yet' : app.flaws.length ? 'a map, with remarks' : 'a map, and nothing is wrong';
    heading.className = empty ? '' : grave ? 'bad' : app.flaws.length ? 'odd' : 'good';
    list.replaceChildren();
    (empty ? [] : app.flaws).forEach((flaw, i) => {
      const made = press(element(list, 'li', flaw.grave ? 'grave' : ''), '', flaw.message, () => app.visit(placeOf(flaw)));
      made.textContent = flaw.message;
      for (const event of ['pointerenter', 'focus']) made.addEventListener(event, () => app.point(i));
      for (const event of ['pointerleave', 'blur']) made.addEventListener(event, () => app.point(null));
    });
  };
}

/** Adds the bar of buttons. Returns what brings it up to date. */
export function addDrawBar(app, bar) {
  const button = (label, text, act, className = '') => {
    const made = press(bar, className, label, () => {
      act();
      app.root.focus({ preventScroll: true });
    });
    made.textContent = text;
    return made;
  };
  const undo = button('Undo (Ctrl Z)', 'undo', () => app.travel(-1));
  const redo = button('Redo (Ctrl Y)', 'redo', () => app.travel(1));
  const step = element(bar, 'select', '');
  step.setAttribute('aria-label', 'Lattice');
  step.title = 'Lattice (G)';
  for (const each of STEPS) step.append(new Option(each < 1 ? `${100 * each} cm` : `${each} m`, each));
  step.addEventListener('change', () => app.setStep(Number(step.value)));
  button('Show all of it (0)', 'fit', () => app.fit());
  const walk = button('Walk in it (M)', 'walk in it', () => app.walk(true), 'go');
  const send = button('Send the agent (A)', 'send the agent', () => app.walk(false), 'go');
  const save = app.saves ? button(`Save as ${app.saves} (Ctrl S)`, 'save', () => app.save()) : null;
  button('Light or dark (T)', '◐', () => app.toggleTheme());
  button('Keys (?)', '?', () => app.toggleHelp());
  const note = element(bar, 'span', 'note');
  note.setAttribute('role', 'status');
  return () => {
    undo.disabled = app.history.at === 0;
    redo.disabled = app.history.at === app.history.states.length - 1;
    step.value = app.step;
    for (const made of [walk, send, save]) if (made) made.disabled = !app.valid || !app.fresh;
    note.textContent = app.note;
  };
}
