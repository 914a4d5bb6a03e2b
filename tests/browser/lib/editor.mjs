// Writing in the policy editor. Its JSON side is CodeMirror over the form's textarea.
import assert from 'node:assert/strict';

/** The text as the form would send it. */
export const text = (page) => page.locator('#document').inputValue();

/** Types a whole document in the place of what stands in the editor. */
export async function write(page, document) {
  await page.locator('.json-editor .cm-content').click();
  await page.keyboard.press('Control+A');
  await page.keyboard.press('Delete');
  await page.keyboard.insertText(document);
  assert.equal(await text(page), document, 'the form has what was typed');
}
