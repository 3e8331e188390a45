// The tests' contract in C; ../README.md lists its functions.

#include "fabric.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// The instance ends after the call, so nothing is freed, and the answer stays valid.
static struct response answer = {.status = 200};

EXPORT("contract", "init") struct response *init(void) { return &answer; }

__attribute__((export_name("cabi_realloc"))) void *
cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  (void)old_size, (void)align;
  void *at = size == 0 ? (void *)align : realloc(old, size);
  if (at == NULL) abort();
  return at;
}

static struct bytes format(const char *text, ...) {
  va_list values;
  va_start(values, text);
  char *at = NULL;
  int length = vasprintf(&at, text, values);
  va_end(values);
  if (length < 0) abort();
  return (struct bytes){at, (uint32_t)length};
}

static void refuse(struct bytes why) {
  answer.status = 500;
  answer.message = why;
}

// Returns true on success; otherwise the answer is the peer's error.
static int done(const struct result *result) {
  if (result->failed) refuse(result->error.text);
  return !result->failed;
}

static int get(struct bytes key, struct bytes *value) {
  struct result result;
  get_state(key.at, key.length, &result);
  if (!done(&result)) return 0;
  // Without a value, nothing was written.
  if (result.option.is_some) *value = result.option.value;
  else refuse(format("%.*s does not exist", (int)key.length, key.at));
  return result.option.is_some;
}

static int put(struct bytes key, struct bytes value) {
  struct result result;
  put_state(key.at, key.length, value.at, value.length, &result);
  return done(&result);
}

static void range(struct bytes start, struct bytes end) {
  struct result result;
  get_state_by_range(start.at, start.length, end.at, end.length, &result);
  if (!done(&result)) return;
  int32_t iterator = result.handle;
  char *at = NULL;
  size_t length = 0;
  FILE *text = open_memstream(&at, &length);
  if (text == NULL) abort();
  while (next_batch(iterator, 100, &result), done(&result) && result.rows.length > 0) {
    for (uint32_t i = 0; i < result.rows.length; i++) {
      struct key_value row = result.rows.at[i];
      fprintf(text, "%.*s=%.*s\n", (int)row.key.length, row.key.at, (int)row.value.length,
              row.value.at);
    }
  }
  close_iterator(iterator);
  if (fclose(text) != 0) abort();
  answer.payload = (struct bytes){at, (uint32_t)length};
}

static long number(struct bytes text) {
  return strtol(format("%.*s", (int)text.length, text.at).at, NULL, 10);
}

static void transfer(struct bytes from, struct bytes to, long amount) {
  struct bytes have, other;
  if (!get(from, &have) || !get(to, &other)) return;
  long left = number(have) - amount, now = number(other) + amount;
  if (left < 0) {
    refuse(format("%.*s has only %ld", (int)from.length, from.at, number(have)));
  } else if (put(from, format("%ld", left)) && put(to, format("%ld", now))) {
    answer.payload = format("%ld %ld", left, now);
  }
}

static void hog(void) {
  for (;;) {
    char *at = malloc(1 << 20);
    if (at == NULL) {
      fputs("out of memory\n", stderr);
      abort();
    }
    *(volatile char *)at = 1;
  }
}

// Prevents the compiler from making a loop of it.
__attribute__((noinline)) static long deep(long levels) {
  volatile long below = levels == 0 ? -1 : deep(levels - 1);
  return below + 1;
}

static void spin(void) {
  for (volatile int i = 0;; i++) {
  }
}

static void read_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  answer.payload = format("%lld.%03ld", (long long)now.tv_sec, now.tv_nsec / 1000000);
}

static void draw(void) {
  unsigned long long numbers[2];
  if (getentropy(numbers, sizeof numbers) != 0) abort();
  answer.payload = format("%llx %llx", numbers[0], numbers[1]);
}

EXPORT("contract", "invoke") struct response *invoke(void) {
  struct arguments arguments;
  get_args(&arguments);
  struct bytes empty = {"", 0}, a[4];
  for (uint32_t i = 0; i < 4; i++) a[i] = i < arguments.length ? arguments.at[i] : empty;
  const char *name = format("%.*s", (int)a[0].length, a[0].at).at;
  struct result result;

  if (strcmp(name, "noop") == 0) {
  } else if (strcmp(name, "put") == 0) {
    put(a[1], a[2]);
  } else if (strcmp(name, "get") == 0) {
    get(a[1], &answer.payload);
  } else if (strcmp(name, "range") == 0) {
    range(a[1], a[2]);
  } else if (strcmp(name, "event") == 0) {
    set_event(a[1].at, a[1].length, a[2].at, a[2].length, &result);
    done(&result);
  } else if (strcmp(name, "transfer") == 0) {
    transfer(a[1], a[2], number(a[3]));
  } else if (strcmp(name, "fail") == 0) {
    refuse(a[1]);
  } else if (strcmp(name, "throw") == 0) {
    fprintf(stderr, "%.*s\n", (int)a[1].length, a[1].at);
    abort();
  } else if (strcmp(name, "spin") == 0) {
    spin();
  } else if (strcmp(name, "hog") == 0) {
    hog();
  } else if (strcmp(name, "deep") == 0) {
    answer.payload = format("%ld", deep(number(a[1])));
  } else if (strcmp(name, "clock") == 0) {
    read_clock();
  } else if (strcmp(name, "random") == 0) {
    draw();
  } else if (strcmp(name, "secret") == 0) {
    put_private_data(a[1].at, a[1].length, a[2].at, a[2].length, a[3].at, a[3].length, &result);
    done(&result);
  } else if (strcmp(name, "reveal") == 0) {
    get_private_data(a[1].at, a[1].length, a[2].at, a[2].length, &result);
    if (done(&result) && result.option.is_some) answer.payload = result.option.value;
  } else {
    refuse(format("there is no function %s", name));
  }
  return &answer;
}
