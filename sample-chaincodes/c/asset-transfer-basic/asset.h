// An asset and its JSON.

#pragma once

#include "fabric.h"

// Endorsers compare the written bytes, and JSON has the members in the order of the struct. The order is alphabetical,
// as in all languages of the samples.
struct asset {
  int64_t appraised_value;
  fabric_bytes color, id, owner;
  int64_t size;
};

fabric_bytes asset_to_json(const struct asset *asset);
// Returns false if it is not an asset.
bool asset_from_json(fabric_bytes json, struct asset *asset);
