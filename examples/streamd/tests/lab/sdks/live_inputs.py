"""Live inputs with the package `cloudflare` of PyPI: live_inputs.py BASE TOKEN CLIP."""

import subprocess
import sys
import time

import cloudflare

base, token, clip = sys.argv[1:]
client = cloudflare.Cloudflare(api_token=token, base_url=f"{base}/client/v4", max_retries=0)
stream = client.stream
account = {"account_id": "one"}


def until(what, look):
    for _ in range(400):
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"never: {what}")


def refused(kind, call, **arguments):
    try:
        call(**arguments, **account)
    except kind:
        return
    raise AssertionError(f"{call} was not refused as {kind}")


made = stream.live_inputs.create(
    **account,
    meta={"name": "cam"},
    default_creator="ann",
    delete_recording_after_days=45,
    recording={"mode": "automatic", "timeout_seconds": 1, "allowed_origins": ["*.example.com"]},
)
assert len(made.uid) == 32 and made.enabled and made.status is None, made
assert made.created.utcoffset().total_seconds() == 0, made.created
assert made.recording.mode == "automatic" and made.recording.allowed_origins == ["*.example.com"], made
assert made.delete_recording_after_days == 45 and made.meta == {"name": "cam"}, made
assert made.rtmps.stream_key != made.rtmps_playback.stream_key, made
one = {"live_input_identifier": made.uid, **account}
assert stream.live_inputs.get(**one) == made

changed = stream.live_inputs.update(**one, recording={"require_signed_urls": True}, prefer_low_latency=True)
assert changed.recording.require_signed_urls and changed.recording.mode == "automatic", changed
assert changed.recording.timeout_seconds == 1 and changed.prefer_low_latency, changed
listed = stream.live_inputs.list(**account, include_counts=True)
assert listed.total == 1 and listed.live_inputs[0].uid == made.uid, listed
assert listed.live_inputs[0].meta == {"name": "cam"}, listed

output = stream.live_inputs.outputs.create(made.uid, url="rtmps://a.example/app", stream_key="k?x=1", **account)
assert output.enabled and output.stream_key == "k?x=1" and output.url == "rtmps://a.example/app", output
off = stream.live_inputs.outputs.update(output.uid, live_input_identifier=made.uid, enabled=False, **account)
assert off.uid == output.uid and off.enabled is False, off
assert [it.uid for it in stream.live_inputs.outputs.list(**one)] == [output.uid]
assert stream.live_inputs.outputs.delete(output.uid, live_input_identifier=made.uid, **account) is None
assert not list(stream.live_inputs.outputs.list(**one))

hook = stream.webhooks.update(**account, body_notification_url_2="https://a.example/hook")
assert hook.notification_url == "https://a.example/hook" and len(hook.secret) >= 32, hook
assert stream.webhooks.get(**account).to_dict() == hook.to_dict()
assert stream.webhooks.delete(**account) == ""

key = stream.keys.create(**account)
assert len(key.id) == 32 and key.pem and key.jwk, key
assert [it.id for it in stream.keys.get(**account)] == [key.id]
assert stream.keys.delete(key.id, **account) == "Revoked"
assert stream.token.create(made.uid, **account, downloadable=True).token.count(".") == 2

url = f"{made.rtmps.url.rstrip('/')}/{made.rtmps.stream_key}"
encoder = subprocess.Popen(["ffmpeg", "-v", "error", "-re", "-i", clip, "-t", "4", "-c", "copy", "-f", "flv", url])
until("it is live", lambda: stream.live_inputs.get(**one).status == "connected")
assert encoder.wait() == 0
videos = client.get(f"/accounts/one/stream/live_inputs/{made.uid}/videos", cast_to=object)["result"]
video = until("ready", lambda: next((it for it in [stream.get(videos[0]["uid"], **account)] if it.status.state == "ready"), None))
assert video.live_input == made.uid and 3 < video.duration < 5 and video.ready_to_stream, video
assert video.input.width == 640 and video.input.height == 360 and video.require_signed_urls, video
assert video.meta["name"].startswith("Stream Record: cam, ") and video.scheduled_deletion, video
edited = stream.edit(video.uid, **account, require_signed_urls=False, meta={"name": "kept"})
assert edited.meta == {"name": "kept"} and not edited.require_signed_urls, edited

assert stream.live_inputs.delete(**one) is None
assert stream.get(video.uid, **account).meta == {"name": "kept"}
stream.delete(video.uid, **account)
refused(cloudflare.NotFoundError, stream.live_inputs.get, live_input_identifier=made.uid)
refused(cloudflare.NotFoundError, stream.get, identifier=video.uid)
refused(cloudflare.BadRequestError, stream.live_inputs.create, delete_recording_after_days=29)
client.api_token = "somebody else's token"
refused(cloudflare.AuthenticationError, stream.live_inputs.list)
print(cloudflare.__version__)
