/** Where requests go, and what goes with every one of them. */
export interface Address {
  /** without credentials */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** what must be told nowhere, beside what is in `headers` as it was given */
  readonly secrets: readonly string[];
}

/** Credentials in an address are sent as what they are, and are secrets. */
export function addressOf(address: string, headers: Readonly<Record<string, string>>): Address {
  const url = new URL(address);
  const { username, password } = url;
  url.username = '';
  url.password = '';
  const basic = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  return {
    url,
    headers: { ...headers, ...(username !== '' && { authorization: `Basic ${basic}` }) },
    secrets: username === '' ? [] : [username, password, basic],
  };
}
