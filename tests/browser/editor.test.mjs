// The policy editor in Chromium: builder and JSON on one text, tests, preview, a tried call,
// publishing, two people at once, and rules in shadow. The server is the real CircleCI MCP server.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connect, rerun } from './lib/agent.mjs';
import { launch, picture, watch } from './lib/browser.mjs';
import { text as textOf, write as writeIn } from './lib/editor.mjs';
import { TOKEN, bootstrap, eventually, startCircleCi, startTollgate, stopAll } from './lib/processes.mjs';

const PASSWORD = 'correct horse battery staple';
const WORKFLOW = '8c2f7d3e-6a54-4f0e-9d3b-2f1f0c7f9a11';
const RERUNS = `{
  "version": "1",
  "default": "deny",
  "tools": {
    "list_*": {},
    "rerun_workflow": {
      "require": [{ "conditions": [{ "path": "args.params.workflowId", "op": "regex", "value": "^[0-9a-f-]{36}$" }],
                    "on_deny": "workflowId must be a UUID." }],
      "limits": [{ "counter": "reruns", "window": "minute", "max": 10 }]
    }
  }
}
`;

let app, circleci, browser, page, server, policy;
const complaints = [];

before(async () => {
  [app, circleci, browser] = await Promise.all([startTollgate(), startCircleCi(), launch()]);
  bootstrap(app, 'Acme', 'ada@example.com', PASSWORD);
  page = await someone();
  await page.goto(`${app.url}/servers/new?catalog=circleci`);
  await page.getByLabel('Address').fill(circleci.url);
  await page.getByLabel('Header name').first().fill('Circle-Token');
  await page.getByLabel('Header value').first().fill(TOKEN);
  await press('Add server');
  await page.getByText('rerun_workflow').first().waitFor();
  server = new URL(page.url()).pathname.split('/')[2];
});

after(async () => {
  await browser?.close();
  await stopAll();
  app?.clean();
});

/** Ada in a browser of her own. */
async function someone() {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
  const other = await context.newPage();
  other.setDefaultTimeout(15_000);
  watch(other, complaints);
  await other.goto(`${app.url}/overview`);
  await other.getByLabel('E-mail').fill('ada@example.com');
  await other.getByLabel('Password').fill(PASSWORD);
  await other.getByRole('button', { name: 'Sign in', exact: true }).click();
  await other.getByRole('heading', { level: 1 }).waitFor();
  return other;
}

const press = (name, on = page) => on.getByRole('button', { name, exact: true }).first().click();
const json = () => page.locator('.json-editor .cm-content');
const text = (on = page) => textOf(on);
const write = (document, on = page) => writeIn(on, document);
const tab = (name, on = page) => on.locator('.panes > label').filter({ hasText: name }).click();

/** Saves the text as a version; the page that follows is the policy's. */
async function save() {
  const loaded = page.waitForEvent('load');
  await press('Save unpublished');
  await loaded;
}

async function publish(on = page) {
  await press('Review and publish', on);
  await on.getByRole('heading', { name: 'What changes' }).waitFor();
  const said = await on.getByRole('main').innerText();
  await press('Publish', on);
  await on.waitForURL(/\/policies\/pol_[0-9a-f]+$/);
  return said;
}

test('first policies are suggested, explained, and pass their own tests', async () => {
  await page.goto(`${app.url}/servers/${server}/policies/new`);
  for (const name of ['Recommended', 'Read only', 'Locked down']) await page.getByText(name, { exact: true }).first().waitFor();
  await page.getByText('Recommended', { exact: true }).first().click();
  await eventually('the suggestion in the editor', async () => /rerun_workflow/.test(await text()));
  await tab('Tests');
  await page.locator('#tests-out').getByText('passes').first().waitFor();
  assert.equal(await page.locator('#tests-out').getByText('fails').count(), 0);
  await picture(page, '20-editor-recommended', complaints);
});

test('faults stand at their line while one types', async () => {
  await write(RERUNS.replace('"deny"', '"dney"').replace('"max"', '"mux"'));
  await page.locator('.cm-lintRange-error').first().waitFor();
  await eventually('both faults', async () => (await page.locator('.cm-lintRange-error').count()) >= 2);
  await page.locator('.cm-lintRange-error').first().hover();
  await page.getByText(/Nearest: deny/).waitFor();
  await press('Check');
  await page.getByRole('heading', { name: /faults; it cannot be saved yet/ }).waitFor();
  await page.locator('.faults a[data-jump="9"]').first().click();
  await page.locator('.cm-activeLine').getByText('"mux"').waitFor();
  await picture(page, '21-editor-faults', complaints);
});

test('completion knows the language, the server\'s tools and their arguments', async () => {
  await write('{\n  "version": "1",\n  "default": "deny",\n  "tools": {\n  }\n}\n');
  await json().click();
  const offer = page.locator('.cm-tooltip-autocomplete');
  await page.keyboard.press('Control+Home');
  for (let line = 0; line < 3; line += 1) await page.keyboard.press('ArrowDown');
  await page.keyboard.press('End');
  await page.keyboard.type('"rerun_w');
  await offer.getByText('rerun_workflow', { exact: true }).waitFor();
  await page.keyboard.press('Enter');
  await page.keyboard.type('"den');
  await offer.getByText('deny_if', { exact: true }).waitFor();
  await page.keyboard.press('Enter');
  await page.keyboard.type('{"conditions": [{"path": "args.');
  await offer.getByText('args.params.workflowId', { exact: true }).waitFor();
  await picture(page, '22-editor-completion', complaints);
  await page.keyboard.press('Escape');
});

test('the builder edits the text, and nothing else of it', async () => {
  const odd = RERUNS.replace('"list_*": {},', '"list_*":   { },');
  await write(odd);
  const row = (name) => page.locator(`#builder [data-name="${name}"]`);
  await row('run_pipeline').getByRole('button', { name: 'Deny', exact: true }).click();
  await eventually('the rule in the text', async () => /"run_pipeline"/.test(await text()));
  const denied = await text();
  assert.match(denied, /"list_\*": {3}\{ \},/, 'what was spelt by hand stays so');
  assert.deepEqual(JSON.parse(denied).tools.run_pipeline, { action: 'deny' });
  await row('run_rollback_pipeline').getByRole('button', { name: 'Hide', exact: true }).click();
  await eventually('the hidden name', async () => /"hide"/.test(await text()));
  await row('rerun_workflow').locator('.unfold').click();
  await row('rerun_workflow').getByText(/10 a minute/).first().waitFor();
  await picture(page, '23-editor-builder', complaints);
  // What the builder did can be undone where one types.
  await json().click();
  await page.keyboard.press('Control+Z');
  await eventually('undone', async () => !/"hide"/.test(await text()));
});

test('a condition is written with fields that the tool\'s schema has', async () => {
  await write(RERUNS);
  const row = page.locator('#builder [data-name="rerun_workflow"]');
  if ((await row.locator('.unfold').getAttribute('aria-expanded')) !== 'true') await row.locator('.unfold').click();
  await row.locator('button[value^="build:new deny_if"]').click();
  const form = page.locator('#rule-form');
  await form.waitFor();
  const offered = await page.locator('#r-paths option').evaluateAll((all) => all.map((one) => one.value));
  assert.ok(offered.includes('args.params.workflowURL'), offered.join(' '));
  await form.getByLabel('Path').fill('args.params.workflowURL');
  await form.getByLabel('Operator').selectOption('exists');
  await form.getByLabel('Value').fill('true');
  await form.getByLabel('What the agent is told').fill('Name the workflow by workflowId, not by URL.');
  await picture(page, '24-editor-rule-form', complaints);
  await form.getByRole('button', { name: 'Write it into the text' }).click();
  await eventually('the check in the text', async () => /workflowURL/.test(await text()));
  const [check] = JSON.parse(await text()).tools.rerun_workflow.deny_if;
  assert.deepEqual(check, {
    conditions: [{ path: 'args.params.workflowURL', op: 'exists', value: true }],
    on_deny: 'Name the workflow by workflowId, not by URL.',
  });
});

test('a call is tried as one types, and nothing is charged', async () => {
  await tab('Try a call');
  await page.locator('#try_tool').fill('rerun_workflow');
  await page.locator('#try-fields').getByText('args.params.workflowId').first().waitFor();
  const out = page.locator('#try-out');
  await out.getByText('workflowId must be a UUID.').first().waitFor();
  await page.getByText('JSON', { exact: true }).last().click();
  await page.locator('#try_args').fill(`{ "params": { "workflowId": "x/../${WORKFLOW}" } }`);
  await out.getByText('require_failed').first().waitFor();
  await page.locator('#try_args').fill(`{ "params": { "workflowId": "${WORKFLOW}" } }`);
  await out.getByText('allowed', { exact: false }).first().waitFor();
  await picture(page, '25-editor-try', complaints);
  assert.equal(circleci.seen.reruns, 0);
});

test('publishing shows what it loosens and tightens; the preview marks it before', async () => {
  await page.getByLabel('Name', { exact: true }).fill('Reruns');
  const first = await publish();
  assert.match(first, /loosens/);
  policy = new URL(page.url()).pathname;
  await write((await text()).replace('"max": 10', '"max": 5').replace('"list_*": {}', '"list_*": {}, "get_*": {}'));
  await page.locator('#preview-said').getByText(/change/).waitFor();
  await tab('Preview');
  await picture(page, '26-editor-preview', complaints);
  await press('Review and publish');
  await page.getByText(/at most 5 a minute/).first().waitFor();
  const said = await page.getByRole('main').innerText();
  assert.match(said, /tightens/);
  assert.match(said, /loosens/);
  await picture(page, '27-editor-review', complaints);
  await press('Publish');
  await page.waitForURL(/\/policies\/pol_[0-9a-f]+$/);
  await tab('History');
  await picture(page, '28-editor-history', complaints);
});

test('a document whose tests fail can be saved and not published', async () => {
  const before = await text();
  const failing = before.replace(/\n}\s*$/, `,
  "tests": [{ "name": "reruns pass", "tool": "run_pipeline", "args": {}, "expect": "allow" }]
}\n`);
  await write(failing);
  await tab('Tests');
  await page.locator('#tests-out').getByText('fails').first().waitFor();
  await press('Review and publish');
  await page.getByText('It can be saved, not published yet').first().waitFor();
  assert.equal(await page.getByRole('button', { name: 'Publish', exact: true }).count(), 0);
  assert.equal(await text(), failing, 'nothing is lost');
  await picture(page, '29-editor-failing-test', complaints);
  await save();
  await page.getByText('v2 in force').first().waitFor();
});

test('two people at once: the second sees the other\'s change and loses nothing', async () => {
  await page.goto(app.url + policy);
  const other = await someone();
  await other.goto(app.url + policy);
  await write((await text()).replace('"max": 5', '"max": 4'));
  await save();
  const mine = (await text(other)).replace('"get_*": {}', '"find_*": {}');
  await write(mine, other);
  await press('Save unpublished', other);
  await other.getByText(/Someone else saved version/).waitFor();
  assert.equal(await text(other), mine);
  await other.getByText(/at most 4 a minute/).first().waitFor();
  await picture(other, '30-editor-race', complaints);
  await other.context().close();
});

test('a rule in shadow refuses nothing, is counted, and is promoted', async () => {
  await page.goto(app.url + policy);
  await write(RERUNS.replace('"on_deny": "workflowId', '"mode": "shadow", "on_deny": "workflowId')
    .replace('[0-9a-f-]{36}$', 'none$'));
  await publish();
  await page.goto(`${app.url}/servers/${server}/grants/new`);
  await page.getByLabel('Label').fill('ci-runner');
  await page.getByLabel('Policy').selectOption(await page.locator('option').filter({ hasText: /^Reruns v/ }).first().getAttribute('value'));
  await press('Issue grant');
  const token = await page.locator('#token').innerText();
  const snippet = await page.locator('pre').first().innerText();
  const agent = await connect(/https?:\/\/[^\s"']+\/mcp\/srv_[0-9a-f]+\/mcp/.exec(snippet)[0], token);
  assert.ok(!(await rerun(agent)).isError, 'a rule in shadow refuses nothing');
  await agent.close();
  assert.equal(circleci.seen.reruns, 1);
  await eventually('the would-be refusal counted', async () => {
    await page.goto(app.url + policy);
    const row = page.getByRole('row', { name: /require/ }).first();
    return /\b1\b/.test(await row.innerText());
  });
  await picture(page, '31-editor-shadow', complaints);
  await press('Promote');
  await eventually('the mode gone from the text', async () => !/"shadow"/.test(await text()));
});

test('no page complained', () => assert.deepEqual(complaints, []));
