// Package connectors lists every kind of source, sink and index the product
// knows. Adding a kind means one folder and one line here.
package connectors

import (
	"github.com/signalbox-dev/signalbox/connectors/elasticsearch"
	"github.com/signalbox-dev/signalbox/connectors/file"
	"github.com/signalbox-dev/signalbox/connectors/http"
	"github.com/signalbox-dev/signalbox/connectors/kafka"
	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/okta"
	"github.com/signalbox-dev/signalbox/connectors/sqlite"
	"github.com/signalbox-dev/signalbox/connectors/ssf/receiver"
	"github.com/signalbox-dev/signalbox/connectors/ssf/transmitter"
)

// Sources are the kinds of sources, by the first label of a source block. The
// tables are not modified.
var Sources = map[string]func() kind.SourceConfig{
	"file":  func() kind.SourceConfig { return new(file.SourceConfig) },
	"kafka": func() kind.SourceConfig { return new(kafka.SourceConfig) },
	"okta":  func() kind.SourceConfig { return new(okta.SourceConfig) },
	"ssf":   func() kind.SourceConfig { return new(receiver.Config) },
}

// Sinks are the kinds of sinks, by the first label of a sink block.
var Sinks = map[string]func() kind.SinkConfig{
	"file":  func() kind.SinkConfig { return new(file.SinkConfig) },
	"kafka": func() kind.SinkConfig { return new(kafka.SinkConfig) },
	"http":  func() kind.SinkConfig { return new(http.Config) },
	"okta":  func() kind.SinkConfig { return new(okta.SinkConfig) },
	"ssf":   func() kind.SinkConfig { return new(transmitter.Config) },
}

// Indexes are the kinds of indexes, by the first label of an index block. What
// their Open returns is also a query.Searcher.
var Indexes = map[string]func() kind.SinkConfig{
	"elasticsearch": func() kind.SinkConfig { return new(elasticsearch.Config) },
	"sqlite":        func() kind.SinkConfig { return new(sqlite.Config) },
}

// Relays are the kinds of relays, which hand accepted tokens on unchanged. What
// their Open returns is no searcher and prepares nothing.
var Relays = map[string]func() kind.SinkConfig{
	"kafka": func() kind.SinkConfig { return new(kafka.RelayConfig) },
}
