#include "core/image.h"

#include <gst/video/video.h>

#include "check.h"

using namespace hailstream;

namespace {

void compareWithGStreamer(PixelFormat format, GstVideoFormat theirs, std::size_t width, std::size_t height) {
  GstVideoInfo info;
  gst_video_info_init(&info);
  gst_video_info_set_format(&info, theirs, static_cast<guint>(width), static_cast<guint>(height));
  const Layout layout = layoutOf(format, width, height);
  check::equals(layout.bytes, GST_VIDEO_INFO_SIZE(&info));
  check::equals(layout.planes.size(), GST_VIDEO_INFO_N_PLANES(&info));
  for (std::size_t i = 0; i < layout.planes.size(); i++) {
    check::equals(layout.planes[i].offset, GST_VIDEO_INFO_PLANE_OFFSET(&info, i));
    check::equals(layout.planes[i].stride, static_cast<std::size_t>(GST_VIDEO_INFO_PLANE_STRIDE(&info, i)));
    check::equals(layout.planes[i].width, static_cast<std::size_t>(GST_VIDEO_INFO_COMP_WIDTH(&info, i)));
    check::equals(layout.planes[i].height, static_cast<std::size_t>(GST_VIDEO_INFO_COMP_HEIGHT(&info, i)));
  }
}

}  // namespace

TEST("lays planes out as GStreamer does, for every size up to 67 x 9 and some cameras' sizes") {
  const auto compare = [](std::size_t width, std::size_t height) {
    compareWithGStreamer(PixelFormat::rgb, GST_VIDEO_FORMAT_RGB, width, height);
    compareWithGStreamer(PixelFormat::nv12, GST_VIDEO_FORMAT_NV12, width, height);
    compareWithGStreamer(PixelFormat::i420, GST_VIDEO_FORMAT_I420, width, height);
  };
  for (std::size_t width = 1; width <= 67; width++)
    for (std::size_t height = 1; height <= 9; height++) compare(width, height);
  compare(1280, 720);
  compare(1920, 1080);
  compare(853, 479);
}
