;; Two components with a string passed between them, which wasmtime copies with a module of its own
;; that has both memories. `nested_strings.wasm` is this file as `wasm-tools parse` writes it.
(component
  (component $A
    (core module $m
      (memory (export "mem") 1)
      (func (export "f") (param i32 i32))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024))
    (core instance $i (instantiate $m))
    (func (export "f") (param "s" string)
      (canon lift (core func $i "f") (memory (core memory $i "mem"))
        (realloc (core func $i "realloc")))))
  (instance $a (instantiate $A))
  (component $B
    (import "f" (func $f (param "s" string)))
    (core module $libc (memory (export "mem") 1))
    (core instance $libc (instantiate $libc))
    (core func $fl (canon lower (func $f) (memory (core memory $libc "mem"))))
    (core instance $x (export "f" (func $fl)) (export "mem" (memory $libc "mem")))
    (core module $m
      (import "x" "f" (func $f (param i32 i32)))
      (import "x" "mem" (memory 1))
      (func (export "run") (result i32)
        (call $f (i32.const 0) (i32.const 4))
        (i32.store (i32.const 16) (i32.const 200))
        (i32.const 16)))
    (core instance $i (instantiate $m (with "x" (instance $x))))
    (type $r0 (record
      (field "status" s32) (field "message" string) (field "payload" (list u8))))
    (export $r "response" (type $r0))
    (func $init (result $r)
      (canon lift (core func $i "run") (memory (core memory $libc "mem"))))
    (export "init" (func $init))
    (func $invoke (result $r)
      (canon lift (core func $i "run") (memory (core memory $libc "mem"))))
    (export "invoke" (func $invoke)))
  (instance $b (instantiate $B (with "f" (func $a "f"))))
  (export "fabric:chaincode/contract@0.1.0" (instance $b)))
