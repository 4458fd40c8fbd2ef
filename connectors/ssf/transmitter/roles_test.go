package transmitter

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/connectors/ssf/client"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

// TestRoles: our own receiver's client and the transmitter understand each other
// over TLS, through the whole life of a stream.
func TestRoles(t *testing.T) {
	var r *rig
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { r.mux.ServeHTTP(w, q) }))
	defer srv.Close()
	conf := two()
	conf.Issuer = srv.URL + "/tenant"
	r = serve(t, nil, conf)
	c, err := client.New(client.Options{
		Transmitter: conf.Issuer, Authorization: "Bearer " + appToken, HTTP: srv.Client(), Reach: outbound.Options{AllowPrivate: true}, Audience: []string{"https://app.example.com"},
	}, kind.Env{})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if _, err := c.Discover(ctx); err != nil {
		t.Fatal(err)
	}
	stream, err := c.Create(ctx, client.Wanted{Events: []string{revoked}, Delivery: &client.Delivery{Method: ssf.DeliveryPoll}})
	if err != nil {
		t.Fatal(err)
	}
	list, err := c.List(ctx)
	if err != nil || len(list) != 1 || list[0].ID != stream.ID {
		t.Fatalf("listed %+v, %v", list, err)
	}
	if err := c.Verify(ctx, stream.ID, "of-the-client"); err != nil {
		t.Fatal(err)
	}
	jane := email(t, "jane@example.com")
	action := r.act("session-revoked", jane)
	var acks, events []string
	for len(events) < 2 {
		p, err := c.Poll(ctx, list[0].Endpoint, client.Poll{Most: 10, Ack: acks})
		if err != nil {
			t.Fatal(err)
		}
		acks = nil
		for _, s := range p.Sets {
			acks = append(acks, s.JTI)
			events = append(events, read(t, string(s.Token)).event())
		}
	}
	slices.Sort(events)
	req.True(t, "INTEROP-16", events[0] == revoked, "the client got %q", events)
	if _, err := c.Poll(ctx, list[0].Endpoint, client.Poll{Ack: acks, Immediately: true}); err != nil {
		t.Fatal(err)
	}
	if got := r.statuses(action)[stream.ID]; got != pipeline.Acked {
		t.Errorf("the event's action is %s", got)
	}
	if _, err := c.SetStatus(ctx, stream.ID, "paused", "maintenance"); err != nil {
		t.Error(err)
	}
	if s, err := c.Status(ctx, stream.ID); err != nil || s.Status != "paused" || s.Reason != "maintenance" {
		t.Errorf("status %+v, %v", s, err)
	}
	if err := c.RemoveSubject(ctx, stream.ID, jane); err != nil {
		t.Error(err)
	}
	if err := c.AddSubject(ctx, stream.ID, jane, nil); err != nil {
		t.Error(err)
	}
	if _, err := c.Update(ctx, stream.ID, client.Wanted{Events: []string{revoked, changed}}); err != nil {
		t.Error(err)
	}
	if s, err := c.Read(ctx, stream.ID); err != nil || len(s.EventsDelivered) != 2 {
		t.Errorf("read %+v, %v", s, err)
	}
	if err := c.Delete(ctx, stream.ID); err != nil {
		t.Error(err)
	}
	if _, err := c.Read(ctx, stream.ID); !client.Gone(err) {
		t.Errorf("after its deletion: %v", err)
	}
}
