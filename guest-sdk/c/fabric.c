// Implements fabric.h: the types of wit/ as they are in memory, and some helpers.

#include "fabric.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION "@0.2.0"
#define IMPORT(interface, name, ...)                                                               \
  __attribute__((import_module("fabric:chaincode/" interface VERSION),                            \
                 import_name(name))) extern void __VA_ARGS__
#define EXPORT(name)                                                                               \
  __attribute__((export_name("fabric:chaincode/contract" VERSION "#" name))) fabric_response *

// A string or a list is a pointer and a length.
#define BYTES const char *, uint32_t
#define LIST const void *, uint32_t
#define OF(bytes) (bytes).at, (bytes).length
// An optional text: an empty one is `none`.
#define OPTION uint32_t, BYTES
#define SOME(bytes) (bytes).length > 0, OF(bytes)

// result<..., error>, for all results of four bytes each.
struct result {
  uint8_t failed;
  union {
    struct {
      uint8_t kind;
      fabric_bytes text;
    } error;
    struct {
      uint8_t is_some;
      fabric_bytes value;
    } option;
    struct {
      void *at;
      uint32_t length;
    } list;
    struct {
      fabric_entries rows;
      uint8_t is_some;
      fabric_bytes bookmark;
    } page;
    fabric_response response;
    int32_t handle;
  };
};

// option<timestamp>.
struct time_option {
  uint8_t is_some;
  fabric_timestamp time;
};

struct signed_proposal {
  uint8_t is_some;
  fabric_bytes proposal, signature;
};

struct option {
  uint8_t is_some;
  fabric_bytes value;
};

IMPORT("transaction", "get-args", import_get_args(fabric_list *));
IMPORT("transaction", "get-tx-id", import_get_tx_id(fabric_bytes *));
IMPORT("transaction", "get-channel-id", import_get_channel_id(fabric_bytes *));
IMPORT("transaction", "get-creator", import_get_creator(fabric_bytes *));
IMPORT("transaction", "get-transient", import_get_transient(fabric_entries *));
IMPORT("transaction", "get-tx-timestamp", import_get_tx_timestamp(struct time_option *));
IMPORT("transaction", "get-binding", import_get_binding(fabric_bytes *));
IMPORT("transaction", "get-signed-proposal", import_get_signed(struct signed_proposal *));
IMPORT("transaction", "get-decorations", import_get_decorations(fabric_entries *));
IMPORT("transaction", "get-peer-msp-id", import_get_peer_msp_id(struct option *));
IMPORT("state", "get-state", import_get_state(BYTES, struct result *));
IMPORT("state", "get-multiple-states", import_get_states(LIST, struct result *));
IMPORT("state", "put-state", import_put_state(BYTES, BYTES, struct result *));
IMPORT("state", "del-state", import_del_state(BYTES, struct result *));
IMPORT("state", "get-state-metadata", import_get_metadata(BYTES, struct result *));
IMPORT("state", "put-state-metadata", import_put_metadata(BYTES, BYTES, BYTES, struct result *));
IMPORT("state", "get-state-validation-parameter", import_get_policy(BYTES, struct result *));
IMPORT("state", "set-state-validation-parameter", import_set_policy(BYTES, BYTES, struct result *));
IMPORT("state", "start-write-batch", import_start_batch(void));
IMPORT("state", "finish-write-batch", import_finish_batch(struct result *));
IMPORT("query", "get-state-by-range", import_range(BYTES, BYTES, struct result *));
IMPORT("query", "get-state-by-range-with-pagination",
       import_range_page(BYTES, BYTES, uint32_t, OPTION, struct result *));
IMPORT("query", "get-state-by-partial-composite-key", import_partial(BYTES, LIST, struct result *));
IMPORT("query", "get-state-by-partial-composite-key-with-pagination",
       import_partial_page(BYTES, LIST, uint32_t, OPTION, struct result *));
IMPORT("query", "get-all-states-composite-key-with-pagination",
       import_all_composite(uint32_t, OPTION, struct result *));
IMPORT("query", "get-query-result", import_query(BYTES, struct result *));
IMPORT("query", "get-query-result-with-pagination",
       import_query_page(BYTES, uint32_t, OPTION, struct result *));
IMPORT("query", "get-history-for-key", import_history(BYTES, struct result *));
IMPORT("rows", "[method]state-iterator.next-batch",
       import_next_rows(int32_t, uint32_t, struct result *));
IMPORT("rows", "[resource-drop]state-iterator", import_close_rows(int32_t));
IMPORT("rows", "[method]history-iterator.next-batch",
       import_next_changes(int32_t, uint32_t, struct result *));
IMPORT("rows", "[resource-drop]history-iterator", import_close_changes(int32_t));
IMPORT("private-data", "get-private-data", import_get_private(BYTES, BYTES, struct result *));
IMPORT("private-data", "get-multiple-private-data",
       import_get_privates(BYTES, LIST, struct result *));
IMPORT("private-data", "get-private-data-hash", import_get_hash(BYTES, BYTES, struct result *));
IMPORT("private-data", "put-private-data", import_put_private(BYTES, BYTES, BYTES, struct result *));
IMPORT("private-data", "del-private-data", import_del_private(BYTES, BYTES, struct result *));
IMPORT("private-data", "purge-private-data", import_purge(BYTES, BYTES, struct result *));
IMPORT("private-data", "get-private-data-by-range",
       import_private_range(BYTES, BYTES, BYTES, struct result *));
IMPORT("private-data", "get-private-data-by-partial-composite-key",
       import_private_partial(BYTES, BYTES, LIST, struct result *));
IMPORT("private-data", "get-private-data-query-result",
       import_private_query(BYTES, BYTES, struct result *));
IMPORT("private-data", "get-private-data-validation-parameter",
       import_get_private_policy(BYTES, BYTES, struct result *));
IMPORT("private-data", "set-private-data-validation-parameter",
       import_set_private_policy(BYTES, BYTES, BYTES, struct result *));
IMPORT("invocation", "invoke-chaincode", import_invoke(BYTES, LIST, OPTION, struct result *));
IMPORT("event", "set-event", import_set_event(BYTES, BYTES, struct result *));
IMPORT("log", "log", import_log(int32_t, BYTES, LIST));

// ---- The component

static fabric_response answer;

EXPORT("init") export_init(void) {
  answer = chaincode_init();
  return &answer;
}

EXPORT("invoke") export_invoke(void) {
  answer = chaincode_invoke();
  return &answer;
}

static void *memory(size_t size) {
  void *at = malloc(size > 0 ? size : 1);
  if (at == NULL) {
    fputs("out of memory\n", stderr);
    abort();
  }
  return at;
}

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size,
                                                                size_t align, size_t size) {
  (void)align;
  // The host waits for this call, so nothing may be written to standard error. The host reports that memory was
  // refused.
  void *at = malloc(size > 0 ? size : 1);
  if (at == NULL) __builtin_trap();
  if (old_size > 0) memcpy(at, old, old_size < size ? old_size : size);
  return at;
}

// ---- Answers and text

static fabric_bytes reason = FABRIC_EMPTY;

fabric_response fabric_success(fabric_bytes payload) {
  return (fabric_response){.status = 200, .payload = payload};
}

fabric_response fabric_error(fabric_bytes message) {
  return (fabric_response){.status = 500, .message = message};
}

fabric_bytes fabric_reason(void) { return reason; }

static fabric_kind refused(fabric_kind kind, fabric_bytes text) {
  reason = text;
  return kind;
}

fabric_bytes fabric_text(const char *text) {
  return (fabric_bytes){text, (uint32_t)strlen(text)};
}

fabric_bytes fabric_format(const char *format, ...) {
  va_list values, again;
  va_start(values, format);
  va_copy(again, values);
  int length = vsnprintf(NULL, 0, format, values);
  va_end(values);
  if (length < 0) abort();
  char *at = memory((size_t)length + 1);
  vsnprintf(at, (size_t)length + 1, format, again);
  va_end(again);
  return (fabric_bytes){at, (uint32_t)length};
}

void fabric_append(fabric_buffer *buffer, fabric_bytes piece) {
  if (piece.length == 0) return;
  fabric_bytes *text = &buffer->text;
  size_t length = (size_t)text->length + piece.length;
  if (length > buffer->room) {
    // Doubling keeps the copied bytes in proportion to the text.
    size_t room = length > 2 * (size_t)buffer->room ? length : 2 * (size_t)buffer->room;
    char *at = memory(room);
    // The old text stays: `piece`, or what the contract keeps, may be a part of it.
    if (text->length > 0) memcpy(at, text->at, text->length);
    text->at = at;
    buffer->room = (uint32_t)room;
  }
  memcpy((char *)text->at + text->length, piece.at, piece.length);
  text->length = (uint32_t)length;
}

const char *fabric_string(fabric_bytes text) {
  char *at = memory((size_t)text.length + 1);
  memcpy(at, text.at, text.length);
  at[text.length] = 0;
  return at;
}

bool fabric_equal(fabric_bytes one, fabric_bytes other) {
  return one.length == other.length && memcmp(one.at, other.at, one.length) == 0;
}

// ---- Results

static fabric_kind done(const struct result *result) {
  if (!result->failed) return FABRIC_OK;
  return refused((fabric_kind)(result->error.kind + 1), result->error.text);
}

// NULL marks a missing value; an empty value has an address.
static fabric_bytes optional(uint8_t is_some, fabric_bytes value) {
  if (!is_some) return (fabric_bytes){NULL, 0};
  return value.length > 0 ? value : FABRIC_EMPTY;
}

static fabric_kind value_of(const struct result *result, fabric_bytes *value) {
  fabric_kind kind = done(result);
  if (kind == FABRIC_OK) *value = optional(result->option.is_some, result->option.value);
  return kind;
}

// ---- The transaction

fabric_list fabric_get_args(void) {
  fabric_list args;
  import_get_args(&args);
  return args;
}

#define TEXT(name)                                                                                 \
  fabric_bytes fabric_##name(void) {                                                               \
    fabric_bytes text;                                                                             \
    import_##name(&text);                                                                          \
    return text;                                                                                   \
  }

TEXT(get_tx_id)
TEXT(get_channel_id)
TEXT(get_creator)
TEXT(get_binding)

fabric_bytes fabric_get_creator_msp_id(void) {
  fabric_bytes creator = fabric_get_creator();
  // Field 1 of the message comes first; its length has one or two bytes.
  const uint8_t *at = (const uint8_t *)creator.at;
  if (creator.length < 2 || at[0] != 10) return FABRIC_EMPTY;
  uint32_t length = at[1] & 0x7f, begin = 2;
  if (at[1] & 0x80) {
    if (creator.length < 3 || at[2] & 0x80) return FABRIC_EMPTY;
    length |= (uint32_t)at[2] << 7, begin = 3;
  }
  if (length > creator.length - begin) return FABRIC_EMPTY;
  return (fabric_bytes){creator.at + begin, length};
}

fabric_entries fabric_get_transient(void) {
  fabric_entries entries;
  import_get_transient(&entries);
  return entries;
}

fabric_entries fabric_get_decorations(void) {
  fabric_entries entries;
  import_get_decorations(&entries);
  return entries;
}

bool fabric_get_tx_timestamp(fabric_timestamp *time) {
  struct time_option found;
  import_get_tx_timestamp(&found);
  if (found.is_some) *time = found.time;
  return found.is_some;
}

bool fabric_get_signed_proposal(fabric_bytes *proposal, fabric_bytes *signature) {
  struct signed_proposal found;
  import_get_signed(&found);
  if (found.is_some) *proposal = found.proposal, *signature = found.signature;
  return found.is_some;
}

bool fabric_get_peer_msp_id(fabric_bytes *msp_id) {
  struct option found;
  import_get_peer_msp_id(&found);
  if (found.is_some) *msp_id = found.value;
  return found.is_some;
}

// ---- The state

fabric_kind fabric_get_state(fabric_bytes key, fabric_bytes *value) {
  struct result result;
  import_get_state(OF(key), &result);
  return value_of(&result, value);
}

static fabric_kind values_of(const struct result *result, uint32_t count, fabric_bytes *values) {
  fabric_kind kind = done(result);
  const struct option *found = result->list.at;
  for (uint32_t i = 0; kind == FABRIC_OK && i < result->list.length && i < count; i++)
    values[i] = optional(found[i].is_some, found[i].value);
  return kind;
}

fabric_kind fabric_get_multiple_states(fabric_list keys, fabric_bytes *values) {
  struct result result;
  import_get_states(OF(keys), &result);
  return values_of(&result, keys.length, values);
}

fabric_kind fabric_put_state(fabric_bytes key, fabric_bytes value) {
  struct result result;
  import_put_state(OF(key), OF(value), &result);
  return done(&result);
}

fabric_kind fabric_del_state(fabric_bytes key) {
  struct result result;
  import_del_state(OF(key), &result);
  return done(&result);
}

fabric_kind fabric_get_state_metadata(fabric_bytes key, fabric_entries *entries) {
  struct result result;
  import_get_metadata(OF(key), &result);
  fabric_kind kind = done(&result);
  if (kind == FABRIC_OK) *entries = (fabric_entries){result.list.at, result.list.length};
  return kind;
}

fabric_kind fabric_put_state_metadata(fabric_bytes key, fabric_entry entry) {
  struct result result;
  import_put_metadata(OF(key), OF(entry.name), OF(entry.value), &result);
  return done(&result);
}

fabric_kind fabric_get_state_validation_parameter(fabric_bytes key, fabric_bytes *policy) {
  struct result result;
  import_get_policy(OF(key), &result);
  return value_of(&result, policy);
}

fabric_kind fabric_set_state_validation_parameter(fabric_bytes key, fabric_bytes policy) {
  struct result result;
  import_set_policy(OF(key), OF(policy), &result);
  return done(&result);
}

void fabric_start_write_batch(void) { import_start_batch(); }

fabric_kind fabric_finish_write_batch(void) {
  struct result result;
  import_finish_batch(&result);
  return done(&result);
}

// ---- Queries

// The most rows per request. The peer ends a batch earlier if one more row would make it read more.
enum { BATCH = 1000 };

struct fabric_rows {
  int32_t handle;
  bool is_open;
  const fabric_row *at;
  uint32_t length;
};

// key-modification.
struct change {
  fabric_bytes tx_id, value;
  fabric_timestamp time;
  uint8_t is_delete;
};

struct fabric_changes {
  int32_t handle;
  bool is_open;
  const struct change *at;
  uint32_t length;
};

static fabric_kind rows_of(const struct result *result, fabric_rows **rows) {
  fabric_kind kind = done(result);
  if (kind != FABRIC_OK) return kind;
  *rows = memory(sizeof **rows);
  **rows = (fabric_rows){.handle = result->handle, .is_open = true};
  return kind;
}

static fabric_kind page_of(const struct result *result, fabric_page *page) {
  fabric_kind kind = done(result);
  if (kind != FABRIC_OK) return kind;
  page->rows = result->page.rows;
  page->bookmark = result->page.is_some ? result->page.bookmark : FABRIC_EMPTY;
  return kind;
}

fabric_kind fabric_next(fabric_rows *rows, fabric_row *row, bool *found) {
  *found = false;
  if (rows->length == 0 && rows->is_open) {
    struct result result;
    import_next_rows(rows->handle, BATCH, &result);
    fabric_kind kind = done(&result);
    if (kind != FABRIC_OK) return kind;
    rows->at = result.list.at, rows->length = result.list.length;
  }
  if (rows->length == 0) {
    fabric_close(rows);
    return FABRIC_OK;
  }
  *row = *rows->at++, rows->length--, *found = true;
  return FABRIC_OK;
}

void fabric_close(fabric_rows *rows) {
  if (rows->is_open) import_close_rows(rows->handle);
  rows->is_open = false;
}

fabric_kind fabric_next_change(fabric_changes *changes, fabric_change *change, bool *found) {
  *found = false;
  if (changes->length == 0 && changes->is_open) {
    struct result result;
    import_next_changes(changes->handle, BATCH, &result);
    fabric_kind kind = done(&result);
    if (kind != FABRIC_OK) return kind;
    changes->at = result.list.at, changes->length = result.list.length;
  }
  if (changes->length == 0) {
    fabric_close_changes(changes);
    return FABRIC_OK;
  }
  const struct change *next = changes->at++;
  changes->length--, *found = true;
  *change = (fabric_change){next->tx_id, next->value, next->time, next->is_delete};
  return FABRIC_OK;
}

void fabric_close_changes(fabric_changes *changes) {
  if (changes->is_open) import_close_changes(changes->handle);
  changes->is_open = false;
}

fabric_kind fabric_get_state_by_range(fabric_bytes start, fabric_bytes end, fabric_rows **rows) {
  struct result result;
  import_range(OF(start), OF(end), &result);
  return rows_of(&result, rows);
}

fabric_kind fabric_get_state_by_range_with_pagination(fabric_bytes start, fabric_bytes end,
                                                      uint32_t size, fabric_bytes bookmark,
                                                      fabric_page *page) {
  struct result result;
  import_range_page(OF(start), OF(end), size, SOME(bookmark), &result);
  return page_of(&result, page);
}

fabric_kind fabric_get_state_by_partial_composite_key(fabric_bytes type, fabric_list attributes,
                                                      fabric_rows **rows) {
  struct result result;
  import_partial(OF(type), OF(attributes), &result);
  return rows_of(&result, rows);
}

fabric_kind fabric_get_state_by_partial_composite_key_with_pagination(
    fabric_bytes type, fabric_list attributes, uint32_t size, fabric_bytes bookmark,
    fabric_page *page) {
  struct result result;
  import_partial_page(OF(type), OF(attributes), size, SOME(bookmark), &result);
  return page_of(&result, page);
}

fabric_kind fabric_get_all_states_composite_key_with_pagination(uint32_t size,
                                                                fabric_bytes bookmark,
                                                                fabric_page *page) {
  struct result result;
  import_all_composite(size, SOME(bookmark), &result);
  return page_of(&result, page);
}

fabric_kind fabric_get_query_result(fabric_bytes query, fabric_rows **rows) {
  struct result result;
  import_query(OF(query), &result);
  return rows_of(&result, rows);
}

fabric_kind fabric_get_query_result_with_pagination(fabric_bytes query, uint32_t size,
                                                    fabric_bytes bookmark, fabric_page *page) {
  struct result result;
  import_query_page(OF(query), size, SOME(bookmark), &result);
  return page_of(&result, page);
}

fabric_kind fabric_get_history_for_key(fabric_bytes key, fabric_changes **changes) {
  struct result result;
  import_history(OF(key), &result);
  fabric_kind kind = done(&result);
  if (kind != FABRIC_OK) return kind;
  *changes = memory(sizeof **changes);
  **changes = (fabric_changes){.handle = result.handle, .is_open = true};
  return kind;
}

// ---- Private data

fabric_kind fabric_get_private_data(fabric_bytes collection, fabric_bytes key,
                                    fabric_bytes *value) {
  struct result result;
  import_get_private(OF(collection), OF(key), &result);
  return value_of(&result, value);
}

fabric_kind fabric_get_multiple_private_data(fabric_bytes collection, fabric_list keys,
                                             fabric_bytes *values) {
  struct result result;
  import_get_privates(OF(collection), OF(keys), &result);
  return values_of(&result, keys.length, values);
}

fabric_kind fabric_get_private_data_hash(fabric_bytes collection, fabric_bytes key,
                                         fabric_bytes *hash) {
  struct result result;
  import_get_hash(OF(collection), OF(key), &result);
  return value_of(&result, hash);
}

fabric_kind fabric_put_private_data(fabric_bytes collection, fabric_bytes key,
                                    fabric_bytes value) {
  struct result result;
  import_put_private(OF(collection), OF(key), OF(value), &result);
  return done(&result);
}

fabric_kind fabric_del_private_data(fabric_bytes collection, fabric_bytes key) {
  struct result result;
  import_del_private(OF(collection), OF(key), &result);
  return done(&result);
}

fabric_kind fabric_purge_private_data(fabric_bytes collection, fabric_bytes key) {
  struct result result;
  import_purge(OF(collection), OF(key), &result);
  return done(&result);
}

fabric_kind fabric_get_private_data_by_range(fabric_bytes collection, fabric_bytes start,
                                             fabric_bytes end, fabric_rows **rows) {
  struct result result;
  import_private_range(OF(collection), OF(start), OF(end), &result);
  return rows_of(&result, rows);
}

fabric_kind fabric_get_private_data_by_partial_composite_key(fabric_bytes collection,
                                                             fabric_bytes type,
                                                             fabric_list attributes,
                                                             fabric_rows **rows) {
  struct result result;
  import_private_partial(OF(collection), OF(type), OF(attributes), &result);
  return rows_of(&result, rows);
}

fabric_kind fabric_get_private_data_query_result(fabric_bytes collection, fabric_bytes query,
                                                 fabric_rows **rows) {
  struct result result;
  import_private_query(OF(collection), OF(query), &result);
  return rows_of(&result, rows);
}

fabric_kind fabric_get_private_data_validation_parameter(fabric_bytes collection, fabric_bytes key,
                                                         fabric_bytes *policy) {
  struct result result;
  import_get_private_policy(OF(collection), OF(key), &result);
  return value_of(&result, policy);
}

fabric_kind fabric_set_private_data_validation_parameter(fabric_bytes collection, fabric_bytes key,
                                                         fabric_bytes policy) {
  struct result result;
  import_set_private_policy(OF(collection), OF(key), OF(policy), &result);
  return done(&result);
}

// ---- Other chaincodes, the event, the log

fabric_kind fabric_invoke_chaincode(fabric_bytes name, fabric_list args, fabric_bytes channel,
                                    fabric_response *response) {
  struct result result;
  import_invoke(OF(name), OF(args), SOME(channel), &result);
  fabric_kind kind = done(&result);
  if (kind == FABRIC_OK) *response = result.response;
  return kind;
}

fabric_kind fabric_set_event(fabric_bytes name, fabric_bytes payload) {
  struct result result;
  import_set_event(OF(name), OF(payload), &result);
  return done(&result);
}

void fabric_log(fabric_level level, fabric_bytes message, fabric_entries fields) {
  import_log(level, OF(message), OF(fields));
}

// ---- Composite keys (fabric-chaincode-go, shim/stub.go)

// U+10FFFF, which ends the range of a partial composite key.
static const char GREATEST[] = "\xf4\x8f\xbf\xbf";

// Returns the length of the UTF-8 character at the begin of a text; 0 if there is none.
static uint32_t character(const unsigned char *at, uint32_t length) {
  static const uint32_t LEAST[] = {0, 0, 0x80, 0x800, 0x10000};
  if (at[0] < 0x80) return 1;
  uint32_t size = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
  if (at[0] < 0xc0 || at[0] >= 0xf8 || size > length) return 0;
  uint32_t code = at[0] & (0x7f >> size);
  for (uint32_t i = 1; i < size; i++) {
    if ((at[i] & 0xc0) != 0x80) return 0;
    code = code << 6 | (at[i] & 0x3f);
  }
  bool is_half = code >= 0xd800 && code < 0xe000;
  return code < LEAST[size] || code > 0x10ffff || is_half ? 0 : size;
}

static bool is_utf8(fabric_bytes text) {
  for (uint32_t i = 0, size; i < text.length; i += size) {
    size = character((const unsigned char *)text.at + i, text.length - i);
    if (size == 0) return false;
  }
  return true;
}

static const char *hex(fabric_bytes bytes) {
  char *text = memory(2 * bytes.length + 1), *to = text;
  for (uint32_t i = 0; i < bytes.length; i++, to += 2) {
    snprintf(to, 3, "%02x", (unsigned char)bytes.at[i]);
  }
  *to = 0;
  return text;
}

static fabric_kind check_part(fabric_bytes part) {
  if (!is_utf8(part)) {
    return refused(FABRIC_INVALID_ARGUMENT,
                   fabric_format("not a valid utf8 string: [%s]", hex(part)));
  }
  for (uint32_t i = 0; i < part.length; i++) {
    bool is_greatest = part.length - i >= 4 && memcmp(part.at + i, GREATEST, 4) == 0;
    if (part.at[i] == 0 || is_greatest) {
      return refused(FABRIC_INVALID_ARGUMENT,
                     fabric_format("input contains unicode %s starting at position [%u]. U+0000 and "
                                   "U+10FFFF are not allowed in the input attribute of a composite key",
                                   is_greatest ? "U+10FFFF" : "U+0000", i));
    }
  }
  return FABRIC_OK;
}

fabric_kind fabric_create_composite_key(fabric_bytes type, fabric_list attributes,
                                        fabric_bytes *key) {
  size_t size = 1 + type.length + 1;
  fabric_kind kind = check_part(type);
  for (uint32_t i = 0; kind == FABRIC_OK && i < attributes.length; i++) {
    kind = check_part(attributes.at[i]);
    size += attributes.at[i].length + 1;
  }
  if (kind != FABRIC_OK) return kind;
  char *at = memory(size), *to = at;
  *to++ = 0;
  memcpy(to, type.at, type.length), to += type.length, *to++ = 0;
  for (uint32_t i = 0; i < attributes.length; i++) {
    memcpy(to, attributes.at[i].at, attributes.at[i].length);
    to += attributes.at[i].length, *to++ = 0;
  }
  *key = (fabric_bytes){at, (uint32_t)size};
  return FABRIC_OK;
}

bool fabric_split_composite_key(fabric_bytes key, fabric_list *parts) {
  if (key.length < 2 || key.at[0] != 0 || key.at[key.length - 1] != 0) return false;
  uint32_t count = 0;
  for (uint32_t i = 1; i < key.length; i++) count += key.at[i] == 0;
  fabric_bytes *at = memory(count * sizeof *at);
  uint32_t begin = 1;
  count = 0;
  for (uint32_t i = 1; i < key.length; i++) {
    if (key.at[i] != 0) continue;
    at[count++] = (fabric_bytes){key.at + begin, i - begin};
    begin = i + 1;
  }
  *parts = (fabric_list){at, count};
  return true;
}
