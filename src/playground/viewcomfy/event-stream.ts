export type LineEnd = '\r\n' | '\n' | '\r';

/**
 * One server-sent event. Line feeds in `data` become several `data:` lines; bare carriage returns stay inside a line as
 * they are, because that is what clients of the real service meet in progress bars (they end the line for a strict
 * reader). Where the line ends are carriage returns themselves, they must be split as well.
 */
export function encodeEvent(name: string, data: string, lineEnd: LineEnd): string {
  const lines = data.split(lineEnd === '\r' ? /\r\n|\n|\r/ : /\r?\n/);
  return [`event: ${name}`, ...lines.map((line) => `data: ${line}`), '', ''].join(lineEnd);
}

/** What keeps the connection alive through proxies, in the words of sse-starlette. */
export function encodePing(now: number, lineEnd: LineEnd): string {
  return `: ping - ${new Date(now).toISOString()}${lineEnd}${lineEnd}`;
}
