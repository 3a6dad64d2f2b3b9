/** Of EXIF, in tags of the first directory: TIFF 6.0, sections 2 and 8. */
const ORIENTATION = 0x0112;
const SHORT = 3;
/** It goes before the TIFF in a JPEG, and with some programs in a WebP too. */
const PREFIX = Buffer.from('Exif\0\0', 'latin1');
const TIFF_BYTES = 8 + 2 + 12 + 4;

/**
 * The beginning of an EXIF block that says which side of the picture is up and nothing more, to stand in place of the
 * beginning of another one: what is behind it is not referred to any more. Without the side pictures of cameras would
 * turn over. `undefined`: it is too short to say anything at all.
 */
export function bareExif(block: Buffer): Buffer | undefined {
  const begin = block.subarray(0, PREFIX.length).equals(PREFIX) ? PREFIX.length : 0;
  if (block.length < begin + TIFF_BYTES) return undefined;
  const bare = Buffer.alloc(begin + TIFF_BYTES);
  block.copy(bare, 0, 0, begin);
  bare.write('II*\0', begin, 'latin1');
  bare.writeUInt32LE(8, begin + 4);
  bare.writeUInt16LE(1, begin + 8);
  bare.writeUInt16LE(ORIENTATION, begin + 10);
  bare.writeUInt16LE(SHORT, begin + 12);
  bare.writeUInt32LE(1, begin + 14);
  bare.writeUInt16LE(orientationOf(block.subarray(begin)), begin + 18);
  return bare;
}

/** 1 to 8; 1, which is upright, where it does not say. */
function orientationOf(tiff: Buffer): number {
  const order = tiff.toString('latin1', 0, 2);
  if (order !== 'II' && order !== 'MM') return 1;
  const short = (at: number) => (order === 'II' ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const directory = order === 'II' ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4);
  if (directory + 2 > tiff.length) return 1;
  const end = Math.min(directory + 2 + short(directory) * 12, tiff.length);
  for (let at = directory + 2; at + 12 <= end; at += 12) {
    if (short(at) !== ORIENTATION || short(at + 2) !== SHORT) continue;
    const side = short(at + 8);
    return side >= 1 && side <= 8 ? side : 1;
  }
  return 1;
}
