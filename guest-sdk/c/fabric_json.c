// JSON: the part that a flat object needs.

#include "fabric.h"

#include <stdlib.h>
#include <string.h>

static char *memory(size_t size) {
  char *at = malloc(size);
  if (at == NULL) abort();
  return at;
}

fabric_bytes fabric_json_string(fabric_bytes text) {
  static const char digits[] = "0123456789abcdef";
  // A character needs at most six.
  char *at = memory((size_t)text.length * 6 + 2), *to = at;
  *to++ = '"';
  for (uint32_t i = 0; i < text.length; i++) {
    unsigned char c = (unsigned char)text.at[i];
    if (c == '"' || c == '\\') {
      *to++ = '\\', *to++ = (char)c;
    } else if (c < 0x20) {
      memcpy(to, "\\u00", 4), to += 4;
      *to++ = digits[c >> 4], *to++ = digits[c & 15];
    } else {
      *to++ = (char)c;
    }
  }
  *to++ = '"';
  return (fabric_bytes){at, (uint32_t)(to - at)};
}

// The position in a text that is being read.
struct reader {
  const char *at, *end;
};

static void skip_space(struct reader *r) {
  while (r->at < r->end && strchr(" \t\r\n", *r->at) != NULL && *r->at != 0) r->at++;
}

static bool skip_string(struct reader *r) {
  if (r->at == r->end || *r->at != '"') return false;
  for (r->at++; r->at < r->end; r->at++) {
    if (*r->at == '\\') r->at++;
    else if (*r->at == '"') return r->at++, true;
  }
  return false;
}

// Skips any value; for objects and arrays, brackets are counted.
static bool skip_value(struct reader *r) {
  skip_space(r);
  const char *begin = r->at;
  int depth = 0;
  while (r->at < r->end) {
    char c = *r->at;
    if (c == '"') {
      if (!skip_string(r)) return false;
    } else if (depth == 0 && (c == ',' || c == '}' || c == ']')) {
      break;
    } else {
      if (c == '{' || c == '[') depth++;
      if (c == '}' || c == ']') depth--;
      r->at++;
    }
  }
  return depth == 0 && r->at > begin;
}

fabric_bytes fabric_json_member(fabric_bytes object, const char *name) {
  const fabric_bytes none = {NULL, 0};
  struct reader r = {object.at, object.at + object.length};
  skip_space(&r);
  if (r.at == r.end || *r.at++ != '{') return none;
  for (;;) {
    skip_space(&r);
    const char *key = r.at;
    fabric_bytes found;
    if (!skip_string(&r)) return none;
    if (!fabric_json_read_string((fabric_bytes){key, (uint32_t)(r.at - key)}, &found)) return none;
    skip_space(&r);
    if (r.at == r.end || *r.at++ != ':') return none;
    skip_space(&r);
    const char *value = r.at;
    if (!skip_value(&r)) return none;
    const char *last = r.at;
    while (last > value && strchr(" \t\r\n", last[-1]) != NULL) last--;
    if (fabric_equal(found, fabric_text(name))) return (fabric_bytes){value, (uint32_t)(last - value)};
    if (r.at == r.end || *r.at++ != ',') return none;
  }
}

static int hex(const char *at, const char *end) {
  int value = 0;
  if (end - at < 4) return -1;
  for (int i = 0; i < 4; i++) {
    char c = at[i];
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
    if (digit < 0) return -1;
    value = value << 4 | digit;
  }
  return value;
}

static char *utf8(char *to, unsigned c) {
  if (c < 0x80) {
    *to++ = (char)c;
  } else if (c < 0x800) {
    *to++ = (char)(0xc0 | c >> 6), *to++ = (char)(0x80 | (c & 63));
  } else if (c < 0x10000) {
    *to++ = (char)(0xe0 | c >> 12), *to++ = (char)(0x80 | (c >> 6 & 63));
    *to++ = (char)(0x80 | (c & 63));
  } else {
    *to++ = (char)(0xf0 | c >> 18), *to++ = (char)(0x80 | (c >> 12 & 63));
    *to++ = (char)(0x80 | (c >> 6 & 63)), *to++ = (char)(0x80 | (c & 63));
  }
  return to;
}

bool fabric_json_read_string(fabric_bytes json, fabric_bytes *text) {
  if (json.length < 2 || json.at[0] != '"' || json.at[json.length - 1] != '"') return false;
  const char *at = json.at + 1, *end = json.at + json.length - 1;
  char *begin = memory(json.length), *to = begin;
  while (at < end) {
    if (*at != '\\') {
      *to++ = *at++;
      continue;
    }
    if (++at == end) return false;
    static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    char c = *at++;
    const char *known = c == 0 ? NULL : strchr(names, c);
    if (known != NULL) {
      *to++ = meant[known - names];
      continue;
    }
    int first = c == 'u' ? hex(at, end) : -1;
    if (first < 0) return false;
    at += 4;
    unsigned character = (unsigned)first;
    // The two halves of a surrogate pair.
    if (first >= 0xd800 && first < 0xdc00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
      int second = hex(at + 2, end);
      if (second >= 0xdc00 && second < 0xe000) {
        character = 0x10000 + (((unsigned)first - 0xd800) << 10) + ((unsigned)second - 0xdc00);
        at += 6;
      }
    }
    if (character >= 0xd800 && character < 0xe000) character = 0xfffd;
    to = utf8(to, character);
  }
  *text = (fabric_bytes){begin, (uint32_t)(to - begin)};
  return true;
}

bool fabric_read_number(fabric_bytes text, int64_t *number) {
  uint32_t i = text.length > 0 && text.at[0] == '-' ? 1 : 0;
  bool is_negative = i == 1;
  if (i == text.length) return false;
  int64_t value = 0;
  for (; i < text.length; i++) {
    if (text.at[i] < '0' || text.at[i] > '9') return false;
    // The smallest number has no positive counterpart.
    if (__builtin_mul_overflow(value, (int64_t)10, &value)) return false;
    if (__builtin_sub_overflow(value, (int64_t)(text.at[i] - '0'), &value)) return false;
  }
  if (!is_negative && __builtin_sub_overflow((int64_t)0, value, &value)) return false;
  *number = value;
  return true;
}
