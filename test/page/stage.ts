import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';
import { createLocalDiscord } from '../../src/playground/discord/server.ts';
import { createPage } from '../../src/playground/page-server.ts';
import { startPuppet } from './puppet.ts';

/** The page on the real local Discord, with the puppet as its bot. */
export async function openStage(browser: Browser) {
  let discord = await createLocalDiscord({ page: createPage() });
  let puppet = await startPuppet(discord);
  const { url } = discord;
  /** what no page may ever have: errors on its console, requests to elsewhere */
  const complaints: string[] = [];

  return {
    complaints,
    get puppet() {
      return puppet;
    },
    /** Opens the page as a person, in a browser context of its own. */
    async open({ as = 'ana', channel = 'characters', width = 1280, height = 860 } = {}): Promise<Page> {
      const context = await browser.newContext({ viewport: { width, height }, locale: 'en-GB' });
      // Shorter than a test's own time, so that the error names the line that waited.
      context.setDefaultTimeout(8000);
      const page = await context.newPage();
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
      });
      page.on('pageerror', (error) => complaints.push(error.stack ?? error.message));
      page.on('request', (request) => {
        const asked = request.url();
        if (!asked.startsWith(`${url}/`) && !asked.startsWith('blob:')) complaints.push(`asked for ${asked}`);
      });
      await page.goto(`${url}/#channel=${channel}&as=${as}`);
      await page.getByRole('heading', { level: 2, name: channel, exact: true }).waitFor();
      await page.getByRole('button', { name: 'Try /character' }).waitFor();
      return page;
    },
    /** Another playground in the place of this one: the same names, other ids, nothing said yet. */
    async restart(whileAway: () => Promise<void>): Promise<void> {
      await puppet.close();
      await discord.close();
      await whileAway();
      discord = await createLocalDiscord({ page: createPage(), port: Number(new URL(url).port) });
      puppet = await startPuppet(discord);
    },
    async close(): Promise<void> {
      await Promise.all(browser.contexts().map((context) => context.close()));
      await puppet.close();
      await discord.close();
      expect(complaints).toEqual([]);
      expect(puppet.errors).toEqual([]);
    },
  };
}

export type Stage = Awaited<ReturnType<typeof openStage>>;
