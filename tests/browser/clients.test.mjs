// Both eras of the protocol with the official TypeScript clients of both generations, through the
// gateway to the demo's upstream, which speaks both, and to the real CircleCI server, which does not.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { connect, connectSecond, rerun, said } from './lib/agent.mjs';
import { TOKEN, bootstrap, eventually, startCircleCi, startTollgate, stopAll } from './lib/processes.mjs';

const STATELESS = '2026-07-28';
const POLICY = {
  version: '1',
  default: 'deny',
  tools: {
    'get_*': {},
    rerun_workflow: { limits: [{ counter: 'rerun_workflow_rate', window: 'minute', max: 10, scope: 'grant' }] },
    run_pipeline: { action: 'deny', reason: 'Pipelines are started by people.' },
  },
};
const SHOWN = [
  'get_build_failure_logs', 'get_job_test_results', 'get_latest_pipeline_status', 'rerun_workflow', 'run_pipeline',
];

let app, circleci, key;
const servers = {};

async function api(method, place, body) {
  const answer = await fetch(`${app.url}/api/v1${place}`, {
    method,
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${place}: HTTP ${answer.status}: ${text}`);
  return JSON.parse(text);
}

async function register(name, upstream_url, auth) {
  const server = await api('POST', '/servers', { name, upstream_url, auth });
  await api('POST', `/servers/${server.id}/discover`, {});
  const policy = await api('POST', `/servers/${server.id}/policies`, { name: 'reruns', document: POLICY, publish: true });
  return { id: server.id, url: server.proxy_url, policy: policy.id };
}

/** The token of a fresh grant, whose limit nobody has spent from. */
async function grant(server, label) {
  const made = await api('POST', `/servers/${server.id}/grants`, { label, policy_id: server.policy });
  return made.token;
}

before(async () => {
  [app, circleci] = await Promise.all([startTollgate('--demo'), startCircleCi()]);
  key = bootstrap(app, 'Eras', 'era@example.com', 'correct horse battery staple').api_key;
  const demo = await eventually('the demo', async () => {
    const { upstream_port } = JSON.parse(readFileSync(path.join(app.data, 'demo.json'), 'utf8'));
    return upstream_port > 0 && upstream_port;
  });
  servers.both = await register('Both eras', `http://127.0.0.1:${demo}/mcp`, { kind: 'none' });
  servers.circleci = await register('CircleCI', circleci.url, { kind: 'headers', headers: { 'Circle-Token': TOKEN } });
});

after(async () => {
  await stopAll();
  app?.clean();
});

/** What holds for every client in every era: the list, ten calls, the eleventh, a reason, and what is not there. */
async function story(client) {
  const { tools } = await client.listTools();
  assert.deepEqual(tools.map((tool) => tool.name).sort(), SHOWN);
  for (let n = 1; n <= 10; n += 1) {
    const result = await rerun(client);
    assert.ok(!result.isError, `rerun ${n}: ${said(result)}`);
  }
  const eleventh = await rerun(client);
  assert.equal(eleventh.isError, true);
  assert.match(said(eleventh), /^rerun_workflow is over its limit of 10 .*try again in \d+ s/s);
  const decision = eleventh._meta['tollgate/decision'];
  assert.equal(decision.code, 'rate_limited');
  assert.equal(decision.rule, '/tools/rerun_workflow/limits/rerun_workflow_rate');
  assert.ok(decision.retry_after_ms > 0 && decision.retry_after_ms <= 61_000, JSON.stringify(decision));

  const denied = await client.callTool({ name: 'run_pipeline', arguments: { params: {} } });
  assert.equal(denied.isError, true);
  assert.match(said(denied), /Pipelines are started by people\./);

  // Hidden by the default, and never there: the same answer.
  for (const name of ['list_followed_projects', 'no_such_tool']) {
    await assert.rejects(client.callTool({ name, arguments: {} }), (error) => {
      assert.equal(error.code, -32602);
      assert.match(error.message, new RegExp(`Unknown tool: ${name}`));
      return true;
    });
  }
}

/** Every decision of a client is in the audit log under its own name. */
async function recorded(label, client) {
  const found = await eventually(`the events of ${label}`, async () => {
    const { items } = await api('GET', '/audit?tool=rerun_workflow&limit=100');
    const own = items.filter((event) => event.grant_label === label);
    return own.length === 11 && own;
  });
  assert.equal(found.filter((event) => event.code === 'rate_limited').length, 1);
  for (const event of found) assert.equal(event.client, client);
}

test('the second client in the stateless era', async () => {
  const token = await grant(servers.both, 'second-stateless');
  const client = await connectSecond(servers.both.url, token, { pin: STATELESS });
  assert.equal(client.getProtocolEra(), 'modern');
  assert.equal(client.getNegotiatedProtocolVersion(), STATELESS);
  const discovered = client.getDiscoverResult();
  assert.equal(discovered.cacheScope, 'private', 'what one grant sees is no other’s');
  assert.ok(discovered.ttlMs <= 5_000);
  await story(client);
  await client.close();
  await recorded('second-stateless', 'second-agent 2.0.0');
});

test('the second client finds out the era by itself', async () => {
  const token = await grant(servers.both, 'second-auto');
  const client = await connectSecond(servers.both.url, token, 'auto');
  assert.equal(client.getProtocolEra(), 'modern');
  await story(client);
  await client.close();
});

test('the second client in the session era', async () => {
  const token = await grant(servers.both, 'second-legacy');
  const client = await connectSecond(servers.both.url, token, 'legacy');
  assert.equal(client.getProtocolEra(), 'legacy');
  await story(client);
  await client.close();
  // The demo's upstream gives no session, and without one a client says its name in the handshake alone.
  await recorded('second-legacy', null);
});

test('the first client, which knows sessions alone', async () => {
  const token = await grant(servers.both, 'first');
  const client = await connect(servers.both.url, token);
  await story(client);
  await client.close();
});

test('a server of the session era: the second client falls back, and the counts are those of CircleCI', async () => {
  const before = circleci.seen.reruns;
  const token = await grant(servers.circleci, 'fallback');
  const client = await connectSecond(servers.circleci.url, token, 'auto');
  assert.equal(client.getProtocolEra(), 'legacy');
  await story(client);
  await client.close();
  assert.equal(circleci.seen.reruns - before, 10, 'the eleventh never reached it');
  assert.deepEqual([...circleci.seen.tokens], [TOKEN]);
});

test('a token that is not good is a plain 401 in either era', async () => {
  for (const mode of ['legacy', 'auto', { pin: STATELESS }]) {
    await assert.rejects(connectSecond(servers.both.url, 'tg_nonsense', mode), /401|[Uu]nauthorized|not accepted/);
  }
});

test('one limit for both eras: a grant gains nothing by changing its client', async () => {
  const token = await grant(servers.both, 'both-eras');
  const clients = [
    await connectSecond(servers.both.url, token, { pin: STATELESS }),
    await connectSecond(servers.both.url, token, 'legacy'),
    await connect(servers.both.url, token),
  ];
  const calls = Array.from({ length: 30 }, (_, n) => rerun(clients[n % 3]));
  const results = await Promise.all(calls);
  assert.equal(results.filter((result) => !result.isError).length, 10);
  await Promise.all(clients.map((client) => client.close()));
});

test('the catalogue for agents, with both clients in either era and without a token', async () => {
  const url = `${app.url}/mcp/catalog`;
  const clients = [
    await connect(url),
    await connectSecond(url, undefined, 'legacy'),
    await connectSecond(url, undefined, 'auto'),
    await connectSecond(url, undefined, { pin: STATELESS }),
  ];
  assert.deepEqual(clients.slice(1).map((client) => client.getProtocolEra()), ['legacy', 'modern', 'modern']);
  for (const client of clients) {
    const { tools } = await client.listTools();
    assert.deepEqual(tools.map((tool) => tool.name).sort(),
      ['check_stack', 'get_attack', 'get_server', 'get_tool', 'list_attacks', 'search_catalog']);
    const found = await client.callTool({ name: 'get_tool', arguments: { slug: 'circleci', tool: 'rerun_workflow' } });
    assert.equal(found.structuredContent.risk, 'high', said(found));
    const missing = await client.callTool({ name: 'get_server', arguments: { slug: 'no-such-server' } });
    assert.equal(missing.isError, true);
    await client.close();
  }
});
