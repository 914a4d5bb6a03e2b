// Debian's Chromium, driven by playwright-core.
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { here } from './processes.mjs';

export const screens = path.join(here, 'screens');

export async function launch() {
  const paths = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'];
  const executablePath = paths.find((p) => p && existsSync(p));
  if (!executablePath) throw new Error('no Chromium: install the package chromium, or set CHROMIUM to its path');
  const args = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'];
  // Chromium's sandbox refuses to work for root, and for nobody else is it taken away.
  if (process.getuid?.() === 0) args.push('--no-sandbox');
  mkdirSync(screens, { recursive: true });
  return chromium.launch({ executablePath, args });
}

export const SHAPES = [
  { name: 'desktop-light', viewport: { width: 1440, height: 900 }, colorScheme: 'light' },
  { name: 'desktop-dark', viewport: { width: 1440, height: 900 }, colorScheme: 'dark' },
  { name: 'phone-light', viewport: { width: 375, height: 812 }, colorScheme: 'light' },
  { name: 'phone-dark', viewport: { width: 375, height: 812 }, colorScheme: 'dark' },
];

/** Fails the test on anything the page complains about: errors, refused scripts and styles, 500s. */
export function watch(page, complaints) {
  page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/the server responded with a status of 4\d\d/.test(message.text())) {
      complaints.push(`${page.url()}: ${message.text()}`);
    }
  });
  page.on('response', (response) => {
    if (response.status() >= 500) complaints.push(`${response.url()}: HTTP ${response.status()}`);
  });
}

/** The page in every shape, as pictures to look at; and nothing may be wider than a phone. */
export async function picture(page, name, complaints) {
  const before = page.viewportSize();
  for (const shape of SHAPES) {
    await page.setViewportSize(shape.viewport);
    await page.emulateMedia({ colorScheme: shape.colorScheme, reducedMotion: 'reduce' });
    await page.screenshot({ path: path.join(screens, `${name}-${shape.name}.png`), fullPage: true });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (wide > 0) complaints.push(`${name} in ${shape.name} is ${wide} px too wide`);
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(before);
}
