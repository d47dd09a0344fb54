#pragma once

#include "heads/output.h"
#include "heads/scene.h"

/** What the networks answer: a function of the picture, which README.md describes. One file per family. */
namespace standin {

using Inputs = std::span<const Picture>;
using Outputs = std::span<const Output>;

/** Fills all outputs of one job. */
void encode(const Network& network, Inputs inputs, Outputs outputs);

void encodeNms(const Network& network, Inputs inputs, Outputs outputs);
void encodeDfl(const Network& network, Inputs inputs, Outputs outputs);
void encodeAnchorSegment(const Network& network, Inputs inputs, Outputs outputs);
void encodeScrfd(const Network& network, Inputs inputs, Outputs outputs);
void encodeEmbedding(const Network& network, Inputs inputs, Outputs outputs);
void encodeIdentity(const Network& network, Inputs inputs, Outputs outputs);
void encodeDepth(const Network& network, Inputs inputs, Outputs outputs);
void encodeText(const Network& network, Inputs inputs, Outputs outputs);
void encodeClasses(const Network& network, Inputs inputs, Outputs outputs);
void encodeSemantic(const Network& network, Inputs inputs, Outputs outputs);
void encodeLanes(const Network& network, Inputs inputs, Outputs outputs);
void encodeSuperResolution(const Network& network, Inputs inputs, Outputs outputs);

/** Writes the masks' prototypes: channel c is +1 where the picture has colour c, -1 elsewhere. */
void writePrototypes(const Picture& picture, const Output& output);
/** What a mask's coefficient for the thing's colour is; those of other channels are 0. */
inline constexpr float maskCoefficient = 8;

}  // namespace standin
