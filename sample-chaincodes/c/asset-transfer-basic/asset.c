#include "asset.h"

fabric_bytes asset_to_json(const struct asset *asset) {
  fabric_bytes color = fabric_json_string(asset->color), id = fabric_json_string(asset->id);
  fabric_bytes owner = fabric_json_string(asset->owner);
  return fabric_format(
      "{\"AppraisedValue\":%lld,\"Color\":%.*s,\"ID\":%.*s,\"Owner\":%.*s,\"Size\":%lld}",
      (long long)asset->appraised_value, FABRIC_TEXT(color), FABRIC_TEXT(id), FABRIC_TEXT(owner),
      (long long)asset->size);
}

static bool text_of(fabric_bytes json, const char *name, fabric_bytes *text) {
  return fabric_json_read_string(fabric_json_member(json, name), text);
}

bool asset_from_json(fabric_bytes json, struct asset *asset) {
  return fabric_read_number(fabric_json_member(json, "AppraisedValue"), &asset->appraised_value) &&
         text_of(json, "Color", &asset->color) && text_of(json, "ID", &asset->id) &&
         text_of(json, "Owner", &asset->owner) &&
         fabric_read_number(fabric_json_member(json, "Size"), &asset->size);
}
