// Clicks through the dashboard in headless Chromium, and prints what it saw as one line of JSON.
//
//   node dashboard.mjs URL TOKEN CLIP SINK FOLDER
//
// URL: a streamd whose API asks for TOKEN. CLIP: what ffmpeg publishes. SINK: where a push goes, rtmp://…/app.
// FOLDER: for pictures of the page. Things are found by what a screen reader would say of them.
// Runs in target/lab, where node_modules is.
import { spawn } from 'node:child_process';
import { createPrivateKey, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
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
// What the API says, or what a path answers: the page has done it, or only seems to have.
async function api(path, method = 'GET', body = undefined) {
  const headers = { authorization: `Bearer ${token}`, ...body && { 'content-type': 'application/json' } };
  const answer = await fetch(new URL(path, url), { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) fail(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.status === 204 ? null : answer.json();
}
const status = async (path, headers = {}) => {
  const answer = await fetch(new URL(path, url), { headers });
  await answer.body?.cancel();
  return answer.status;
};
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
  const copied = () => page.evaluate(() => navigator.clipboard.readText());
  // Whatever is there to be seen, on a phone and in the dark: nothing is wider than the window.
  const looks = async (what) => {
    const was = page.viewportSize();
    for (const [name, colorScheme, size] of [['light', 'light', was], ['dark', 'dark', was], ['phone', 'light', { width: 390, height: 844 }]]) {
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wide > 0) fail(`${what}, ${name}: ${wide} pixels too wide`);
      await shot(`${what}-${name}`);
    }
    await page.setViewportSize(was);
    await page.emulateMedia({ colorScheme: 'light' });
  };
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
  if (await copied() !== key) fail('something else is on the clipboard');
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
  const report = await card.getByRole('group').filter({ hasText: 'Health report' }).textContent();
  for (const fact of ['Real time', '640×360', 'kHz', 'Largest gap']) if (!report.includes(fact)) fail(`no ${fact} in ${report}`);
  step('health', { report });
  await looks('live');
  await button(`Stop recording ${NAME}`).click();
  await told('Recording stopped');
  const tape = page.getByRole('row').filter({ hasText: NAME });
  await tape.getByRole('button', { name: 'Play' }).waitFor();
  await tape.getByRole('button', { name: 'Play' }).click();
  const video = page.getByRole('region', { name: 'Recordings' }).locator('video');
  await until('the recording plays', () => video.evaluate((it) => it.currentTime > 1 && it.videoWidth === 640));
  step('recording', await video.evaluate((it) => ({ time: it.currentTime, duration: it.duration, width: it.videoWidth })));

  // A clip of it: where it begins and ends is said, or taken from what plays. What can't be is refused.
  await tape.getByRole('button', { name: 'Cut a clip of' }).click();
  await main.getByText(/which is 0:0[45](\.\d)? long/).waitFor();
  const [begin, end] = [main.getByLabel('Begin', { exact: true }), main.getByLabel('End', { exact: true })];
  await begin.fill('0:00.5');
  await end.fill('9:00');
  await button('Cut the clip').click();
  await page.getByRole('region', { name: 'Recordings' }).getByRole('alert').filter({ hasText: 'start_ms' }).waitFor();
  if (await begin.getAttribute('aria-invalid') !== 'true') fail('the time to blame is not marked');
  await video.evaluate((it) => { it.pause(); it.currentTime = 2.5; });
  await button('Ends here').click();
  if (await end.inputValue() !== '0:02.5') fail(`it ends at ${await end.inputValue()}`);
  await looks('cutting');
  await button('Cut the clip').click();
  await told('The clip is being cut');
  const clips = page.getByRole('region', { name: 'Clips' });
  const cut = clips.getByRole('row').filter({ hasText: '0:00.5 to 0:02.5' });
  await cut.getByRole('button', { name: 'Play the clip' }).click();
  const film = clips.locator('video');
  await until('the clip plays', () => film.evaluate((it) => it.currentTime > 0.5 && it.videoWidth === 640));
  const [made] = (await api('/v1/clips')).clips;
  if (made.start_ms !== 500 || made.duration_ms !== 2000 || !made.keep || !made.ready) fail(JSON.stringify(made));
  const length = await film.evaluate((it) => it.duration);
  if (!(length >= 1.9 && length < 4)) fail(`the clip is ${length} s long`);
  const saving = page.waitForEvent('download');
  await cut.getByRole('link', { name: 'Download' }).click();
  const saved = await readFile(await (await saving).path());
  if (saved.subarray(4, 8).toString() !== 'ftyp') fail('what was downloaded is no MP4');
  await looks('clips');
  await cut.getByRole('button', { name: 'Delete the clip' }).click();
  await yes('Delete it');
  await clips.waitFor({ state: 'hidden' });
  if ((await api('/v1/clips')).clips.length) fail('the clip is gone from the page alone');
  step('clip', { length, bytes: saved.length });

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

  // Who may watch: with a token only, and on one site. A link is made that holds one.
  const [{ id }] = (await api('/v1/inputs')).inputs;
  const playlist = `/${id}/manifest/video.m3u8`;
  if (await status(playlist) !== 200) fail('an input without rules is not for everybody');
  await card.getByText('Who may watch').first().click();
  await card.getByRole('combobox', { name: 'Who may watch' }).selectOption('who has a token');
  await card.getByLabel('Sites that may embed it').fill('tv.example *.example.org:8443');
  await card.getByRole('button', { name: 'Save' }).click();
  await told('Saved who may watch');
  const rules = (await api(`/v1/inputs/${id}`)).recording;
  if (!rules.require_signed || rules.allowed_origins.join() !== 'tv.example,*.example.org:8443') fail(JSON.stringify(rules));
  if (await status(playlist) !== 401) fail('everybody may watch what needs a token');
  if (await card.getByRole('button', { name: 'Copy the HLS URL' }).isVisible()) fail('URLs are shown that nobody can use');
  await button(`Make a link to watch ${NAME}`).click();
  await button(`Copy the link to watch ${NAME}`).click();
  await told('link copied');
  const link = await copied();
  const signed = link.replace(/watch$/, 'manifest/video.m3u8');
  if (await status(signed) !== 200) fail('the token in the link does not open it');
  if (await status(signed, { origin: 'https://tv.example' }) !== 200) fail('a site that may is refused');
  if (await status(signed, { origin: 'https://other.example' }) !== 403) fail('a site that may not is let in');
  await looks('access');
  const viewer = await browser.newPage();
  await viewer.goto(link);
  await until('the link plays', () => viewer.locator('video').evaluate((it) => it.currentTime > 1 && it.videoWidth === 640));
  await viewer.goto(new URL(await card.getByRole('link', { name: 'Watch' }).getAttribute('href'), url).href);
  await viewer.getByText('A token is needed.').waitFor();
  await viewer.close();
  await card.getByRole('link', { name: 'Watch' }).click();
  await page.waitForURL(/\/ey[^/]*\/watch$/);
  await until('what needs a token plays for who may make one', () => page.locator('video').evaluate((it) => it.currentTime > 1));
  await page.goto(url);
  await card.getByText('Who may watch').first().click();
  const sites = card.getByLabel('Sites that may embed it');
  if (await sites.inputValue() !== 'tv.example *.example.org:8443') fail(`other sites: ${await sites.inputValue()}`);
  await card.getByRole('combobox', { name: 'Who may watch' }).selectOption('everybody');
  await sites.fill('tv.example');
  await card.getByRole('button', { name: 'Save' }).click();
  await until('it is for everybody again', async () => await status(playlist) === 200);
  // The dashboard is no site that embeds it.
  const own = await browser.newPage();
  await own.goto(new URL(await card.getByRole('link', { name: 'Watch' }).getAttribute('href'), url).href);
  await until('it plays here', () => own.locator('video').evaluate((it) => it.currentTime > 1));
  await own.close();
  await sites.fill('');
  await card.getByRole('button', { name: 'Save' }).click();
  await until('every site may', async () => !(await api(`/v1/inputs/${id}`)).recording.allowed_origins.length);
  step('access');

  // A show: its audience reads a message, then sees the input, then what was recorded of it.
  const shelf = (name) => main.getByRole('group').filter({ has: page.getByText(name, { exact: true }) }).first();
  const shows = shelf('Shows');
  await shows.getByText('Shows', { exact: true }).click();
  await shows.getByLabel('Name', { exact: true }).fill('Evening');
  await shows.getByRole('checkbox', { name: NAME }).check();
  await shows.getByRole('combobox', { name: 'After its end' }).selectOption('what was recorded');
  await shows.getByText('Messages', { exact: true }).click();
  await shows.getByLabel('Before it begins').fill('<b>Doors</b> open at eight');
  await looks('show-form');
  await button('Make the show').click();
  const evening = shows.getByRole('listitem').filter({ hasText: 'Evening' });
  await evening.getByText('reads “<b>Doors</b> open at eight”').waitFor();
  const [show] = (await api('/v1/shows')).shows;
  if (show.inputs.join() !== id || !show.replay_after_finish) fail(JSON.stringify(show));
  await button('Copy the URL for the audience of Evening').click();
  const audience = await copied();
  const playback = async () => { const answer = await fetch(audience); return { code: answer.status, ...await answer.json() }; };
  if ((await playback()).message !== '<b>Doors</b> open at eight') fail(JSON.stringify(await playback()));
  const turns = [['Go live', 'live', `sees ${NAME}`, { code: 200, hls: playlist }], ['Pause', 'paused', 'reads “The broadcast goes on soon”', { code: 404 }],
    ['Prepare', 'pending', 'reads “<b>Doors</b>', { code: 404 }], ['Finish', 'finished', 'sees the recording', { code: 200, input: null }]];
  for (const [verb, word, seen, wanted] of turns) {
    const turn = button(`${verb}: Evening`);
    await turn.focus();
    await page.keyboard.press('Enter');
    await told(`The show Evening is ${word}`);
    await evening.getByText(seen).waitFor();
    if (await turn.getAttribute('aria-pressed') !== 'true') fail(`${verb} is not pressed`);
    if (!await turn.evaluate((it) => it === document.activeElement)) fail(`${verb} has lost the focus`);
    const now = { ...await playback(), status: (await api(`/v1/shows/${show.id}`)).status };
    for (const [name, value] of Object.entries({ ...wanted, status: word })) if (now[name] !== value) fail(`${verb}: ${JSON.stringify(now)}`);
  }
  await looks('shows');
  // It is changed: another input comes first, and another message.
  const { id: other } = await api('/v1/inputs', 'POST', { name: 'Second' });
  await shows.getByRole('checkbox', { name: 'Second' }).waitFor();
  await button('Edit the show Evening').click();
  if (await shows.getByLabel('Before it begins').inputValue() !== '<b>Doors</b> open at eight') fail('another message is edited');
  if (!await shows.getByRole('checkbox', { name: NAME }).isChecked()) fail('the input of the show is not checked');
  await shows.getByRole('checkbox', { name: 'Second' }).check();
  await button('Move Second up').focus();
  await page.keyboard.press('Enter');
  await told('Second is number 1');
  if (await page.evaluate(() => document.activeElement.ariaLabel) !== 'Move Second up') fail('what was moved has lost the focus');
  await shows.getByLabel('Before it begins').fill('At nine');
  await shows.getByLabel('When it is over').fill('Good night');
  await looks('show-edit');
  await button('Save the show').click();
  await told('The show Evening was changed');
  const changed = await api(`/v1/shows/${show.id}`);
  if (changed.inputs.join() !== [other, id].join() || changed.status !== 'finished' || !changed.replay_after_finish) fail(JSON.stringify(changed));
  if (changed.messages.pending !== 'At nine' || changed.messages.finished !== 'Good night' || changed.messages.paused) fail(JSON.stringify(changed));
  await evening.getByText(`of Second, ${NAME}`).waitFor();
  await button('Make the show').waitFor();
  await button('Edit the show Evening').click();
  await shows.getByRole('checkbox', { name: 'Second' }).uncheck();
  await button('Change no show').click();
  if ((await api(`/v1/shows/${show.id}`)).inputs.length !== 2) fail('what was given up was changed');
  await api(`/v1/inputs/${other}`, 'DELETE');
  await evening.getByText(`of ${NAME}`).waitFor();
  // Somebody else's change is seen, too.
  await api(`/v1/shows/${show.id}`, 'PATCH', { status: 'live' });
  await evening.getByText(`sees ${NAME}`).waitFor();
  await button('Delete the show Evening').click();
  await yes('Delete it');
  await evening.waitFor({ state: 'detached' });
  const left = await page.evaluate(() => document.activeElement.textContent);
  if (left !== 'Shows') fail(`after deleting, the focus is on ${left}`);
  if ((await api('/v1/shows')).shows.length) fail('the show is gone from the page alone');
  step('show');

  // Signing keys: what is copied signs tokens that the server takes, until the key is deleted.
  const keys = shelf('Signing keys');
  await keys.getByText('Signing keys', { exact: true }).click();
  await keys.getByRole('combobox', { name: 'Algorithm' }).selectOption('EdDSA');
  await button('Make the key').click();
  await keys.getByText('Copy the private key now').waitFor();
  await button('Copy the PEM of the key').click();
  await told('PEM copied');
  const pem = await copied();
  await button('Copy the JWK of the key').click();
  await told('JWK copied');
  const jwk = JSON.parse(await copied());
  const coded = (it) => Buffer.from(JSON.stringify(it)).toString('base64url');
  const claims = `${coded({ alg: 'EdDSA', kid: jwk.kid })}.${coded({ sub: id, exp: Math.floor(Date.now() / 1000) + 60 })}`;
  const tokens = [createPrivateKey(pem), createPrivateKey({ key: jwk, format: 'jwk' })]
    .map((it) => `/${claims}.${sign(null, Buffer.from(claims), it).toString('base64url')}/manifest/video.m3u8`);
  for (const it of tokens) if (await status(it) !== 200) fail('a token of the new key opens nothing');
  await looks('key');
  await button('Hide the PEM').click();
  if ((await page.content()).includes(jwk.d)) fail('the private key is hidden, and still there');
  await keys.getByRole('combobox', { name: 'Algorithm' }).selectOption('HS256');
  await button('Make the key').click();
  await button('Copy the JWK of the key').click();
  await told('JWK copied');
  const secret = JSON.parse(await copied());
  if (secret.kty !== 'oct' || (await api('/v1/signing-keys')).signing_keys.length !== 2) fail('there is no second key');
  await button(`Delete the key ${jwk.kid}`).click();
  await yes('Delete it');
  await button(`Delete the key ${jwk.kid}`).waitFor({ state: 'detached' });
  if ((await api('/v1/signing-keys')).signing_keys.map((it) => it.id).join() !== secret.kid) fail('another key was deleted');
  for (const it of tokens) if (await status(it) !== 403) fail('a token of the deleted key is still good');
  step('signing keys');

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
  await looks('lists');
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
  if ((await page.content()).includes(secret.k)) fail('a private key is shown to who has no token');
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
