package doctor

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/connectors/ssf/client"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/set"
)

const (
	check     = "verification"
	cleanUp   = 10 * time.Second
	pollPause = 500 * time.Millisecond
)

// roundTrip makes a stream that is polled, asks it for a verification event,
// reads that strictly, acknowledges it and deletes the stream.
func (e *examination) roundTrip(ctx context.Context) {
	switch {
	case e.meta.VerificationEndpoint == "":
		return
	case !e.RoundTrip:
		e.say(check, Skipped, "", "Leave out --no-stream.", "no stream was to be made for the round trip")
		return
	case e.keys == nil:
		e.say(check, Skipped, "", "", "without keys no event can be verified")
		return
	}
	words := "signalbox doctor, to be deleted"
	verification := "https://schemas.openid.net/secevent/ssf/event-type/verification"
	s, err := e.Client.Create(ctx, client.Wanted{
		Events: []string{verification}, Delivery: &client.Delivery{Method: ssf.DeliveryPoll}, Description: &words,
	})
	var audience *client.AudienceError
	switch {
	case client.StatusOf(err) == http.StatusConflict:
		e.say(check, Skipped, "SSF-TX-25", "Use signalbox stream verify on the stream that is there, and look for the event.", "it keeps one stream per receiver, and there is one")
		return
	case errors.As(err, &audience): // what it is to be is known from the issuer's block
		e.say(check, Warning, "SSF-RX-10", "Put audience in the issuer's block right.", "%s", err)
	case err != nil:
		e.say(check, Fault, "INTEROP-06", whatToDo(err), "%s", err)
		return
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUp)
		defer cancel()
		if err := e.Client.Delete(ctx, s.ID); err != nil {
			e.say(check, Warning, "INTEROP-16", "Delete it: signalbox stream delete --stream "+pipeline.Clean(s.ID), "stream %s was made for this and cannot be deleted: %s", pipeline.Clean(s.ID), err)
		}
	}()
	if s.Method != ssf.DeliveryPoll || s.Endpoint == "" {
		e.say(check, Skipped, "INTEROP-10", "", "it did not make a stream that can be polled")
		return
	}
	state := rand.Text()
	began := e.Now()
	if err := e.Client.Verify(ctx, s.ID, state); err != nil {
		e.say(check, Fault, "INTEROP-08", "", "%s", err)
		return
	}
	e.await(ctx, s, state, began)
}

// await polls for the event and judges it.
func (e *examination) await(ctx context.Context, s *client.Stream, state string, began time.Time) {
	ctx, cancel := context.WithTimeout(ctx, e.Wait)
	defer cancel()
	for {
		got, err := e.Client.Poll(ctx, s.Endpoint, client.Poll{Most: 10, Immediately: true})
		if err != nil && ctx.Err() == nil {
			e.say(check, Fault, "POLL-02", "", "%s", err)
			return
		}
		for _, t := range got.Sets {
			if e.judge(ctx, s, t, state) {
				e.say(check, OK, "", "", "round trip in %s", e.Now().Sub(began).Round(10*time.Millisecond))
			}
			if _, err := e.Client.Poll(ctx, s.Endpoint, client.Poll{Ack: []string{t.JTI}}); err != nil {
				e.say(check, Warning, "POLL-05", "", "the acknowledgement failed: %s", err)
			}
			return
		}
		select {
		case <-ctx.Done():
			e.say(check, Fault, "SSF-TX-76", "", "no verification event came within %s, though it was promised", e.Wait)
			return
		case <-time.After(pollPause):
		}
	}
}

// one is a state that was asked for.
type one struct{ stream, state string }

// Expected implements set.StateChecker.
func (o one) Expected(stream, state, _ string) bool { return stream == o.stream && state == o.state }

// judge reads the event by the strict rules.
func (e *examination) judge(ctx context.Context, s *client.Stream, t client.Set, state string) bool {
	keys, err := jose.Static(e.keys)
	if err != nil {
		return false // keySet has read them
	}
	v, err := set.New([]set.Issuer{{
		URL: e.Issuer, Keys: keys, Audience: s.Audience, StreamID: s.ID, States: one{s.ID, state},
	}}, set.Options{Now: e.Now})
	if err != nil {
		e.say(check, Fault, "", "", "%s", err)
		return false
	}
	signal, err := v.Verify(ctx, pipeline.Message{Source: "doctor", Body: t.Token, JTI: t.JTI, Received: e.Now()})
	if reject := (*pipeline.RejectError)(nil); errors.As(err, &reject) {
		e.say(check, Fault, reject.Requirement, "If its tokens are those of a draft, rules = \"legacy\" in the issuer's block may read them.", "its token is refused: %s: %s", reject.Code, reject.Description)
		return false
	}
	if err != nil {
		e.say(check, Fault, "", "", "%s", err)
		return false
	}
	if len(signal.Events) != 1 || signal.Events[0].Type.Name != "verification" || signal.Events[0].Body.Get("state").Text() != state {
		e.say(check, Fault, "SSF-TX-77", "", "it sent an event that is not the one asked for")
		return false
	}
	if signal.Alg != "RS256" {
		e.say(check, Note, "INTEROP-19", "", "it signs with %s; the profile has RS256", signal.Alg)
	}
	return true
}
