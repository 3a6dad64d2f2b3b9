import { isIP } from 'node:net';

/**
 * Tells whether a result file may be fetched from an address that an answer names: from the sites of the service
 * itself or from a host in the list (`*.` in front means every host below), and encrypted, except on this very machine.
 */
export function createResultHosts(services: readonly URL[], allowed: readonly string[]): (url: URL) => boolean {
  const sites = services.flatMap(({ hostname }) => [hostname, ...siteOf(hostname)]);
  const patterns = [...sites, ...allowed].map((pattern) => pattern.toLowerCase());
  return ({ protocol, hostname, username, password }) => {
    if (username !== '' || password !== '') return false;
    if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback(hostname))) return false;
    return patterns.some((pattern) =>
      pattern.startsWith('*.') ? hostname.endsWith(pattern.slice(1)) : hostname === pattern,
    );
  };
}

/** `api.example.com` also speaks for its sisters below `example.com`; an address of numbers has none. */
function siteOf(hostname: string): string[] {
  const [, ...parent] = hostname.split('.');
  return isIP(hostname) === 0 && parent.length >= 2 ? [`*.${parent.join('.')}`] : [];
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}
