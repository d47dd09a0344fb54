#!/usr/bin/python3
"""GStreamer's own way to stay fresh: a live source, a leaky queue of one buffer, a consumer of 100 ms. Arguments: seconds, warm-up seconds.

Prints one line per buffer: seconds since the start, age in milliseconds (running time - timestamp).
"""
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst

Gst.init(None)
seconds, warm_up = float(sys.argv[1]), float(sys.argv[2])
pipeline = Gst.parse_launch(
    "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=1280,height=720,framerate=30/1"
    " ! queue leaky=downstream max-size-buffers=1 max-size-bytes=0 max-size-time=0"
    " ! identity sleep-time=100000 ! fakesink name=sink sync=false"
)


def probe(pad, info):
    now = (pipeline.get_clock().get_time() - pipeline.get_base_time()) / 1e9
    if now > warm_up:
        print(now, (now - info.get_buffer().pts / 1e9) * 1000)
    return Gst.PadProbeReturn.OK


pipeline.get_by_name("sink").get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, probe)
pipeline.set_state(Gst.State.PLAYING)
loop = GLib.MainLoop()
GLib.timeout_add(int((seconds + warm_up) * 1000), loop.quit)
loop.run()
pipeline.set_state(Gst.State.NULL)
