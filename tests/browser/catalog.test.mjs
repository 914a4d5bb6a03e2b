// The public catalogue in a browser: finding a tool, reading its page, copying its rule, printing it;
// with script and without, on a desk and on a phone, in light and in dark.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { launch, picture, screens, watch } from './lib/browser.mjs';
import { startTollgate, stopAll } from './lib/processes.mjs';

const TOOL = '/catalog/servers/circleci/tools/rerun_workflow';
const complaints = [];
let app, browser, page;

before(async () => {
  [app, browser] = await Promise.all([startTollgate(), launch()]);
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: app.url });
  page = await context.newPage();
  page.setDefaultTimeout(10_000);
  watch(page, complaints);
});

after(async () => {
  await browser?.close();
  await stopAll();
  app?.clean();
});

test('a search finds the tool, and a facet narrows it down', async () => {
  await page.goto(`${app.url}/catalog`);
  await picture(page, '40-catalogue', complaints);
  await page.getByRole('searchbox').fill('rerun workflow');
  await page.getByRole('button', { name: 'Search' }).click();
  await page.getByRole('link', { name: 'Tools', exact: true }).click();
  await page.getByRole('link', { name: 'rerun_workflow' }).first().waitFor();
  await page.locator('.facets').getByRole('link', { name: /^execute/ }).click();
  await page.waitForURL(/class=execute/);
  await picture(page, '41-catalogue-search', complaints);
  await page.getByRole('link', { name: 'rerun_workflow' }).first().click();
  await page.waitForURL(`${app.url}${TOOL}`);
});

test('nothing found says what to do', async () => {
  await page.goto(`${app.url}/catalog?q=zzzzqqqqxxxx&class=financial`);
  await page.getByText('Nothing was found').waitFor();
  await page.getByRole('link', { name: 'Take the filters away' }).waitFor();
  await picture(page, '42-catalogue-empty', complaints);
});

test('the tool page shows the risk, why, and rules that can be copied', async () => {
  await page.goto(`${app.url}${TOOL}`);
  await page.getByRole('heading', { level: 1, name: 'rerun_workflow' }).waitFor();
  await page.getByText('High risk').first().waitFor();
  const shown = page.locator('#rules .pane:visible');
  assert.equal(await shown.count(), 1);
  await picture(page, '43-catalogue-tool', complaints);
  await page.locator('label[for="rule-hide"]').click();
  await shown.getByRole('button', { name: 'Copy' }).click();
  await shown.getByText('Copied').waitFor();
  const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
  assert.equal(copied.version, '1');
  assert.deepEqual(copied.hide, ['rerun_workflow']);
  const put = shown.getByRole('link', { name: 'Put this rule on my server' });
  assert.equal(await put.getAttribute('href'), `${TOOL}/use?rule=hide`);
});

test('the page can be printed, with every rule on it', async () => {
  await page.goto(`${app.url}${TOOL}`);
  await page.emulateMedia({ media: 'print' });
  assert.equal(await page.locator('#rules .pane:visible').count(), 4);
  assert.equal(await page.locator('.open-bar:visible, .copy:visible, .put:visible').count(), 0);
  await page.pdf({ path: path.join(screens, '43-catalogue-tool.pdf'), format: 'A4' });
  await page.emulateMedia({ media: 'screen' });
});

test('server, class and risk pages', async () => {
  for (const [at, name] of [
    ['/catalog/servers/circleci', '44-catalogue-server'],
    ['/catalog/classes/execute', '45-catalogue-class'],
    ['/catalog/risks/critical', '46-catalogue-risk'],
  ]) {
    await page.goto(app.url + at);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await picture(page, name, complaints);
  }
});

test('all of it works without script', async () => {
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 375, height: 812 } });
  const plain = await context.newPage();
  plain.setDefaultTimeout(10_000);
  await plain.goto(`${app.url}/catalog?kind=tools`);
  await plain.getByRole('searchbox').fill('rerun');
  await plain.getByRole('searchbox').press('Enter');
  await plain.getByRole('link', { name: 'rerun_workflow' }).first().click();
  await plain.locator('label[for="rule-block"]').click();
  await plain.locator('#rules .pane:visible').getByText('"action": "deny"').waitFor();
  assert.equal(await plain.locator('.copy:visible').count(), 0, 'a button that can do nothing is not there');
  await context.close();
});

test('no page is wider than a phone', async () => {
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 375, height: 812 } });
  const phone = await context.newPage();
  phone.setDefaultTimeout(60_000);
  const read = async (path) => (await fetch(app.url + path)).text();
  const found = (xml) => [...xml.matchAll(/<loc>([^<]+)<\/loc>/g)].map((it) => new URL(it[1].replaceAll('&amp;', '&')));
  const pages = [];
  for (const file of found(await read('/sitemap.xml'))) pages.push(...found(await read(file.pathname)));
  assert.ok(pages.length > 450, `${pages.length} pages`);
  const wide = [];
  for (const { pathname, search } of pages) {
    await phone.goto(app.url + pathname + search, { waitUntil: 'domcontentloaded' });
    const width = await phone.evaluate(() => document.documentElement.scrollWidth);
    if (width > 375) wide.push(`${pathname}: ${width}`);
  }
  assert.deepEqual(wide, []);
  await context.close();
});

test('nothing complained', () => assert.deepEqual(complaints, []));
