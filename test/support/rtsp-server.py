#!/usr/bin/python3
"""An RTSP server for the tests: a ball in 320x240 at 15 fps as H.264 (or JPEG) under /live. Argument: port (0: any).

Prints the port, then obeys lines on its standard input, for clients that are there and for those that come:
`rate 2`, `size 640x480`, `pattern white` (any of videotestsrc's; all but ball and snow stand still).
Needs Debian's python3-gi and gir1.2-gst-rtsp-server-1.0.
"""
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer

encoders = {
    "openh264enc": "openh264enc gop-size=15 ! rtph264pay config-interval=-1",
    "jpegenc": "jpegenc ! rtpjpegpay",
}
# Neither x-raw's format nor the encoder's input may depend on the picture: only what is asked for changes.
source = "videotestsrc name=picture is-live=true ! capsfilter name=shape"
wanted = {"size": "320x240", "rate": "15", "pattern": "ball"}
shown = []


def apply(media):
    width, height = wanted["size"].split("x")
    caps = f"video/x-raw,format=I420,width={width},height={height},framerate={wanted['rate']}/1"
    element = media.get_element()
    element.get_by_name("shape").set_property("caps", Gst.Caps.from_string(caps))
    Gst.util_set_object_arg(element.get_by_name("picture"), "pattern", wanted["pattern"])


def configure(_factory, media):
    shown.append(media)
    media.connect("unprepared", lambda gone: gone in shown and shown.remove(gone))
    apply(media)


def obey(stdin, _condition):
    name, _, value = stdin.readline().strip().partition(" ")
    if name not in wanted:
        sys.exit(0 if name == "" else f"Expected rate, size or pattern, received {name}")
    wanted[name] = value
    for media in shown:
        apply(media)
    return True


Gst.init(None)
encoder = next(text for name, text in encoders.items() if Gst.ElementFactory.find(name))
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(f"( {source} ! {encoder} name=pay0 pt=96 )")
factory.set_shared(True)
factory.connect("media-configure", configure)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(sys.argv[1])
server.get_mount_points().add_factory("/live", factory)
server.attach(None)
GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, obey)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
