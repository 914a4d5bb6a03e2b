// "Put this rule on my server": from a tool's address through sign-up to the policy editor with the
// rule merged in, published, and kept by the gateway. And rules pasted into a policy that is there.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connect, rerun, said } from './lib/agent.mjs';
import { launch, picture, watch } from './lib/browser.mjs';
import { text } from './lib/editor.mjs';
import { TOKEN, eventually, startCircleCi, startTollgate, stopAll } from './lib/processes.mjs';

const USE = '/catalog/servers/circleci/tools/rerun_workflow/use?rule=recommended';
const PASTED = JSON.stringify({ version: '1', default: 'deny', tools: { list_followed_projects: { rate_limit: { max: 7, window: 'minute' } } } });

let app, circleci, browser, page, policy;
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
  await picture(page, '50-put-choose', complaints);
});

test('the rule is in the editor, unsaved, and can be published', async () => {
  await page.getByRole('link', { name: /^New policy on/ }).click();
  await page.getByRole('status').filter({ hasText: 'In the editor now, not saved' }).waitFor();
  assert.match(await text(page), /"rerun_workflow": \{/);
  await press('Review and publish');
  await page.getByRole('heading', { name: 'What changes' }).waitFor();
  await press('Publish');
  await page.waitForURL(/\/policies\/pol_[0-9a-f]+/);
  policy = new URL(page.url()).pathname;
});

test('another rule is merged into the policy that is there, and nothing of it is lost', async () => {
  await page.goto(`${app.url}/catalog/servers/circleci/tools/run_pipeline/use?rule=block`);
  await page.getByRole('link', { name: /^Merge into/ }).click();
  await page.getByRole('status').filter({ hasText: 'the rule that blocks run_pipeline' }).waitFor();
  const both = await text(page);
  assert.match(both, /"rerun_workflow": \{/);
  assert.match(both, /"run_pipeline": \{ "action": "deny"/);
  await picture(page, '51-put-merged', complaints);
});

test('what the rules refuse is refused through the gateway', async () => {
  const limit = Number(/"rate_limit": \{ "max": (\d+)/.exec(await text(page))[1]);
  await press('Review and publish');
  await page.getByRole('heading', { name: 'What changes' }).waitFor();
  await press('Publish');
  await page.waitForURL((url) => url.pathname === policy && !url.search.includes('put='));
  await page.goto(`${app.url}/servers`);
  await page.locator('td .name').first().click();
  await page.waitForURL(/\/servers\/srv_[0-9a-f]+/);
  await page.goto(`${new URL(page.url()).origin}${new URL(page.url()).pathname}/grants/new`);
  await page.getByLabel('Label').fill('ci-runner');
  await page.getByLabel('Policy').selectOption({ index: 1 });
  await press('Issue grant');
  const token = await page.locator('#token').innerText();
  const url = /https?:\/\/[^\s"']+\/mcp\/srv_[0-9a-f]+\/mcp/.exec(await page.locator('pre').first().innerText())[0];
  const agent = await connect(url, token);
  for (let n = 1; n <= limit; n += 1) {
    const result = await rerun(agent);
    assert.ok(!result.isError, `rerun ${n}: ${said(result)}`);
  }
  const over = await rerun(agent);
  assert.equal(over.isError, true);
  assert.match(said(over), new RegExp(`over its limit of ${limit} a minute`));
  assert.equal(circleci.seen.reruns, limit, 'the call too many never reached CircleCI');
  const blocked = await agent.callTool({ name: 'run_pipeline', arguments: { params: { branch: 'main' } } });
  assert.equal(blocked.isError, true);
  assert.match(said(blocked), /blocked by policy/);
  await agent.close();
  await eventually('the refusals in the record', async () => {
    await page.goto(`${app.url}/audit?outcome=deny`);
    return (await page.getByRole('row', { name: /rerun_workflow|run_pipeline/ }).count()) === 2;
  });
});

test('the way there needs no script', async () => {
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 375, height: 812 },
    storageState: await page.context().storageState() });
  const plain = await context.newPage();
  plain.setDefaultTimeout(15_000);
  await plain.goto(`${app.url}/catalog/servers/circleci/tools/run_rollback_pipeline`);
  await plain.locator('label[for="rule-block"]').click();
  await plain.locator('#rules .pane:visible').getByRole('link', { name: 'Put this rule on my server' }).click();
  await plain.getByRole('link', { name: /^Merge into/ }).click();
  await plain.getByRole('status').filter({ hasText: 'In the editor now, not saved' }).waitFor();
  assert.match(await plain.locator('#document').inputValue(), /"run_rollback_pipeline": \{ "action": "deny"/);
  assert.match(await plain.locator('#document').inputValue(), /"rerun_workflow": \{/);
  await plain.getByRole('button', { name: 'Review and publish' }).first().click();
  await plain.getByRole('heading', { name: 'What changes' }).waitFor();
  await plain.getByText('run_rollback_pipeline').first().waitFor();
  await context.close();
});

test('so does the rule against an attack', async () => {
  await page.goto(`${app.url}/catalog/attacks/force-push`);
  await page.getByRole('link', { name: 'Put this rule on my server' }).click();
  await page.getByRole('heading', { name: 'Put this rule on your server' }).waitFor();
  await picture(page, '52-put-attack', complaints);
  await page.getByRole('link', { name: /^Merge into/ }).click();
  await page.getByRole('status').filter({ hasText: 'the rule against' }).waitFor();
  const both = JSON.parse(await text(page));
  assert.ok(both.tools.rerun_workflow && both.tools.push_files, 'both are there');
  await page.goto(`${app.url}/catalog/servers/circleci/tools/run_pipeline/use?rule=block`);
  await page.getByRole('link', { name: /^Merge into/ }).click();
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
