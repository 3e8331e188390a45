// An asset, and its JSON.

#pragma once

#include "fabric.h"

// Endorsers compare the bytes that are written, and JSON is written in the order of the members:
// alphabetical, as every language of the samples does it.
struct asset {
  int64_t appraised_value;
  fabric_bytes color, id, owner;
  int64_t size;
};

fabric_bytes asset_to_json(const struct asset *asset);
// False if it is no asset.
bool asset_from_json(fabric_bytes json, struct asset *asset);
