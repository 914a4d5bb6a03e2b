// Starts what the tests need, on free ports, and stops all of it again.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const here = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const root = path.resolve(here, '../..');
export const TOKEN = 'CCIPAT_for_the_tests_0123456789abcdef';
export const WORKFLOW = '8c2f7d3e-6a54-4f0e-9d3b-2f1f0c7f9a11';

const running = [];

export function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

export async function eventually(what, check, ms = 30_000) {
  const deadline = Date.now() + ms;
  for (;;) {
    const found = await check().catch(() => undefined);
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`waited ${ms} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function start(name, command, args, env) {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const process_ = { name, child, ended, output: () => output };
  running.push(process_);
  return process_;
}

/** Stops everything, in the reverse order of its start, and waits until it has ended. */
export async function stopAll() {
  for (const { child, ended } of running.splice(0).reverse()) {
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), 15_000);
    await ended;
    clearTimeout(late);
  }
}

/** `tollgate dev` with a database of its own: what `make run` starts. */
export async function startTollgate(...more) {
  const binary = process.env.TOLLGATE_BIN ?? path.join(root, 'target/debug/tollgate');
  if (!existsSync(binary)) throw new Error('build it first: cargo build -p app (make test does)');
  const data = mkdtempSync(path.join(tmpdir(), 'tollgate-browser-'));
  const listen = `127.0.0.1:${await freePort()}`;
  const env = Object.fromEntries(Object.entries(process.env).filter(([k]) => !k.startsWith('TOLLGATE_')));
  env.TOLLGATE_METRICS_LISTEN = `127.0.0.1:${await freePort()}`;
  const app = start('tollgate', binary, ['dev', '--listen', listen, '--data', data, ...more], env);
  const url = `http://${listen}`;
  await eventually('tollgate', async () => {
    if (app.child.exitCode !== null) throw new Error('ended');
    return (await fetch(`${url}/readyz`)).ok;
  }).catch((error) => {
    throw new Error(`${error.message}\n${app.output()}`);
  });
  const clean = () => rmSync(data, { recursive: true, force: true });
  return { url, data, binary, env, output: app.output, clean };
}

/** An API that counts reruns, and the real CircleCI MCP server in front of it. */
export async function startCircleCi() {
  const seen = { reruns: 0, tokens: new Set() };
  const api = createServer((request, response) => {
    seen.tokens.add(request.headers['circle-token']);
    const answer = (status, body) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    const workflow = /^\/api\/v2\/workflow\/([^/]+)(\/rerun)?$/.exec(request.url);
    if (request.headers['circle-token'] !== TOKEN) return answer(401, { message: 'Invalid token provided.' });
    if (workflow?.[2] && request.method === 'POST') {
      seen.reruns += 1;
      return answer(200, { workflow_id: `00000000-0000-4000-8000-${String(seen.reruns).padStart(12, '0')}` });
    }
    if (workflow) {
      return answer(200, {
        id: workflow[1], name: 'build-and-test', status: 'failed', created_at: '2026-01-01T00:00:00Z',
        pipeline_number: 7, project_slug: 'gh/acme/app', pipeline_id: '5034460f-c7c4-4c43-9457-de07e2029e7b',
      });
    }
    return answer(404, { message: 'Not found' });
  });
  await new Promise((resolve) => api.listen(0, '127.0.0.1', resolve));
  api.unref();
  const port = await freePort();
  const entry = path.join(here, 'node_modules/@circleci/mcp-server-circleci/dist/index.js');
  const server = start('circleci', process.execPath, [entry], {
    ...process.env,
    start: 'remote',
    port: String(port),
    MCP_BIND_HOST: '127.0.0.1',
    CIRCLECI_BASE_URL: `http://127.0.0.1:${api.address().port}`,
    // Without it the server sends the user's token to its maker with each call's metrics.
    DISABLE_TELEMETRY: 'true',
  });
  await eventually('the CircleCI MCP server', async () => (await fetch(`http://127.0.0.1:${port}/ping`)).ok)
    .catch((error) => { throw new Error(`${error.message}\n${server.output()}`); });
  return { url: `http://127.0.0.1:${port}/mcp`, seen };
}

/** `tollgate bootstrap` against a running dev. */
export function bootstrap(app, org, email, password) {
  const file = path.join(app.data, 'password');
  writeFileSync(file, password);
  const made = spawnSync(app.binary,
    ['bootstrap', '--org', org, '--email', email, '--password-file', file, '--data', app.data, '-o', 'json'],
    { env: app.env, encoding: 'utf8' });
  if (made.status !== 0) throw new Error(made.stdout + made.stderr);
  return JSON.parse(made.stdout);
}
