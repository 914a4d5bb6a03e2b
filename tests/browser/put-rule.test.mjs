// "Put this rule on my server": from a tool's address through sign-up to the policy editor with the
// rule merged in, published, and kept by the gateway. And rules pasted into a policy that is there.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, watch } from './lib/browser.mjs';
import { text } from './lib/editor.mjs';
import { TOKEN, startCircleCi, startTollgate, stopAll } from './lib/processes.mjs';

const USE = '/catalog/servers/circleci/tools/rerun_workflow/use?rule=recommended';
const PASTED = JSON.stringify({ version: '1', default: 'deny', tools: { list_followed_projects: { rate_limit: { max: 7, window: 'minute' } } } });

let app, circleci, browser, page;
const complaints = [];

before(async () => {
  [app, circleci, browser] = await Promise.all([startTollgate(), startCircleCi(), launch()]);
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: app.url });
  page = await context.newPage();
  page.setDefaultTimeout(15_000);
  watch(page, complaints);
});

after(async () => {
  await browser?.close();
  await stopAll();
  app?.clean();
});

const press = (name) => page.getByRole('button', { name, exact: true }).first().click();

test('a newcomer comes back to the rule after signing up', async () => {
  await page.goto(`${app.url}${USE}`);
  await page.waitForURL(/\/sign-in\?next=/);
  await page.getByRole('link', { name: 'Sign up' }).last().click();
  await page.waitForURL(/\/sign-up\?next=/);
  await page.getByLabel('E-mail').fill('ada@example.com');
  await page.getByLabel('Password').fill('correct horse battery staple');
  await press('Sign up');
  await page.waitForURL(/\/welcome\?next=/);
  await page.getByLabel('Name').fill('Acme');
  await press('Make organisation');
  await page.getByRole('heading', { name: 'Put this rule on your server' }).waitFor();
  assert.equal(new URL(page.url()).pathname + new URL(page.url()).search, USE);
  await page.getByRole('heading', { name: 'No server yet' }).waitFor();
});

test('the server is registered on the way', async () => {
  await page.getByRole('link', { name: 'Register the server' }).click();
  await page.getByLabel('Address').fill(circleci.url);
  await page.getByLabel('Header name').first().fill('Circle-Token');
  await page.getByLabel('Header value').first().fill(TOKEN);
  await press('Add server');
  await page.getByRole('heading', { name: 'Put this rule on your server' }).waitFor();
  await page.getByText('has rerun_workflow').first().waitFor();
});

test('the rule is in the editor, unsaved, and can be published', async () => {
  await page.getByRole('link', { name: /^New policy on/ }).click();
  await page.getByRole('status').filter({ hasText: 'In the editor now, not saved' }).waitFor();
  assert.match(await text(page), /"rerun_workflow": \{/);
  await press('Review and publish');
  await page.getByRole('heading', { name: 'What changes' }).waitFor();
  await press('Publish');
  await page.waitForURL(/\/policies\/pol_[0-9a-f]+/);
});

test('another rule is merged into the policy that is there, and nothing of it is lost', async () => {
  await page.goto(`${app.url}/catalog/servers/circleci/tools/run_pipeline/use?rule=block`);
  await page.getByRole('link', { name: /^Merge into/ }).click();
  await page.getByRole('status').filter({ hasText: 'the rule that blocks run_pipeline' }).waitFor();
  const both = await text(page);
  assert.match(both, /"rerun_workflow": \{/);
  assert.match(both, /"run_pipeline": \{ "action": "deny"/);
});

test('a policy that is pasted into the text is merged, and can be undone', async () => {
  const before = await text(page);
  await page.evaluate((rule) => navigator.clipboard.writeText(rule), PASTED);
  await page.locator('.json-editor .cm-content').click();
  await page.keyboard.press('Control+Home');
  await page.keyboard.press('Control+V');
  await page.locator('.paste-remark').waitFor();
  const both = JSON.parse(await text(page));
  assert.deepEqual(both.tools.list_followed_projects, { rate_limit: { max: 7, window: 'minute' } });
  assert.ok(both.tools.rerun_workflow);
  await press('Undo');
  assert.equal(await text(page), before);
});

test('the builder has a field for it', async () => {
  await page.getByLabel('Add a rule from the catalogue or a colleague').fill('"list_followed_projects": { "max_result_bytes": 9 }');
  await press('Merge');
  await page.getByRole('status').filter({ hasText: '`list_followed_projects`' }).waitFor();
  assert.equal(JSON.parse(await text(page)).tools.list_followed_projects.max_result_bytes, 9);
  await page.getByLabel('Add a rule from the catalogue or a colleague').fill('nothing');
  await press('Merge');
  await page.locator('#b-rule-about').waitFor();
});

test('an address that is no page of ours leads nowhere else', async () => {
  await page.goto(`${app.url}/sign-up?next=https%3A%2F%2Fevil.example`);
  assert.equal(new URL(page.url()).pathname, '/overview');
  const unknown = await page.goto(`${app.url}/catalog/servers/circleci/tools/no_such_tool/use`);
  assert.equal(unknown.status(), 404);
});

test('no page complained', () => {
  assert.deepEqual(complaints.filter((it) => !/404/.test(String(it))), []);
});
