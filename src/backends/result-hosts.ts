/**
 * Tells whether a result file may be fetched from an address that an answer names: from one of these hosts (`*.` in
 * front means every host below), and encrypted, except on this very machine.
 */
export function createResultHosts(hosts: readonly string[]): (url: URL) => boolean {
  const patterns = hosts.map((pattern) => pattern.toLowerCase());
  return ({ protocol, hostname, username, password }) => {
    if (username !== '' || password !== '') return false;
    if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback(hostname))) return false;
    return patterns.some((pattern) =>
      pattern.startsWith('*.') ? hostname.endsWith(pattern.slice(1)) : hostname === pattern,
    );
  };
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}
