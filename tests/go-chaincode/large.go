package main

import (
	"bytes"
	"fmt"
	"runtime"
	"strconv"
)

// large runs calls with much data, which return numbers of bytes.
func large(s stub, operation string, args []string) ([]byte, error, bool) {
	switch operation {
	case "put-large":
		return nil, putLarge(s, args[0], number(args[1]), number(args[2])), true
	case "read", "keep":
		size, err := read(s, args[0], number(args[1]), operation == "keep")
		return size, err, true
	case "read-together":
		size, err := readTogether(s, args[0], number(args[1]), number(args[2]))
		return size, err, true
	case "read-range":
		size, err := readRange(s, args[0], args[1])
		return size, err, true
	case "size":
		return count(len(args[0])), nil, true
	case "event-large":
		return nil, s.SetEvent(args[0], bytes.Repeat([]byte("e"), number(args[1]))), true
	}
	return nil, nil, false
}

func count(size int) []byte { return []byte(strconv.Itoa(size)) }

// putLarge writes values of one size; the first key is the prefix itself.
func putLarge(s stub, prefix string, keys, size int) error {
	value := bytes.Repeat([]byte("v"), size)
	for index := range keys {
		key := prefix
		if index > 0 {
			key = fmt.Sprintf("%s%05d", prefix, index)
		}
		if err := s.PutState(key, value); err != nil {
			return err
		}
	}
	return nil
}

func read(s stub, key string, times int, keeps bool) ([]byte, error) {
	var kept [][]byte
	sum := 0
	for range times {
		value, err := s.GetState(key)
		if err != nil {
			return nil, err
		}
		sum += len(value)
		if keeps {
			kept = append(kept, value)
		}
	}
	runtime.KeepAlive(kept)
	return count(sum), nil
}

// readTogether reads in several goroutines, which produce garbage for the collector and take turns.
func readTogether(s stub, key string, goroutines, times int) ([]byte, error) {
	type outcome struct {
		size int
		err  error
	}
	outcomes := make(chan outcome)
	for range goroutines {
		go func() {
			var kept [][]byte
			sum := 0
			for range times {
				value, err := s.GetState(key)
				if err != nil {
					outcomes <- outcome{err: err}
					return
				}
				kept = append(kept, bytes.Clone(value[:len(value)/2]))
				sum += len(value)
				runtime.Gosched()
			}
			runtime.KeepAlive(kept)
			outcomes <- outcome{size: sum}
		}()
	}
	sum := 0
	for range goroutines {
		outcome := <-outcomes
		if outcome.err != nil {
			return nil, outcome.err
		}
		sum += outcome.size
	}
	return count(sum), nil
}

func readRange(s stub, start, end string) ([]byte, error) {
	rows, err := s.GetStateByRange(start, end)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	sum := 0
	for rows.HasNext() {
		row, err := rows.Next()
		if err != nil {
			return nil, err
		}
		sum += len(row.Value)
	}
	return count(sum), nil
}
