// A chaincode in C: what it implements, and what a transaction may ask of its peer.
//
// The names are those of wit/. A transaction has an instance of its own, which is gone afterwards:
// nothing has to be freed, and what a call returns stays.
//
// A call that the peer refuses returns another kind than FABRIC_OK; fabric_reason() has the text
// then. A chaincode that must not go on answers with it: return fabric_error(fabric_reason()).

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Text or bytes. Text has no zero at its end.
typedef struct {
  const char *at;
  uint32_t length;
} fabric_bytes;

typedef struct {
  const fabric_bytes *at;
  uint32_t length;
} fabric_list;

typedef struct {
  fabric_bytes name, value;
} fabric_entry;

typedef struct {
  const fabric_entry *at;
  uint32_t length;
} fabric_entries;

// Seconds and nanoseconds since 1970.
typedef struct {
  int64_t seconds;
  uint32_t nanos;
} fabric_timestamp;

// A status below 400 is endorsed.
typedef struct {
  int32_t status;
  fabric_bytes message, payload;
} fabric_response;

// Why the peer refused a call.
typedef enum {
  FABRIC_OK = 0,
  // The arguments break a rule of the interface. Nothing was recorded.
  FABRIC_INVALID_ARGUMENT,
  // The creator of the transaction may not do this, or this kind of transaction may not.
  FABRIC_NOT_PERMITTED,
  // This peer does not support the call.
  FABRIC_UNSUPPORTED,
  // A limit of the peer was reached.
  FABRIC_LIMIT_EXCEEDED,
  // The peer tried, and failed.
  FABRIC_LEDGER_FAILURE,
} fabric_kind;

// ---- What a chaincode implements

// Runs when the chaincode is instantiated or upgraded.
fabric_response chaincode_init(void);
// Runs for every other transaction.
fabric_response chaincode_invoke(void);

// ---- Answers and text

fabric_response fabric_success(fabric_bytes payload);
// Status 500: the transaction is refused, and its client gets the message.
fabric_response fabric_error(fabric_bytes message);
// The text of the last call that did not return FABRIC_OK.
fabric_bytes fabric_reason(void);

#define FABRIC_EMPTY ((fabric_bytes){"", 0})
// A text that ends with a zero.
fabric_bytes fabric_text(const char *text);
// As printf does; "%.*s" with FABRIC_TEXT(bytes) prints bytes.
__attribute__((format(printf, 1, 2))) fabric_bytes fabric_format(const char *format, ...);
#define FABRIC_TEXT(bytes) (int)(bytes).length, (bytes).at
// A text that grows at its end; {0} is an empty one. fabric_format in a loop would copy all that is there
// for each piece, and nothing is freed.
typedef struct {
  fabric_bytes text;
  uint32_t room;
} fabric_buffer;
void fabric_append(fabric_buffer *buffer, fabric_bytes piece);
// The same with a zero at its end, for functions of C's library.
const char *fabric_string(fabric_bytes text);
bool fabric_equal(fabric_bytes one, fabric_bytes other);
// Whether a value that may be missing is there.
static inline bool fabric_is_some(fabric_bytes value) { return value.at != NULL; }

// ---- The transaction (wit/transaction.wit)

// The arguments; the first one is the function's name by convention.
fabric_list fabric_get_args(void);
fabric_bytes fabric_get_tx_id(void);
fabric_bytes fabric_get_channel_id(void);
// Who submits it: a serialized msp.SerializedIdentity.
fabric_bytes fabric_get_creator(void);
// The organization of the creator; empty if it cannot be read.
fabric_bytes fabric_get_creator_msp_id(void);
// Data for the endorsers only, ordered by name.
fabric_entries fabric_get_transient(void);
// The client's time; false if the proposal has none.
bool fabric_get_tx_timestamp(fabric_timestamp *time);
// The SHA-256 of nonce, creator and epoch.
fabric_bytes fabric_get_binding(void);
// The proposal that the client signed; false if there is none.
bool fabric_get_signed_proposal(fabric_bytes *proposal, fabric_bytes *signature);
// What the peer's decorators added, ordered by name.
fabric_entries fabric_get_decorations(void);
// The organization of the peer; false if it has none. It differs between endorsers: do not write it to
// the ledger.
bool fabric_get_peer_msp_id(fabric_bytes *msp_id);

// ---- The state (wit/state.wit). Reads return the committed value, not what was just written. A value
// that does not exist is not there: fabric_is_some() tells.

fabric_kind fabric_get_state(fabric_bytes key, fabric_bytes *value);
// `values` has a place for each key.
fabric_kind fabric_get_multiple_states(fabric_list keys, fabric_bytes *values);
fabric_kind fabric_put_state(fabric_bytes key, fabric_bytes value);
fabric_kind fabric_del_state(fabric_bytes key);
// All metadata of a key, ordered by name.
fabric_kind fabric_get_state_metadata(fabric_bytes key, fabric_entries *entries);
// Afterwards the key has this metadata only.
fabric_kind fabric_put_state_metadata(fabric_bytes key, fabric_entry entry);
// The key's own endorsement policy: a serialized common.SignaturePolicyEnvelope.
fabric_kind fabric_get_state_validation_parameter(fabric_bytes key, fabric_bytes *policy);
fabric_kind fabric_set_state_validation_parameter(fabric_bytes key, fabric_bytes policy);
// From here on, writes may be held back and sent together. A refused write then fails in
// fabric_finish_write_batch, or ends the transaction; on other peers it fails itself. Do not go on
// after either.
void fabric_start_write_batch(void);
fabric_kind fabric_finish_write_batch(void);

// ---- Queries (wit/query.wit)

// An open query. The peer is asked for more rows when one of them is wanted.
typedef struct fabric_rows fabric_rows;
typedef struct fabric_changes fabric_changes;

// A row: name is the key.
typedef fabric_entry fabric_row;

typedef struct {
  fabric_bytes tx_id;
  // Empty for a deletion.
  fabric_bytes value;
  fabric_timestamp time;
  bool is_delete;
} fabric_change;

// One page, and the bookmark of the next one; empty if the peer has no more rows. Without a bookmark one
// gets the first page.
typedef struct {
  fabric_entries rows;
  fabric_bytes bookmark;
} fabric_page;

// Takes the next row. At the end `found` is false, and the query is closed.
fabric_kind fabric_next(fabric_rows *rows, fabric_row *row, bool *found);
// Closes a query before its end.
void fabric_close(fabric_rows *rows);
fabric_kind fabric_next_change(fabric_changes *changes, fabric_change *change, bool *found);
void fabric_close_changes(fabric_changes *changes);

// The keys from `start` on, before `end`; empty bounds: all keys that are not composite.
fabric_kind fabric_get_state_by_range(fabric_bytes start, fabric_bytes end, fabric_rows **rows);
fabric_kind fabric_get_state_by_range_with_pagination(fabric_bytes start, fabric_bytes end,
                                                      uint32_t size, fabric_bytes bookmark,
                                                      fabric_page *page);
// The composite keys that begin with these parts.
fabric_kind fabric_get_state_by_partial_composite_key(fabric_bytes type, fabric_list attributes,
                                                      fabric_rows **rows);
fabric_kind fabric_get_state_by_partial_composite_key_with_pagination(
    fabric_bytes type, fabric_list attributes, uint32_t size, fabric_bytes bookmark,
    fabric_page *page);
// All composite keys, whatever their type.
fabric_kind fabric_get_all_states_composite_key_with_pagination(uint32_t size,
                                                                fabric_bytes bookmark,
                                                                fabric_page *page);
// The rows that match a selector of CouchDB.
fabric_kind fabric_get_query_result(fabric_bytes query, fabric_rows **rows);
fabric_kind fabric_get_query_result_with_pagination(fabric_bytes query, uint32_t size,
                                                    fabric_bytes bookmark, fabric_page *page);
// The changes of one key, newest first.
fabric_kind fabric_get_history_for_key(fabric_bytes key, fabric_changes **changes);

// Joins a type and attributes into one key, which sorts by its parts.
fabric_kind fabric_create_composite_key(fabric_bytes type, fabric_list attributes,
                                        fabric_bytes *key);
// The parts of a composite key: the type, then the attributes. False if it is none.
bool fabric_split_composite_key(fabric_bytes key, fabric_list *parts);

// ---- Private data (wit/private-data.wit)

fabric_kind fabric_get_private_data(fabric_bytes collection, fabric_bytes key, fabric_bytes *value);
// `values` has a place for each key.
fabric_kind fabric_get_multiple_private_data(fabric_bytes collection, fabric_list keys,
                                             fabric_bytes *values);
// The SHA-256 of the value, which every peer of the channel has.
fabric_kind fabric_get_private_data_hash(fabric_bytes collection, fabric_bytes key,
                                         fabric_bytes *hash);
fabric_kind fabric_put_private_data(fabric_bytes collection, fabric_bytes key, fabric_bytes value);
fabric_kind fabric_del_private_data(fabric_bytes collection, fabric_bytes key);
// Deletes, and removes all earlier values.
fabric_kind fabric_purge_private_data(fabric_bytes collection, fabric_bytes key);
fabric_kind fabric_get_private_data_by_range(fabric_bytes collection, fabric_bytes start,
                                             fabric_bytes end, fabric_rows **rows);
fabric_kind fabric_get_private_data_by_partial_composite_key(fabric_bytes collection,
                                                             fabric_bytes type,
                                                             fabric_list attributes,
                                                             fabric_rows **rows);
fabric_kind fabric_get_private_data_query_result(fabric_bytes collection, fabric_bytes query,
                                                 fabric_rows **rows);
fabric_kind fabric_get_private_data_validation_parameter(fabric_bytes collection, fabric_bytes key,
                                                         fabric_bytes *policy);
fabric_kind fabric_set_private_data_validation_parameter(fabric_bytes collection, fabric_bytes key,
                                                         fabric_bytes policy);

// ---- Other chaincodes, the event, the log

// Runs another chaincode in this transaction; an empty channel is this one. `response` is the other
// chaincode's, whatever its status; if the peer does not run it, that is the kind.
fabric_kind fabric_invoke_chaincode(fabric_bytes name, fabric_list args, fabric_bytes channel,
                                    fabric_response *response);
// Sets the transaction's event; a later call replaces it.
fabric_kind fabric_set_event(fabric_bytes name, fabric_bytes payload);

typedef enum { FABRIC_TRACE, FABRIC_DEBUG, FABRIC_INFO, FABRIC_WARN, FABRIC_ERROR } fabric_level;
// Writes a line to the peer's log; so does what is printed. The fields are values for programs that
// read the log.
void fabric_log(fabric_level level, fabric_bytes message, fabric_entries fields);

// ---- JSON, as much as a flat object needs

// The text as a JSON string, with its quotes.
fabric_bytes fabric_json_string(fabric_bytes text);
// The value of a member of an object, as it is written there; not there if there is none.
fabric_bytes fabric_json_member(fabric_bytes object, const char *name);
// The text that a JSON string stands for. False if it is no JSON string.
bool fabric_json_read_string(fabric_bytes json, fabric_bytes *text);
// The number that a JSON value or an argument is. False if it is no whole number.
bool fabric_read_number(fabric_bytes text, int64_t *number);
