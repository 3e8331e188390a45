;; A chaincode of tail calls: `init` makes a million of them, one after the other, `invoke` makes them
;; without end. `tail_call.wasm` is this file as `wasm-tools parse` writes it.
(component
  (component $C
    (core module $m
      (memory (export "mem") 1)
      (func $down (param $left i32) (result i32)
        (if (i32.eqz (local.get $left))
          (then
            (i32.store (i32.const 16) (i32.const 200))
            (return (i32.const 16))))
        (return_call $down (i32.sub (local.get $left) (i32.const 1))))
      (func (export "init") (result i32)
        (return_call $down (i32.const 1000000)))
      (func $spin (export "invoke") (result i32)
        (return_call $spin)))
    (core instance $i (instantiate $m))
    (type $r0 (record
      (field "status" s32) (field "message" string) (field "payload" (list u8))))
    (export $r "response" (type $r0))
    (func $init (result $r)
      (canon lift (core func $i "init") (memory (core memory $i "mem"))))
    (export "init" (func $init))
    (func $invoke (result $r)
      (canon lift (core func $i "invoke") (memory (core memory $i "mem"))))
    (export "invoke" (func $invoke)))
  (instance $c (instantiate $C))
  (export "fabric:chaincode/contract@0.1.0" (instance $c)))
