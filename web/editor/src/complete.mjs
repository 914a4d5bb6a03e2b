// Completion from the language's schema and from the server's own tools and arguments.
import { snippet } from '@codemirror/autocomplete';
import { namesIn, placeAt } from './place.mjs';
import { described, opening, propertiesOf, schemasAt, valuesOf } from './schema.mjs';

const is = (steps, ...pattern) => steps.length === pattern.length
  && pattern.every((want, at) => want === '*' || want === steps[at]);

/** The tool in whose block the steps are; none in a glob's or a class's. */
const toolOf = (steps) => (steps[0] === 'tools' && !String(steps[1]).includes('*') ? steps[1] : null);

/** Names that the server gives a meaning to: `facts` is `{ tools: [{ name, class, paths }] }`. */
function known(facts, place) {
  const { kind, steps } = place;
  const tools = facts.tools ?? [];
  const names = () => tools.map((tool) => ({ text: tool.name, said: tool.class ?? '' }));
  if (kind === 'key') return is(steps, 'tools') ? names() : [];
  if (is(steps, 'hide', '*') || is(steps, 'tests', '*', 'tool')) return names();
  const last = steps.at(-1);
  if (last === 'path' || last === 'per' || last === 'cost') {
    const tool = toolOf(steps);
    const paths = tools.filter((other) => tool === null || other.name === tool)
      .flatMap((other) => other.paths ?? []);
    const seen = new Map(paths.map((path) => [path.path, path.type ?? '']));
    const others = last === 'path' ? FIXED.map((path) => ({ text: path, said: '' })) : [];
    return [...[...seen].map(([text, said]) => ({ text, said })), ...others];
  }
  return [];
}

const FIXED = ['grant.label', 'grant.labels.', 'grant.identity', 'tool.name', 'tool.class',
  'tool.annotations.readOnlyHint', 'tool.annotations.destructiveHint', 'time.utc.hour', 'time.utc.weekday'];

/** The options at a place, without an editor around it. */
export function options(state, place, schema, facts) {
  const schemas = schemasAt(schema, place.steps);
  if (place.kind === 'key') {
    const there = new Set(namesIn(state, place.object, place.from));
    const fields = propertiesOf(schemas)
      .map(({ name, said, required, schema: value }) => ({
        text: name, said, boost: required ? 1 : 0, after: opening(value, schema),
      }));
    const names = known(facts, place).map((option) => ({ ...option, after: ['{', '}'] }));
    return [...names, ...fields].filter(({ text }) => !there.has(text));
  }
  const values = valuesOf(schemas).map(([value, said]) => ({ value, said }));
  const named = known(facts, place).map(({ text, said }) => ({ value: JSON.stringify(text), said }));
  return [...named, ...values];
}

/** A completion source for CodeMirror. */
export const source = (load) => async (context) => {
  const place = placeAt(context.state, context.pos);
  if (!place) return null;
  const typed = context.pos > place.from;
  if (!typed && !context.explicit) return null;
  const { schema, facts } = await load();
  const found = options(context.state, place, schema, facts);
  if (found.length === 0) return null;
  const rest = context.state.sliceDoc(place.to, place.to + 40);
  const has = /^\s*:/.test(rest);
  return {
    from: place.from,
    to: place.to,
    filter: true,
    validFor: /^"?[\w*.\-/]*"?$/,
    options: found.map((option) => (place.kind === 'key' ? key(option, has) : value(option))),
  };
};

function key({ text, said, boost, after }, has) {
  const quoted = JSON.stringify(text);
  const [open, close] = after;
  // In a snippet, braces are what must be escaped.
  const escaped = quoted.replace(/[{}]/g, '\\$&');
  return {
    label: quoted,
    displayLabel: text,
    type: 'property',
    boost,
    info: said || undefined,
    apply: has ? quoted : snippet(`${escaped}: ${open.replace('{', '\\{')}\${}${close.replace('}', '\\}')}`),
  };
}

const value = ({ value: text, said }) => ({
  label: text,
  displayLabel: text.replace(/^"|"$/g, ''),
  type: 'constant',
  detail: said.length < 24 ? said || undefined : undefined,
  info: said.length < 24 ? undefined : said,
});

/** What the schema says of the field at a position. */
export function explain(state, pos, schema) {
  const place = placeAt(state, pos);
  if (!place) return null;
  const steps = place.kind === 'key'
    ? [...place.steps, JSON.parse(state.sliceDoc(place.from, place.to))]
    : place.steps;
  const said = described(schemasAt(schema, steps));
  return said ? { from: place.from, to: place.to, said } : null;
}
