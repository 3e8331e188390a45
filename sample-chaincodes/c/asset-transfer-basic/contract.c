// Fabric's first sample in C: assets that are created, read, updated, transferred and deleted. Names,
// JSON and messages are those of asset-transfer-basic in fabric-samples, so its applications work with
// this chaincode unchanged.

#include "asset.h"

#define REFUSED(...) fabric_error(fabric_format(__VA_ARGS__))

// Writes an asset and returns a success with a payload.
static fabric_response put(const struct asset *asset, fabric_bytes payload) {
  if (fabric_put_state(asset->id, asset_to_json(asset)) != FABRIC_OK)
    return fabric_error(fabric_reason());
  return fabric_success(payload);
}

// Sets `found`. Returns false with an answer if the peer refuses the call.
static bool exists(fabric_bytes id, bool *found, fabric_response *answer) {
  fabric_bytes value;
  if (fabric_get_state(id, &value) != FABRIC_OK) {
    *answer = REFUSED("failed to read from world state: %.*s", FABRIC_TEXT(fabric_reason()));
    return false;
  }
  *found = fabric_is_some(value);
  return true;
}

static fabric_response does_not_exist(fabric_bytes id) {
  return REFUSED("the asset %.*s does not exist", FABRIC_TEXT(id));
}

static bool find(fabric_bytes id, struct asset *asset, fabric_response *answer) {
  fabric_bytes value;
  if (fabric_get_state(id, &value) != FABRIC_OK) {
    *answer = REFUSED("failed to read from world state: %.*s", FABRIC_TEXT(fabric_reason()));
  } else if (!fabric_is_some(value)) {
    *answer = does_not_exist(id);
  } else if (!asset_from_json(value, asset)) {
    *answer = REFUSED("the asset %.*s cannot be read", FABRIC_TEXT(id));
  } else {
    return true;
  }
  return false;
}

// Puts six assets on the ledger.
static fabric_response init_ledger(const fabric_bytes *args) {
  (void)args;
  static const struct {
    const char *id, *color, *owner;
    int64_t size, value;
  } assets[] = {
      {"asset1", "blue", "Tomoko", 5, 300},   {"asset2", "red", "Brad", 5, 400},
      {"asset3", "green", "Jin Soo", 10, 500}, {"asset4", "yellow", "Max", 10, 600},
      {"asset5", "black", "Adriana", 15, 700}, {"asset6", "white", "Michel", 15, 800},
  };
  fabric_response answer = fabric_success(FABRIC_EMPTY);
  for (size_t i = 0; i < sizeof assets / sizeof *assets && answer.status == 200; i++) {
    struct asset asset = {assets[i].value, fabric_text(assets[i].color), fabric_text(assets[i].id),
                          fabric_text(assets[i].owner), assets[i].size};
    answer = put(&asset, FABRIC_EMPTY);
  }
  return answer;
}

// Parses an asset from id, color, size, owner and value.
static bool asset_of(const fabric_bytes *args, struct asset *asset, fabric_response *answer) {
  int64_t numbers[2] = {0, 0};
  const int at[2] = {2, 4};
  for (int i = 0; i < 2; i++) {
    fabric_bytes text = args[at[i]];
    // An empty text is zero.
    if (text.length == 0 || fabric_read_number(text, &numbers[i])) continue;
    *answer = REFUSED("error managing parameter param%d. conversion error. cannot convert passed "
                      "value %.*s to int",
                      at[i], FABRIC_TEXT(text));
    return false;
  }
  *asset = (struct asset){numbers[1], args[1], args[0], args[3], numbers[0]};
  return true;
}

static fabric_response create_asset(const fabric_bytes *args) {
  struct asset asset;
  fabric_response answer;
  bool found;
  if (!asset_of(args, &asset, &answer) || !exists(asset.id, &found, &answer)) return answer;
  if (found) return REFUSED("the asset %.*s already exists", FABRIC_TEXT(asset.id));
  return put(&asset, FABRIC_EMPTY);
}

static fabric_response read_asset(const fabric_bytes *args) {
  struct asset asset;
  fabric_response answer;
  return find(args[0], &asset, &answer) ? fabric_success(asset_to_json(&asset)) : answer;
}

static fabric_response update_asset(const fabric_bytes *args) {
  struct asset asset;
  fabric_response answer;
  bool found;
  if (!asset_of(args, &asset, &answer) || !exists(asset.id, &found, &answer)) return answer;
  return found ? put(&asset, FABRIC_EMPTY) : does_not_exist(asset.id);
}

static fabric_response delete_asset(const fabric_bytes *args) {
  fabric_response answer;
  bool found;
  if (!exists(args[0], &found, &answer)) return answer;
  if (!found) return does_not_exist(args[0]);
  if (fabric_del_state(args[0]) != FABRIC_OK) return fabric_error(fabric_reason());
  return fabric_success(FABRIC_EMPTY);
}

static fabric_response asset_exists(const fabric_bytes *args) {
  fabric_response answer;
  bool found;
  if (!exists(args[0], &found, &answer)) return answer;
  return fabric_success(fabric_text(found ? "true" : "false"));
}

// Transfers an asset to a new owner; returns the old owner.
static fabric_response transfer_asset(const fabric_bytes *args) {
  struct asset asset;
  fabric_response answer;
  if (!find(args[0], &asset, &answer)) return answer;
  fabric_bytes old_owner = asset.owner;
  asset.owner = args[1];
  return put(&asset, old_owner);
}

// Returns all assets, sorted by id.
static fabric_response get_all_assets(const fabric_bytes *args) {
  (void)args;
  fabric_rows *rows;
  // Two empty bounds select the chaincode's whole namespace.
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
    struct asset asset;
    if (!asset_from_json(row.value, &asset))
      return REFUSED("the asset %.*s cannot be read", FABRIC_TEXT(row.name));
    fabric_bytes json = asset_to_json(&asset);
    if (all.text.length > 1) fabric_append(&all, fabric_text(","));
    fabric_append(&all, json);
  }
  return fabric_error(fabric_reason());
}

static const struct {
  const char *name;
  uint32_t params;
  fabric_response (*call)(const fabric_bytes *args);
} functions[] = {
    {"InitLedger", 0, init_ledger},   {"CreateAsset", 5, create_asset},
    {"ReadAsset", 1, read_asset},     {"UpdateAsset", 5, update_asset},
    {"DeleteAsset", 1, delete_asset}, {"AssetExists", 1, asset_exists},
    {"TransferAsset", 2, transfer_asset}, {"GetAllAssets", 0, get_all_assets},
};

fabric_response chaincode_init(void) { return fabric_success(FABRIC_EMPTY); }

fabric_response chaincode_invoke(void) {
  fabric_list args = fabric_get_args();
  fabric_bytes name = args.length > 0 ? args.at[0] : FABRIC_EMPTY;
  uint32_t count = args.length > 0 ? args.length - 1 : 0;
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    if (!fabric_equal(name, fabric_text(functions[i].name))) continue;
    if (count < functions[i].params)
      return REFUSED("incorrect number of params. Expected %u, received %u", functions[i].params, count);
    return functions[i].call(args.at + 1);
  }
  return REFUSED("Function %.*s not found in contract AssetTransfer", FABRIC_TEXT(name));
}
