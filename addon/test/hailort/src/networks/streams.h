#pragma once

#include "networks/network.h"

/** Makes the streams of the catalogue's families. */
namespace standin::streams {

/** Quantisations that the families use: probabilities, logits of ±10.2, and signed 16-bit values in half thousandths.
 */
inline constexpr Quantisation probability{0, 1.0f / 255};
inline constexpr Quantisation logits{128, 0.08f};
inline constexpr Quantisation fine{32768, 1.0f / 1024};

std::vector<Stream> picture(const std::string& network, std::uint32_t height, std::uint32_t width,
                            std::uint32_t features = 3);
Stream tensor(const std::string& name, Shape shape, Quantisation quantisation, Type type = Type::uint8);
Stream vector(const std::string& name, std::uint32_t features, Quantisation quantisation);
std::vector<Stream> nms(const std::string& network, std::uint32_t classes, std::uint32_t maxPerClass, Order order);

/** Per stride 8, 16 and 32 the tensors of a head, in the order of its layers. */
std::vector<Stream> pose(const std::string& network, std::uint32_t side, const std::vector<std::string>& layers);
std::vector<Stream> segment(const std::string& network, std::uint32_t side, const std::vector<std::string>& layers);
std::vector<Stream> rotated(const std::string& network, std::uint32_t side, const std::vector<std::string>& layers);
std::vector<Stream> anchorSegment(const std::string& network, const std::vector<std::string>& layers);
std::vector<Stream> scrfd(const std::string& network, std::uint32_t side, const std::vector<std::string>& layers);

}  // namespace standin::streams
