#pragma once

#include <string>
#include <vector>

/** A folder that the whole test program shares; gone with it. */
std::string testFolder();

/** The HEF of a network, written anew. */
std::string hefOf(const std::string& network);

/** Names of all networks that InferModel can run. */
std::vector<std::string> standinNetworks();
