// The parts of the editor that need no browser. `^` in a text is where the cursor stands.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { json } from '@codemirror/lang-json';
import { ensureSyntaxTree } from '@codemirror/language';
import { EditorState } from '@codemirror/state';
import { explain, options } from '../src/complete.mjs';
import { difference } from '../src/difference.mjs';
import { faultsOf } from '../src/faults.mjs';
import { placeAt } from '../src/place.mjs';

const SCHEMA = {
  type: 'object',
  required: ['version'],
  properties: {
    version: { const: '1', description: 'The version.' },
    default: { enum: ['allow', 'deny'] },
    hide: { type: 'array', items: { type: 'string' } },
    tools: { type: 'object', additionalProperties: { $ref: '#/$defs/block' } },
    tests: { type: 'array', items: { type: 'object', properties: { tool: { type: 'string' } } } },
  },
  $defs: {
    block: {
      type: 'object',
      properties: {
        action: { enum: ['allow', 'deny'], description: 'What is done.' },
        limits: { type: 'array', items: { $ref: '#/$defs/limit' } },
        deny_if: { type: 'array', items: { type: 'object', properties: { conditions: { type: 'array', items: { $ref: '#/$defs/condition' } } } } },
        validate: { oneOf: [{ const: 'schema' }, { type: 'object' }] },
      },
    },
    limit: { type: 'object', properties: { window: { anyOf: [{ enum: ['minute', 'hour'] }, { type: 'integer' }] } } },
    condition: { type: 'object', properties: { path: { type: 'string' }, op: { enum: ['eq'] }, value: {} } },
  },
};
const FACTS = {
  tools: [
    { name: 'rerun_workflow', class: 'execute', paths: [{ path: 'args.params.workflowId', type: 'string' }] },
    { name: 'list_x', class: 'read', paths: [{ path: 'args.q', type: 'string' }] },
  ],
};

function at(marked) {
  const pos = marked.indexOf('^');
  const doc = marked.slice(0, pos) + marked.slice(pos + 1);
  const state = EditorState.create({ doc, extensions: [json()] });
  ensureSyntaxTree(state, doc.length, 5000);
  return { state, pos };
}

function offered(marked) {
  const { state, pos } = at(marked);
  const place = placeAt(state, pos);
  return place && options(state, place, SCHEMA, FACTS).map((option) => option.text ?? option.value);
}

test('fields are offered where a key belongs, but for those that are there', () => {
  assert.deepEqual(offered('{ "version": "1", ^ }'), ['default', 'hide', 'tools', 'tests']);
  assert.deepEqual(offered('{ "version": "1", "de^" }'), ['default', 'hide', 'tools', 'tests']);
  assert.deepEqual(offered('{^}'), ['version', 'default', 'hide', 'tools', 'tests']);
});

test('the server\'s tools are offered as entries, in hide and in tests', () => {
  assert.deepEqual(offered('{ "tools": { "re^": {} } }'), ['rerun_workflow', 'list_x']);
  assert.deepEqual(offered('{ "tools": { "list_x": {}, ^ } }'), ['rerun_workflow']);
  assert.deepEqual(offered('{ "hide": ["^"] }'), ['"rerun_workflow"', '"list_x"']);
  assert.deepEqual(offered('{ "tests": [{ "tool": "^" }] }'), ['"rerun_workflow"', '"list_x"']);
});

test('values are those that the schema lists, through references', () => {
  assert.deepEqual(offered('{ "default": "^" }'), ['"allow"', '"deny"']);
  assert.deepEqual(offered('{ "default": ^ }'), ['"allow"', '"deny"']);
  assert.deepEqual(offered('{ "tools": { "x": { "limits": [{ "window": "^" }] } } }'), ['"minute"', '"hour"']);
  assert.deepEqual(offered('{ "tools": { "x": { "validate": ^ } } }'), ['"schema"']);
});

test('paths are those of the tool in whose block they stand', () => {
  const inside = (tool) => offered(`{ "tools": { "${tool}": { "deny_if": [{ "conditions": [{ "path": "^" }] }] } } }`);
  assert.equal(inside('rerun_workflow')[0], '"args.params.workflowId"');
  assert.ok(!inside('rerun_workflow').includes('"args.q"'));
  assert.ok(inside('list_*').includes('"args.q"'), 'under a glob all are offered');
  assert.ok(inside('list_x').includes('"grant.label"'));
});

test('an unfinished text has places too', () => {
  assert.deepEqual(offered('{ "version": "1", "tools": { "x": { ^'), ['action', 'limits', 'deny_if', 'validate']);
  assert.deepEqual(offered('{ "version": "1" ^'), null, 'a comma comes first');
  assert.equal(offered('^'), null);
});

test('a hint says what the schema says of the field', () => {
  const { state, pos } = at('{ "tools": { "x": { "act^ion": "deny" } } }');
  assert.equal(explain(state, pos, SCHEMA).said, 'What is done.');
});

test('a fault underlines what it is about, and counts columns in characters', () => {
  const state = EditorState.create({ doc: '{ "𝒳": 1,\n  "default": "alow" }', extensions: [json()] });
  ensureSyntaxTree(state, state.doc.length, 5000);
  const fault = (line, column) => ({ line, column, code: 'bad_value', detail: 'must be one of `allow` and `deny`', hint: 'allow' });
  const [found] = faultsOf(state, { faults: [fault(2, 14)], warnings: [] });
  assert.equal(state.sliceDoc(found.from, found.to), '"alow"');
  assert.equal(found.message, 'Must be one of `allow` and `deny`. Nearest: allow.');
  const [value] = faultsOf(state, { faults: [fault(1, 8)] });
  assert.equal(state.sliceDoc(value.from, value.to), '1');
  assert.equal(faultsOf(state, { faults: [fault(99, 99)] }).length, 1, 'a place that is gone is the last one');
});

test('the smallest change keeps what is the same at both ends', () => {
  const apply = (text, change) => (change ? text.slice(0, change.from) + change.insert + text.slice(change.to) : text);
  for (const [before, after] of [['', ''], ['a', ''], ['', 'a'], ['abc', 'abXc'], ['aaaa', 'aaa'], ['aXa', 'aYYa'], ['abab', 'ab']]) {
    assert.equal(apply(before, difference(before, after)), after, `${before} to ${after}`);
  }
  assert.deepEqual(difference('one two three', 'one 2 three'), { from: 4, to: 7, insert: '2' });
});
