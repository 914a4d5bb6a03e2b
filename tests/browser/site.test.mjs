// The public pages in a real browser: the first page's live decision, docs, contact; and on each the
// audits that matter: weight, nothing that blocks, sizes, names, contrast, room for fingers.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, picture, watch } from './lib/browser.mjs';
import { startTollgate, stopAll } from './lib/processes.mjs';

const BYTES_MAX = 60 * 1024;
let app, browser, page;
const complaints = [];

before(async () => {
  [app, browser] = await Promise.all([startTollgate(), launch()]);
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  page = await context.newPage();
  page.setDefaultTimeout(10_000);
  watch(page, complaints);
});

after(async () => {
  await browser?.close();
  await stopAll();
  app?.clean();
});

const verdict = () => page.locator('#verdict');

test('the first page decides a call while one types', async () => {
  await page.goto(app.url);
  await verdict().getByText('rerun_workflow is over its limit of 10 a minute').waitFor();
  await page.getByLabel('as call number').fill('9');
  await verdict().getByText('Call 9 of rerun_workflow goes to the server').waitFor();
  await page.getByRole('button', { name: 'Call again' }).click();
  await verdict().getByText('Call 10 of rerun_workflow goes to the server').waitFor();
  await page.getByRole('button', { name: 'Call again' }).click();
  await verdict().getByText('is over its limit').waitFor();
  assert.equal(new URL(page.url()).pathname + new URL(page.url()).search, '/', 'without leaving the page');

  await page.getByRole('link', { name: 'A pipeline on main' }).click();
  await verdict().locator('.reads', { hasText: 'Pipelines on main are started by people.' }).waitFor();
  assert.equal(await page.getByLabel('The agent calls').inputValue(), 'run_pipeline');
  const policy = page.getByLabel('The policy');
  await policy.fill((await policy.inputValue()).replaceAll('"main"', '"trunk"'));
  await verdict().getByText('Call 1 of run_pipeline goes to the server').waitFor();
  await policy.fill('{ "version": "1", "tols": {} }');
  await verdict().getByText('The policy has a fault').waitFor();
});

test('and without script by a form and by links', async () => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const plain = await context.newPage();
  plain.setDefaultTimeout(10_000);
  await plain.goto(app.url);
  await plain.getByLabel('as call number').fill('10');
  await plain.getByRole('button', { name: 'Decide' }).click();
  await plain.locator('#verdict').getByText('Call 10 of rerun_workflow goes').waitFor();
  await plain.getByRole('button', { name: 'Call again' }).click();
  await plain.locator('#verdict').getByText('is over its limit').waitFor();
  assert.equal(await plain.getByLabel('as call number').inputValue(), '11');
  await plain.getByRole('link', { name: 'A tool that no rule names' }).click();
  await plain.locator('#verdict').getByText('there is no tool run_rollback_pipeline').waitFor();
  await plain.goto(`${app.url}/docs/search?q=shadow`);
  await plain.locator('mark').first().waitFor();
  await plain.goto(`${app.url}/contact`);
  await plain.getByLabel('Name').fill('Ada');
  await plain.getByLabel('E-mail').fill('ada@example.com');
  await plain.getByLabel('Message').fill('Hello');
  await plain.getByRole('button', { name: 'Send message' }).click();
  await plain.getByRole('heading', { name: 'Message received' }).waitFor();
  assert.match(app.output(), /A message from the contact form/);
  await context.close();
});

test('code of the docs is copied, and search finds a section', async () => {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: app.url });
  await page.goto(`${app.url}/docs/quick-start`);
  await page.getByRole('button', { name: 'Copy' }).first().click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /rerun_workflow_rate/);
  await page.getByLabel('Search the docs').fill('shadow');
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: 'Trying a rule in shadow' }).first().click();
  await page.waitForURL(/\/docs\/policy#trying-a-rule-in-shadow$/);
});

const PAGES = {
  '20-landing': '/',
  '21-attack-tried': '/?attack=rug-pull',
  '22-docs': '/docs',
  '23-docs-page': '/docs/quick-start',
  '24-docs-policy': '/docs/policy',
  '25-docs-search': '/docs/search?q=limit',
  '26-contact': '/contact',
  '27-contact-sent': '/contact/sent',
  '28-sign-in': '/sign-in',
  '29-sign-up': '/sign-up',
  '30-nothing': '/docs/none',
  '31-catalogue': '/catalog',
  '32-tools': '/catalog?q=workflow&kind=tools',
  '33-server': '/catalog/servers/circleci',
  '34-tool': '/catalog/servers/circleci/tools/rerun_workflow',
  '35-attack': '/catalog/attacks/rug-pull',
};

for (const [name, path] of Object.entries(PAGES)) {
  test(`audits of ${path}`, async () => {
    const loaded = [];
    const count = (response) => {
      const { pathname } = new URL(response.url());
      if (/\.(css|js)$/.test(pathname)) loaded.push(response.body().then((body) => body.length));
    };
    page.on('response', count);
    await page.goto(app.url + path);
    page.off('response', count);
    const bytes = (await Promise.all(loaded)).reduce((sum, one) => sum + one, 0);
    // Nothing is loaded where the browser has kept it; the first page shows the weight.
    assert.ok(bytes < BYTES_MAX, `${bytes} bytes of styles and script`);
    const found = await page.evaluate(audit);
    await page.setViewportSize({ width: 375, height: 812 });
    await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
    const phone = await page.evaluate(audit);
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize({ width: 1440, height: 900 });
    assert.deepEqual([...found, ...phone.map((one) => `on a phone: ${one}`)], []);
    await picture(page, name, complaints);
  });
}

test('nothing complained', () => assert.deepEqual(complaints, []));

/** Runs in the page: what is wrong with it, a sentence each. */
function audit() {
  const wrong = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  const shown = (element) => {
    const box = element.getBoundingClientRect();
    return box.width > 1 && box.height > 1 && getComputedStyle(element).visibility !== 'hidden'
      && box.left > -1000 && !element.closest('.trap');
  };
  const named = (element) => element.outerHTML.slice(0, 90);

  if (document.documentElement.lang !== 'en') wrong.push('no language');
  if (!document.title.endsWith('· Tollgate') || document.title.length < 14) wrong.push(`title ${document.title}`);
  if (!document.querySelector('meta[name=viewport]')) wrong.push('no viewport');
  const listed = !document.querySelector('meta[name=robots][content=noindex]');
  const description = document.querySelector('meta[name=description]')?.content ?? '';
  if (listed && (description.length < 30 || description.length > 320)) wrong.push(`description: ${description}`);
  if (listed && !document.querySelector('link[rel=canonical]')) wrong.push('no canonical link');
  if (all('h1').length !== 1) wrong.push(`${all('h1').length} h1`);
  let level = 1;
  for (const heading of all('h1, h2, h3, h4')) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) wrong.push(`heading skips a level: ${named(heading)}`);
    level = next;
  }
  for (const script of all('script[src]')) if (!script.defer) wrong.push(`blocks: ${named(script)}`);
  for (const script of all('script:not([src])')) {
    if (script.type !== 'application/ld+json') wrong.push(`inline: ${named(script)}`);
    else JSON.parse(script.textContent);
  }
  for (const image of all('img')) {
    if (!image.getAttribute('width') || !image.getAttribute('height')) wrong.push(`no size: ${named(image)}`);
    if (!image.hasAttribute('alt')) wrong.push(`no alt: ${named(image)}`);
  }
  for (const field of all('input:not([type=hidden]), textarea, select')) {
    if (!field.labels?.length && !field.getAttribute('aria-label')) wrong.push(`no label: ${named(field)}`);
  }
  for (const link of all('a[href], button')) {
    const name = link.getAttribute('aria-label') || link.textContent.trim() || link.querySelector('img')?.alt;
    if (!name) wrong.push(`no name: ${named(link)}`);
  }
  const ids = all('[id]').map((element) => element.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) wrong.push(`id twice: ${id}`);
  if (document.documentElement.scrollWidth > window.innerWidth) {
    wrong.push(`${document.documentElement.scrollWidth - window.innerWidth} px too wide`);
  }

  // WCAG 2.2, 2.5.8: 24 px, except for links in a sentence.
  for (const target of all('a[href], button, input:not([type=hidden]), select, textarea, summary').filter(shown)) {
    const inline = getComputedStyle(target).display === 'inline';
    // Who presses the words beside a radio button presses the button.
    const box = (target.type === 'radio' ? target.labels[0] : target).getBoundingClientRect();
    if (!inline && !target.closest('.skip') && (box.height < 24 || box.width < 24)) {
      wrong.push(`small (${Math.round(box.width)}×${Math.round(box.height)}): ${named(target)}`);
    }
  }

  // WCAG 2.2, 1.4.3: 4.5 to 1, of what is opaque.
  const rgba = (text) => {
    const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour.a === 1) return colour;
    }
    return { r: 255, g: 255, b: 255 };
  };
  const light = ({ r, g, b }) => {
    const [x, y, z] = [r, g, b].map((part) => {
      const one = part / 255;
      return one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const faint = new Set();
  for (const element of all('body *').filter(shown)) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    // Marks that are read to nobody, such as the strokes between crumbs.
    if (!own || element.ariaHidden) continue;
    const [text, ground] = [light(rgba(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
    if (ratio < 4.5) faint.add(`contrast ${ratio.toFixed(2)}: ${element.tagName} .${element.className}`);
  }
  return [...wrong, ...faint];
}
