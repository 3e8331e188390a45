package main

import (
	"encoding/json"
	"errors"
	"fmt"
)

// account is a record of tests/chaincodes/transfer.
type account struct {
	Owner   string `json:"owner"`
	Balance uint64 `json:"balance"`
}

// accounts runs the calls of tests/chaincodes/transfer.
func accounts(s stub, operation string, args []string) ([]byte, error, bool) {
	switch operation {
	case "open":
		return nil, store(s, account{args[0], uint64(number(args[1]))}), true
	case "transfer":
		return nil, transfer(s, args[0], args[1], uint64(number(args[2]))), true
	}
	return nil, nil, false
}

func transfer(s stub, from, to string, amount uint64) error {
	// Reads do not see own writes: a transfer to the same account would create money.
	if from == to {
		return fmt.Errorf("%s cannot pay itself", from)
	}
	payer, err := load(s, from)
	if err != nil {
		return err
	}
	payee, err := load(s, to)
	if err != nil {
		return err
	}
	if payer.Balance < amount {
		return fmt.Errorf("%s has too little", from)
	}
	payer.Balance -= amount
	payee.Balance += amount
	return errors.Join(store(s, payer), store(s, payee))
}

func load(s stub, name string) (found account, err error) {
	record, err := s.GetState(name)
	if err != nil {
		return found, err
	}
	if record == nil {
		return found, fmt.Errorf("no account %s", name)
	}
	return found, json.Unmarshal(record, &found)
}

func store(s stub, record account) error {
	text, err := json.Marshal(record)
	if err != nil {
		return err
	}
	return s.PutState(record.Owner, text)
}
