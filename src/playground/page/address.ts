/** What the address bar keeps: `#channel=characters&as=ana`. Names rather than ids, so that people can write it by hand. */
export interface Address {
  readonly channel?: string;
  readonly as?: string;
}

export function readAddress(hash: string): Address {
  const fields = new URLSearchParams(hash.replace(/^#/, ''));
  const channel = fields.get('channel');
  const as = fields.get('as');
  return { ...(channel === null ? {} : { channel }), ...(as === null ? {} : { as }) };
}

export function writeAddress({ channel, as }: Required<Address>): string {
  return `#${new URLSearchParams({ channel, as })}`;
}
