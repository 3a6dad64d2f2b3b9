import type { Painter } from '../drawing/painter.ts';
import { bare, type Sockets } from './sockets.ts';

/**
 * What is on the wire beside a run's own frames: somebody else's run that no socket began, which is told to everybody
 * (with pictures that do not say whose they are), kinds of frames that a client has never heard of, and the same twice.
 */
export async function tellForeign(
  sockets: Sockets,
  client: string | undefined,
  { id, node, value, max }: { id: string; node: string; value: number; max: number },
  painter: Painter,
): Promise<void> {
  const stranger = '00000000-0000-4000-8000-000000000000';
  sockets.tell(undefined, 'progress', { value: 77, max: 99, node: '1', prompt_id: stranger });
  sockets.tell(undefined, 'execution_interrupted', { node_id: '1', node_type: 'X', executed: [], prompt_id: stranger });
  sockets.tell(undefined, 'executing', { node: null, prompt_id: stranger });
  sockets.tell(undefined, 'executing', { node: '77' });
  // Two that name our run inside, and are not about it.
  const nodes = { 1: { value: 77, max: 99, state: 'running' } };
  sockets.tell(undefined, 'progress_state', { nodes, prompt_id: stranger, mentions: id });
  sockets.tell(undefined, 'execution_success', { prompt_id: stranger, mentions: id });
  const picture = await painter.sketch(stranger, 1, 2);
  sockets.tellBytes(undefined, bare(picture));
  sockets.show(undefined, { node: '1', promptId: stranger }, picture);
  sockets.tellBytes(client, Buffer.from([0, 0, 0, 3, 0, 0, 0, 1, 51, 104, 105]));
  sockets.tellBytes(client, Buffer.from([0, 0, 0, 4, 255, 255, 255, 255, 123]));
  sockets.tellBytes(client, Buffer.alloc(3));
  sockets.tellRaw(
    client,
    `{"type": "progress", "data": {"value": NaN, "max": Infinity, "prompt_id": "${id}", "node": "1"}}`,
  );
  sockets.tellRaw(client, `{"type": "of_tomorrow", "data": {"prompt_id": "${id}"}}`);
  sockets.tellRaw(client, 'no JSON at all');
  sockets.tell(client, 'progress', { value, max, node, prompt_id: id });
}
