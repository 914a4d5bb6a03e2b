// Runs every *.test.mjs, one file after another, and counts in the last line.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { here } from './lib/processes.mjs';

const wanted = process.argv.slice(2);
const files = readdirSync(here)
  .filter((name) => name.endsWith('.test.mjs') && (wanted.length === 0 || wanted.some((word) => name.includes(word))))
  .map((name) => path.join(here, name));
if (files.length === 0) throw new Error('no test file');

let passed = 0;
let failed = 0;
let skipped = 0;
const stream = run({ files, concurrency: 1, timeout: 600_000 });
stream.on('test:pass', (event) => {
  if (event.skip) skipped += 1;
  else if (event.details.type !== 'suite') passed += 1;
});
stream.on('test:fail', () => (failed += 1));
stream.compose(new spec()).pipe(process.stdout);
stream.on('end', () => {
  // The reporter writes a moment longer.
  setTimeout(() => {
    console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
    process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
  }, 200);
});
