// The scan page in Chromium: nothing secret of a pasted configuration leaves the browser, in any of the shapes that the
// server reads too (crates/catalog/src/stack/tests.rs), and what is sent is what stood in the field.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { launch, picture, watch } from './lib/browser.mjs';
import { here, startTollgate, stopAll } from './lib/processes.mjs';

const SHAPES = JSON.parse(readFileSync(path.join(here, 'scan-shapes.json'), 'utf8'));
const PASSWORD = 'correct horse battery staple';
let app, browser, page;
const complaints = [];
const sent = [];

before(async () => {
  [app, browser] = await Promise.all([startTollgate(), launch()]);
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: app.url });
  page = await context.newPage();
  page.setDefaultTimeout(10_000);
  watch(page, complaints);
  // The page's own icon comes when the browser likes.
  page.on('request', (request) => /^\/(static|favicon)/.test(new URL(request.url()).pathname) || sent.push(`${request.url()}\n${decodeURIComponent((request.postData() ?? '').replace(/\+/g, ' '))}`));
  await page.goto(`${app.url}/sign-up`);
  await page.getByLabel('E-mail').fill('ada@example.com');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign up', exact: true }).click();
  await page.getByLabel('Name').fill('Acme');
  await page.getByRole('button', { name: 'Make organisation', exact: true }).click();
  await page.waitForURL(/\/overview/);
});

after(async () => {
  await browser?.close();
  await stopAll();
  app?.clean();
});

const field = () => page.locator('#config');
const check = () => page.getByRole('button', { name: 'Check this configuration', exact: true }).click();

async function paste(text) {
  await page.evaluate((it) => navigator.clipboard.writeText(it), text);
  await field().click();
  await page.keyboard.press('Control+A');
  await page.keyboard.press('Control+V');
}

for (const shape of SHAPES) {
  test(`pasted: ${shape.name}`, async () => {
    await page.goto(`${app.url}/scan`);
    await paste(shape.text);
    const shown = await field().inputValue();
    for (const secret of shape.secrets) assert.ok(!shown.includes(secret), `${secret} stands in the field`);
    if (shape.servers) assert.deepEqual(JSON.parse(shown).mcpServers, shape.servers);
    sent.length = 0;
    await check();
    await page.locator('#report').waitFor();
    const body = sent.find((one) => one.includes('config='));
    for (const secret of shape.secrets) assert.ok(!sent.join('\n').includes(secret), `${secret} was sent`);
    assert.ok(body.replace(/\r/g, '').includes(shown.trim()), 'what is sent is what stood in the field');
    assert.equal((await field().inputValue()).trim(), shown.trim(), 'the server strips no more than the browser did');
  });
}

test('what is typed is stripped before it is sent, and needs a second press', async () => {
  await page.goto(`${app.url}/scan`);
  sent.length = 0;
  await field().fill('{"mcpServers": {"a": {"command": "npx", "args": ["x"], "env": {"K_TOKEN": "hunter2hunter2"}}}}');
  await field().press('Control+Enter');
  await page.evaluate(() => document.querySelector('form[data-scan]').requestSubmit());
  assert.ok(!(await field().inputValue()).includes('hunter2'));
  assert.equal(sent.length, 0, 'nothing was sent yet');
  await check();
  await page.locator('#report').waitFor();
  assert.ok(!sent.join('\n').includes('hunter2'));
  await picture(page, 'scan-report', complaints);
});

test('what cannot be read is not sent at all', async () => {
  await page.goto(`${app.url}/scan`);
  for (const text of ['{"mcpServers": hunter2}', 'my password is hunter2', '{"a": "hunter2"}']) {
    sent.length = 0;
    await paste(text);
    await check();
    await page.locator('#scan-fault').waitFor();
    assert.match(await page.locator('#scan-fault').innerText(), /Nothing was sent/);
    assert.equal(sent.length, 0);
  }
  await picture(page, 'scan', complaints);
  assert.deepEqual(complaints, []);
});
