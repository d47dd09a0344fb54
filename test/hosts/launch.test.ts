import { describe, expect, it } from 'vitest'
import {
  fileLaunch,
  libcameraLaunch,
  multipartLaunch,
  parseSize,
  rtspLaunch,
  testLaunch,
  uriLaunch,
  v4l2Launch,
} from '../../engine/hosts/launch.ts'

const maxSize = { width: 1920, height: 1080 }

describe('launch descriptions', () => {
  it('ask a camera for the nearest to what is wished', () => {
    expect(v4l2Launch('/dev/video0', 'mjpeg', { size: '1280x720', rate: 30 }, maxSize)).toBe(
      'v4l2src device="/dev/video0" ! image/jpeg,width=1280,height=720,framerate=30/1;image/jpeg ! ' +
        'gdppay ! appsink name=sink sync=false max-buffers=2 drop=true',
    )
    expect(v4l2Launch('/dev/v4l/by-id/usb-046d_C920-video-index0', 'raw', {}, maxSize)).toContain(
      'video/x-raw;video/x-raw ! videoscale ! videoconvert ! ' +
        'video/x-raw,format=(string){I420,NV12},width=[1,1920],height=[1,1080],pixel-aspect-ratio=1/1',
    )
    expect(libcameraLaunch('', { size: '1536x864' }, maxSize)).toMatch(
      /^libcamerasrc ! video\/x-raw,width=1536,height=864 ! .*format=\(string\)NV12/,
    )
  })

  it('scale and thin out a stream only when asked to', () => {
    const plain = rtspLaunch('rtsp://10.0.0.5/live', 100, {}, maxSize)
    expect(plain).toContain('rtspsrc location="rtsp://10.0.0.5/live" protocols=tcp latency=100')
    expect(plain).not.toContain('videorate')
    expect(rtspLaunch('rtsp://10.0.0.5/live', 100, { rate: 10, size: '640x360', format: 'rgb' }, maxSize)).toContain(
      'videorate drop-only=true max-rate=10 ! videoscale ! videoconvert ! video/x-raw,format=(string)RGB,width=640,height=360',
    )
  })

  it('drop nothing in front of the host when a file is read as fast as can be', () => {
    expect(fileLaunch('/a/b.mp4', 'max', {}, maxSize)).toMatch(/sync=false max-buffers=2 drop=false$/)
    expect(fileLaunch('/a/b.mp4', 'real', {}, maxSize)).toMatch(/sync=true max-buffers=2 drop=true$/)
  })

  const evil = 'x" ! filesink location="/etc/passwd\\'
  it.each([
    ['a file’s name', () => fileLaunch(`/tmp/${evil}`, 'real', {}, maxSize)],
    ['an RTSP address', () => rtspLaunch(`rtsp://host/${evil}`, 0, {}, maxSize)],
    ['an RTSP password', () => rtspLaunch(`rtsp://user:${encodeURIComponent(evil)}@host/`, 0, {}, maxSize)],
    ['a multipart address', () => multipartLaunch(`http://host/${evil}?q=${evil}#${evil}`)],
    ['any address', () => uriLaunch(`http://host/${evil}`, {}, maxSize)],
  ])('cannot be widened by %s', (_, launch) => {
    const withoutQuoted = launch().replace(/"[^"\\]*"/g, '""')
    expect(withoutQuoted).not.toContain('filesink')
    expect(withoutQuoted).not.toContain('\\')
  })

  it.each([
    ['a device', () => v4l2Launch(evil, 'raw', {}, maxSize)],
    ['a device outside of /dev', () => v4l2Launch('/etc/passwd', 'raw', {}, maxSize)],
    ['a camera’s name', () => libcameraLaunch(evil, {}, maxSize)],
    ['a pattern', () => testLaunch(evil, { width: 64, height: 64 }, 5, 'rgb')],
    ['an address', () => uriLaunch('no address', {}, maxSize)],
  ])('refuse %s that could mean something else', (_, launch) => {
    expect(launch).toThrow(/^Expected/)
  })

  it.each(['', '1280', '1280x', '0x0', '8x8', '9999x16', '1e3x100', '640x480 '])('know that %j is no size', (text) => {
    expect(parseSize(text)).toBeUndefined()
  })
})
