// Calls with the package `@stream-io/node-sdk` of npm: calls.mjs BASE SECRET.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(`${process.cwd()}/`);
const { StreamClient } = require('@stream-io/node-sdk');

const [base, secret] = process.argv.slice(2);
const client = new StreamClient('any', secret, { basePath: base });
const call = client.video.call('livestream', 'one');

const made = await call.getOrCreate({ data: { created_by_id: 'ann' } });
assert.deepEqual([made.created, made.call.cid, made.call.egress.broadcasting], [true, 'livestream:one', false]);
assert.ok(made.call.created_at instanceof Date && made.call.created_at.getFullYear() >= 2024);
const target = (name) => ({ name, stream_url: 'rtmp://127.0.0.1:1/live', stream_key: 'k' });
assert.match((await call.startRTMPBroadcasts({ broadcasts: [target('a'), target('b')] })).duration, /ms$/);
const status = (code) => (why) => why.metadata?.responseCode === code || why.code !== undefined;
await assert.rejects(call.startRTMPBroadcasts({ broadcasts: [target('a')] }), status(409));
await call.stopRTMPBroadcast({ name: 'a' });
await assert.rejects(call.stopRTMPBroadcast({ name: 'nobody' }), status(404));
await call.stopAllRTMPBroadcasts();
const { playlist_url } = await call.startHLSBroadcasting();
const { call: seen } = await call.get();
assert.deepEqual([seen.egress.broadcasting, seen.egress.hls.playlist_url], [true, playlist_url]);
await call.stopHLSBroadcasting();
const patched = await call.update({ settings_override: { broadcasting: { enabled: false } } });
assert.equal(patched.call.settings.broadcasting.enabled, false);
await assert.rejects(call.startHLSBroadcasting(), status(403));
assert.equal((await call.goLive()).call.backstage, false);
assert.equal((await call.stopLive()).call.backstage, true);
await call.end();
const wrong = new StreamClient('any', 'another secret of some length', { basePath: base });
await assert.rejects(wrong.video.call('livestream', 'one').get(), status(401));
console.log(JSON.parse(readFileSync('node_modules/@stream-io/node-sdk/package.json')).version);
