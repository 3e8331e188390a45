// Package shim is here as the file that `wasmcc build` adds to the shim of a contract which calls
// time.LoadLocation: the time zones, which a program finds in files where Fabric runs it.
package shim

import _ "time/tzdata"
