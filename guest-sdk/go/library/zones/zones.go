// Package shim: `wasmcc build` adds this file to the shim of a contract that calls time.LoadLocation. It embeds the
// time zones, which a program under Fabric reads from files.
package shim

import _ "time/tzdata"
