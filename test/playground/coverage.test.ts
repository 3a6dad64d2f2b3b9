import { readdir, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { coverage } from './coverage.ts';
import { stage } from './stage.ts';

test('the coverage list names the routes that exist, no more and no fewer', async () => {
  const { discord } = await stage();
  expect(Object.keys(coverage).sort()).toEqual([...discord.botRoutes, ...discord.otherRoutes].sort());
});

test('every test that the coverage list names exists', async () => {
  const folder = import.meta.dirname;
  const names = (await readdir(folder)).filter((name) => name.endsWith('.test.ts'));
  const sources = await Promise.all(names.map((name) => readFile(`${folder}/${name}`, 'utf8')));
  const titles = new Set(
    sources.flatMap((source) => Array.from(source.matchAll(/^test\('(.*)',/gmu), ([, title]) => title)),
  );
  expect(Object.values(coverage).filter((title) => !titles.has(title))).toEqual([]);
});
