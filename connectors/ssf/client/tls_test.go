package client_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/connectors/ssf/client"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

// TestCertificate: nothing is asked of a transmitter whose certificate nobody we
// trust has signed.
func TestCertificate(t *testing.T) {
	tx := pipelinetest.TransmitterAt(t, "")
	srv := httptest.NewTLSServer(tx)
	defer srv.Close()
	tx.URL = srv.URL
	c, err := client.New(client.Options{Transmitter: tx.URL, Reach: outbound.Options{AllowPrivate: true}}, kind.Env{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Discover(t.Context())
	req.True(t, "INTEROP-02 POLL-21", err != nil && strings.Contains(err.Error(), "certificate"), "it says %v", err)
	req.Equal(t, "INTEROP-02 POLL-21", len(tx.Asked("", "")), 0)
}
