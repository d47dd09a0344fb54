#!/usr/bin/python3
"""An RTSP server for the tests: test pictures 320x240 at 15 fps as H.264 (or JPEG) under /live. Argument: port (0: any).

Prints the port. Needs Debian's python3-gi and gir1.2-gst-rtsp-server-1.0.
"""
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer

Gst.init(None)
encoder = "openh264enc gop-size=15 ! rtph264pay config-interval=1"
if Gst.ElementFactory.find("openh264enc") is None:
    encoder = "jpegenc ! rtpjpegpay"
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(
    "( videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=240,framerate=15/1 ! " + encoder + " name=pay0 pt=96 )"
)
factory.set_shared(True)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(sys.argv[1])
server.get_mount_points().add_factory("/live", factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
