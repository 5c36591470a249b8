// Rays in the plane: what they hit, and what can be seen from a place.

/** The nearest thing along a ray: {distance, wall, where}; wall is -1 if it is a disc, or if nothing was hit. */
export function cast(walls, discs, x, y, dx, dy, near, far) {
  let [distance, wall, where] = [far, -1, 0];
  for (let i = 0; i < walls.length; i += 4) {
    const ex = walls[i + 2] - walls[i];
    const ey = walls[i + 3] - walls[i + 1];
    const across = dx * ey - dy * ex;
    if (across === 0) continue;
    const ax = walls[i] - x;
    const ay = walls[i + 1] - y;
    const t = (ax * ey - ay * ex) / across;
    if (t <= near || t >= distance) continue;
    const u = (ax * dy - ay * dx) / across;
    if (u < -1e-6 || u > 1 + 1e-6) continue;
    [distance, wall, where] = [t, i / 4, u];
  }
  for (const disc of discs) {
    const t = hitsDisc(disc, x, y, dx, dy);
    if (t > near && t < distance) [distance, wall, where] = [t, -1, 0];
  }
  return { distance, wall, where };
}

function hitsDisc({ x: cx, y: cy, radius }, x, y, dx, dy) {
  const along = (cx - x) * dx + (cy - y) * dy;
  const across = (cx - x) * dy - (cy - y) * dx;
  return Math.abs(across) < radius ? along - Math.sqrt(radius * radius - across * across) : Infinity;
}

/** The eye of a camera on an agent: its place and bearing. */
export function eyeOf(pose, [mx, my, turn]) {
  const [cos, sin] = [Math.cos((pose.angle * Math.PI) / 180), Math.sin((pose.angle * Math.PI) / 180)];
  return { x: pose.x + cos * mx - sin * my, y: pose.y + sin * mx + cos * my, angle: pose.angle + turn };
}

/** The unit vector along which a camera looks at a place of its screen, from 0 at the left to 1. */
export function direction(eye, fov, place) {
  const slope = (1 - 2 * place) * Math.tan((fov * Math.PI) / 360);
  const bearing = (eye.angle * Math.PI) / 180 + Math.atan(slope);
  return [Math.cos(bearing), Math.sin(bearing)];
}

/** The region that can be seen from a place, as the corners of a polygon: x, y, x, y. */
export function visible(walls, x, y, far) {
  const near = [];
  const bearings = [];
  for (let i = 0; i < walls.length; i += 4) {
    const reaches = Math.min(walls[i], walls[i + 2]) < x + far && Math.max(walls[i], walls[i + 2]) > x - far
      && Math.min(walls[i + 1], walls[i + 3]) < y + far && Math.max(walls[i + 1], walls[i + 3]) > y - far;
    if (!reaches) continue;
    near.push(walls[i], walls[i + 1], walls[i + 2], walls[i + 3]);
    const bearing = Math.atan2(walls[i + 1] - y, walls[i] - x); // walls are closed: every corner begins one
    bearings.push(bearing - 1e-5, bearing, bearing + 1e-5);
  }
  for (let turn = 0; turn < 32; turn++) bearings.push((turn / 16 - 1) * Math.PI);
  bearings.sort((a, b) => a - b);
  return bearings.flatMap((bearing) => {
    const [dx, dy] = [Math.cos(bearing), Math.sin(bearing)];
    const { distance } = cast(near, [], x, y, dx, dy, 0, far);
    return [x + distance * dx, y + distance * dy];
  });
}
