package kafka

import (
	"context"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"
)

// logger gives the client's own log to ours, one level milder: what matters is
// told by us, with what to do.
type logger struct{ log *slog.Logger }

var _ kgo.Logger = logger{}

// Level implements kgo.Logger.
func (l logger) Level() kgo.LogLevel {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		return kgo.LogLevelInfo
	}
	return kgo.LogLevelError
}

// Log implements kgo.Logger.
func (l logger) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	at := slog.LevelDebug
	if level == kgo.LogLevelError {
		at = slog.LevelInfo
	}
	l.log.Log(context.Background(), at, "kafka client: "+msg, keyvals...)
}
