// Live inputs with the package `cloudflare` of npm: live_inputs.mjs BASE TOKEN.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(`${process.cwd()}/`);
const { Cloudflare } = require('cloudflare');

const [base, token] = process.argv.slice(2);
const client = new Cloudflare({ apiToken: token, baseURL: `${base}/client/v4`, maxRetries: 0 });
const inputs = client.stream.liveInputs;
const account = { account_id: 'one' };

const made = await inputs.create({ ...account, meta: { name: 'cam' }, recording: { mode: 'automatic' } });
assert.match(made.uid, /^[0-9a-f]{32}$/);
assert.deepEqual([made.meta, made.recording.mode, made.enabled], [{ name: 'cam' }, 'automatic', true]);
assert.notEqual(made.rtmps.streamKey, made.rtmpsPlayback.streamKey);
assert.deepEqual(await inputs.get(made.uid, account), made);
const changed = await inputs.update(made.uid, { ...account, enabled: false, deleteRecordingAfterDays: 30 });
assert.deepEqual([changed.enabled, changed.deleteRecordingAfterDays, changed.recording.mode], [false, 30, 'automatic']);
const listed = await inputs.list(account);
assert.equal(listed.liveInputs[0].uid, made.uid);

const output = await inputs.outputs.create(made.uid, { ...account, url: 'rtmp://a.example/app', streamKey: 'k' });
assert.deepEqual([output.url, output.streamKey, output.enabled], ['rtmp://a.example/app', 'k', true]);
const off = await inputs.outputs.update(output.uid, { ...account, live_input_identifier: made.uid, enabled: false });
assert.equal(off.enabled, false);
const all = [];
for await (const it of inputs.outputs.list(made.uid, account)) all.push(it.uid);
assert.deepEqual(all, [output.uid]);
await inputs.outputs.delete(output.uid, { ...account, live_input_identifier: made.uid });

const hook = await client.stream.webhooks.update({ ...account, notificationUrl: 'https://a.example/' });
assert.deepEqual(await client.stream.webhooks.get(account), hook);
assert.equal(await client.stream.webhooks.delete(account), '');

const key = await client.stream.keys.create({ ...account, body: {} });
assert.ok(key.id.length === 32 && key.pem && key.jwk);
assert.equal(await client.stream.keys.delete(key.id, account), 'Revoked');
const { token: signed } = await client.stream.token.create(made.uid, account);
assert.equal(signed.split('.').length, 3);

await inputs.delete(made.uid, account);
await assert.rejects(inputs.get(made.uid, account), Cloudflare.NotFoundError);
await assert.rejects(inputs.create({ ...account, deleteRecordingAfterDays: 29 }), Cloudflare.BadRequestError);
const stranger = new Cloudflare({ apiToken: 'x', baseURL: `${base}/client/v4`, maxRetries: 0 });
await assert.rejects(stranger.stream.liveInputs.list(account), Cloudflare.AuthenticationError);
console.log(JSON.parse(readFileSync('node_modules/cloudflare/package.json')).version);
