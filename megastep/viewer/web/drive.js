// Driving: keys steer the chosen agent, a click puts it somewhere, and the view follows live.

import { read } from './recording.js';
import { mountPanels } from './main.js';
import { LiveTrack } from './live.js';

const STEERING = {
  w: 'forward', ArrowUp: 'forward', s: 'backward', ArrowDown: 'backward', a: 'turn left', ArrowLeft: 'turn left',
  d: 'turn right', ArrowRight: 'turn right', q: 'left', e: 'right', ' ': 'shoot',
};

const HELP = [
  ['w s, ↑ ↓', 'forward, backward'], ['a d, ← →', 'turn'], ['q e', 'sideways'], ['space', 'shoot'],
  ['click', 'put the agent there, or send it if it isn’t driven; or choose another'], ['x', 'take over, or give back to who acts otherwise'],
  ['p', 'pause'], ['r', 'begin anew'], ['n', 'the next agent'], ['f', 'follow the agent'], ['0', 'all of the map'],
  ['t', 'light or dark'], ['?', 'these keys'],
];

const DRIVEN = 'w a s d or arrows drive, a click puts the agent elsewhere, ? has the keys';
const SENT = 'a click sends the agent there, x takes over';

/** Asks the server that the page came from. */
export async function ask(request) {
  const answer = await fetch('ask', { method: 'POST', body: JSON.stringify(request) });
  const moment = await answer.json();
  if (moment.error) throw new Error(moment.error);
  return moment;
}

/** Draws an env that is driven by what `ask` answers to each step's request; `leave` is what ends it, if anything. */
export async function drive(root, document_, ask_, { driving = true, leave = null } = {}) {
  const recording = await read(document_);
  recording.envs = [new LiveTrack(recording.envs[0], recording.cameras)];
  const [track] = recording.envs;
  track.push(await ask_({ reset: true }));
  const app = mountPanels(root, recording, `Drive of ${recording.title}`, HELP, (made, bar) => addDriving(made, bar, root, { driving, leave }));
  Object.assign(app.clock, { live: true, frames: 1, moment: 0 });
  const state = app.drive;
  let due = performance.now();
  const turn = async () => {
    if (state.ended) return;
    state.idle = root.classList.contains('framed') && !root.contains(document.activeElement);
    if (!state.paused && !state.idle) {
      try {
        const moment = await ask_(state.request(app));
        const known = Object.keys(track.values).length;
        track.push(moment);
        if (Object.keys(track.values).length > known) app.rechart(); // a reset says nothing, a step does
        Object.assign(app.clock, { frames: track.frames, moment: track.frames - 1, playing: false });
        state.say(moment.placed ? '' : state.sends(app) ? 'There is no way to that place.' : 'That place is not free.');
        app.glide();
      } catch (error) {
        state.say(`The drive has ended: ${error.message}`);
        state.paused = true;
      }
    }
    if (state.idle !== state.said) app.changed();
    state.said = state.idle;
    due = Math.max(due + 1000 / recording.fps, performance.now());
    setTimeout(turn, due - performance.now());
  };
  turn();
  return app;
}

function addDriving(app, bar, root, { driving, leave }) {
  const held = new Set();
  const state = { driving, paused: false, place: null, reset: false, note: '' };
  app.drive = state;
  state.sends = ({ recording }) => recording.sends && !state.driving;
  state.request = ({ agent }) => {
    const request = { held: [...held], driving: state.driving, agent };
    if (state.place) request.place = state.place;
    if (state.reset) request.reset = true;
    Object.assign(state, { place: null, reset: false });
    return request;
  };
  const buttons = [
    ['Pause', () => (state.paused ? 'go on' : 'pause'), () => (state.paused = !state.paused)],
    ['Take over, or give back', () => (state.driving ? 'give back' : 'take over'), () => (state.driving = !state.driving)],
    ['Begin anew', () => 'reset', () => (state.reset = true)],
    ['The next agent', () => `agent ${app.agent}`, () => app.choose(0, (app.agent + 1) % app.track.agents)],
    ['Follow the agent', () => 'follow', () => app.toggleFollow()],
    ['Show all of the map', () => 'fit', () => app.fit()],
    ['Light or dark', () => '◐', () => app.toggleTheme()],
    ...(leave ? [['Back to the drawing', () => '← draw', leave]] : []),
  ].map(([label, text, act]) => {
    const button = document.createElement('button');
    Object.assign(button, { type: 'button', title: label });
    button.setAttribute('aria-label', label);
    const perform = () => {
      act();
      root.focus({ preventScroll: true });
      app.changed();
    };
    button.addEventListener('click', perform);
    bar.append(button);
    return { button, text, perform };
  });
  const note = document.createElement('span');
  note.className = 'note';
  note.setAttribute('role', 'status');
  bar.append(note);
  state.say = (text) => (state.note = text);
  const acts = { p: 0, x: 1, r: 2, n: 3, f: 4, 0: 5, t: 6, ...(leave ? { Escape: 7 } : {}) };
  if (leave) buttons[7].button.classList.add('leave');
  root.addEventListener('keydown', (event) => {
    event.stopPropagation(); // a notebook has keys of its own
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (key in STEERING) held.add(STEERING[key]);
    else if (key in acts) buttons[acts[key]].perform();
    else if (key === '?') app.toggleHelp();
    else return;
    event.preventDefault();
  });
  root.addEventListener('keyup', (event) => {
    event.stopPropagation();
    held.delete(STEERING[event.key.length === 1 ? event.key.toLowerCase() : event.key]);
  });
  root.addEventListener('blur', () => held.clear());
  app.put = (x, y) => (state.place = [x, y]);
  return () => {
    for (const { button, text } of buttons) button.textContent = text();
    buttons[1].button.setAttribute('aria-pressed', String(state.driving));
    buttons[4].button.setAttribute('aria-pressed', String(app.follow));
    if (state.idle) note.textContent = 'click to drive';
    else note.textContent = state.note || (state.driving ? DRIVEN : state.sends(app) ? SENT : 'who acts for all drives');
  };
}
