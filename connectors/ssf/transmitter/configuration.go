package transmitter

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/store"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// configuration is a stream as its receiver sees it (SSF section 8.1.1). The
// authorization_header is write-only: who reads the configuration need not learn
// what opens the receiver's endpoint.
type configuration struct {
	StreamID        string   `json:"stream_id"`
	Issuer          string   `json:"iss"`
	Audience        any      `json:"aud"` // a string, or an array where there are several
	EventsSupported []string `json:"events_supported"`
	EventsRequested []string `json:"events_requested,omitempty"`
	EventsDelivered []string `json:"events_delivered"`
	Delivery        delivery `json:"delivery"`
	VerifyEvery     int64    `json:"min_verification_interval,omitempty"` // seconds
	Description     string   `json:"description,omitempty"`
	Inactivity      int64    `json:"inactivity_timeout,omitempty"` // seconds
}

type delivery struct {
	Method   string `json:"method"`
	Endpoint string `json:"endpoint_url"`
}

func (h *hub) configuration(s *stream, r *receiver) configuration {
	supported := h.supported(s, r)
	c := configuration{
		StreamID: s.ID, Issuer: h.issuer, Audience: s.Audience,
		EventsSupported: supported, EventsRequested: s.Requested, EventsDelivered: s.delivered(supported),
		Delivery:    delivery{s.Method, s.Endpoint},
		VerifyEvery: int64(h.terms.verifyEvery / time.Second), Description: s.Describe, Inactivity: int64(h.terms.inactivity / time.Second),
	}
	if len(s.Audience) == 1 {
		c.Audience = s.Audience[0]
	}
	if !s.pushes() {
		c.Delivery.Endpoint = h.pollURL(s.ID)
	}
	return c
}

// own returns a stream of the caller (SSF-TX-17, SSF-TX-48).
func (h *hub) own(tx store.Tx, c *call, id string) (*stream, error) {
	s, err := h.load(tx, id)
	if err != nil {
		return nil, err
	}
	if s == nil || s.Receiver != c.receiver.name {
		return nil, noStream
	}
	h.touch(id)
	return s, nil
}

// createStream implements POST (SSF-TX-23 to SSF-TX-31).
func (h *hub) createStream(ctx context.Context, c *call) (answer, error) {
	s := &stream{
		ID: newStreamID(), Receiver: c.receiver.name, Audience: c.receiver.audience, Created: h.now().UTC(), Active: h.now().UTC(),
		Status: enabled,
	}
	if err := h.apply(c, s, true); err != nil {
		return answer{}, err
	}
	err := h.change(ctx, func(tx store.Tx, _ func(pipeline.Action)) error {
		all, err := h.loadAll(tx)
		if err != nil {
			return err
		}
		n := 0
		for _, other := range all {
			if other.Receiver == s.Receiver && !other.Declared && !other.Deleted {
				n++
			}
		}
		if n >= c.receiver.maxStreams {
			return &fault{status: http.StatusConflict, code: "conflict",
				text: fmt.Sprintf("there are %d streams, which is as many as there may be: update or delete one", n)}
		}
		return h.save(tx, s)
	})
	if err != nil {
		return answer{}, err
	}
	return answer{http.StatusCreated, h.configuration(s, c.receiver)}, nil
}

// readStream implements GET: one stream, or all of the caller (SSF-TX-32,
// SSF-TX-33).
func (h *hub) readStream(ctx context.Context, c *call) (a answer, err error) {
	id, given, err := queryID(c.r)
	if err != nil {
		return a, err
	}
	err = h.line.Read(ctx, func(tx store.Tx) error {
		if given {
			s, err := h.own(tx, c, id)
			if err == nil {
				a = answer{http.StatusOK, h.configuration(s, c.receiver)}
			}
			return err
		}
		all, err := h.loadAll(tx)
		list := []configuration{}
		for _, s := range all {
			if s.Receiver == c.receiver.name && !s.Deleted {
				h.touch(s.ID)
				list = append(list, h.configuration(s, c.receiver))
			}
		}
		a = answer{http.StatusOK, list}
		return err
	})
	return a, err
}

// updateStream implements PATCH (SSF-TX-35).
func (h *hub) updateStream(ctx context.Context, c *call) (answer, error) {
	return h.rewrite(ctx, c, false)
}

// replaceStream implements PUT (SSF-TX-38).
func (h *hub) replaceStream(ctx context.Context, c *call) (answer, error) {
	return h.rewrite(ctx, c, true)
}

func (h *hub) rewrite(ctx context.Context, c *call, whole bool) (a answer, err error) {
	id, err := bodyID(c.body)
	if err != nil {
		return a, err
	}
	err = h.change(ctx, func(tx store.Tx, _ func(pipeline.Action)) error {
		s, err := h.own(tx, c, id)
		if err != nil {
			return err
		}
		if err := h.expected(c, s); err != nil {
			return err
		}
		if s.Declared {
			return &fault{status: http.StatusForbidden, code: "access_denied", text: "this stream is configured by its transmitter: it cannot be changed here"}
		}
		if err := h.apply(c, s, whole); err != nil {
			return err
		}
		s.Active = h.now().UTC()
		a = answer{http.StatusOK, h.configuration(s, c.receiver)}
		return h.save(tx, s)
	})
	return a, err
}

// deleteStream implements DELETE (SSF-TX-41).
func (h *hub) deleteStream(ctx context.Context, c *call) (answer, error) {
	id, given, err := queryID(c.r)
	if err != nil {
		return answer{}, err
	}
	if !given {
		return answer{}, malformed("the query parameter stream_id is missing")
	}
	err = h.change(ctx, func(tx store.Tx, _ func(pipeline.Action)) error {
		s, err := h.own(tx, c, id)
		if err != nil {
			return err
		}
		if s.Declared {
			return &fault{status: http.StatusForbidden, code: "access_denied", text: "this stream is configured by its transmitter: it cannot be deleted here"}
		}
		s.Deleted = true
		return h.save(tx, s)
	})
	return answer{status: http.StatusNoContent}, err
}

// queryID reads the one query parameter stream_id.
func queryID(r *http.Request) (id string, given bool, err error) {
	values := r.URL.Query()["stream_id"]
	switch {
	case len(values) > 1:
		return "", false, malformed("the query parameter stream_id is given twice")
	case len(values) == 0:
		return "", false, nil
	}
	return values[0], true, nil
}

// bodyID reads the member stream_id.
func bodyID(body strictjson.Value) (string, error) {
	v := body.Get("stream_id")
	if v.Kind() != strictjson.String {
		return "", malformed("the member stream_id, a string, is missing")
	}
	return v.Text(), nil
}

// Bounds on what a receiver may write into a configuration.
const (
	maxDescription = 256 // characters; the rest is cut off (SSF-TX-43)
	maxEvents      = 256
	maxEndpoint    = 2048 // bytes
)

// given returns a member that is there and not null: null is as good as absent.
func given(v strictjson.Value) bool { return v.Exists() && v.Kind() != strictjson.Null }

// apply takes the members a receiver supplies into the stream: those that are
// there, or all of them, of which one that is not there is deleted.
func (h *hub) apply(c *call, s *stream, whole bool) error {
	if v := c.body.Get("events_requested"); given(v) {
		list, err := texts(v, "events_requested")
		if err != nil {
			return err
		}
		s.Requested = h.understood(list)
	} else if whole {
		s.Requested = nil
	}
	if v := c.body.Get("description"); given(v) {
		if v.Kind() != strictjson.String {
			return malformed("description must be a string")
		}
		s.Describe = cut(v.Text(), maxDescription)
	} else if whole {
		s.Describe = ""
	}
	if v := c.body.Get("delivery"); given(v) {
		return h.deliver(c, s, v)
	} else if whole {
		s.Method, s.Endpoint, s.Authorization = ssf.DeliveryPoll, "", "" // SSF-TX-26
	}
	return nil
}

// understood drops events nobody here has heard of (SSF-TX-21). An empty list is
// one that asks for nothing.
func (h *hub) understood(list []string) []string {
	out := []string{}
	for _, uri := range list {
		if t, alias := event.Lookup(uri, ""); streamable(t) && !alias && !slices.Contains(out, uri) {
			out = append(out, uri)
		}
	}
	return out
}

func texts(v strictjson.Value, name string) (list []string, err error) {
	if v.Kind() != strictjson.Array {
		return nil, malformed(name + " must be an array of strings")
	}
	if v.Len() > maxEvents {
		return nil, malformed(fmt.Sprintf("%s has more than %d elements", name, maxEvents))
	}
	for e := range v.Elements() {
		if e.Kind() != strictjson.String {
			return nil, malformed(name + " must be an array of strings")
		}
		list = append(list, e.Text())
	}
	return list, nil
}

func cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most])
}
