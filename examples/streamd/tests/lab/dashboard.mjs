// Clicks through the dashboard in headless Chromium, and prints what it saw as one line of JSON.
//
//   node dashboard.mjs URL TOKEN CLIP SINK FOLDER
//
// URL: a streamd whose API asks for TOKEN. CLIP: what ffmpeg publishes. SINK: where a push goes, rtmp://…/app.
// FOLDER: for pictures of the page. Things are found by what a screen reader would say of them.
// Runs in target/lab, where node_modules is.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';

const require = createRequire(`${process.cwd()}/`);
const { chromium } = require('playwright-core');
const [url, token, clip, sink, folder] = process.argv.slice(2);
// A name that would do something if it were ever taken for HTML.
const NAME = '<img src=x onerror=alert(1)> studio';
const seen = { console: [], steps: [] };
const children = [];

function fail(why) { throw new Error(why); }
async function until(what, look, limit = 20000) {
  for (const begin = Date.now(); Date.now() - begin < limit; await new Promise((done) => setTimeout(done, 100))) {
    const value = await look();
    if (value) return value;
  }
  return fail(`after ${limit} ms not so: ${what}`);
}
function step(name, facts = {}) { seen.steps.push({ name, ...facts }); }

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required'],
});

async function click(page) {
  const main = page.getByRole('main');
  const button = (name) => main.getByRole('button', { name, exact: true });
  const card = main.getByRole('article', { name: NAME });
  const told = (text) => page.getByRole('status').filter({ hasText: text }).waitFor();
  const shot = (name) => page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
  const yes = (verb) => page.getByRole('dialog').getByRole('button', { name: verb }).click();

  // The API asks for a token: a wrong one is refused, the right one is kept for this tab alone.
  await page.goto(url);
  await page.getByLabel('Token', { exact: true }).fill('wrong-token-0000');
  await page.keyboard.press('Enter');
  await main.getByRole('alert').filter({ hasText: 'token is needed' }).waitFor();
  // The page follows what happens from a moment after it knows the token.
  const follows = page.waitForResponse(it => it.url().endsWith('/v1/events') && it.ok());
  await page.getByLabel('Token', { exact: true }).fill(token);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Forget the token' }).waitFor();
  const kept = await page.evaluate(() => [sessionStorage.getItem('token'), localStorage.length, document.cookie]);
  if (kept[0] !== token || kept[1] || kept[2]) fail(`the token is kept in ${JSON.stringify(kept)}`);
  step('token');

  // An input, with the keyboard. Its key is shown now, and again when it is asked for.
  await main.getByText('New input', { exact: true }).focus();
  await page.keyboard.press('Enter');
  await main.getByLabel('Name', { exact: true }).first().fill(NAME);
  await page.keyboard.press('Enter');
  await card.getByText('Copy the key now').waitFor();
  const focused = await page.evaluate(() => document.activeElement.textContent);
  if (focused !== NAME) fail(`the focus is on ${focused}`);
  const key = await button(`Copy the key of ${NAME}`).getAttribute('title');
  const server = await button(`Copy the server of ${NAME}`).getAttribute('title');
  await button(`Copy the key of ${NAME}`).click();
  await told('key copied');
  if (await page.evaluate(() => navigator.clipboard.readText()) !== key) fail('something else is on the clipboard');
  await shot('created');
  await button('Hide the key').click();
  if ((await page.content()).includes(key)) fail('the key is hidden, and still there');
  await button(`Show the key of ${NAME}`).click();
  if (await button(`Copy the key of ${NAME}`).getAttribute('title') !== key) fail('another key');
  await button('Hide the key').click();
  step('input', { server });

  // A publisher. What is told goes by: it is listened for before.
  await follows;
  const wentLive = told(`${NAME} is live`);
  const publisher = spawn('ffmpeg', ['-v', 'error', '-re', '-stream_loop', '-1', '-i', clip, '-c', 'copy', '-f', 'flv', `${server}/${key}`]);
  children.push(publisher);
  await wentLive;
  await card.getByText('live', { exact: true }).waitFor({ timeout: 20000 });
  step('live');

  // A push: what counts is what the other side has acknowledged.
  await card.getByText('Add a push').click();
  await card.getByLabel('Name', { exact: true }).fill('second');
  await card.getByLabel('Server', { exact: true }).fill('ftp://nowhere');
  await button('Start the push').click();
  await card.getByRole('alert').filter({ hasText: /./ }).waitFor();
  if (await card.getByLabel('Server', { exact: true }).getAttribute('aria-invalid') !== 'true') fail('the field to blame is not marked');
  await card.getByLabel('Server', { exact: true }).fill(sink);
  await card.getByLabel('Stream key', { exact: true }).fill('pushed');
  await button('Start the push').click();
  const push = card.getByRole('listitem').filter({ hasText: 'second' });
  const acknowledged = async () => {
    const text = await push.textContent();
    const [, bytes, unit] = text.match(/([\d.]+) (kB|MB) acknowledged/) ?? [];
    return /live for \d+ s/.test(text) ? bytes * { kB: 1e3, MB: 1e6 }[unit] : 0;
  };
  const first = await until('bytes are acknowledged', acknowledged);
  const second = await until('more bytes are acknowledged', async () => { const now = await acknowledged(); return now > first && now; });
  step('push', { first, second, text: await push.textContent() });

  // A recording, by hand.
  await button(`Start recording ${NAME}`).click();
  await told('Recording started');
  await button(`Stop recording ${NAME}`).waitFor();
  await main.getByRole('region', { name: 'Recordings' }).getByText('recording', { exact: true }).waitFor();
  await page.waitForTimeout(4000); // So long is it.
  await card.getByText('Health report').click();
  await card.getByText('Largest gap').waitFor();
  await shot('live');
  const report = await card.getByRole('group').filter({ hasText: 'Health report' }).textContent();
  for (const fact of ['Real time', '640×360', 'kHz', 'Largest gap']) if (!report.includes(fact)) fail(`no ${fact} in ${report}`);
  step('health', { report });
  for (const [name, options] of [['phone', { width: 390, height: 844 }], ['dark', { width: 1000, height: 1400 }]]) {
    await page.setViewportSize(options);
    await page.emulateMedia({ colorScheme: name === 'dark' ? 'dark' : 'light' });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (wide > 0) fail(`${name}: ${wide} pixels too wide`);
    await shot(name);
  }
  await button(`Stop recording ${NAME}`).click();
  await told('Recording stopped');
  const tape = page.getByRole('row').filter({ hasText: NAME });
  await tape.getByRole('button', { name: 'Play' }).waitFor();
  await tape.getByRole('button', { name: 'Play' }).click();
  const video = page.locator('video');
  await until('the recording plays', () => video.evaluate((it) => it.currentTime > 1 && it.videoWidth === 640));
  step('recording', await video.evaluate((it) => ({ time: it.currentTime, duration: it.duration, width: it.videoWidth })));
  await shot('recording');

  // The push is stopped, and started again.
  await button('Stop the push second').click();
  await button('Start the push second').waitFor();
  await push.getByText('off', { exact: true }).waitFor();
  const still = await push.textContent();
  await button('Start the push second').click();
  await push.getByText(/live for/).waitFor({ timeout: 20000 });
  await button('Remove the push second').click();
  await yes('Remove it');
  await push.waitFor({ state: 'detached' });
  step('push stopped', { still });

  // Its own page plays it.
  const watch = await browser.newPage();
  await watch.goto(new URL(await card.getByRole('link', { name: 'Watch' }).getAttribute('href'), url).href);
  await until('the stream plays', () => watch.locator('video').evaluate((it) => it.currentTime > 1 && it.videoWidth === 640));
  await watch.screenshot({ path: `${folder}/watch.png` });
  // A recording has such a page, too.
  const file = await tape.getByRole('link', { name: 'MP4' }).getAttribute('href');
  await watch.goto(new URL(file.replace(/^.*recordings.([0-9a-f]{32}).*$/, '/$1/watch'), url).href);
  await until('the recording plays there', () => watch.locator('video').evaluate((it) => it.currentTime > 1 && it.videoWidth === 640));
  await watch.close();
  step('watch');

  // Small lists.
  await main.getByText('Webhooks', { exact: true }).click();
  await main.getByLabel('URL', { exact: true }).fill('http://127.0.0.1:9/hook');
  await button('Add the webhook').click();
  await main.getByText('Copy the secret now').waitFor();
  await button('Delete the webhook http://127.0.0.1:9/hook').click();
  await yes('Delete it');
  await button('Delete the webhook http://127.0.0.1:9/hook').waitFor({ state: 'detached' });
  await main.getByText('Listeners', { exact: true }).click();
  await main.getByRole('listitem').filter({ hasText: 'listening' }).first().waitFor();
  await shot('lists');
  step('lists');

  // Gone, after a question; the publisher is sent away, and the recording stays until it is deleted, too.
  await button(`Delete ${NAME}`).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  await button(`Delete ${NAME}`).click();
  await yes('Delete it');
  await card.waitFor({ state: 'detached' });
  await until('the publisher is sent away', () => publisher.exitCode !== null);
  await tape.getByRole('button', { name: 'Delete' }).click();
  await yes('Delete it');
  await tape.waitFor({ state: 'detached' });
  step('deleted');

  await page.getByRole('button', { name: 'Forget the token' }).click();
  await page.getByLabel('Token', { exact: true }).waitFor();
  if (await page.evaluate(() => sessionStorage.length)) fail('the token is forgotten, and still there');
  step('token forgotten');
}

try {
  const page = await browser.newPage({ viewport: { width: 1000, height: 1400 } });
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  page.setDefaultTimeout(15000);
  page.on('pageerror', (error) => seen.console.push(error.message));
  page.on('dialog', (dialog) => { seen.console.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on('console', (message) => {
    // Refusals are told by the browser itself.
    if (message.type() === 'error' && !message.text().includes('status of 40')) seen.console.push(message.text());
  });
  // API-04: never in a URL. Nothing comes from elsewhere.
  page.on('request', (request) => {
    if (request.url().includes(token)) seen.console.push(`the token is in ${request.url()}`);
    if (!request.url().startsWith(url) && !/^(data|blob):/.test(request.url())) seen.console.push(`asks ${request.url()}`);
  });
  try { await click(page); } catch (error) {
    seen.error = String(error.stack ?? error);
    await page.screenshot({ path: `${folder}/failed.png`, fullPage: true }).catch(() => {});
  }
} finally {
  for (const child of children) child.kill('SIGKILL');
  await browser.close();
}
console.log(JSON.stringify(seen));
