// Chaincodes in C: the functions to implement, and the calls of the peer.
//
// The names are those of wit/. Each transaction has its own instance, which is dropped afterwards: nothing has to be
// freed, and returned values stay valid.
//
// A call that the peer refuses does not return FABRIC_OK; fabric_reason() then returns the text. To refuse the
// transaction with it: return fabric_error(fabric_reason()).

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Text or bytes. Text does not end with a zero.
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

// A response with a status below 400 is endorsed.
typedef struct {
  int32_t status;
  fabric_bytes message, payload;
} fabric_response;

// The kinds of refusals by the peer.
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
  // The peer tried and failed.
  FABRIC_LEDGER_FAILURE,
} fabric_kind;

// ---- Functions that a chaincode implements

// Runs when the chaincode is instantiated or upgraded.
fabric_response chaincode_init(void);
// Runs for every other transaction.
fabric_response chaincode_invoke(void);

// ---- Answers and text

fabric_response fabric_success(fabric_bytes payload);
// Returns status 500: the transaction is refused, and its client receives the message.
fabric_response fabric_error(fabric_bytes message);
// Returns the text of the last call that did not return FABRIC_OK.
fabric_bytes fabric_reason(void);

#define FABRIC_EMPTY ((fabric_bytes){"", 0})
// Returns the bytes of a text that ends with a zero.
fabric_bytes fabric_text(const char *text);
// Formats as printf does; "%.*s" with FABRIC_TEXT(bytes) prints bytes.
__attribute__((format(printf, 1, 2))) fabric_bytes fabric_format(const char *format, ...);
#define FABRIC_TEXT(bytes) (int)(bytes).length, (bytes).at
// A text with a zero at its end, for functions of C's library.
const char *fabric_string(fabric_bytes text);
bool fabric_equal(fabric_bytes one, fabric_bytes other);
// A text that grows at its end; {0} is an empty one. Use it in loops: fabric_format would copy the whole text for each
// piece, and nothing is freed.
typedef struct {
  fabric_bytes text;
  uint32_t room;
} fabric_buffer;
void fabric_append(fabric_buffer *buffer, fabric_bytes piece);
// Returns true if an optional value exists.
static inline bool fabric_is_some(fabric_bytes value) { return value.at != NULL; }

// ---- The transaction (wit/transaction.wit)

// Returns the arguments; by convention the first one is the function's name.
fabric_list fabric_get_args(void);
fabric_bytes fabric_get_tx_id(void);
fabric_bytes fabric_get_channel_id(void);
// Returns the submitting identity: a serialized msp.SerializedIdentity.
fabric_bytes fabric_get_creator(void);
// Returns the organization of the creator; empty if it cannot be read.
fabric_bytes fabric_get_creator_msp_id(void);
// Returns the transient data, which only endorsers see, ordered by name.
fabric_entries fabric_get_transient(void);
// Reads the client's time; false if the proposal has none.
bool fabric_get_tx_timestamp(fabric_timestamp *time);
// Returns the SHA-256 of nonce, creator and epoch.
fabric_bytes fabric_get_binding(void);
// Reads the proposal that the client signed; false if there is none.
bool fabric_get_signed_proposal(fabric_bytes *proposal, fabric_bytes *signature);
// Returns the data that the peer's decorators added, ordered by name.
fabric_entries fabric_get_decorations(void);
// Reads the organization of the peer; false if it has none. It differs between endorsers: do not write it to the
// ledger.
bool fabric_get_peer_msp_id(fabric_bytes *msp_id);

// ---- The state (wit/state.wit). Reads return the committed value, not the transaction's own writes. For a key that
// does not exist, fabric_is_some(value) is false.

fabric_kind fabric_get_state(fabric_bytes key, fabric_bytes *value);
// `values` has an element for each key.
fabric_kind fabric_get_multiple_states(fabric_list keys, fabric_bytes *values);
fabric_kind fabric_put_state(fabric_bytes key, fabric_bytes value);
fabric_kind fabric_del_state(fabric_bytes key);
// Reads all metadata of a key, ordered by name.
fabric_kind fabric_get_state_metadata(fabric_bytes key, fabric_entries *entries);
// Replaces all metadata of the key by this entry.
fabric_kind fabric_put_state_metadata(fabric_bytes key, fabric_entry entry);
// The key's own endorsement policy: a serialized common.SignaturePolicyEnvelope.
fabric_kind fabric_get_state_validation_parameter(fabric_bytes key, fabric_bytes *policy);
fabric_kind fabric_set_state_validation_parameter(fabric_bytes key, fabric_bytes policy);
// Lets the peer hold back the writes that follow and send them together. A refused write then fails in
// fabric_finish_write_batch, or ends the transaction. On other peers the write itself fails. Do not continue after
// either failure.
void fabric_start_write_batch(void);
fabric_kind fabric_finish_write_batch(void);

// ---- Queries (wit/query.wit)

// An open query. The peer is asked for more rows when they are needed.
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

// One page and the bookmark of the next page; the bookmark is empty if the peer has no more rows. An empty bookmark
// requests the first page.
typedef struct {
  fabric_entries rows;
  fabric_bytes bookmark;
} fabric_page;

// Reads the next row. At the end `found` is false, and the query is closed.
fabric_kind fabric_next(fabric_rows *rows, fabric_row *row, bool *found);
// Closes a query before its end.
void fabric_close(fabric_rows *rows);
fabric_kind fabric_next_change(fabric_changes *changes, fabric_change *change, bool *found);
void fabric_close_changes(fabric_changes *changes);

// Queries the keys from `start` (included) to `end` (excluded). Empty bounds: all keys that are not composite.
fabric_kind fabric_get_state_by_range(fabric_bytes start, fabric_bytes end, fabric_rows **rows);
fabric_kind fabric_get_state_by_range_with_pagination(fabric_bytes start, fabric_bytes end,
                                                      uint32_t size, fabric_bytes bookmark,
                                                      fabric_page *page);
// Queries the composite keys that begin with these parts.
fabric_kind fabric_get_state_by_partial_composite_key(fabric_bytes type, fabric_list attributes,
                                                      fabric_rows **rows);
fabric_kind fabric_get_state_by_partial_composite_key_with_pagination(
    fabric_bytes type, fabric_list attributes, uint32_t size, fabric_bytes bookmark,
    fabric_page *page);
// Reads one page of all composite keys of all types.
fabric_kind fabric_get_all_states_composite_key_with_pagination(uint32_t size,
                                                                fabric_bytes bookmark,
                                                                fabric_page *page);
// Queries the rows that match a CouchDB selector.
fabric_kind fabric_get_query_result(fabric_bytes query, fabric_rows **rows);
fabric_kind fabric_get_query_result_with_pagination(fabric_bytes query, uint32_t size,
                                                    fabric_bytes bookmark, fabric_page *page);
// Queries the changes of one key, newest first.
fabric_kind fabric_get_history_for_key(fabric_bytes key, fabric_changes **changes);

// Joins a type and attributes into one key, which sorts by its parts.
fabric_kind fabric_create_composite_key(fabric_bytes type, fabric_list attributes,
                                        fabric_bytes *key);
// Splits a composite key into the type and the attributes. Returns false if it is not a composite key.
bool fabric_split_composite_key(fabric_bytes key, fabric_list *parts);

// ---- Private data (wit/private-data.wit)

fabric_kind fabric_get_private_data(fabric_bytes collection, fabric_bytes key, fabric_bytes *value);
// `values` has an element for each key.
fabric_kind fabric_get_multiple_private_data(fabric_bytes collection, fabric_list keys,
                                             fabric_bytes *values);
// Reads the SHA-256 of the value, which every peer of the channel has.
fabric_kind fabric_get_private_data_hash(fabric_bytes collection, fabric_bytes key,
                                         fabric_bytes *hash);
fabric_kind fabric_put_private_data(fabric_bytes collection, fabric_bytes key, fabric_bytes value);
fabric_kind fabric_del_private_data(fabric_bytes collection, fabric_bytes key);
// Deletes the key and all its earlier values.
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

// Runs another chaincode in this transaction; an empty channel is the current one. `response` is the other chaincode's
// response with any status. A kind other than FABRIC_OK means that the peer did not run it.
fabric_kind fabric_invoke_chaincode(fabric_bytes name, fabric_list args, fabric_bytes channel,
                                    fabric_response *response);
// Sets the transaction's event; a later call replaces it.
fabric_kind fabric_set_event(fabric_bytes name, fabric_bytes payload);

typedef enum { FABRIC_TRACE, FABRIC_DEBUG, FABRIC_INFO, FABRIC_WARN, FABRIC_ERROR } fabric_level;
// Writes a line to the peer's log; printed lines go there, too. The fields are values for programs that read the log.
void fabric_log(fabric_level level, fabric_bytes message, fabric_entries fields);

// ---- JSON: the part that a flat object needs

// Returns the text as a JSON string with its quotes.
fabric_bytes fabric_json_string(fabric_bytes text);
// Returns the value of an object's member as written; fabric_is_some() is false without it.
fabric_bytes fabric_json_member(fabric_bytes object, const char *name);
// Decodes a JSON string. Returns false if it is not a JSON string.
bool fabric_json_read_string(fabric_bytes json, fabric_bytes *text);
// Parses a JSON value or an argument as a number. Returns false if it is not a whole number.
bool fabric_read_number(fabric_bytes text, int64_t *number);
