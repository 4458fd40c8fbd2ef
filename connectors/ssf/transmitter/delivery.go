package transmitter

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// deliver takes the delivery object of a request into the stream, whole: what
// waits for the stream waits for its new method.
func (h *hub) deliver(c *call, s *stream, v strictjson.Value) error {
	if v.Kind() != strictjson.Object {
		return malformed("delivery must be an object")
	}
	method := v.Get("method")
	if method.Kind() != strictjson.String {
		return malformed("delivery.method, a string, is missing")
	}
	switch method.Text() {
	case ssf.DeliveryPoll:
		s.Method, s.Endpoint, s.Authorization = ssf.DeliveryPoll, "", ""
		return nil
	case ssf.DeliveryPush:
		return h.deliverByPush(c, s, v)
	}
	return malformed("delivery.method is none of " + ssf.DeliveryPush + " and " + ssf.DeliveryPoll) // SSF-TX-28
}

// deliverByPush checks what a stranger chose for us to connect to. Where a name
// leads is checked at every connection, too.
func (h *hub) deliverByPush(c *call, s *stream, v strictjson.Value) error {
	endpoint := v.Get("endpoint_url")
	if endpoint.Kind() != strictjson.String {
		return malformed("delivery.endpoint_url, a string, is missing")
	}
	text := endpoint.Text()
	if len(text) > maxEndpoint {
		return malformed("delivery.endpoint_url is too long")
	}
	if outbound.URLProblem(text, c.receiver.allowPrivate) != "" {
		return malformed("delivery.endpoint_url must be an https URL of the public internet without credentials and fragment")
	}
	if _, err := http.NewRequest(http.MethodPost, text, nil); err != nil {
		return malformed("delivery.endpoint_url is no URL")
	}
	authorization := ""
	if a := v.Get("authorization_header"); given(a) {
		if a.Kind() != strictjson.String {
			return malformed("delivery.authorization_header must be a string")
		}
		authorization = h.authorizationValue(a.Text())
		if kind.AuthorizationProblem(authorization) != "" {
			return malformed("delivery.authorization_header is not the value of an Authorization header")
		}
	}
	s.Method, s.Endpoint, s.Authorization = ssf.DeliveryPush, text, authorization
	return nil
}

// authorizationValue is the value alone, where a receiver gave the whole header
// line.
func (h *hub) authorizationValue(text string) string {
	const header = "authorization:"
	if len(text) >= len(header) && strings.EqualFold(text[:len(header)], header) {
		h.log.Warn("a receiver gave a header line where its value is wanted: the value is used")
		return strings.TrimLeft(text[len(header):], " ")
	}
	return text
}

// expected checks the members that we supply: in an update they may be there and
// must then say what the stream is before it (SSF-TX-36, SSF-TX-37, SSF-TX-40).
func (h *hub) expected(c *call, s *stream) error {
	now := h.configuration(s, c.receiver)
	wrong := func(name string) error {
		return malformed(name + " cannot be changed and is not what it is expected to be")
	}
	if v := c.body.Get("iss"); given(v) && v.Text() != now.Issuer {
		return wrong("iss")
	}
	if v := c.body.Get("aud"); given(v) && !sameTexts(v, s.Audience) {
		return wrong("aud")
	}
	if v := c.body.Get("events_supported"); given(v) && !sameTexts(v, now.EventsSupported) {
		return wrong("events_supported")
	}
	if v := c.body.Get("events_delivered"); given(v) && !sameTexts(v, now.EventsDelivered) {
		return wrong("events_delivered")
	}
	if v := c.body.Get("min_verification_interval"); given(v) && !sameSeconds(v, h.terms.verifyEvery) {
		return wrong("min_verification_interval")
	}
	if v := c.body.Get("inactivity_timeout"); given(v) && !sameSeconds(v, h.terms.inactivity) {
		return wrong("inactivity_timeout")
	}
	d := c.body.Get("delivery")
	if v := d.Get("endpoint_url"); given(v) && d.Get("method").Text() == ssf.DeliveryPoll && v.Text() != h.pollURL(s.ID) {
		return wrong("delivery.endpoint_url of polling")
	}
	return nil
}

// sameTexts compares a string or an array of strings with a list, in any order.
func sameTexts(v strictjson.Value, want []string) bool {
	var got []string
	switch v.Kind() {
	case strictjson.String:
		got = []string{v.Text()}
	case strictjson.Array:
		for e := range v.Elements() {
			if e.Kind() != strictjson.String {
				return false
			}
			got = append(got, e.Text())
		}
	default:
		return false
	}
	slices.Sort(got)
	return slices.Equal(got, slices.Sorted(slices.Values(want)))
}

func sameSeconds(v strictjson.Value, want time.Duration) bool {
	n, ok := v.Int()
	return ok && n == int64(want/time.Second)
}

// outbox is the outbox of a stream that is polled.
func (h *hub) outbox(s *stream, control bool) *pipeline.Outbox {
	queue := pipeline.StreamQueue(h.name, s.ID)
	if control {
		queue = pipeline.ControlQueue(h.name, s.ID)
	}
	return h.line.Outbox(queue, h.mint(s, queue))
}
