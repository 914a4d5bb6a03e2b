// The whole story in Chromium: from sign-up to the refused call in the audit log, against the real
// CircleCI MCP server, with the official TypeScript client as the agent.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connect, rerun, said } from './lib/agent.mjs';
import { launch, picture, watch } from './lib/browser.mjs';
import { text, write } from './lib/editor.mjs';
import { TOKEN, eventually, startCircleCi, startTollgate, stopAll } from './lib/processes.mjs';

const TEN_RERUNS = `{ "version": "1", "default": "deny",
  "tools": { "rerun_workflow": { "limits": [{ "counter": "rerun_workflow_rate", "window": "minute", "max": 10, "scope": "grant" }] } } }`;

let app, circleci, browser, page, token, proxyUrl, server;
const complaints = [];

before(async () => {
  [app, circleci, browser] = await Promise.all([startTollgate(), startCircleCi(), launch()]);
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
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

const heading = (name) => page.getByRole('heading', { name, level: 1 });
const press = (name) => page.getByRole('button', { name, exact: true }).click();

test('a newcomer signs up and names an organisation', async () => {
  await page.goto(app.url);
  await picture(page, '01-landing', complaints);
  await page.getByRole('link', { name: 'Sign up' }).first().click();
  await page.getByLabel('E-mail').fill('ada@example.com');
  await page.getByLabel('Password').fill('short');
  await page.$eval('form[action="/sign-up"]', (form) => (form.noValidate = true));
  await press('Sign up');
  await page.getByRole('alert').first().waitFor();
  assert.equal(await page.getByLabel('E-mail').inputValue(), 'ada@example.com', 'what was typed is kept');
  await picture(page, '02-sign-up-fault', complaints);
  await page.getByLabel('Password').fill('correct horse battery staple');
  await press('Sign up');
  await heading('Name your organisation').waitFor();
  await picture(page, '03-welcome', complaints);
  await page.getByLabel('Name').fill('Acme');
  await press('Make organisation');
  await page.waitForURL(/\/overview/);
  await picture(page, '04-overview-empty', complaints);
  const cookies = await page.context().cookies();
  const session = cookies.find((cookie) => /session/.test(cookie.name));
  assert.ok(session.httpOnly && session.sameSite === 'Lax', JSON.stringify(session));
});

test('registers CircleCI, and its tools are found', async () => {
  await page.goto(`${app.url}/servers`);
  await picture(page, '05-servers-empty', complaints);
  await page.getByRole('link', { name: 'Add server' }).first().click();
  await page.getByRole('link', { name: /CircleCI/ }).click();
  await picture(page, '06-add-server', complaints);
  await page.getByLabel('Address').fill(circleci.url);
  await page.getByLabel('Header name').first().fill('Circle-Token');
  await page.getByLabel('Header value').first().fill(TOKEN);
  await press('Add server');
  await heading('CircleCI').waitFor();
  server = new URL(page.url()).pathname.split('/')[2];
  assert.match(server, /^srv_/);
  const row = page.getByRole('row', { name: /rerun_workflow/ });
  await row.waitFor();
  assert.match(await row.innerText(), /execute/);
  assert.equal(await page.getByRole('row', { name: /_/ }).count(), 13, 'the thirteen tools of 0.20.0');
  assert.ok(!(await page.content()).includes(TOKEN), 'the credential is never shown');
  await picture(page, '07-server-tools', complaints);
});

test('writes the policy; faults are shown at their place', async () => {
  await page.goto(`${app.url}/servers/${server}/policies/new`);
  await page.getByLabel('Name', { exact: true }).fill('CI agents');
  await write(page, TEN_RERUNS.replace('"max"', '"mux"'));
  await press('Review and publish');
  const fault = page.getByText(/mux/).first();
  await fault.waitFor();
  const said = await page.getByRole('main').innerText();
  assert.match(said, /line 2/i, 'the fault names its line');
  assert.match(said, /max/, 'and the nearest known field');
  assert.match(await text(page), /mux/, 'nothing that was typed is lost');
  await picture(page, '08-policy-faults', complaints);
  await write(page, TEN_RERUNS);
  await press('Review and publish');
  await picture(page, '09-policy-review', complaints);
  await press('Publish');
  await page.waitForURL(/\/policies\/pol_/);
  await page.getByText(/published/i).first().waitFor();
  await picture(page, '09-policy', complaints);
});

test('issues a grant; the token is shown once, with a snippet', async () => {
  await page.goto(`${app.url}/servers/${server}/grants/new`);
  await page.getByLabel('Label').fill('ci-runner');
  await page.getByLabel('Policy').selectOption({ label: 'CI agents v1' });
  await picture(page, '10-issue-grant', complaints);
  await press('Issue grant');
  token = await page.locator('#token').innerText();
  assert.match(token, /^tg_/);
  await press('Copy token');
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), token);
  const snippet = await page.locator('pre').first().innerText();
  assert.ok(snippet.includes(token), 'the snippet works as pasted');
  proxyUrl = /https?:\/\/[^\s"']+\/mcp\/srv_[0-9a-f]+\/mcp/.exec(snippet)[0];
  await picture(page, '11-grant-token', complaints);
});

test('ten reruns reach CircleCI and the eleventh is refused with a sentence', async () => {
  const agent = await connect(proxyUrl, token);
  const { tools } = await agent.listTools();
  assert.deepEqual(tools.map((tool) => tool.name), ['rerun_workflow']);
  for (let n = 1; n <= 10; n += 1) {
    const result = await rerun(agent);
    assert.ok(!result.isError, `rerun ${n}: ${said(result)}`);
  }
  const refused = await rerun(agent);
  assert.equal(refused.isError, true);
  assert.match(said(refused), /^rerun_workflow is over its limit of 10 a minute; try again in \d+ s/);
  assert.equal(circleci.seen.reruns, 10);
  assert.deepEqual([...circleci.seen.tokens], [TOKEN], 'no other credential reached CircleCI');
  await agent.close();
});

test('the waiting line turns by itself, and the token is gone after a reload', async () => {
  await page.getByText('connected', { exact: true }).first().waitFor();
  await page.goto(`${app.url}/servers/${server}/grants`);
  await page.getByRole('link', { name: 'ci-runner' }).first().click();
  await heading('ci-runner').waitFor();
  assert.ok(!(await page.content()).includes(token), 'the token is not shown again by itself');
  await picture(page, '12-grant', complaints);
});

test('the audit log shows all eleven, and a row opens to the whole decision', async () => {
  await eventually('eleven rows', async () => {
    await page.goto(`${app.url}/audit?tool=rerun_workflow`);
    return (await page.getByRole('row', { name: /rerun_workflow/ }).count()) === 11;
  });
  const rows = page.getByRole('row', { name: /rerun_workflow/ });
  assert.match(await rows.first().innerText(), /limited|refused/i, 'newest first');
  await picture(page, '13-audit', complaints);
  await page.goto(`${app.url}/audit?tool=rerun_workflow&outcome=deny`);
  assert.equal(await rows.count(), 1, 'the filter lives in the address');
  await rows.first().getByRole('link').first().click();
  await page.getByText('/tools/rerun_workflow/limits/rerun_workflow_rate').first().waitFor();
  const text = await page.locator('body').innerText();
  assert.match(text, /10 a minute/);
  assert.match(text, /ci-runner/);
  await picture(page, '14-audit-decision', complaints);
  await page.goto(`${app.url}/overview`);
  await picture(page, '15-overview', complaints);
  await page.goto(`${app.url}/servers/${server}`);
  await picture(page, '16-server', complaints);
});

test('every other page stands, on a desk and on a phone', async () => {
  for (const [name, path] of [
    ['17-servers', '/servers'], ['18-grants', '/grants'], ['19-activity', `/servers/${server}/activity`],
    ['20-server-settings', `/servers/${server}/settings`], ['21-policies', `/servers/${server}/policies`],
    ['22-admin-events', '/admin-events'], ['23-api-keys', '/api-keys'], ['24-members', '/members'],
    ['25-settings', '/settings'], ['26-account', '/account'], ['27-not-found', '/no-such-page'],
  ]) {
    const response = await page.goto(`${app.url}${path}`);
    assert.ok(response.status() < 400 || name.includes('not-found'), `${path}: ${response.status()}`);
    await picture(page, name, complaints);
  }
});

test('revoking asks first, and ends the agent', async () => {
  await page.goto(`${app.url}/servers/${server}/grants`);
  await page.getByRole('link', { name: 'ci-runner' }).first().click();
  await page.getByText('Revoke grant…').click();
  await press('Revoke grant');
  await page.getByText(/revoked/i).first().waitFor();
  await eventually('the revocation', async () => (await fetch(proxyUrl, {
    method: 'POST', body: '{}', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  })).status === 401);
});

test('signs out, and the session is over', async () => {
  const cookies = await page.context().cookies();
  await page.getByRole('button', { name: 'Sign out' }).first().click();
  await page.waitForURL(/sign-in|\/$/);
  await page.context().addCookies(cookies);
  await page.goto(`${app.url}/servers`);
  assert.match(page.url(), /sign-in/, 'the old cookie opens nothing');
  await picture(page, '28-sign-in', complaints);
  await page.goto(`${app.url}/reset`);
  await picture(page, '29-reset', complaints);
});

test('no page complained', () => {
  assert.deepEqual(complaints, []);
});
