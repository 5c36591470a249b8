// Rooms to be put down: their outlines in a unit square, their kinds, and how large they are in metres.

const LATTICE = 0.05; // metres
const POST = 0.5; // the breadth of a column, in metres
const SQUARE = [[0, 0], [1, 0], [1, 1], [0, 1]];
const CORNER = [[0, 0], [1, 0], [1, 0.5], [0.55, 0.5], [0.55, 1], [0, 1]];
const CROSSING = [[0.35, 0], [0.65, 0], [0.65, 0.6], [1, 0.6], [1, 1], [0, 1], [0, 0.6], [0.35, 0.6]];
const ROUND = [[0.3, 0], [0.7, 0], [1, 0.3], [1, 0.7], [0.7, 1], [0.3, 1], [0, 0.7], [0, 0.3]];
const POSTS = [[0.28, 0.28], [0.72, 0.28], [0.72, 0.72], [0.28, 0.72]];

export const TEMPLATES = [
  { name: 'room', kind: 'room', size: [4, 3], outline: SQUARE },
  { name: 'bedroom', kind: 'bedroom', size: [3.5, 3.5], outline: SQUARE },
  { name: 'bathroom', kind: 'bathroom', size: [2, 2.5], outline: SQUARE },
  { name: 'kitchen', kind: 'kitchen', size: [3.5, 2.5], outline: SQUARE },
  { name: 'living room', kind: 'living_room', size: [6, 5], outline: CORNER },
  { name: 'corridor', kind: 'corridor', size: [6, 1.5], outline: SQUARE },
  { name: 'crossing', kind: 'corridor', size: [6, 5], outline: CROSSING },
  { name: 'rotunda', kind: 'hall', size: [5, 5], outline: ROUND },
  { name: 'columns', kind: 'hall', size: [7, 6], outline: SQUARE, posts: POSTS },
];

/** A template's room in a box of left, bottom, right, top, turned by quarters: its outline, its columns and its kind. */
export function roomOf(template, [left, bottom, right, top], turns = 0) {
  const place = ([u, v]) => {
    let [x, y] = [u, v];
    for (let i = 0; i < turns % 4; i++) [x, y] = [1 - y, x];
    return [left + x * (right - left), bottom + y * (top - bottom)].map(onLattice);
  };
  const posts = (template.posts ?? []).map((middle) => {
    const [x, y] = place(middle);
    return SQUARE.map(([u, v]) => [x + (u - 0.5) * POST, y + (v - 0.5) * POST].map(onLattice));
  });
  return { kind: template.kind, outline: template.outline.map(place), posts };
}

/** A template's width and height once it is turned. */
export function sizeOf({ size: [width, height] }, turns) {
  return turns % 2 ? [height, width] : [width, height];
}

export const onLattice = (metres) => Math.round(Math.round(metres / LATTICE) * LATTICE * 1e6) / 1e6;
