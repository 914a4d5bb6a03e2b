// What the server found, at its place in the text.
import { spanAt } from './place.mjs';

const MOST = 100;

function one(state, fault, severity) {
  const line = state.doc.line(Math.min(Math.max(fault.line, 1), state.doc.lines));
  // Columns count characters; CodeMirror counts UTF-16 units.
  const before = [...line.text].slice(0, fault.column - 1).join('').length;
  const { from, to } = spanAt(state, Math.min(line.from + before, line.to));
  const hint = fault.hint ? ` Nearest: ${fault.hint}.` : '';
  return { from, to, severity, message: sentence(fault.detail) + hint, source: fault.code };
}

function sentence(text) {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}

/** Diagnostics for CodeMirror, faults before warnings. */
export function faultsOf(state, { faults = [], warnings = [] }) {
  return [
    ...faults.slice(0, MOST).map((fault) => one(state, fault, 'error')),
    ...warnings.slice(0, MOST).map((fault) => one(state, fault, 'warning')),
  ];
}
