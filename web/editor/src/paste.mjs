// A policy pasted into a policy is merged, and the text as it was is one press away.

/** Whether a text is a whole policy. */
export function isPolicy(text) {
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === 'object' && !Array.isArray(value) && 'version' in value;
  } catch {
    return false;
  }
}

/** Whether a paste is one to merge: a policy, into a policy of which some is to stay. */
export function merges(state, pasted) {
  const { from, to } = state.selection.main;
  const whole = state.sliceDoc(0, from).trim() === '' && state.sliceDoc(to).trim() === '';
  return !state.readOnly && state.selection.ranges.length === 1 && !whole
    && isPolicy(pasted) && isPolicy(state.doc.toString());
}
