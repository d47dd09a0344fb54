#include "heads/heads.h"

namespace standin {

void encode(const Network& network, Inputs inputs, Outputs outputs) {
  switch (network.head) {
    case Head::nms:
      return encodeNms(network, inputs, outputs);
    case Head::dflDetect:
    case Head::dflPose:
    case Head::dflSegment:
    case Head::dflRotated:
      return encodeDfl(network, inputs, outputs);
    case Head::anchorSegment:
      return encodeAnchorSegment(network, inputs, outputs);
    case Head::scrfd:
      return encodeScrfd(network, inputs, outputs);
    case Head::embedding:
      return encodeEmbedding(network, inputs, outputs);
    case Head::identity:
      return encodeIdentity(network, inputs, outputs);
    case Head::depth:
    case Head::stereo:
      return encodeDepth(network, inputs, outputs);
    case Head::textMap:
    case Head::textRead:
      return encodeText(network, inputs, outputs);
    case Head::classify:
      return encodeClasses(network, inputs, outputs);
    case Head::semantic:
      return encodeSemantic(network, inputs, outputs);
    case Head::lanes:
      return encodeLanes(network, inputs, outputs);
    case Head::superResolution:
      return encodeSuperResolution(network, inputs, outputs);
    case Head::generative:
      return;
  }
}

}  // namespace standin
