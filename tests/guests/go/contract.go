// The tests' contract in Go; ../README.md lists its functions.
package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

func get(key string) (string, error) {
	var result result
	importGetState(key, &result)
	if err := result.err(); err != nil {
		return "", err
	}
	if result.second&0xff == 0 {
		return "", fmt.Errorf("%s does not exist", key)
	}
	return result.value.String(), nil
}

func put(key, value string) error {
	var result result
	importPutState(key, value, &result)
	return result.err()
}

func rangeOf(start, end string) (string, error) {
	var result result
	importGetStateByRange(start, end, &result)
	if err := result.err(); err != nil {
		return "", err
	}
	iterator := result.second
	defer importCloseIterator(iterator)
	var text strings.Builder
	for {
		importNextBatch(iterator, 100, &result)
		if err := result.err(); err != nil {
			return "", err
		}
		batch := at[keyValue](raw{at: result.second, length: result.value.at})
		if len(batch) == 0 {
			return text.String(), nil
		}
		for _, row := range batch {
			fmt.Fprintf(&text, "%v=%v\n", row.key, row.value)
		}
	}
}

func event(name, payload string) error {
	var result result
	importSetEvent(name, payload, &result)
	return result.err()
}

func transfer(from, to, amount string) (string, error) {
	have, err := get(from)
	if err != nil {
		return "", err
	}
	other, err := get(to)
	if err != nil {
		return "", err
	}
	var numbers [3]int
	for i, text := range []string{have, other, amount} {
		if numbers[i], err = strconv.Atoi(text); err != nil {
			return "", err
		}
	}
	left, now := numbers[0]-numbers[2], numbers[1]+numbers[2]
	if left < 0 {
		return "", fmt.Errorf("%s has only %s", from, have)
	}
	if err := errors.Join(put(from, strconv.Itoa(left)), put(to, strconv.Itoa(now))); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d %d", left, now), nil
}

func hog() {
	var hoard [][]byte
	for {
		hoard = append(hoard, make([]byte, 1<<20))
	}
}

func deep(levels int) int {
	if levels == 0 {
		return 0
	}
	return deep(levels-1) + 1
}

func draw() (string, error) {
	var numbers [16]byte
	_, err := rand.Read(numbers[:])
	return fmt.Sprintf("%x %x", numbers[:8], numbers[8:]), err
}

func secret(collection, key, value string) error {
	var result result
	importPutPrivateData(collection, key, value, &result)
	return result.err()
}

func reveal(collection, key string) (string, error) {
	var result result
	importGetPrivateData(collection, key, &result)
	if err := result.err(); err != nil || result.second&0xff == 0 {
		return "", err
	}
	return result.value.String(), nil
}

func call(name string, args []string) (string, error) {
	switch name {
	case "noop":
		return "", nil
	case "put":
		return "", put(args[0], args[1])
	case "get":
		return get(args[0])
	case "range":
		return rangeOf(args[0], args[1])
	case "event":
		return "", event(args[0], args[1])
	case "transfer":
		return transfer(args[0], args[1], args[2])
	case "fail":
		return "", errors.New(args[0])
	case "throw":
		panic(args[0])
	case "spin":
		for {
		}
	case "hog":
		hog()
	case "deep":
		levels, err := strconv.Atoi(args[0])
		return strconv.Itoa(deep(levels)), err
	case "clock":
		return strconv.FormatInt(time.Now().UnixMilli(), 10), nil
	case "random":
		return draw()
	case "secret":
		return "", secret(args[0], args[1], args[2])
	case "reveal":
		return reveal(args[0], args[1])
	}
	return "", fmt.Errorf("there is no function %s", name)
}

// The host reads the answer at this address.
var answer response

//go:wasmexport fabric:chaincode/contract@0.2.0#init
func initialize() *response {
	answer.status = 200
	return &answer
}

//go:wasmexport fabric:chaincode/contract@0.2.0#invoke
func invoke() *response {
	words := args()
	payload, err := call(words[0], words[1:])
	if err != nil {
		answer.status, answer.message = 500, lower(err.Error())
	} else {
		answer.status, answer.payload = 200, lower(payload)
	}
	return &answer
}

func main() {}
