;; Adapts a core module for WASI 0.1 (wasip1), as Go's compiler and wasi-libc make it, to a component.
;; Standard output and error, clocks and random numbers come from WASI 0.2. There is one argument, the name
;; `chaincode`, and no variables or files; the host refuses to sleep.
;;
;; Invariant: uses no memory of its own and no function of the module, so it can be called before the module's
;; runtime has started. Where the host writes a result to memory, the 16 bytes at address 16 are saved before
;; and restored afterwards.
;;
;; Invariant: calls no import while the module allocates for the host. A component must not call out then: the
;; transaction would end with an error that does not name the cause.
(module
  (import "env" "memory" (memory 0))
  (import "wasi:cli/exit@0.2.6" "exit" (func $exit (param i32)))
  (import "wasi:cli/stdout@0.2.6" "get-stdout" (func $get_stdout (result i32)))
  (import "wasi:cli/stderr@0.2.6" "get-stderr" (func $get_stderr (result i32)))
  (import "wasi:io/streams@0.2.6" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.6" "[resource-drop]output-stream" (func $drop_stream (param i32)))
  (import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration"
    (func $sleep (param i64) (result i32)))
  (import "wasi:clocks/wall-clock@0.2.6" "now" (func $now (param i32)))
  (import "wasi:random/random@0.2.6" "get-random-u64" (func $random (result i64)))

  ;; The number of waits left for Go's runtime. Not an i32: the tool would take it for the stack pointer.
  (global $waits (mut i64) (i64.const 64))
  ;; The clock does not advance, so it is read once. Go reads it when it starts; its allocator and garbage
  ;; collector read it again at any time.
  (global $time (mut i64) (i64.const 0))
  (global $time_is_known (mut i64) (i64.const 0))
  ;; 1 while the module is in `cabi_realloc`.
  (global $allocates (mut i64) (i64.const 0))

  ;; Not part of WASI: the module reports that `cabi_realloc` begins (1) or ends (0).
  (func (export "wasmcc_allocating") (param $begins i32)
    (global.set $allocates (i64.extend_i32_u (local.get $begins))))

  ;; Called before each import. During an allocation, a module comes here only to report that it is out of
  ;; memory; the host then reports the refused memory.
  (func $leave
    (if (i32.wrap_i64 (global.get $allocates)) (then unreachable)))

  (func (export "sched_yield") (result i32)
    i32.const 0)

  (func (export "proc_exit") (param $status i32)
    (call $leave)
    (call $exit (i32.ne (local.get $status) (i32.const 0)))
    unreachable)

  ;; One argument, the program's name: programs skip it, and packages read it when they are initialized.
  (func (export "args_sizes_get") (param $count i32) (param $bytes i32) (result i32)
    (i32.store (local.get $count) (i32.const 1))
    (i32.store (local.get $bytes) (i32.const 10))
    i32.const 0)
  ;; The text "chaincode" and a zero byte, as two numbers.
  (func (export "args_get") (param $args i32) (param $text i32) (result i32)
    (i32.store (local.get $args) (local.get $text))
    (i64.store (local.get $text) (i64.const 0x646f636e69616863))
    (i32.store16 offset=8 (local.get $text) (i32.const 0x0065))
    i32.const 0)

  ;; No variables: two zeros.
  (func (export "environ_sizes_get") (param $count i32) (param $bytes i32) (result i32)
    (i32.store (local.get $count) (i32.const 0))
    (i32.store (local.get $bytes) (i32.const 0))
    i32.const 0)
  (func (export "environ_get") (param i32 i32) (result i32)
    i32.const 0)

  (func $ask_time
    (local $low i64) (local $high i64)
    (call $leave)
    (local.set $low (i64.load (i32.const 16)))
    (local.set $high (i64.load (i32.const 24)))
    (call $now (i32.const 16))
    (global.set $time
      (i64.add
        (i64.mul (i64.load (i32.const 16)) (i64.const 1000000000))
        (i64.load32_u (i32.const 24))))
    (global.set $time_is_known (i64.const 1))
    (i64.store (i32.const 16) (local.get $low))
    (i64.store (i32.const 24) (local.get $high)))

  ;; All clocks have the same time; clock 0 is the real-time clock.
  (func (export "clock_time_get") (param $clock i32) (param $precision i64) (param $to i32)
    (result i32)
    (local $time i64)
    (if (i64.eqz (global.get $time_is_known))
      (then (call $ask_time)))
    (local.set $time (global.get $time))
    ;; Go does not start if a monotonic clock returns 0.
    (if (i32.and
          (i64.eqz (local.get $time))
          (i32.ne (local.get $clock) (i32.const 0)))
      (then (local.set $time (i64.const 1))))
    (i64.store (local.get $to) (local.get $time))
    i32.const 0)
  (func (export "clock_res_get") (param $clock i32) (param $to i32) (result i32)
    (i64.store (local.get $to) (i64.const 1))
    i32.const 0)

  (func (export "random_get") (param $to i32) (param $length i32) (result i32)
    (local $number i64) (local $left i32)
    (call $leave)
    (loop $byte
      (if (i32.eqz (local.get $length))
        (then (return (i32.const 0))))
      (if (i32.eqz (local.get $left))
        (then
          (local.set $number (call $random))
          (local.set $left (i32.const 8))))
      (i64.store8 (local.get $to) (local.get $number))
      (local.set $number (i64.shr_u (local.get $number) (i64.const 8)))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (local.set $to (i32.add (local.get $to) (i32.const 1)))
      (local.set $length (i32.sub (local.get $length) (i32.const 1)))
      (br $byte))
    unreachable)

  ;; Nothing can become ready, so this is a wait for a time, which the host refuses. When Go panics, it waits
  ;; a few times for up to a millisecond: these waits end at once. They are recognized by their precision of
  ;; 1,000 ns; wasi-libc sets none. A Go program that sleeps no longer than that repeats it until the limit,
  ;; since the clock does not advance.
  (func (export "poll_oneoff") (param $wanted i32) (param $events i32) (param $count i32)
    (param $ready i32) (result i32)
    (if (i32.or
          (i32.load8_u offset=8 (local.get $wanted))
          (i64.ne (i64.load offset=24 (local.get $wanted)) (i64.const 0)))
      (then
        (global.set $waits (i64.sub (global.get $waits) (i64.const 1)))
        (if (i32.or
              (i32.or
                (i32.load8_u offset=8 (local.get $wanted))
                (i64.lt_s (global.get $waits) (i64.const 0)))
              (i32.or
                (i64.ne (i64.load offset=32 (local.get $wanted)) (i64.const 1000))
                (i64.gt_u (i64.load offset=24 (local.get $wanted)) (i64.const 1000000))))
          (then
            (call $leave)
            (drop (call $sleep (i64.load offset=24 (local.get $wanted))))))))
    (i64.store (local.get $events) (i64.load (local.get $wanted)))
    (i64.store offset=8 (local.get $events) (i64.const 0))
    (i32.store (local.get $ready) (i32.const 1))
    i32.const 0)

  (func (export "fd_write") (param $fd i32) (param $buffers i32) (param $count i32)
    (param $written i32) (result i32)
    (local $stream i32) (local $from i32) (local $length i32) (local $part i32) (local $sum i32)
    (local $low i64) (local $high i64)
    (call $leave)
    (if (i32.eq (local.get $fd) (i32.const 1))
      (then (local.set $stream (call $get_stdout)))
      (else
        (if (i32.ne (local.get $fd) (i32.const 2))
          (then (return (i32.const 8))))
        (local.set $stream (call $get_stderr))))
    (local.set $low (i64.load (i32.const 16)))
    (local.set $high (i64.load (i32.const 24)))
    (block $end
      (loop $next
        (if (i32.eqz (local.get $length))
          (then
            (br_if $end (i32.eqz (local.get $count)))
            (local.set $from (i32.load (local.get $buffers)))
            (local.set $length (i32.load offset=4 (local.get $buffers)))
            (local.set $buffers (i32.add (local.get $buffers) (i32.const 8)))
            (local.set $count (i32.sub (local.get $count) (i32.const 1)))
            (br $next)))
        ;; One call accepts at most 4,096 bytes.
        (local.set $part
          (select (local.get $length) (i32.const 4096)
            (i32.lt_u (local.get $length) (i32.const 4096))))
        (call $write (local.get $stream) (local.get $from) (local.get $part) (i32.const 16))
        (local.set $from (i32.add (local.get $from) (local.get $part)))
        (local.set $length (i32.sub (local.get $length) (local.get $part)))
        (local.set $sum (i32.add (local.get $sum) (local.get $part)))
        (br $next)))
    (i64.store (i32.const 16) (local.get $low))
    (i64.store (i32.const 24) (local.get $high))
    (call $drop_stream (local.get $stream))
    (i32.store (local.get $written) (local.get $sum))
    i32.const 0)

  ;; Standard input is always at its end.
  (func (export "fd_read") (param $fd i32) (param $buffers i32) (param $count i32)
    (param $read i32) (result i32)
    (i32.store (local.get $read) (i32.const 0))
    (select (i32.const 8) (i32.const 0) (local.get $fd)))
  ;; The three standard streams are not files (file type 2: a character device).
  (func (export "fd_fdstat_get") (param $fd i32) (param $to i32) (result i32)
    (if (i32.gt_u (local.get $fd) (i32.const 2))
      (then (return (i32.const 8))))
    (i64.store (local.get $to) (i64.const 2))
    (i64.store offset=8 (local.get $to) (i64.const 0x40))
    (i64.store offset=16 (local.get $to) (i64.const 0))
    i32.const 0)
  (func (export "fd_fdstat_set_flags") (param $fd i32) (param $flags i32) (result i32)
    (select (i32.const 8) (i32.const 0) (i32.gt_u (local.get $fd) (i32.const 2))))
  (func (export "fd_close") (param $fd i32) (result i32)
    (select (i32.const 8) (i32.const 0) (i32.gt_u (local.get $fd) (i32.const 2))))
  (func (export "fd_seek") (param $fd i32) (param i64 i32 i32) (result i32)
    (select (i32.const 8) (i32.const 70) (i32.gt_u (local.get $fd) (i32.const 2))))
  ;; Nothing else is open.
  (func (export "fd_prestat_get") (param i32 i32) (result i32)
    i32.const 8)
  (func (export "fd_prestat_dir_name") (param i32 i32 i32) (result i32)
    i32.const 8)
  ;; Files, folders and connections do not exist.
  (func (export "fd_datasync") (export "fd_sync")
    (param i32) (result i32)
    i32.const 8)
  (func (export "fd_filestat_get") (export "fd_renumber") (export "fd_tell")
    (export "sock_shutdown")
    (param i32 i32) (result i32)
    i32.const 8)
  (func (export "fd_advise") (export "fd_filestat_set_times")
    (param i32 i64 i64 i32) (result i32)
    i32.const 8)
  (func (export "fd_allocate") (export "fd_fdstat_set_rights")
    (param i32 i64 i64) (result i32)
    i32.const 8)
  (func (export "fd_filestat_set_size")
    (param i32 i64) (result i32)
    i32.const 8)
  (func (export "fd_pread") (export "fd_pwrite") (export "fd_readdir")
    (param i32 i32 i32 i64 i32) (result i32)
    i32.const 8)
  (func (export "sock_accept")
    (param i32 i32 i32) (result i32)
    i32.const 8)
  (func (export "sock_send")
    (param i32 i32 i32 i32 i32) (result i32)
    i32.const 8)
  (func (export "sock_recv")
    (param i32 i32 i32 i32 i32 i32) (result i32)
    i32.const 8)
  ;; Paths do not exist: programs that can do without a file continue.
  (func (export "path_create_directory") (export "path_remove_directory")
    (export "path_unlink_file")
    (param i32 i32 i32) (result i32)
    i32.const 44)
  (func (export "path_filestat_get") (export "path_symlink")
    (param i32 i32 i32 i32 i32) (result i32)
    i32.const 44)
  (func (export "path_readlink") (export "path_rename")
    (param i32 i32 i32 i32 i32 i32) (result i32)
    i32.const 44)
  (func (export "path_link")
    (param i32 i32 i32 i32 i32 i32 i32) (result i32)
    i32.const 44)
  (func (export "path_filestat_set_times")
    (param i32 i32 i32 i32 i64 i64 i32) (result i32)
    i32.const 44)
  (func (export "path_open")
    (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)
    i32.const 44)
  (func (export "proc_raise") (param i32) (result i32)
    unreachable))
