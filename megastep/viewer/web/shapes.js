// Points, segments and outlines: distances, what is nearest, and what lies within.

const GRID = [0, -0.1, 0.1, -0.2, 0.2, -0.3, 0.3, -0.4, 0.4]; // shares of an outline's size, from its middle

export const apart = ([x, y], [otherX, otherY]) => Math.hypot(x - otherX, y - otherY);

/** How far along a segment a point is, from 0 to its length, and how far from it. */
export function alongSegment(start, end, [x, y]) {
  const length = apart(start, end);
  const [ux, uy] = [(end[0] - start[0]) / length, (end[1] - start[1]) / length];
  const along = Math.max(0, Math.min(length, (x - start[0]) * ux + (y - start[1]) * uy));
  const distance = Math.hypot(start[0] + along * ux - x, start[1] + along * uy - y);
  return { along, distance, length, ux, uy };
}

/** The distance of a point from a segment. */
export const onSegment = (start, end, point) => alongSegment(start, end, point).distance;

/** Whether a point lies on a side of an outline. */
export function onOutline(outline, point, reach) {
  return outline.some((corner, i) => onSegment(corner, outline[(i + 1) % outline.length], point) < reach);
}

/** Whether a point lies within an outline. */
export function within(outline, x, y) {
  let inside = false;
  for (let i = 0, j = outline.length - 1; i < outline.length; j = i++) {
    const [[ax, ay], [bx, by]] = [outline[i], outline[j]];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
}

/** The middle of an outline's bounding box, and its width and height. */
export function middleOf(outline) {
  const [xs, ys] = [outline.map(([x]) => x), outline.map(([, y]) => y)];
  const [left, right, bottom, top] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  return { x: (left + right) / 2, y: (bottom + top) / 2, width: right - left, height: top - bottom };
}

const anchors = new WeakMap(); // where names are written, by outline

/** A place well within an outline, for its name. */
export function anchorOf(outline) {
  if (!anchors.has(outline)) {
    const { x, y, width, height } = middleOf(outline);
    let [best, found] = [-1, [x, y]];
    for (const i of GRID) {
      for (const j of GRID) {
        const place = [x + i * width, y + j * height];
        if (!within(outline, ...place)) continue;
        const room = Math.min(...outline.map((corner, k) => onSegment(corner, outline[(k + 1) % outline.length], place)));
        const roomier = room > best + 0.15 * Math.min(width, height) * (best >= 0);
        if (roomier) [best, found] = [room, place];
      }
    }
    anchors.set(outline, found);
  }
  return anchors.get(outline);
}

/** The nearest of some things to a point, by a distance, if it is within reach: its number, or -1. */
export function nearest(things, distance, reach) {
  let [best, found] = [reach, -1];
  things.forEach((thing, i) => {
    const far = distance(thing);
    if (far < best) [best, found] = [far, i];
  });
  return found;
}
