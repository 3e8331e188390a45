// Assets: create, read, transfer and delete them.
//
// All endorsers must write the same bytes: take the time from fabric_get_tx_timestamp.

#include "fabric.h"

// An asset in its form on the ledger: JSON with the members in this order.
struct asset {
  fabric_bytes id, color, owner;
  int64_t appraised_value;
};

static fabric_bytes json_of(const struct asset *asset) {
  fabric_bytes id = fabric_json_string(asset->id), color = fabric_json_string(asset->color);
  fabric_bytes owner = fabric_json_string(asset->owner);
  return fabric_format("{\"ID\":%.*s,\"Color\":%.*s,\"Owner\":%.*s,\"AppraisedValue\":%lld}",
                       FABRIC_TEXT(id), FABRIC_TEXT(color), FABRIC_TEXT(owner),
                       (long long)asset->appraised_value);
}

static bool read_json(fabric_bytes json, struct asset *asset) {
  return fabric_json_read_string(fabric_json_member(json, "ID"), &asset->id) &&
         fabric_json_read_string(fabric_json_member(json, "Color"), &asset->color) &&
         fabric_json_read_string(fabric_json_member(json, "Owner"), &asset->owner) &&
         fabric_read_number(fabric_json_member(json, "AppraisedValue"), &asset->appraised_value);
}

#define REFUSED(...) fabric_error(fabric_format(__VA_ARGS__))

// Reads an asset. On failure returns false, with the answer of the transaction.
static bool find(fabric_bytes id, struct asset *asset, fabric_response *answer) {
  fabric_bytes value;
  if (fabric_get_state(id, &value) != FABRIC_OK) {
    *answer = fabric_error(fabric_reason());
  } else if (!fabric_is_some(value)) {
    *answer = REFUSED("the asset %.*s does not exist", FABRIC_TEXT(id));
  } else if (!read_json(value, asset)) {
    *answer = REFUSED("the asset %.*s cannot be read", FABRIC_TEXT(id));
  } else {
    return true;
  }
  return false;
}

// As find, but only for an asset of the caller's organization.
static bool find_own(fabric_bytes id, struct asset *asset, fabric_response *answer) {
  if (!find(id, asset, answer)) return false;
  if (fabric_equal(asset->owner, fabric_get_creator_msp_id())) return true;
  *answer = REFUSED("the asset %.*s belongs to %.*s", FABRIC_TEXT(id), FABRIC_TEXT(asset->owner));
  return false;
}

// Issues a new asset, which belongs to the caller's organization.
static fabric_response create_asset(const fabric_bytes *args) {
  struct asset asset = {.id = args[0], .color = args[1], .owner = fabric_get_creator_msp_id()};
  if (!fabric_read_number(args[2], &asset.appraised_value))
    return REFUSED("the value %.*s is no number", FABRIC_TEXT(args[2]));
  fabric_bytes found;
  if (fabric_get_state(asset.id, &found) != FABRIC_OK) return fabric_error(fabric_reason());
  if (fabric_is_some(found)) return REFUSED("the asset %.*s already exists", FABRIC_TEXT(asset.id));
  fabric_bytes json = json_of(&asset);
  if (fabric_put_state(asset.id, json) != FABRIC_OK ||
      fabric_set_event(fabric_text("CreateAsset"), asset.id) != FABRIC_OK)
    return fabric_error(fabric_reason());
  return fabric_success(json);
}

static fabric_response read_asset(const fabric_bytes *args) {
  struct asset asset;
  fabric_response answer;
  return find(args[0], &asset, &answer) ? fabric_success(json_of(&asset)) : answer;
}

// Transfers an asset of the caller's organization to another one; returns the old owner.
static fabric_response transfer_asset(const fabric_bytes *args) {
  struct asset asset;
  fabric_response answer;
  if (!find_own(args[0], &asset, &answer)) return answer;
  fabric_bytes old_owner = asset.owner;
  asset.owner = args[1];
  if (fabric_put_state(asset.id, json_of(&asset)) != FABRIC_OK) return fabric_error(fabric_reason());
  return fabric_success(old_owner);
}

// Deletes an asset of the caller's organization; its history stays on the ledger.
static fabric_response delete_asset(const fabric_bytes *args) {
  struct asset asset;
  fabric_response answer;
  if (!find_own(args[0], &asset, &answer)) return answer;
  if (fabric_del_state(args[0]) != FABRIC_OK) return fabric_error(fabric_reason());
  return fabric_success(FABRIC_EMPTY);
}

// Returns all assets, sorted by id.
static fabric_response get_all_assets(const fabric_bytes *args) {
  (void)args;
  fabric_rows *rows;
  // Two empty bounds mean the whole namespace of this chaincode.
  if (fabric_get_state_by_range(FABRIC_EMPTY, FABRIC_EMPTY, &rows) != FABRIC_OK)
    return fabric_error(fabric_reason());
  fabric_buffer all = {0};
  fabric_append(&all, fabric_text("["));
  fabric_row row;
  bool found;
  while (fabric_next(rows, &row, &found) == FABRIC_OK) {
    if (!found) {
      fabric_append(&all, fabric_text("]"));
      return fabric_success(all.text);
    }
    if (all.text.length > 1) fabric_append(&all, fabric_text(","));
    fabric_append(&all, row.value);
  }
  return fabric_error(fabric_reason());
}

static const struct {
  const char *name;
  uint32_t args;
  fabric_response (*call)(const fabric_bytes *args);
} functions[] = {
    {"CreateAsset", 3, create_asset},     {"ReadAsset", 1, read_asset},
    {"TransferAsset", 2, transfer_asset}, {"DeleteAsset", 1, delete_asset},
    {"GetAllAssets", 0, get_all_assets},
};

fabric_response chaincode_init(void) { return fabric_success(FABRIC_EMPTY); }

fabric_response chaincode_invoke(void) {
  fabric_list args = fabric_get_args();
  fabric_bytes name = args.length > 0 ? args.at[0] : FABRIC_EMPTY;
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    if (!fabric_equal(name, fabric_text(functions[i].name))) continue;
    if (args.length - 1 != functions[i].args)
      return REFUSED("%s takes %u arguments, not %u", functions[i].name, functions[i].args,
                     args.length - 1);
    return functions[i].call(args.at + 1);
  }
  return REFUSED("there is no function %.*s", FABRIC_TEXT(name));
}
