#include <algorithm>
#include <array>

#include "networks/network.h"
#include "networks/streams.h"

namespace standin {
namespace {

using namespace streams;

constexpr std::uint64_t mib = 1024 * 1024;

/** Device memory of a vision network without its frames: its weights twice over and 8 MiB. */
std::uint64_t residentOf(std::uint64_t hefBytes) {
  return (2 * hefBytes + 8 * mib) / 1024;
}

Network vision(std::string name, Head head, std::vector<Stream> inputs, std::vector<Stream> outputs, double fps1,
               double fps8, std::uint64_t hefMib) {
  return {std::move(name),          head, std::move(inputs), std::move(outputs), fps1, fps8, hefMib * mib,
          residentOf(hefMib * mib), {}};
}

void addDetectors(std::vector<Network>& all) {
  struct Row {
    const char* name;
    std::uint32_t height, width, classes, boxes;
    double fps1, fps8;
    std::uint64_t hefMib;
  };
  constexpr std::array rows = std::to_array<Row>({
      {"yolov8m", 640, 640, 80, 100, 75.1, 137, 30},
      {"yolov8s", 640, 640, 80, 100, 168, 268, 14},
      {"yolov8n", 640, 640, 80, 100, 378, 394, 6},
      {"yolov8l", 640, 640, 80, 100, 41.6, 62.6, 48},
      {"yolov8x", 640, 640, 80, 100, 25.6, 38.6, 74},
      {"yolov11n", 640, 640, 80, 100, 304, 346, 6},
      {"yolov11s", 640, 640, 80, 100, 142, 240, 14},
      {"yolov11m", 640, 640, 80, 100, 70, 126, 28},
      {"yolov11l", 640, 640, 80, 100, 41.1, 73.5, 34},
      {"yolov11x", 640, 640, 80, 100, 26.2, 42.2, 72},
      {"yolov10n", 640, 640, 80, 100, 307, 366, 6},
      {"yolov10s", 640, 640, 80, 100, 149, 234, 14},
      {"yolov10b", 640, 640, 80, 100, 51.4, 87.3, 26},
      {"yolov10x", 640, 640, 80, 100, 25.1, 44.4, 42},
      {"yolov9c", 640, 640, 80, 100, 53.4, 88.7, 30},
      {"yolov7", 640, 640, 80, 100, 63.6, 99.7, 44},
      {"yolov7x", 640, 640, 80, 100, 30.5, 46.6, 80},
      {"yolov6n", 640, 640, 80, 100, 531, 535, 6},
      {"yolov5s", 640, 640, 80, 80, 249, 303, 12},
      {"yolov5m", 640, 640, 80, 80, 112, 192, 24},
      {"yolov5m_wo_spp", 640, 640, 80, 80, 120, 209, 24},
      {"hailo_yolov8n_4_classes_vga", 480, 640, 4, 100, 378, 394, 6},
      {"ssd_mobilenet_v1", 300, 300, 90, 100, 501, 495, 8},
      {"ssd_mobilenet_v1_visdrone", 300, 300, 11, 100, 501, 495, 8},
  });
  for (const auto& row : rows) {
    all.push_back(vision(row.name, Head::nms, picture(row.name, row.height, row.width),
                         nms(row.name, row.classes, row.boxes, Order::nmsByClass), row.fps1, row.fps8, row.hefMib));
  }
}

void addSegmenters(std::vector<Network>& all) {
  const std::vector<std::string> v8 = {"conv44", "conv45", "conv46", "conv60", "conv61",
                                       "conv62", "conv73", "conv74", "conv75", "conv48"};
  struct Row {
    const char* name;
    double fps1, fps8;
    std::uint64_t hefMib;
  };
  for (const auto& row :
       {Row{"yolov8n_seg", 300, 330, 7}, {"yolov8s_seg", 140, 173, 15}, {"yolov8m_seg", 62, 90, 32}}) {
    all.push_back(vision(row.name, Head::dflSegment, picture(row.name, 640, 640), segment(row.name, 640, v8), row.fps1,
                         row.fps8, row.hefMib));
  }
  const std::vector<std::string> v5 = {"conv98", "conv92", "conv85", "conv79"};
  for (const auto& row : {Row{"yolov5n_seg", 290, 310, 5},
                          {"yolov5s_seg", 150, 190, 10},
                          {"yolov5m_seg", 66, 94, 26},
                          {"yolov5l_seg", 30, 50, 50}}) {
    all.push_back(vision(row.name, Head::anchorSegment, picture(row.name, 640, 640),
                         streams::anchorSegment(row.name, v5), row.fps1, row.fps8, row.hefMib));
  }
  const char* masked = "yolov5m_seg_with_nms";
  all.push_back(
      vision(masked, Head::nms, picture(masked, 640, 640), nms(masked, 80, 100, Order::nmsWithByteMask), 66, 94, 26));
}

void addPeople(std::vector<Network>& all) {
  const std::vector<std::string> small = {"conv43", "conv44", "conv45", "conv57", "conv58",
                                          "conv59", "conv70", "conv71", "conv72"};
  const std::vector<std::string> medium = {"conv57", "conv58", "conv59", "conv74", "conv75",
                                           "conv76", "conv91", "conv92", "conv93"};
  all.push_back(vision("yolov8s_pose", Head::dflPose, picture("yolov8s_pose", 640, 640),
                       pose("yolov8s_pose", 640, small), 161, 226, 18));
  all.push_back(vision("yolov8m_pose", Head::dflPose, picture("yolov8m_pose", 640, 640),
                       pose("yolov8m_pose", 640, medium), 79, 135, 34));
  const std::vector<std::string> faces = {"conv41", "conv42", "conv43", "conv49", "conv50",
                                          "conv51", "conv56", "conv57", "conv58"};
  all.push_back(
      vision("scrfd_10g", Head::scrfd, picture("scrfd_10g", 640, 640), scrfd("scrfd_10g", 640, faces), 290, 310, 7));
  all.push_back(vision("arcface_mobilefacenet", Head::embedding, picture("arcface_mobilefacenet", 112, 112),
                       {streams::vector("arcface_mobilefacenet/fc1", 512, {128, 1.0f / 127})}, 3704, 3704, 3));
  all.push_back(vision("repvgg_a0_person_reid_512", Head::embedding, picture("repvgg_a0_person_reid_512", 256, 128),
                       {streams::vector("repvgg_a0_person_reid_512/fc1", 512, {128, 1.0f / 127})}, 3376, 3376, 8));
  all.push_back(vision("osnet_x1_0", Head::embedding, picture("osnet_x1_0", 256, 128),
                       {streams::vector("osnet_x1_0/fc1", 512, {128, 1.0f / 127})}, 290, 815, 4));
}

void addMaps(std::vector<Network>& all) {
  all.push_back(vision("depth_anything_v2_vits", Head::depth, picture("depth_anything_v2_vits", 224, 224),
                       {tensor("depth_anything_v2_vits/conv73", {224, 224, 1}, logits)}, 51.4, 119, 28));
  all.push_back(vision("scdepthv3", Head::depth, picture("scdepthv3", 256, 320),
                       {tensor("scdepthv3/conv31", {256, 320, 1}, logits)}, 719, 719, 12));
  const std::string stereo = "stereonet";
  auto sides = picture(stereo, 368, 1232);
  sides.push_back(tensor(stereo + "/input_layer2", {368, 1232, 3}, {0, 1}));
  all.push_back(
      vision(stereo, Head::stereo, sides, {tensor(stereo + "/conv53", {368, 1232, 1}, {0, 192.0f / 255})}, 10, 10, 12));
  struct Row {
    const char* name;
    std::uint32_t height, width;
    double fps;
    std::uint64_t hefMib;
  };
  for (const auto& row : {Row{"fcn8_resnet_v1_18", 1024, 1920, 31, 12},
                          {"segformer_b0_bn", 512, 1024, 16, 8},
                          {"stdc1", 1024, 1920, 20, 9},
                          {"deeplab_v3_mobilenet_v2_wo_dilation", 513, 513, 375, 4}}) {
    all.push_back(vision(row.name, Head::semantic, picture(row.name, row.height, row.width),
                         {tensor(std::string(row.name) + "/argmax1", {row.height, row.width, 1}, {0, 1})}, row.fps,
                         row.fps, row.hefMib));
  }
  all.push_back(vision("real_esrgan_x2", Head::superResolution, picture("real_esrgan_x2", 512, 512),
                       {tensor("real_esrgan_x2/conv340", {1024, 1024, 3}, {0, 1})}, 2.1, 2.1, 18));
  all.push_back(vision("ufld_v2_tu", Head::lanes, picture("ufld_v2_tu", 320, 800),
                       {streams::vector("ufld_v2_tu/fc2", 39576, logits)}, 150, 250, 40));
  const std::vector<std::string> obb = {"conv59", "conv62", "conv65", "conv74", "conv77",
                                        "conv80", "conv92", "conv95", "conv98"};
  all.push_back(vision("yolov11s_obb", Head::dflRotated, picture("yolov11s_obb", 640, 640),
                       rotated("yolov11s_obb", 640, obb), 140, 230, 15));
}

void addText(std::vector<Network>& all) {
  struct Row {
    const char* finder;
    const char* reader;
    std::uint32_t characters;
  };
  for (const auto& row :
       {Row{"ocr_det", "ocr", 97}, {"paddle_ocr_v5_mobile_detection", "paddle_ocr_v5_mobile_recognition", 18385}}) {
    const std::string finder = row.finder;
    const std::string reader = row.reader;
    all.push_back(vision(finder, Head::textMap, picture(finder, 544, 960),
                         {tensor(finder + "/conv70", {544, 960, 1}, probability)}, 22, 41, 7));
    all.push_back(vision(reader, Head::textRead, picture(reader, 48, 320),
                         {tensor(reader + "/softmax1", {1, 40, row.characters}, probability)}, 46, 117, 7));
  }
}

void addClassifiers(std::vector<Network>& all) {
  struct Row {
    const char* name;
    double fps1, fps8;
    std::uint64_t hefMib;
  };
  for (const auto& row : {Row{"fastvit_sa12", 273, 911, 13},
                          {"hardnet39ds", 573, 1537, 5},
                          {"hardnet68", 300, 900, 18},
                          {"resnet_v1_18", 800, 2500, 12},
                          {"resnet_v1_34", 500, 1500, 22},
                          {"resnet_v1_50", 316, 1010, 26}}) {
    all.push_back(vision(row.name, Head::classify, picture(row.name, 224, 224),
                         {streams::vector(std::string(row.name) + "/softmax1", 1000, probability)}, row.fps1, row.fps8,
                         row.hefMib));
  }
}

void addClip(std::vector<Network>& all) {
  constexpr Quantisation signedUnit{128, 1.0f / 127};
  constexpr Quantisation values{128, 0.05f};
  struct Row {
    const char* stem;
    std::uint32_t side, width;
    double fps1, fps8;
    std::uint64_t hefMib;
  };
  for (const auto& row : {Row{"clip_resnet_50x4", 288, 640, 63.1, 157, 78},
                          {"clip_vit_b_32", 224, 512, 72, 335, 78},
                          {"clip_vit_l_14_laion2B", 224, 768, 15.4, 40.8, 300},
                          {"tinyclip_vit_40m_32_text_19m_laion400m", 224, 512, 127, 495, 40}}) {
    const std::string image = std::string(row.stem) + "_image_encoder";
    const std::string text = std::string(row.stem) + "_text_encoder";
    all.push_back(vision(image, Head::embedding, picture(image, row.side, row.side),
                         {streams::vector(image + "/fc1", row.width, signedUnit)}, row.fps1, row.fps8, row.hefMib));
    all.push_back(vision(text, Head::identity, {tensor(text + "/input_layer1", {1, 77, row.width}, values)},
                         {tensor(text + "/normalization25", {1, 77, row.width}, values)}, 50, 99, 64));
  }
}

void addWhisperParts(std::vector<Network>& all) {
  struct Row {
    const char* stem;
    const char* decoder;
    std::uint32_t width;
    std::uint64_t hefMib;
  };
  constexpr Quantisation values{128, 0.05f};
  for (const auto& row : {Row{"base-whisper", "decoder-10s-out-seq-64", 512, 40},
                          {"tiny-whisper", "decoder-fixed-sequence", 384, 20},
                          {"tiny_en-whisper", "decoder-fixed-sequence", 384, 20}}) {
    const std::string encoder = std::string(row.stem) + "-encoder-10s";
    const std::string decoder = std::string(row.stem) + "-" + row.decoder;
    all.push_back(vision(encoder, Head::identity, {tensor(encoder + "/input_layer1", {1, 1000, 80}, values)},
                         {tensor(encoder + "/normalization13", {1, 500, row.width}, values)}, 30, 40, row.hefMib));
    all.push_back(vision(decoder, Head::identity,
                         {tensor(decoder + "/input_layer1", {1, 500, row.width}, values),
                          tensor(decoder + "/input_layer2", {1, 64, row.width}, values)},
                         {tensor(decoder + "/conv49", {1, 64, 51865}, values)}, 40, 60, row.hefMib));
  }
}

/** More and longer outputs than one request can describe: configuring it fails. No network of the catalogue does. */
void addTooManyOutputs(std::vector<Network>& all) {
  const std::string name = "too_many_outputs";
  std::vector<Stream> outputs;
  for (int i = 10; i < 30; i++)
    outputs.push_back(tensor(name + "/" + std::string(60, 'x') + std::to_string(i), {8, 8, 4}, {0, 1}));
  all.push_back(vision(name, Head::identity, picture(name, 64, 64), outputs, 500, 500, 1));
}

void addGenerative(std::vector<Network>& all) {
  using Kind = Generative::Kind;
  struct Row {
    const char* name;
    Kind kind;
    std::uint64_t hefMib;
    double load, first, rate;
  };
  constexpr std::array rows = std::to_array<Row>({
      {"Qwen2.5-1.5B-Instruct", Kind::llm, 1564, 8.45, 0.37, 6.95},
      {"Qwen2.5-Coder-1.5B-Instruct", Kind::llm, 1564, 7.60, 0.32, 8.15},
      {"Qwen2-1.5B-Instruct", Kind::llm, 1488, 7.37, 0.32, 8.18},
      {"DeepSeek-R1-Distill-Qwen-1.5B", Kind::llm, 2260, 12.61, 1.47, 7.03},
      {"Llama-3_2-3B-Instruct", Kind::llm, 2985, 12.61, 1.47, 2.67},
      {"Qwen2-VL-2B-Instruct", Kind::vlm, 2079, 9.71, 0.92, 8.38},
      {"Whisper-Base", Kind::speech, 148, 1.33, 0.07, 47.55},
  });
  for (const auto& row : rows) {
    const std::uint64_t bytes = row.hefMib * mib;
    all.push_back({row.name,
                   Head::generative,
                   picture(row.name, 336, 336),
                   {},
                   row.rate,
                   row.rate,
                   bytes,
                   2 * bytes / 1024,
                   {row.kind, row.load, row.first, row.rate}});
  }
}

std::vector<Network> makeTable() {
  std::vector<Network> all;
  addDetectors(all);
  addSegmenters(all);
  addPeople(all);
  addMaps(all);
  addText(all);
  addClassifiers(all);
  addClip(all);
  addWhisperParts(all);
  addTooManyOutputs(all);
  addGenerative(all);
  return all;
}

}  // namespace

std::span<const Network> networks() {
  static const std::vector<Network> all = makeTable();
  return all;
}

const Network* findNetwork(std::string_view name) {
  const auto found = std::ranges::find(networks(), name, &Network::name);
  return found == networks().end() ? nullptr : &*found;
}

}  // namespace standin
