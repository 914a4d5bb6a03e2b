// The JSON side of the policy editor, over a textarea that does the job without it and stays the
// form's field. Everything is fetched from this origin.
//
//   <textarea data-json-editor data-lint="…" data-facts="…" data-schema="…" data-merge="…">
//
// `data-lint` answers a POST of the form with `{ faults, warnings }`; `data-facts` gives the
// server's tools; `data-schema` the language's schema; `data-merge` a POST of the form with `rule` by
// `{ document, said }` or `{ refused }`.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, undo } from '@codemirror/commands';
import { json } from '@codemirror/lang-json';
import { bracketMatching, codeFolding, foldGutter, foldKeymap, indentOnInput, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { linter, lintGutter, lintKeymap } from '@codemirror/lint';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { Annotation, EditorState } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, hoverTooltip, keymap, lineNumbers } from '@codemirror/view';
import { explain, source } from './complete.mjs';
import { difference } from './difference.mjs';
import { faultsOf } from './faults.mjs';
import { merges } from './paste.mjs';
import { colours, theme } from './theme.mjs';

/** One editor a page. It outlives the textarea, which a partial update may replace. */
let view = null;
let area = null;
let host = null;
/** Marks a change that came from the form, so that it is not taken for typing. */
const fromForm = Annotation.define();

const fetched = new Map();
function get(url) {
  if (!url) return Promise.resolve({});
  if (!fetched.has(url)) {
    const answer = fetch(url).then((response) => (response.ok ? response.json() : {})).catch(() => ({}));
    fetched.set(url, answer);
  }
  return fetched.get(url);
}

async function load() {
  const [schema, facts] = await Promise.all([get(area.dataset.schema), get(area.dataset.facts)]);
  return { schema, facts };
}

async function lint(editor) {
  const url = area.dataset.lint;
  if (!url || area.readOnly) return [];
  const body = new URLSearchParams();
  body.set('csrf', area.form.querySelector('input[name=csrf]').value);
  body.set('document', editor.state.doc.toString());
  try {
    const response = await fetch(url, { method: 'POST', body });
    return response.ok ? faultsOf(editor.state, await response.json()) : [];
  } catch {
    // Saving says it as well.
    return [];
  }
}

/** A line above the editor, with what can be done about what it says. */
function remark(words, buttons) {
  document.querySelector('.paste-remark')?.remove();
  const line = Object.assign(document.createElement('p'), { className: 'toast paste-remark', textContent: words });
  line.setAttribute('role', 'status');
  for (const [name, act] of buttons) {
    const button = Object.assign(document.createElement('button'), { type: 'button', className: 'linklike', textContent: name });
    button.addEventListener('click', () => { line.remove(); act(); view.focus(); });
    line.append(' ', button);
  }
  host.before(line);
}

async function merge(editor, rule) {
  const before = editor.state.doc;
  const at = editor.state.selection.main;
  const asText = () => editor.dispatch({ changes: { from: at.from, to: at.to, insert: rule }, userEvent: 'input.paste' });
  const body = new URLSearchParams();
  body.set('csrf', area.form.querySelector('input[name=csrf]').value);
  body.set('document', before.toString());
  body.set('rule', rule);
  let answer = {};
  try {
    const response = await fetch(area.dataset.merge, { method: 'POST', body });
    if (response.ok) answer = await response.json();
  } catch {
    // It is pasted as any text is.
  }
  if (editor.state.doc !== before) return;
  if (answer.document === undefined) {
    asText();
    if (answer.refused) remark(`Pasted as text: ${answer.refused}`, []);
    return;
  }
  const change = difference(before.toString(), answer.document);
  if (change) editor.dispatch({ changes: change, userEvent: 'input.merge' });
  const back = () => { if (change) undo(editor); };
  remark(`Merged, not saved: ${answer.said}`, [
    ['Undo', back],
    ['Paste as text instead', () => { back(); asText(); }],
  ]);
}

const paste = EditorView.domEventHandlers({
  paste(event, editor) {
    const rule = event.clipboardData?.getData('text/plain') ?? '';
    if (!area.dataset.merge || !merges(editor.state, rule)) return false;
    event.preventDefault();
    merge(editor, rule);
    return true;
  },
});

const hints = hoverTooltip(async (editor, pos) => {
  const { schema } = await load();
  const found = explain(editor.state, pos, schema);
  if (!found) return null;
  const dom = Object.assign(document.createElement('div'), { className: 'cm-hint', textContent: found.said });
  return { pos: found.from, end: found.to, above: true, create: () => ({ dom }) };
});

const mirror = EditorView.updateListener.of((update) => {
  if (!update.docChanged) return;
  area.value = update.state.doc.toString();
  if (!update.transactions.some((one) => one.annotation(fromForm))) {
    area.dispatchEvent(new Event('input', { bubbles: true }));
  }
});

function extensions() {
  return [
    lineNumbers(), foldGutter(), lintGutter(), codeFolding(), history(), drawSelection(),
    highlightActiveLine(), highlightActiveLineGutter(), highlightSelectionMatches(), search({ top: true }),
    indentOnInput(), indentUnit.of('  '), EditorState.tabSize.of(2), bracketMatching(), closeBrackets(),
    json(), syntaxHighlighting(colours), theme, hints, mirror, paste,
    linter(lint, { delay: 350 }),
    autocompletion({ override: [source(load)], icons: false }),
    // Tab stays with the page, so that the keyboard gets out.
    keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap,
      ...foldKeymap, ...completionKeymap, ...lintKeymap]),
    EditorState.readOnly.of(area.readOnly),
    EditorView.editable.of(!area.readOnly),
    EditorView.contentAttributes.of({ 'aria-label': 'Policy as JSON', spellcheck: 'false', tabindex: '0' }),
  ];
}

function mount() {
  const found = document.querySelector('textarea[data-json-editor]');
  if (!found || found === area) return;
  area = found;
  if (!view) {
    host = document.createElement('div');
    host.className = 'json-editor';
    // Styles made by script are allowed in a shadow root without loosening the page's policy.
    const root = host.attachShadow({ mode: 'open' });
    view = new EditorView({ root, parent: root, doc: area.value, extensions: extensions() });
  } else {
    const change = difference(view.state.doc.toString(), area.value);
    if (change) view.dispatch({ changes: change, annotations: fromForm.of(true) });
  }
  const frame = area.closest('.editor') ?? area;
  frame.before(host);
  frame.hidden = true;
  view.requestMeasure();
}

/** To a line, for links that point at a fault or a rule. */
function jump(line) {
  const at = view.state.doc.line(Math.min(Math.max(line, 1), view.state.doc.lines));
  view.dispatch({ selection: { anchor: at.from }, effects: EditorView.scrollIntoView(at.from, { y: 'center' }) });
  view.focus();
}

document.addEventListener('click', (event) => {
  const link = event.target.closest?.('a[data-jump]');
  if (link && view && link.dataset.area === area.id) {
    event.preventDefault();
    event.stopPropagation();
    jump(Number(link.dataset.jump));
  }
  if (view && event.target.closest?.('label')?.htmlFor === area?.id) view.focus();
}, true);

document.addEventListener('tollgate:swapped', mount);
mount();
