import { crc32, deflateSync, inflateSync } from 'node:zlib';

// Pictures of pages have few colours: with a palette they take a third.

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

interface Picture {
  readonly width: number;
  readonly height: number;
  /** Red, green and blue of each pixel, row by row. */
  readonly pixels: Buffer;
}

/** The same picture with at most 256 colours. Takes PNG as Chromium writes it: eight bits, no interlacing. */
export function smallPng(png: Buffer): Buffer {
  const { width, height, pixels } = decoded(png);
  const palette = commonColours(pixels);
  const indexOf = nearestIn(palette);
  const rows = Buffer.alloc(height * (width + 1));
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      rows[y * (width + 1) + 1 + x] = indexOf(pixels.readUIntBE(3 * (y * width + x), 3));
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  const colours = Buffer.concat(
    palette.map((colour) => Buffer.from([colour >> 16, (colour >> 8) & 255, colour & 255])),
  );
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('PLTE', colours),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function* chunks(png: Buffer): Generator<{ readonly type: string; readonly data: Buffer }> {
  for (let at = signature.length; at < png.length; at += 12 + png.readUInt32BE(at)) {
    yield { type: png.toString('latin1', at + 4, at + 8), data: png.subarray(at + 8, at + 8 + png.readUInt32BE(at)) };
  }
}

function decoded(png: Buffer): Picture {
  const all = [...chunks(png)];
  const header = all.find(({ type }) => type === 'IHDR')?.data ?? Buffer.alloc(13);
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const [depth = 0, colourType = 0, , , interlaced = 0] = header.subarray(8);
  if (depth !== 8 || (colourType !== 2 && colourType !== 6) || interlaced !== 0) {
    throw new Error('That is no PNG as Chromium writes it.');
  }
  const each = colourType === 6 ? 4 : 3;
  const raw = inflateSync(Buffer.concat(all.flatMap(({ type, data }) => (type === 'IDAT' ? [data] : []))));
  const pixels = Buffer.alloc(3 * width * height);
  let above = Buffer.alloc(width * each);
  for (let y = 0; y < height; y += 1) {
    const from = y * (width * each + 1);
    const row = unfiltered(raw.subarray(from, from + width * each + 1), { above, each });
    for (let x = 0; x < width; x += 1) row.copy(pixels, 3 * (y * width + x), x * each, x * each + 3);
    above = row;
  }
  return { width, height, pixels };
}

/** A row without its filter (PNG specification, chapter 9). */
function unfiltered(
  filtered: Buffer,
  { above, each }: { readonly above: Buffer; readonly each: number },
): Buffer<ArrayBuffer> {
  const row = Buffer.from(filtered.subarray(1));
  for (let at = 0; at < row.length; at += 1) {
    const left = at < each ? 0 : (row[at - each] ?? 0);
    const up = above[at] ?? 0;
    const corner = at < each ? 0 : (above[at - each] ?? 0);
    const guesses = [0, left, up, (left + up) >> 1, paeth({ left, up, corner })];
    row[at] = (row[at] ?? 0) + (guesses[filtered[0] ?? 0] ?? 0);
  }
  return row;
}

function paeth({ left, up, corner }: { readonly left: number; readonly up: number; readonly corner: number }): number {
  const [toLeft, toUp, toCorner] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

/** The most frequent colours, no two of them hardly different. */
function commonColours(pixels: Buffer): readonly number[] {
  const counts = new Map<number, number>();
  for (let at = 0; at < pixels.length; at += 3) {
    const colour = pixels.readUIntBE(at, 3);
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const palette: number[] = [];
  for (const [colour] of [...counts].sort((a, b) => b[1] - a[1])) {
    if (palette.length === 256) break;
    if (palette.every((other) => distance(colour, other) > 60)) palette.push(colour);
  }
  return palette;
}

function nearestIn(palette: readonly number[]): (colour: number) => number {
  const known = new Map<number, number>();
  return (colour) => {
    const found = known.get(colour);
    if (found !== undefined) return found;
    let [nearest, least] = [0, Infinity];
    for (const [index, other] of palette.entries()) {
      const far = distance(colour, other);
      if (far < least) [nearest, least] = [index, far];
    }
    known.set(colour, nearest);
    return nearest;
  };
}

function distance(one: number, other: number): number {
  const part = (shift: number): number => ((one >> shift) & 255) - ((other >> shift) & 255);
  return part(16) ** 2 + part(8) ** 2 + part(0) ** 2;
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}
