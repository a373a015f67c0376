import { crc32, deflateSync } from 'node:zlib';

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  framed.set(body, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

/** A grey PNG image as a data: address. `pixels` row by row, 0 white to 1 black; values beyond are clamped. */
export function greyImage(pixels: ArrayLike<number>, width: number, height: number): string {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 0, 0, 0, 0], 8); // 8 bits a pixel, grey, deflate, no filter method, not interlaced
  const rows = Buffer.alloc(height * (width + 1)); // each row starts with its filter: 0, none
  for (let y = 0; y < height; ++y) {
    for (let x = 0; x < width; ++x) {
      const ink = Math.min(1, Math.max(0, pixels[y * width + x] as number));
      rows[y * (width + 1) + 1 + x] = Math.round(255 * (1 - ink));
    }
  }
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const parts = [chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', new Uint8Array(0))];
  return `data:image/png;base64,${Buffer.concat([signature, ...parts]).toString('base64')}`;
}
