import { SHORT_NOTICE } from './caption.ts';
import { createRandom } from './random.ts';

const RATE = 22_050;
const SECONDS = 2;
/** Of A minor without half tones: any of them after any other sounds well. */
const NOTES = [220, 261.6, 293.7, 329.6, 392, 440] as const;

/** A few soft notes as a WAV file, which says in its comment that no model made them. */
export function drawSound(seed: number): Buffer {
  const random = createRandom('sound', seed);
  const samples = new Float64Array(RATE * SECONDS);
  for (let note = 0; note < 5; note += 1) {
    const pitch = random.pick(NOTES);
    const start = Math.round(note * 0.3 * RATE);
    for (let at = start; at < samples.length; at += 1) {
      const time = (at - start) / RATE;
      const loudness = Math.min(1, time * 200) * Math.exp(-4 * time) * 0.2;
      samples[at] = (samples[at] ?? 0) + loudness * Math.sin(2 * Math.PI * pitch * time);
    }
  }
  const data = Buffer.alloc(samples.length * 2);
  for (const [at, sample] of samples.entries()) {
    data.writeInt16LE(Math.round(Math.max(-1, Math.min(1, sample)) * 32_767), at * 2);
  }
  const format = Buffer.alloc(16);
  // PCM, one channel of 16 bits.
  format.writeUInt16LE(1, 0);
  format.writeUInt16LE(1, 2);
  format.writeUInt32LE(RATE, 4);
  format.writeUInt32LE(RATE * 2, 8);
  format.writeUInt16LE(2, 12);
  format.writeUInt16LE(16, 14);
  const comment = chunk('ICMT', Buffer.from(`${SHORT_NOTICE}\0`, 'latin1'));
  const list = chunk('LIST', Buffer.concat([Buffer.from('INFO'), comment]));
  return chunk('RIFF', Buffer.concat([Buffer.from('WAVE'), chunk('fmt ', format), list, chunk('data', data)]));
}

/** Of an even length, as RIFF wants it. */
function chunk(name: string, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.write(name, 'latin1');
  head.writeUInt32LE(body.length, 4);
  return Buffer.concat([head, body, Buffer.alloc(body.length % 2)]);
}
