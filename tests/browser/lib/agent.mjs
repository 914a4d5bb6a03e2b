// The official TypeScript clients, of both generations.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import * as second from '@modelcontextprotocol/client';
import { WORKFLOW } from './processes.mjs';

const bearer = (token) => (token === undefined ? {} : { requestInit: { headers: { Authorization: `Bearer ${token}` } } });

/** An agent that has shaken hands at a proxy URL with a grant's token; without one where none is wanted. */
export async function connect(url, token) {
  const transport = new StreamableHTTPClientTransport(new URL(url), bearer(token));
  const client = new Client({ name: 'story-agent', version: '1.0.0' });
  await client.connect(transport);
  return client;
}

/** The same with the client of the second generation, which speaks either era. */
export async function connectSecond(url, token, mode) {
  const transport = new second.StreamableHTTPClientTransport(new URL(url), bearer(token));
  const client = new second.Client({ name: 'second-agent', version: '2.0.0' }, { versionNegotiation: { mode } });
  await client.connect(transport);
  return client;
}

export const rerun = (client) =>
  client.callTool({ name: 'rerun_workflow', arguments: { params: { workflowId: WORKFLOW } } });

export const said = (result) => result.content.map((part) => part.text ?? '').join('\n');
