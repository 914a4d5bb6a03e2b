// Where in a JSON text a position is, read off the syntax tree, which also exists while the text is
// being written and is not JSON yet.
import { syntaxTree } from '@codemirror/language';

const text = (state, node) => state.sliceDoc(node.from, node.to);

/** A property's name, unquoted; the raw text where it is not a whole string yet. */
export function nameOf(state, node) {
  const raw = text(state, node);
  try {
    return JSON.parse(raw);
  } catch {
    return raw.replace(/^"|"$/g, '');
  }
}

const VALUES = new Set(['Object', 'Array', 'String', 'Number', 'True', 'False', 'Null']);

function indexIn(array, node) {
  let index = 0;
  for (let child = array.firstChild; child && child.from < node.from; child = child.nextSibling) {
    if (VALUES.has(child.name)) index += 1;
  }
  return index;
}

/** The steps from the document down to this node. */
export function stepsTo(state, node) {
  const steps = [];
  for (let at = node; at; at = at.parent) {
    if (at.name === 'Property') {
      const name = at.getChild('PropertyName');
      if (name) steps.unshift(nameOf(state, name));
    } else if (at.parent?.name === 'Array' && VALUES.has(at.name)) {
      steps.unshift(indexIn(at.parent, at));
    }
  }
  return steps;
}

/**
 * What is being written at a position: `{ kind: 'key' | 'value', steps, from, to, object }`.
 * `steps` lead to the object of the key, or to the value; `from` and `to` span what a completion
 * replaces.
 */
export function placeAt(state, pos) {
  const node = syntaxTree(state).resolveInner(pos, -1);
  if (node.name === 'PropertyName') {
    const property = node.parent;
    return { kind: 'key', steps: stepsTo(state, property.parent), from: node.from, to: node.to, object: property.parent };
  }
  if (node.name === 'String' && pos > node.from) {
    return { kind: 'value', steps: stepsTo(state, node), from: node.from, to: node.to };
  }
  // A word that is not quoted yet is an error to the parser, inside whatever it stands in.
  const line = state.doc.lineAt(pos);
  const word = /[\w*"@.\-/]*$/.exec(line.text.slice(0, pos - line.from))[0];
  const from = pos - word.length;
  let outer = syntaxTree(state).resolveInner(from, -1);
  while (outer && !['Object', 'Array', 'Property', 'JsonText'].includes(outer.name)) outer = outer.parent;
  const before = state.sliceDoc(0, from).trimEnd().at(-1);
  if (outer?.name === 'Property' && before !== ':') outer = outer.parent;
  if (outer?.name === 'Property') return { kind: 'value', steps: stepsTo(state, outer), from, to: pos };
  if (outer?.name === 'Object') {
    if (before !== '{' && before !== ',') return null;
    return { kind: 'key', steps: stepsTo(state, outer), from, to: pos, object: outer };
  }
  if (outer?.name === 'Array') {
    let index = 0;
    for (let child = outer.firstChild; child && child.to <= from; child = child.nextSibling) {
      if (VALUES.has(child.name)) index += 1;
    }
    return { kind: 'value', steps: [...stepsTo(state, outer), index], from, to: pos };
  }
  return null;
}

/** The names that an object has already, but for the one that is being written. */
export function namesIn(state, object, writing) {
  return object.getChildren('Property')
    .map((property) => property.getChild('PropertyName'))
    .filter((name) => name && name.from !== writing)
    .map((name) => nameOf(state, name));
}

/** The narrowest node at a position that is a value or a name: what a fault underlines. */
export function spanAt(state, pos) {
  let node = syntaxTree(state).resolveInner(Math.min(pos, state.doc.length), 1);
  while (node.parent && !VALUES.has(node.name) && node.name !== 'PropertyName') node = node.parent;
  // Of an object or a list its first line is enough.
  const end = Math.min(node.to, state.doc.lineAt(pos).to);
  return { from: pos, to: Math.max(Math.min(pos + 1, state.doc.length), end) };
}
