/** An element of a WebM: how its bytes are told apart is at https://www.rfc-editor.org/rfc/rfc8794. */
export interface Element {
  /** with the bits that say how long it is */
  readonly id: string;
  /** where its content begins in what was read */
  readonly at: number;
  readonly content: Buffer;
}

/** The elements that follow each other in the bytes; throws where one ends beyond them. */
export function elementsIn(bytes: Buffer, from = 0): Element[] {
  const elements: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const idLength = Math.clz32(bytes[at] ?? 0) - 23;
    const sizeLength = Math.clz32(bytes[at + idLength] ?? 0) - 23;
    const start = at + idLength + sizeLength;
    const mark = BigInt(1) << BigInt(7 * sizeLength);
    const size = Number(BigInt(`0x${bytes.toString('hex', at + idLength, start)}`) ^ mark);
    if (start + size > bytes.length) throw new Error(`an element at ${at} of ${size} bytes goes beyond the end`);
    const id = bytes.toString('hex', at, at + idLength);
    elements.push({ id, at: from + start, content: bytes.subarray(start, start + size) });
    at = start + size;
  }
  return elements;
}

/** The elements that lead from the outermost by these ids. */
export function elementsAt(elements: readonly Element[], ...path: readonly string[]): Element[] {
  const [id, ...further] = path;
  const found = elements.filter((element) => element.id === id);
  if (further.length === 0) return found;
  return found.flatMap(({ content, at }) => elementsAt(elementsIn(content, at), ...further));
}
