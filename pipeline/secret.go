package pipeline

import "log/slog"

// Secret is a configured credential. Every way of printing it shows a mark in
// its place; code that needs the value converts it to a string on purpose.
type Secret string

const masked = "[secret]"

// String implements fmt.Stringer.
func (Secret) String() string { return masked }

// GoString implements fmt.GoStringer.
func (Secret) GoString() string { return masked }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(masked) }

// MarshalText implements encoding.TextMarshaler.
func (Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }
