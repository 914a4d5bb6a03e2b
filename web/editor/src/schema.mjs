// Reading a JSON Schema as far as completion and hints need it.

/** The schemas that may hold at the end of these steps. */
export function schemasAt(root, steps) {
  let here = alternatives(root, root);
  for (const step of steps) {
    here = here.flatMap((schema) => child(schema, step)).flatMap((schema) => alternatives(root, schema));
  }
  return here;
}

function child(schema, step) {
  if (typeof step === 'number') return schema.items ? [schema.items] : [];
  if (schema.properties && Object.hasOwn(schema.properties, step)) return [schema.properties[step]];
  const found = Object.entries(schema.patternProperties ?? {})
    .filter(([pattern]) => new RegExp(pattern, 'u').test(step))
    .map(([, value]) => value);
  if (found.length > 0) return found;
  return typeof schema.additionalProperties === 'object' ? [schema.additionalProperties] : [];
}

function alternatives(root, schema, depth = 0) {
  if (typeof schema !== 'object' || schema === null || depth > 16) return [];
  const below = (other) => alternatives(root, other, depth + 1);
  const own = { ...schema };
  const found = [own];
  if (schema.$ref) found.push(...below(resolve(root, schema.$ref)));
  for (const key of ['anyOf', 'oneOf', 'allOf']) {
    for (const other of schema[key] ?? []) found.push(...below(other));
  }
  return found;
}

function resolve(root, ref) {
  if (!ref.startsWith('#/')) return {};
  return ref.slice(2).split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((at, step) => at?.[step], root) ?? {};
}

/** Properties that may stand in an object, each once: `[name, description, required]`. */
export function propertiesOf(schemas) {
  const found = new Map();
  for (const schema of schemas) {
    for (const [name, value] of Object.entries(schema.properties ?? {})) {
      const required = (schema.required ?? []).includes(name);
      const said = value.description ?? value.title ?? '';
      if (!found.has(name)) found.set(name, { name, said, required, schema: value });
    }
  }
  return [...found.values()];
}

/** Values that a schema lists, each once. */
export function valuesOf(schemas) {
  const found = new Map();
  for (const schema of schemas) {
    const listed = schema.enum ?? ('const' in schema ? [schema.const] : []);
    for (const value of listed) found.set(JSON.stringify(value), schema.description ?? '');
    if (schema.type === 'boolean') for (const value of ['true', 'false']) found.set(value, '');
  }
  return [...found];
}

/** What to write first where this value belongs. */
export function opening(schema, root) {
  const types = new Set(alternatives(root, schema).flatMap((one) => one.type ?? []));
  if (types.has('object')) return ['{', '}'];
  if (types.has('array')) return ['[', ']'];
  if (types.has('string')) return ['"', '"'];
  return ['', ''];
}

/** The first description found. */
export const described = (schemas) => schemas.map((schema) => schema.description).find(Boolean);
