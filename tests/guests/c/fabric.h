// The layout of wit/ in C, written by hand. A string or a list is a pointer and a length. A result that is not a number
// is written to the last parameter. The host writes its values into memory from `cabi_realloc`. The names are those of
// wit/.

#pragma once

#include <stdint.h>

#define IMPORT(interface, name)                                                \
  __attribute__((import_module("fabric:chaincode/" interface "@0.2.0"),        \
                 import_name(name))) extern void
#define EXPORT(interface, name)                                                \
  __attribute__((export_name("fabric:chaincode/" interface "@0.2.0#" name)))

struct bytes {
  const char *at;
  uint32_t length;
};

struct arguments {
  struct bytes *at;
  uint32_t length;
};

struct key_value {
  struct bytes key, value;
};

// types.error of any kind.
struct error {
  uint8_t kind;
  struct bytes text;
};

struct option {
  uint8_t is_some;
  struct bytes value;
};

struct rows {
  struct key_value *at;
  uint32_t length;
};

// result<..., error>, for all results.
struct result {
  uint8_t failed;
  union {
    struct error error;
    struct option option;
    struct rows rows;
    int32_t handle;
  };
};

struct response {
  int32_t status;
  struct bytes message, payload;
};

#define BYTES(name) const char *name, uint32_t name##_length

IMPORT("transaction", "get-args") get_args(struct arguments *);
IMPORT("state", "get-state") get_state(BYTES(key), struct result *);
IMPORT("state", "put-state") put_state(BYTES(key), BYTES(value), struct result *);
IMPORT("query", "get-state-by-range")
get_state_by_range(BYTES(start), BYTES(end), struct result *);
IMPORT("rows", "[method]state-iterator.next-batch")
next_batch(int32_t iterator, uint32_t max, struct result *);
IMPORT("rows", "[resource-drop]state-iterator") close_iterator(int32_t iterator);
IMPORT("event", "set-event") set_event(BYTES(name), BYTES(payload), struct result *);
IMPORT("private-data", "get-private-data")
get_private_data(BYTES(collection), BYTES(key), struct result *);
IMPORT("private-data", "put-private-data")
put_private_data(BYTES(collection), BYTES(key), BYTES(value), struct result *);
