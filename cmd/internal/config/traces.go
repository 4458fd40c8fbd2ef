package config

import (
	"net"
	"net/url"
)

// defaultSample is the share of batches that are traced where the file does not
// say.
const defaultSample = 0.01

// traces checks the traces block.
func (l *loader) traces(b *tracesBlock) *Traces {
	if b == nil {
		return nil
	}
	t := &Traces{Endpoint: b.Endpoint, Sample: defaultSample, Authorization: b.Authorization}
	if b.Sample != nil {
		t.Sample = *b.Sample
	}
	u, err := url.Parse(t.Endpoint)
	switch {
	case t.Endpoint == "": // missing, which was said
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Scheme != "https" && u.Scheme != "http":
		l.field("traces.endpoint", "invalid endpoint", `Give the base URL of an OTLP/HTTP collector, such as "http://127.0.0.1:4318"; /v1/traces is added.`)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		l.field("traces.endpoint", "endpoint without TLS", "Spans name sinks and indexes; give an https URL, or a collector on this machine.")
	}
	if !(t.Sample > 0 && t.Sample <= 1) {
		l.field("traces.sample", "sample out of range", "Give a share above 0 and at most 1; to trace nothing, remove the block.")
	}
	return t
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
