// The same with script switched off: pages work as plain forms.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from './lib/browser.mjs';
import { bootstrap, startCircleCi, startTollgate, stopAll, TOKEN } from './lib/processes.mjs';

const PASSWORD = 'correct horse battery staple';
let app, circleci, browser, page;

before(async () => {
  [app, circleci, browser] = await Promise.all([startTollgate(), startCircleCi(), launch()]);
  bootstrap(app, 'Acme', 'ada@example.com', PASSWORD);
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 375, height: 812 } });
  page = await context.newPage();
  page.setDefaultTimeout(10_000);
});

after(async () => {
  await browser?.close();
  await stopAll();
  app?.clean();
});

test('sign in, add a server, write a policy, issue a grant, read the log', async () => {
  const press = (name) => page.getByRole('button', { name, exact: true }).click();
  await page.goto(`${app.url}/servers`);
  await page.getByLabel('E-mail').fill('ada@example.com');
  await page.getByLabel('Password').fill(PASSWORD);
  await press('Sign in');
  await page.goto(`${app.url}/servers/new?catalog=circleci`);
  await page.getByLabel('Address').fill(circleci.url);
  await page.getByLabel('Header name').first().fill('Circle-Token');
  await page.getByLabel('Header value').first().fill(TOKEN);
  await press('Add server');
  await page.getByText('rerun_workflow').first().waitFor();
  const server = new URL(page.url()).pathname.split('/')[2];
  await page.goto(`${app.url}/servers/${server}/policies/new`);
  await page.getByLabel('Name', { exact: true }).fill('Reads');
  await page.locator('#document').fill('{ "version": "1", "default": "deny", "tools": { "list_*": {} } }');
  await press('Review and publish');
  await press('Publish');
  await page.waitForURL(/\/policies\/pol_/);
  await page.goto(`${app.url}/servers/${server}/grants/new`);
  await page.getByLabel('Label').fill('reader');
  await press('Issue grant');
  assert.match(await page.locator('#token').innerText(), /^tg_/);
  await page.goto(`${app.url}/audit`);
  await page.getByRole('heading', { name: 'Audit log' }).waitFor();
});
