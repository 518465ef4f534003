// Judges playlists and boxes; prints every complaint on a line of its own and ends with 1 if there is one.
//
//   node judge.mjs playlist FILE...    hls-parser in strict mode, m3u8-parser
//   node judge.mjs boxes FILE...       codem-isoboxer, mp4box.js: fMP4, init section included
//
// Runs in target/lab, where node_modules is.
import fs from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(`${process.cwd()}/`);
const [what, ...files] = process.argv.slice(2);
const complaints = [];

function playlist(file) {
  const text = fs.readFileSync(file, 'utf8');
  const strict = require('hls-parser');
  strict.setOptions({ strictMode: true });
  try {
    strict.parse(text);
  } catch (error) {
    complaints.push(`${file}: hls-parser: ${error.message}`);
  }
  const { Parser } = require('m3u8-parser');
  const parser = new Parser();
  parser.on('warn', ({ message }) => complaints.push(`${file}: m3u8-parser: ${message}`));
  parser.on('error', ({ message }) => complaints.push(`${file}: m3u8-parser: ${message}`));
  parser.push(text);
  parser.end();
  const { segments = [], playlists = [] } = parser.manifest;
  if (segments.length + playlists.length === 0) complaints.push(`${file}: m3u8-parser: it lists nothing`);
}

function boxes(file) {
  const bytes = fs.readFileSync(file);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  const parsed = require('codem-isoboxer').parseBuffer(buffer);
  if (parsed._incomplete) complaints.push(`${file}: codem-isoboxer: incomplete`);
  const fragments = parsed.fetchAll('moof').length;
  if (fragments === 0) complaints.push(`${file}: codem-isoboxer: no moof`);
  const samples = parsed.fetchAll('trun').reduce((sum, it) => sum + it.sample_count, 0);
  const mp4box = require('mp4box').createFile();
  mp4box.onError = (error) => complaints.push(`${file}: mp4box.js: ${error}`);
  let listed = 0;
  mp4box.onReady = ({ tracks }) => { listed = tracks.length; };
  buffer.fileStart = 0;
  mp4box.appendBuffer(buffer);
  mp4box.flush();
  if (listed === 0) complaints.push(`${file}: mp4box.js: no tracks`);
  const seen = mp4box.moov ? mp4box.moov.traks.reduce((sum, it) => sum + it.samples.length, 0) : 0;
  if (seen !== samples) complaints.push(`${file}: mp4box.js has ${seen} samples, codem-isoboxer ${samples}`);
  console.log(`${file}: ${fragments} fragments, ${samples} samples`);
}

for (const file of files) {
  try {
    (what === 'playlist' ? playlist : boxes)(file);
  } catch (error) {
    complaints.push(`${file}: ${error.stack}`);
  }
}
for (const complaint of complaints) console.error(complaint);
process.exit(complaints.length ? 1 : 0);
