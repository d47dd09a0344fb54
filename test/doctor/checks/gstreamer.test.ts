import { describe, it } from 'vitest'
import { expectTold, type Trouble, titled } from '../../support/doctor.ts'
import { failed } from '../../support/fake-system.ts'

const troubles: Trouble[] = [
  {
    title: 'a GStreamer without what every source needs',
    check: 'gstreamer',
    state: 'error',
    change: ({ programs }) => (programs['gstreamer-superficial'] = 'gdppay v4l2src'),
    detail: 'GStreamer lacks gdppay (any source), v4l2src (cameras)',
    fix: 'sudo apt update && sudo apt install gstreamer1.0-plugins-bad gstreamer1.0-plugins-good',
  },
  {
    title: 'a GStreamer without what no configured source needs',
    check: 'gstreamer',
    state: 'warning',
    change: ({ programs }) => (programs['gstreamer-superficial'] = 'rtspsrc avdec_h264'),
    detail: 'GStreamer lacks rtspsrc (network cameras (RTSP)), avdec_h264 (H.264)',
    fix: 'sudo apt update && sudo apt install gstreamer1.0-plugins-good gstreamer1.0-libav',
  },
  {
    title: 'a GStreamer without what a configured source needs',
    check: 'gstreamer',
    state: 'error',
    change: ({ programs }) => (programs['gstreamer-superficial'] = 'rtspsrc qtdemux'),
    set: ['pipelines=[{ name: a, streams: { door: { source: stream, url: "rtsp://door/" } }, publish: [door] }]'],
    detail: 'GStreamer lacks rtspsrc (network cameras (RTSP))',
    fix: 'sudo apt update && sudo apt install gstreamer1.0-plugins-good',
  },
  {
    title: 'a GStreamer that is not there',
    check: 'gstreamer',
    state: 'error',
    change: ({ programs }) =>
      (programs['gstreamer-superficial'] = failed(1, 'Error: libgstreamer-1.0.so.0: cannot open shared object file')),
    detail: 'GStreamer does not load: libgstreamer-1.0.so.0: cannot open shared object file',
    fix: /npm run setup/,
  },
  {
    title: 'a Raspberry Pi whose own cameras GStreamer cannot open',
    check: 'gstreamer',
    name: 'gstreamer-libcamera',
    state: 'warning',
    change: ({ programs }) => (programs['gstreamer-superficial'] = 'libcamerasrc'),
    detail: 'GStreamer lacks libcamerasrc, for the cameras of a Raspberry Pi',
    fix: /sudo apt install gstreamer1\.0-libcamera/,
  },
  {
    title: 'a pipeline that asks for libcamera, which is not there',
    check: 'gstreamer',
    name: 'gstreamer-libcamera',
    state: 'error',
    change: ({ programs }) => (programs['gstreamer-superficial'] = 'libcamerasrc'),
    set: ['pipelines=[{ name: a, streams: { camera: { source: camera, device: libcamera } }, publish: [camera] }]'],
    detail: /libcamerasrc/,
    fix: /gstreamer1\.0-libcamera/,
  },
]

describe('the doctor on GStreamer', () => {
  it.each(titled(troubles))('tells of %s', expectTold)
})
