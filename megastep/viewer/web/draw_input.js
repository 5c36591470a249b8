// The pointer and the keys of a drawing.

import { STEPS } from './drawing_panels.js';
import { TOOLS, snapped } from './tools.js';

export const DRAW_KEYS = [
  [TOOLS.map(({ key }) => key).join(' '), TOOLS.map(({ name }) => name).join(', ')],
  ['Ctrl Z, Ctrl Y', 'undo, redo; also u, y'], ['Delete', 'takes away what is chosen'], ['Escape', 'ends a wall; chooses nothing'],
  ['← ↑ → ↓', 'move what is chosen, or else the place for Enter'], ['Enter', 'what a click does'], ['q', 'turns the room'],
  ['[ ]', 'dims, brightens the light'], ['g', 'the next lattice'], ['− +', 'zoom, as the wheel does'],
  ['right button', 'moves the sheet'], ['0', 'all of it'], ['m a', 'walk in it, send the agent'], ['t', 'light or dark'], ['?', 'these keys'],
];

/** Has the tool act as the pointer does: the left button draws, the others and the wheel move the sheet. */
export function addPointer(app, canvas) {
  const { view } = app.sheet;
  let panned = null;
  const placed = (event) => {
    const { left, top } = canvas.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };
  const place = (event) => snapped(app, view.toWorld(...placed(event)), event.shiftKey);
  canvas.addEventListener('contextmenu', (event) => event.preventDefault());
  canvas.addEventListener('wheel', (event) => {
    event.preventDefault();
    view.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), ...placed(event));
    app.changed();
  }, { passive: false });
  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId);
    app.root.focus({ preventScroll: true });
    Object.assign(app, { cursor: null, held: true });
    if (event.button === 0) app.tool.does.down(app, place(event));
    if (event.button !== 0 || (app.tool.name === 'select' && !app.chosen)) panned = placed(event);
    app.changed();
  });
  canvas.addEventListener('pointermove', (event) => {
    if (panned) {
      const now = placed(event);
      view.pan(now[0] - panned[0], now[1] - panned[1]);
      panned = now;
    } else if (app.held) app.tool.does.drag(app, place(event));
    else app.tool.does.hover(app, place(event));
    app.changed();
  });
  canvas.addEventListener('pointerup', (event) => {
    if (!panned && app.held) app.tool.does.up(app, place(event));
    panned = null;
    app.held = false;
    app.changed();
  });
  canvas.addEventListener('pointercancel', () => {
    panned = null;
    app.held = false;
    app.rest();
  });
  canvas.addEventListener('pointerleave', () => {
    Object.assign(app, { hovered: null, ghost: app.held ? app.ghost : null });
    app.changed();
  });
}

/** Has keys act while the sheet or its buttons have the focus. They go no further. */
export function addDrawKeys(app, root) {
  const far = (event) => (event.shiftKey ? 10 : 1);
  const acts = {
    ...Object.fromEntries(TOOLS.map((tool) => [tool.key, () => app.take(tool)])),
    u: () => app.travel(-1), y: () => app.travel(1), Delete: () => app.erase(), Backspace: () => app.erase(),
    Escape: () => (app.help.hidden ? app.rest() : app.toggleHelp(false)), Enter: () => app.act(),
    ArrowLeft: (event) => app.nudge(-far(event), 0), ArrowRight: (event) => app.nudge(far(event), 0),
    ArrowUp: (event) => app.nudge(0, far(event)), ArrowDown: (event) => app.nudge(0, -far(event)),
    '[': () => app.brighten(-1), ']': () => app.brighten(1), 0: () => app.fit(), t: () => app.toggleTheme(),
    q: () => Object.assign(app, { turns: (app.turns + 1) % 4 }), g: () => app.setStep(STEPS[(STEPS.indexOf(app.step) + 1) % STEPS.length]),
    m: () => app.walk(true), a: () => app.walk(false), '?': () => app.toggleHelp(),
    '+': () => app.sheet.view.zoom(1.25), '=': () => app.sheet.view.zoom(1.25), '-': () => app.sheet.view.zoom(0.8),
  };
  const withControl = {
    z: (event) => app.travel(event.shiftKey ? 1 : -1), y: () => app.travel(1), s: () => app.saves && app.save(),
  };
  root.addEventListener('keydown', (event) => {
    event.stopPropagation(); // a notebook has keys of its own
    const control = event.ctrlKey || event.metaKey;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const act = (control ? withControl : acts)[key];
    const own = event.target.matches('select') || (event.key === 'Enter' && event.target.matches('button'));
    if (!act || event.altKey || own) return;
    event.preventDefault();
    act(event);
    app.changed();
  });
}
