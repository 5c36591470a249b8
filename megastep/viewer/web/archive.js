// Arrays and pictures of a recording: from base64 to typed arrays.

const TYPES = { float32: Float32Array, int32: Int32Array, uint16: Uint16Array, uint8: Uint8Array };
const ABSENT = 65535; // stands for NaN among quantised numbers

export function bytesOf(text) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

async function inflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Response(stream).arrayBuffer();
}

/** All arrays of an archive, by number. Those that were quantised are series: each value over time, one after another. */
export async function unpack({ index, bytes }) {
  const buffer = await inflated(bytesOf(bytes));
  return index.map((entry) => {
    const count = entry.shape.reduce((product, size) => product * size, 1);
    const values = new TYPES[entry.type](buffer, entry.at, count);
    return { shape: entry.shape, values: entry.unit === undefined ? values : restored(values, entry) };
  });
}

/** Undoes differences and rounding. */
function restored(steps, { shape, origin, unit, whole }) {
  const frames = shape[0];
  const values = new Float32Array(steps.length);
  let level = 0;
  for (let i = 0; i < steps.length; i++) {
    level = i % frames === 0 ? steps[i] : (level + steps[i]) & 0xffff;
    values[i] = level === ABSENT && !whole ? NaN : origin + level * unit;
  }
  return values;
}

/** The pixels of pictures that continue one another, four bytes each, a frame after the other. */
export async function pixelsOf(tiles, frames, width) {
  const pixels = new Uint8ClampedArray(frames * width * 4);
  let at = 0;
  for (const tile of tiles) {
    const file = new Blob([bytesOf(tile)], { type: 'image/png' });
    const options = { colorSpaceConversion: 'none', premultiplyAlpha: 'none' };
    const bitmap = await createImageBitmap(file, options);
    const canvas = document.createElement('canvas');
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    const found = context.getImageData(0, 0, bitmap.width, bitmap.height).data;
    pixels.set(found, at);
    at += found.length;
  }
  return pixels;
}
