// The editor in the console's own colours: they are custom properties, so light and dark follow.
import { HighlightStyle } from '@codemirror/language';
import { EditorView } from '@codemirror/view';
import { tags } from '@lezer/highlight';

export const theme = EditorView.theme({
  '&': {
    color: 'var(--text)', backgroundColor: 'var(--surface)', fontSize: '12.5px',
    border: '1px solid var(--line-strong)', borderRadius: 'var(--radius)',
    maxHeight: '72vh',
  },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '1px' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '20px', overflow: 'auto' },
  '.cm-content, .cm-gutter': { minHeight: '420px' },
  '.cm-content': { padding: '12px 0', caretColor: 'var(--text)' },
  '.cm-line': { padding: '0 14px 0 6px' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground, .cm-content ::selection':
    { backgroundColor: 'var(--accent-soft)' },
  '.cm-gutters': {
    backgroundColor: 'var(--sunken)', color: 'var(--dim)', border: '0',
    borderRight: '1px solid var(--line)', borderRadius: 'var(--radius) 0 0 var(--radius)',
  },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--hover) 70%, transparent)' },
  '.cm-activeLineGutter': { backgroundColor: 'var(--hover)', color: 'var(--text)' },
  '.cm-foldPlaceholder': {
    backgroundColor: 'var(--quiet-soft)', border: '0', color: 'var(--quiet)', padding: '0 6px',
  },
  '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': {
    backgroundColor: 'var(--accent-soft)', outline: '1px solid var(--line-strong)',
  },
  '.cm-tooltip, .cm-panels': {
    backgroundColor: 'var(--surface)', color: 'var(--text)', border: '1px solid var(--line-strong)',
    borderRadius: 'var(--radius)', boxShadow: 'var(--float)', fontFamily: 'var(--sans)', fontSize: '13px',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)', fontSize: '12.5px', maxHeight: '16em' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '3px 10px', lineHeight: '20px' },
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--accent-soft)', color: 'var(--text)' },
  '.cm-completionDetail': { color: 'var(--dim)', fontStyle: 'normal' },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '600', color: 'var(--accent)' },
  '.cm-completionInfo': { padding: '8px 12px', maxWidth: '320px', lineHeight: '1.45' },
  '.cm-hint': { padding: '8px 12px', maxWidth: '380px', lineHeight: '1.45' },
  '.cm-diagnostic': { padding: '8px 12px', borderLeft: '0', whiteSpace: 'normal', maxWidth: '460px', lineHeight: '1.45' },
  '.cm-diagnostic-error::before': { content: '"Fault  "', fontWeight: '600', color: 'var(--refused)' },
  '.cm-diagnostic-warning::before': { content: '"Warning  "', fontWeight: '600', color: 'var(--attention)' },
  '.cm-lintRange-error, .cm-lintRange-warning': { backgroundImage: 'none', textDecorationLine: 'underline',
    textDecorationStyle: 'wavy', textDecorationSkipInk: 'none', textUnderlineOffset: '3px' },
  '.cm-lintRange-error': { textDecorationColor: 'var(--refused-fill)' },
  '.cm-lintRange-warning': { textDecorationColor: 'var(--waiting-fill)' },
  '.cm-lintRange-active': { backgroundColor: 'var(--refused-soft)' },
  '.cm-panels input, .cm-panels button': {
    font: 'inherit', color: 'inherit', backgroundColor: 'var(--surface)', backgroundImage: 'none',
    border: '1px solid var(--line-strong)', borderRadius: '4px',
  },
  '.cm-searchMatch': { backgroundColor: 'var(--waiting-soft)' },
  '.cm-searchMatch.cm-searchMatch-selected': { backgroundColor: 'var(--accent-soft)', outline: '1px solid var(--accent)' },
});

export const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: 'var(--accent)' },
  { tag: tags.string, color: 'var(--allowed)' },
  { tag: tags.number, color: 'var(--limited)' },
  { tag: [tags.bool, tags.null], color: 'var(--attention)', fontWeight: '600' },
  { tag: [tags.separator, tags.squareBracket, tags.brace], color: 'var(--dim)' },
]);
