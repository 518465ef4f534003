// Plays a URL in headless Chromium and prints what happened, as one line of JSON.
//
//   node browser.mjs PLAYER URL SECONDS SCREENSHOT [BACK LIVE]     PLAYER: hls, shaka, videojs, mpegts, native, page
//
// BACK and LIVE: the seconds at which the viewer goes to the beginning of what can be seen, and to its end again.
//
// Runs in target/lab, where node_modules is.
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(`${process.cwd()}/`);
const { chromium } = require('playwright-core');
const [player, url, seconds, screenshot, back, live] = process.argv.slice(2);

const script = (name) => fs.readFileSync(`node_modules/${name}`);
const files = {
  '/hls.js': () => script('hls.js/dist/hls.js'),
  '/shaka.js': () => script('shaka-player/dist/shaka-player.compiled.js'),
  '/mpegts.js': () => script('mpegts.js/dist/mpegts.js'),
  '/video.js': () => script('video.js/dist/video.js'),
};
const players = {
  hls: `<script src=/hls.js></script><script>
    const it = new Hls({ lowLatencyMode: true, maxLiveSyncPlaybackRate: 1.1 });
    it.on(Hls.Events.ERROR, (_, error) => errors.push([error.type, error.details, error.fatal, String(error.error ?? '')].join(' ')));
    it.loadSource(url); it.attachMedia(v);
    range = () => { const { fragmentStart, edge } = it.levels[it.currentLevel].details; return [fragmentStart, edge]; };
    latency = () => it.latency; parts = () => it.levels?.[0]?.details?.partList?.length ?? 0;</script>`,
  shaka: `<script src=/shaka.js></script><script>(async () => {
    shaka.polyfill.installAll();
    const it = new shaka.Player(); await it.attach(v);
    it.configure({ streaming: { lowLatencyMode: true } });
    const told = (error) => errors.push('code ' + error.code + ' ' + JSON.stringify(error.data));
    it.addEventListener('error', (event) => told(event.detail));
    range = () => { const { start, end } = it.seekRange(); return [start, end]; };
    latency = () => it.getStats().liveLatency;
    await it.load(url).catch(told); })()</script>`,
  // Without llhls: 8.24.1 stops at the end of a segment when it gets delta updates (CAN-SKIP-UNTIL), and asks for the
  // last part it has again and again. With that attribute taken away, llhls plays, too.
  videojs: `<script src=/video.js></script><script>
    const it = videojs(v, { autoplay: 'muted', html5: { vhs: { overrideNative: true, llhls: false } } });
    it.on('error', () => errors.push(String(it.error()?.message)));
    it.src({ src: url, type: 'application/vnd.apple.mpegurl' });</script>`,
  // It has no word for live: behind is what has arrived and is not shown yet.
  mpegts: `<script src=/mpegts.js></script><script>
    const it = mpegts.createPlayer({ type: 'flv', isLive: true, url });
    it.on(mpegts.Events.ERROR, (type, details, { code, msg }) => errors.push([type, details, code, msg].join(' ')));
    it.attachMediaElement(v); it.load(); it.play();
    latency = () => v.buffered.length ? v.buffered.end(v.buffered.length - 1) - v.currentTime : null;</script>`,
  native: `<script>v.onerror = () => errors.push(v.error.message); v.src = url</script>`,
};
const page_of = (player) => `<!doctype html><video id=v muted autoplay playsinline width=640 height=360></video>
  <script>const url = ${JSON.stringify(url)}, errors = []; let latency = () => null, parts = () => null, range = () => [0, 0];</script>${players[player]}`;

const server = http.createServer((request, response) => {
  const file = files[request.url];
  if (file) return response.end(file());
  response.setHeader('content-type', 'text/html');
  response.end(request.url === '/' ? page_of(player) : '');
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required'],
});
const result = { console: [], samples: [] };
try {
  const page = await browser.newPage({ viewport: { width: 1000, height: 700 } });
  page.on('pageerror', (error) => result.console.push(error.message));
  page.on('console', (message) => message.type() === 'error' && result.console.push(message.text()));
  await page.goto(player === 'page' ? url : `http://127.0.0.1:${server.address().port}/`);
  for (let second = 0; second < Number(seconds); second++) {
    if (String(second) === back) await page.evaluate(() => { v.currentTime = range()[0] + 1; });
    if (String(second) === live) await page.evaluate(() => { v.currentTime = range()[1] - 5; });
    await page.waitForTimeout(1000);
    result.samples.push(await page.evaluate((ours) => {
      const video = document.querySelector('video');
      if (!video) return { time: 0, width: 0 };
      const { droppedVideoFrames: dropped, totalVideoFrames: frames } = video.getVideoPlaybackQuality();
      const facts = { time: video.currentTime, width: video.videoWidth, height: video.videoHeight, paused: video.paused, ended: video.ended, dropped, frames };
      return ours ? { ...facts, latency: latency(), parts: parts() } : facts;
    }, player !== 'page'));
  }
  result.errors = player === 'page' ? [] : await page.evaluate(() => errors);
  // How many different colours the picture has: a black one has one.
  result.colours = await page.evaluate(() => {
    const canvas = document.createElement('canvas'), video = document.querySelector('video');
    if (!video) return 0;
    const context = canvas.getContext('2d');
    [canvas.width, canvas.height] = [64, 36];
    try {
      context.drawImage(video, 0, 0, 64, 36);
      const { data } = context.getImageData(0, 0, 64, 36), seen = new Set();
      for (let at = 0; at < data.length; at += 4) seen.add((data[at] >> 5) << 6 | (data[at + 1] >> 5) << 3 | data[at + 2] >> 5);
      return seen.size;
    } catch { return -1; } // Not ours to read: another origin.
  });
  await page.screenshot({ path: screenshot });
} finally {
  await browser.close();
  server.close();
}
console.log(JSON.stringify(result));
