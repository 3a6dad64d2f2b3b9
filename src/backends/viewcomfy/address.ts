/** Where requests go, and what goes with every one of them. */
export interface Address {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** what must be told nowhere, beside the keys */
  readonly secrets: readonly string[];
}

/** Credentials in an address are sent as what they are, and are secrets. */
export function addressOf(
  address: string,
  keys: { readonly clientId: string; readonly clientSecret: string },
): Address {
  const url = new URL(address);
  const { username, password } = url;
  url.username = '';
  url.password = '';
  const basic = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  return {
    url,
    headers: {
      client_id: keys.clientId,
      client_secret: keys.clientSecret,
      ...(username !== '' && { authorization: `Basic ${basic}` }),
    },
    secrets: username === '' ? [] : [username, password, basic],
  };
}
