package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// Stream is a stream configuration as the transmitter tells it (SSF section
// 8.1.1).
type Stream struct {
	ID                string        `json:"stream_id"`
	Issuer            string        `json:"iss"`
	Audience          []string      `json:"aud"`
	EventsSupported   []string      `json:"events_supported,omitempty"`
	EventsRequested   []string      `json:"events_requested,omitempty"`
	EventsDelivered   []string      `json:"events_delivered,omitempty"` // what will come (SSF-RX-11)
	Method            string        `json:"method"`                     // of delivery, a URI
	Endpoint          string        `json:"endpoint_url,omitempty"`
	Description       string        `json:"description,omitempty"`
	VerifyEvery       time.Duration `json:"-"` // min_verification_interval, 0 if not told
	InactivityTimeout time.Duration `json:"-"` // 0 if there is none

	// Text is all of it as received, without the authorization of the delivery,
	// which some transmitters repeat.
	Text json.RawMessage `json:"-"`
}

// Wanted is what a receiver may say of a stream; what is nil is not said. It
// holds no member that is the transmitter's (SSF-RX-08).
type Wanted struct {
	Events      []string
	Delivery    *Delivery
	Description *string
}

// Delivery is how a stream is to be delivered. For polls the transmitter chooses
// the endpoint.
type Delivery struct {
	Method        string
	Endpoint      string // of pushes
	Authorization string // header the transmitter sends with pushes; "" for none
}

// members are those of a request, stream_id first where there is one.
func (w Wanted) members(id string) map[string]any {
	m := map[string]any{}
	if id != "" {
		m["stream_id"] = id // SSF-RX-14
	}
	if w.Events != nil {
		m["events_requested"] = w.Events
	}
	if d := w.Delivery; d != nil {
		delivery := map[string]any{"method": d.Method}
		if d.Method == ssf.DeliveryPush {
			delivery["endpoint_url"] = d.Endpoint
			if d.Authorization != "" {
				delivery["authorization_header"] = d.Authorization
			}
		}
		m["delivery"] = delivery
	}
	if w.Description != nil {
		m["description"] = *w.Description
	}
	return m
}

func configuration(m *Metadata) string { return m.ConfigurationEndpoint }

// Create makes a stream (SSF section 8.1.1.1).
func (c *Client) Create(ctx context.Context, w Wanted) (*Stream, error) {
	s, err := c.change(ctx, "create stream", http.MethodPost, w.members(""), http.StatusCreated, http.StatusOK)
	if err != nil {
		return nil, err
	}
	if aud := c.o.Audience; len(aud) > 0 && !slices.ContainsFunc(s.Audience, func(a string) bool { return slices.Contains(aud, a) }) {
		return s, &AudienceError{Got: s.Audience, Want: aud}
	}
	return s, nil
}

// AudienceError means that a stream was made for another audience than ours
// (SSF-RX-10): its events would all be refused.
type AudienceError struct{ Got, Want []string }

// Error implements error.
func (e *AudienceError) Error() string {
	return fmt.Sprintf("the stream has audience %q and the issuer's block expects %q: put one of the two right", e.Got, e.Want)
}

// List reads all streams of this receiver (SSF-TX-33).
func (c *Client) List(ctx context.Context) ([]*Stream, error) {
	const op = "list streams"
	at, err := c.endpoint(ctx, op, configuration)
	if err != nil {
		return nil, err
	}
	a, err := c.do(ctx, call{op: op, method: http.MethodGet, url: at}, http.StatusOK)
	if err != nil {
		return nil, err
	}
	v, err := strictjson.Parse(a.body, limits)
	if err != nil {
		return nil, fmt.Errorf("%s: the answer is not JSON: %w", op, err)
	}
	if v.Kind() == strictjson.Object { // SSF-RX-19
		s, err := c.readStream(v)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
		return []*Stream{s}, nil
	}
	if v.Kind() != strictjson.Array {
		return nil, fmt.Errorf("%s: the answer is no array", op)
	}
	list := []*Stream{}
	for e := range v.Elements() {
		s, err := c.readStream(e)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
		list = append(list, s)
	}
	return list, nil
}

// Read reads one stream (SSF section 8.1.1.2).
func (c *Client) Read(ctx context.Context, id string) (*Stream, error) {
	const op = "read stream"
	at, err := c.endpoint(ctx, op, configuration)
	if err != nil {
		return nil, err
	}
	if at, err = withStream(at, id); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	a, err := c.do(ctx, call{op: op, method: http.MethodGet, url: at}, http.StatusOK)
	if err != nil {
		return nil, err
	}
	return c.oneStream(op, a.body, id)
}

// Update changes what w says and leaves the rest (SSF section 8.1.1.3).
func (c *Client) Update(ctx context.Context, id string, w Wanted) (*Stream, error) {
	return c.change(ctx, "update stream", http.MethodPatch, w.members(id), http.StatusOK)
}

// Replace sets all of what a receiver may say: what w leaves out is deleted
// (SSF-RX-15).
func (c *Client) Replace(ctx context.Context, id string, w Wanted) (*Stream, error) {
	return c.change(ctx, "replace stream", http.MethodPut, w.members(id), http.StatusOK)
}

// Delete ends a stream (SSF section 8.1.1.5).
func (c *Client) Delete(ctx context.Context, id string) error {
	const op = "delete stream"
	at, err := c.endpoint(ctx, op, configuration)
	if err != nil {
		return err
	}
	if at, err = withStream(at, id); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	_, err = c.do(ctx, call{op: op, method: http.MethodDelete, url: at}, http.StatusNoContent, http.StatusOK)
	return err
}

// change sends a configuration and reads the one that came of it.
func (c *Client) change(ctx context.Context, op, method string, members map[string]any, want ...int) (*Stream, error) {
	at, err := c.endpoint(ctx, op, configuration)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(members)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	a, err := c.do(ctx, call{op: op, method: method, url: at, body: body}, append(want, http.StatusAccepted)...)
	if err != nil {
		return nil, err
	}
	id, _ := members["stream_id"].(string)
	if a.status == http.StatusAccepted {
		return nil, fmt.Errorf("%s: %w", op, ErrPending)
	}
	return c.oneStream(op, a.body, id)
}

// oneStream reads an answer that holds one stream; id is the one expected, ""
// for any. Old transmitters answer a read with an array.
func (c *Client) oneStream(op string, body []byte, id string) (*Stream, error) {
	v, err := strictjson.Parse(body, limits)
	if err != nil {
		return nil, fmt.Errorf("%s: the answer is not JSON: %w", op, err)
	}
	if v.Kind() == strictjson.Array && v.Len() == 1 {
		for e := range v.Elements() {
			v = e
		}
	}
	s, err := c.readStream(v)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	if id != "" && s.ID != id {
		return nil, fmt.Errorf("%s: the answer is about stream %q", op, pipeline.Clean(s.ID))
	}
	return s, nil
}

// readStream reads a configuration and compares its issuer (SSF-RX-09).
func (c *Client) readStream(v strictjson.Value) (*Stream, error) {
	if v.Kind() != strictjson.Object {
		return nil, errors.New("the answer holds no stream configuration")
	}
	r := reader{v: v}
	s := &Stream{
		ID: r.text("stream_id"), Issuer: r.text("iss"), EventsSupported: r.texts("events_supported"),
		EventsRequested: r.texts("events_requested"), EventsDelivered: r.texts("events_delivered"),
		Description: r.text("description"), Method: v.Get("delivery", "method").Text(),
		Endpoint: v.Get("delivery", "endpoint_url").Text(), VerifyEvery: r.seconds("min_verification_interval"),
		InactivityTimeout: r.seconds("inactivity_timeout"), Text: shown(v),
	}
	if aud := v.Get("aud"); aud.Kind() == strictjson.String {
		s.Audience = []string{aud.Text()}
	} else {
		s.Audience = r.texts("aud")
	}
	switch {
	case r.err != nil:
		return nil, r.err
	case s.Issuer != c.o.Transmitter:
		return nil, fmt.Errorf("%w: the stream configuration names %q", ErrMixUp, pipeline.Clean(s.Issuer))
	case s.ID == "" || len(s.ID) > mostID:
		return nil, errors.New("the stream configuration has no usable stream_id")
	}
	s.Method = canonicalMethod(s.Method)
	return s, nil
}

// mostID bounds the ids of streams and tokens that a transmitter makes up, in
// bytes.
const mostID = 1024

// canonicalMethod reads the delivery methods of drafts as those of today.
func canonicalMethod(method string) string {
	switch method {
	case "https://schemas.openid.net/secevent/risc/delivery-method/push", "https://schemas.openid.net/secevent/sse/delivery-method/push":
		return ssf.DeliveryPush
	case "https://schemas.openid.net/secevent/risc/delivery-method/poll", "https://schemas.openid.net/secevent/sse/delivery-method/poll":
		return ssf.DeliveryPoll
	}
	return method
}

// seconds reads a whole number of seconds, at most a year; 0 if there is none.
func (r *reader) seconds(name string) time.Duration {
	v := r.v.Get(name)
	if !v.Exists() || v.Kind() == strictjson.Null {
		return 0
	}
	n, ok := v.Float()
	if !ok || n < 0 {
		r.wrong(name, "a number of seconds")
		return 0
	}
	return time.Duration(min(n, 366*24*3600)) * time.Second
}

// shown is the configuration for people and scripts, without the secret of the
// delivery.
func shown(v strictjson.Value) json.RawMessage {
	m, ok := v.Any().(map[string]any)
	if !ok {
		return nil
	}
	if d, ok := m["delivery"].(map[string]any); ok && d["authorization_header"] != nil {
		d["authorization_header"] = "[secret]"
	}
	text, err := json.Marshal(m)
	if err != nil {
		return nil
	}
	return text
}

// withStream adds the stream to the query of an endpoint and keeps what is there.
func withStream(endpoint, id string) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return "", errors.New("the endpoint is no URL")
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += "stream_id=" + url.QueryEscape(id)
	return u.String(), nil
}
