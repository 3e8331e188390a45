// Package timestamppb provides protobuf's timestamps as plain values.
package timestamppb

import (
	"errors"
	"fmt"
	"time"
)

// Timestamp is a time, in seconds and nanoseconds since 1970.
type Timestamp struct {
	Seconds int64 `json:"seconds,omitempty"`
	Nanos   int32 `json:"nanos,omitempty"`
}

// Bounds of a valid timestamp: the years 1 and 9999.
const (
	minSeconds = -62135596800
	maxSeconds = 253402300799
)

// Now returns the time of the transaction.
func Now() *Timestamp { return New(time.Now()) }

// New converts a time.
func New(t time.Time) *Timestamp {
	return &Timestamp{Seconds: t.Unix(), Nanos: int32(t.Nanosecond())}
}

// AsTime converts to a time in UTC.
func (x *Timestamp) AsTime() time.Time {
	return time.Unix(x.GetSeconds(), int64(x.GetNanos())).UTC()
}

// IsValid reports whether CheckValid finds no error.
func (x *Timestamp) IsValid() bool { return x.CheckValid() == nil }

// CheckValid returns an error for a time that is missing or out of range.
func (x *Timestamp) CheckValid() error {
	switch {
	case x == nil:
		return errors.New("invalid nil Timestamp")
	case x.Seconds < minSeconds:
		return fmt.Errorf("timestamp (%v) before 0001-01-01", x)
	case x.Seconds > maxSeconds:
		return fmt.Errorf("timestamp (%v) after 9999-12-31", x)
	case x.Nanos < 0 || x.Nanos >= 1e9:
		return fmt.Errorf("timestamp (%v) has out-of-range nanos", x)
	}
	return nil
}

// GetSeconds returns the seconds; 0 for nil.
func (x *Timestamp) GetSeconds() int64 {
	if x == nil {
		return 0
	}
	return x.Seconds
}

// GetNanos returns the nanoseconds; 0 for nil.
func (x *Timestamp) GetNanos() int32 {
	if x == nil {
		return 0
	}
	return x.Nanos
}

// String returns the fields in protobuf's text format.
func (x *Timestamp) String() string { return TextOf(x) }
