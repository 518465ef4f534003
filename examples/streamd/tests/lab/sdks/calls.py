"""Calls with the package `getstream` of PyPI: calls.py BASE SECRET."""

import sys
from importlib.metadata import version

from getstream import Stream
from getstream.exceptions import StreamApiException
from getstream.models import (
    BroadcastSettingsRequest,
    CallRequest,
    CallSettingsRequest,
    RTMPBroadcastRequest,
    RTMPSettingsRequest,
)

base, secret = sys.argv[1:]
client = Stream(api_key="any", api_secret=secret, base_url=base)


def refused(status, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except StreamApiException as why:
        assert why.status_code == status, why
        return
    raise AssertionError(f"{call} was not refused with {status}")


def settings(**rtmp):
    rtmp = RTMPSettingsRequest(**rtmp)
    return CallSettingsRequest(broadcasting=BroadcastSettingsRequest(rtmp=rtmp))


kind = client.video.update_call_type("livestream", settings=settings(enabled=True, quality="720p")).data
assert kind.settings.broadcasting.rtmp.quality == "720p", kind
assert client.video.get_call_type("livestream").data.settings.broadcasting.enabled

call = client.video.call("livestream", "one")
made = call.get_or_create(data=CallRequest(created_by_id="ann")).data
assert made.created and made.call.cid == "livestream:one" and made.call.created_at.year >= 2024, made
assert not call.get_or_create(data=CallRequest(created_by_id="ann")).data.created
assert call.get().data.call.egress.rtmps == [] and not made.call.egress.broadcasting


def target(name, **more):
    return RTMPBroadcastRequest(name=name, stream_url="rtmp://127.0.0.1:1/live", stream_key="k", **more)


assert call.start_rtmp_broadcasts(broadcasts=[target("a"), target("b", quality="1080p")]).data.duration
refused(409, call.start_rtmp_broadcasts, broadcasts=[target("c"), target("a")])
refused(400, call.start_rtmp_broadcasts, broadcasts=[target("c", quality="721p")])
call.stop_rtmp_broadcast("a")
refused(404, call.stop_rtmp_broadcast, "nobody")
call.stop_all_rtmp_broadcasts()

started = call.start_hls_broadcasting().data
assert started.playlist_url.endswith(".m3u8"), started
seen = call.get().data.call
assert seen.egress.broadcasting and seen.egress.hls.playlist_url == started.playlist_url, seen
call.stop_hls_broadcasting()
assert not call.get().data.call.egress.broadcasting

patched = call.update(settings_override=settings(enabled=False)).data.call
assert patched.settings.broadcasting.rtmp.enabled is False and patched.settings.broadcasting.rtmp.quality == "720p"
refused(403, call.start_rtmp_broadcasts, broadcasts=[target("c")])
assert not call.go_live().data.call.backstage and call.stop_live().data.call.backstage
assert call.end().data.duration and call.get().data.call.ended_at

guest = Stream(api_key="any", token=client.create_token("guest"), base_url=base)
assert guest.video.call("livestream", "one").get().data.call.id == "one"
refused(403, guest.video.call("livestream", "one").stop_all_rtmp_broadcasts)
refused(404, client.video.call("livestream", "two").get)
wrong = Stream(api_key="any", api_secret="another secret of some length", base_url=base)
refused(401, wrong.video.call("livestream", "one").get)
print(version("getstream"))
