import { expect, test } from 'vitest';
import { createResultHosts } from '../../src/backends/result-hosts.ts';

const allows = createResultHosts(['127.0.0.1', 'run.example', '*.Storage.example']);

test.for([
  'https://run.example/a.png?signature=x',
  'https://RUN.example:8443/a.png',
  'https://bucket.storage.example/a',
  'https://a.b.storage.example/a',
  'http://127.0.0.1:8080/a.png',
])('a result file may come from %s', (address) => {
  expect(allows(new URL(address))).toBe(true);
});

test.for([
  'http://run.example/a.png',
  'https://other.run.example/a.png',
  'https://storage.example/a',
  'https://evilstorage.example/a',
  'https://bucket.storage.example.evil.test/a',
  'https://me:you@run.example/a.png',
  'http://bucket.storage.example/a',
  'http://localhost/a',
  'http://169.254.169.254/latest',
  'http://[::ffff:127.0.0.1]/a',
  'ftp://run.example/a',
  'file:///etc/passwd',
  'data:image/png;base64,AAAA',
])('no result file comes from %s', (address) => {
  expect(allows(new URL(address))).toBe(false);
});
