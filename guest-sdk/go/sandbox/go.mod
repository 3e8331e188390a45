module wasmcc/sandbox

go 1.24
