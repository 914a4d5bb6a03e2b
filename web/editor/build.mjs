// Bundles the editor into web/static/editor.js, with the licences of what is in it beside it.
//   node build.mjs            writes both
//   node build.mjs --check    fails where what is committed is not what these sources give
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = path.dirname(fileURLToPath(import.meta.url));
const out = path.join(here, '../static/editor.js');
const licences = path.join(here, '../static/editor.licences.txt');

const bundled = await build({
  entryPoints: [path.join(here, 'src/main.mjs')],
  absWorkingDir: here,
  bundle: true,
  minify: true,
  format: 'iife',
  target: ['es2022'],
  charset: 'utf8',
  legalComments: 'none',
  metafile: true,
  write: false,
});
const script = `// CodeMirror and what it needs: see editor.licences.txt. Made by web/editor/build.mjs.\n${bundled.outputFiles[0].text}`;

// The packages of which a byte is in the bundle, each with its licence.
const names = new Set(Object.keys(bundled.metafile.inputs)
  .map((input) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1])
  .filter(Boolean));
const require = createRequire(import.meta.url);
const notice = [...names].sort().map((name) => {
  const folder = path.join(here, 'node_modules', name);
  const { version, license } = require(path.join(folder, 'package.json'));
  return `${name} ${version} (${license})\n\n${readFileSync(path.join(folder, 'LICENSE'), 'utf8').trim()}\n`;
}).join(`\n${'-'.repeat(72)}\n\n`);

if (process.argv.includes('--check')) {
  for (const [file, made] of [[out, script], [licences, notice]]) {
    if (readFileSync(file, 'utf8') !== made) {
      console.error(`${path.basename(file)} is not what web/editor makes: run \`make editor\``);
      process.exitCode = 1;
    }
  }
} else {
  writeFileSync(out, script);
  writeFileSync(licences, notice);
  console.log(`web/static/editor.js: ${Math.round(script.length / 1024)} KiB`);
}
