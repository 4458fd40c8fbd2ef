package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// The receivers of the product's own streams.
const (
	appToken    = "app-token-0123456789"  // has two streams, and may push to addresses that are not public
	hrToken     = "hr-token-0123456789"   // has one stream
	readerToken = "reads-only-0123456789" // of a receiver that may read
)

// hostileSink is the transmitter of the test.
const hostileSink = `sink "ssf" "signals" {
  issuer    = "https://signals.example.com"
  authority = true
  receiver "app" {
    audience = ["https://app.example.com"]
    token    = file("app.token")
  }
  receiver "hr" {
    audience = ["https://hr.example.com"]
    token    = file("hr.token")
  }
  receiver "reader" {
    audience = ["https://reader.example.com"]
    token    = file("reader.token")
    scopes   = ["ssf.read"]
  }
}
`

// streams makes the receivers' streams: two of app and one of hr, all polled.
func (v *victim) streams() {
	v.t.Helper()
	for _, s := range []struct{ name, token string }{{"app", appToken}, {"app2", appToken}, {"hr", hrToken}} {
		r := v.manage(s.token, http.MethodPost, "/streams", object{"events_requested": []string{caepBase + "session-revoked"}})
		id, _ := r.body["stream_id"].(string)
		if r.status != http.StatusCreated || id == "" {
			v.t.Fatalf("a stream of %s: %+v", s.name, r)
		}
		v.stream[s.name] = id
	}
}

// waiting hands out what waits for a stream, and leaves it there.
func (v *victim) waiting(token, stream string) (jtis []string) {
	v.t.Helper()
	r := v.manage(token, http.MethodPost, "/poll/"+v.stream[stream], object{"returnImmediately": true})
	sets, _ := r.body["sets"].(map[string]any)
	for jti := range sets {
		jtis = append(jtis, jti)
	}
	if r.status != http.StatusOK || len(jtis) == 0 {
		v.t.Fatalf("nothing waits for %s: %+v", stream, r)
	}
	return jtis
}

// manage makes a call of the management API. A body that is no text is written
// as JSON.
func (v *victim) manage(token, method, path string, body any) reply {
	v.t.Helper()
	h := http.Header{}
	if token != "" {
		h.Set("Authorization", "Bearer "+token)
	}
	text, ok := body.(string)
	if !ok && body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			v.t.Fatal(err)
		}
		text = string(b)
	}
	if body != nil {
		h.Set("Content-Type", "application/json")
	}
	return v.call(method, "/ssf/signals"+path, text, h)
}

// manageAttacks are those of receivers, and of strangers, on the streams of
// others and on what the product keeps for them.
func manageAttacks() []attack {
	call := func(class, name string, status int, err, ids, token, method, path string, body func(v *victim) any) attack {
		return attack{class: class, name: name, status: status, err: err, ids: ids, send: func(v *victim) reply {
			at := strings.NewReplacer("{app}", v.stream["app"], "{app2}", v.stream["app2"], "{hr}", v.stream["hr"]).Replace(path)
			var b any
			if body != nil {
				b = body(v)
			}
			return v.manage(token, method, at, b)
		}}
	}
	of := func(stream string, more object) func(v *victim) any {
		return func(v *victim) any {
			o := object{"stream_id": v.stream[stream]}
			for name, value := range more {
				o[name] = value
			}
			return o
		}
	}
	plain := func(body any) func(*victim) any { return func(*victim) any { return body } }

	const isolation = "management isolation"
	const foreign = "SSF-TX-17 SSF-TX-48"
	subject := object{"subject": object{"format": "email", "email": "jane@example.com"}}
	list := []attack{
		call(isolation, "read", 404, "not_found", foreign, hrToken, "GET", "/streams?stream_id={app}", nil),
		call(isolation, "update", 404, "not_found", foreign, hrToken, "PATCH", "/streams", of("app", object{"description": "mine"})),
		call(isolation, "replace", 404, "not_found", foreign, hrToken, "PUT", "/streams", of("app", nil)),
		call(isolation, "delete", 404, "not_found", foreign, hrToken, "DELETE", "/streams?stream_id={app}", nil),
		call(isolation, "read the status", 404, "not_found", foreign, hrToken, "GET", "/status?stream_id={app}", nil),
		call(isolation, "pause", 404, "not_found", foreign, hrToken, "POST", "/status", of("app", object{"status": "paused"})),
		call(isolation, "add a subject", 404, "not_found", foreign, hrToken, "POST", "/subjects/add", of("app", subject)),
		call(isolation, "remove a subject", 404, "not_found", foreign, hrToken, "POST", "/subjects/remove", of("app", subject)),
		call(isolation, "verify", 404, "not_found", foreign, hrToken, "POST", "/verify", of("app", nil)),
		call(isolation, "poll", 404, "not_found", foreign, hrToken, "POST", "/poll/{app}", plain(object{"returnImmediately": true})),
		call(isolation, "another audience", 400, "invalid_request", "SSF-TX-17 SSF-TX-40", hrToken, "PATCH", "/streams", of("hr", object{"aud": "https://app.example.com"})),
		call(isolation, "without a token", 401, "authentication_failed", "SSF-TX-16", "", "DELETE", "/streams?stream_id={app}", nil),
		call(isolation, "by a made-up token", 401, "authentication_failed", "SSF-TX-16 INTEROP-25", "made-up-0123456789", "DELETE", "/streams?stream_id={app}", nil),
		call(isolation, "by a token in the query", 401, "authentication_failed", "INTEROP-24", "", "DELETE", "/streams?stream_id={app}&access_token="+appToken, nil),
		call(isolation, "by who may only read", 403, "access_denied", "INTEROP-23 INTEROP-25", readerToken, "POST", "/streams", plain(object{})),
		call(isolation, "two streams in one query", 400, "invalid_request", "SSF-TX-42", appToken, "DELETE", "/streams?stream_id={app}&stream_id={hr}", nil),
		call(isolation, "two streams in one body", 400, "invalid_request", "SSF-TX-59", appToken, "POST", "/status", func(v *victim) any {
			return fmt.Sprintf(`{"stream_id":%q,"stream_id":%q,"status":"disabled"}`, v.stream["app"], v.stream["hr"])
		}),
		call(isolation, "the stream itself removed", 400, "invalid_request", "SSF-TX-72", appToken, "POST", "/subjects/remove", func(v *victim) any {
			return object{"stream_id": v.stream["app"], "subject": object{"format": "opaque", "id": v.stream["app"]}}
		}),
		call(isolation, "a method of nobody", 405, "invalid_request", "SSF-TX-16", appToken, "BREW", "/streams", nil),
	}

	const ssrf = "SSRF and redirects"
	for name, url := range map[string]string{
		"this machine":               "https://127.0.0.1/events",
		"this machine by name":       "https://localhost/events",
		"this machine in IPv6":       "https://[::1]/events",
		"this machine, mapped":       "https://[::ffff:127.0.0.1]/events",
		"what the cloud tells":       "https://169.254.169.254/latest/meta-data",
		"a private network":          "https://10.0.0.1/events",
		"a shared network":           "https://100.100.100.200/events",
		"no TLS":                     "http://app.example.com/events",
		"a file":                     "file:///etc/passwd",
		"credentials in the address": "https://user:password@app.example.com/events",
		"no host":                    "https:///events",
		"a fragment":                 "https://app.example.com/events#x",
	} {
		delivery := object{"delivery": object{"method": "urn:ietf:rfc:8935", "endpoint_url": url}}
		list = append(list,
			call(ssrf, name, 400, "invalid_request", "SSF-TX-31", appToken, "POST", "/streams", plain(delivery)),
			call(ssrf, name+", later", 400, "invalid_request", "SSF-TX-39", appToken, "PATCH", "/streams", of("app", delivery)))
	}
	list = append(list, call(ssrf, "a header within a header", 400, "invalid_request", "SSF-TX-31", appToken, "POST", "/streams",
		plain(object{"delivery": object{"method": "urn:ietf:rfc:8935", "endpoint_url": "https://app.example.com/events", "authorization_header": "Bearer x\r\nHost: evil"}})))

	const acks = "poll acknowledgement abuse"
	poll := func(name string, status int, err, ids, token, stream string, body func(v *victim) any) attack {
		return call(acks, name, status, err, ids, token, "POST", "/poll/{"+stream+"}", body)
	}
	said := func(more object) object {
		o := object{"maxEvents": 0, "returnImmediately": true}
		for name, value := range more {
			o[name] = value
		}
		return o
	}
	return append(list,
		poll("by another receiver", 404, "not_found", foreign, hrToken, "app", func(v *victim) any { return said(object{"ack": v.jti}) }),
		poll("at another stream of one's own", 200, "", "POLL-23", appToken, "app2", func(v *victim) any { return said(object{"ack": v.jti}) }),
		poll("at the stream of another", 200, "", "POLL-23 SSF-TX-17", hrToken, "hr", func(v *victim) any { return said(object{"ack": v.jti}) }),
		poll("made up", 200, "", "POLL-23", appToken, "app", plain(said(object{"ack": []string{"made-up", "", "*"}}))),
		poll("refusal made up", 200, "", "POLL-23", appToken, "app", plain(said(object{"setErrs": object{"made-up": object{"err": "invalid_key"}}}))),
		poll("refused at another stream", 200, "", "POLL-23", appToken, "app2", func(v *victim) any {
			return said(object{"setErrs": object{v.jti[0]: object{"err": "invalid_key", "description": "x"}}})
		}),
		poll("without a token", 401, "authentication_failed", "SSF-TX-13", "", "app", func(v *victim) any { return said(object{"ack": v.jti}) }),
		poll("by who may only read", 403, "access_denied", "SSF-TX-13 INTEROP-25", readerToken, "app", func(v *victim) any { return said(object{"ack": v.jti}) }),
		poll("as a text", 400, "invalid_request", "POLL-18", appToken, "app", func(v *victim) any { return said(object{"ack": v.jti[0]}) }),
		poll("in objects", 400, "invalid_request", "POLL-18", appToken, "app", func(v *victim) any { return said(object{"ack": []object{{"jti": v.jti[0]}}}) }),
		poll("a good one beside what is none", 400, "invalid_request", "POLL-18", appToken, "app", func(v *victim) any { return said(object{"ack": []any{v.jti[0], 7}}) }),
		poll("a refusal without a code", 400, "invalid_request", "POLL-18", appToken, "app", func(v *victim) any {
			return said(object{"setErrs": object{v.jti[0]: "no"}})
		}),
		poll("acknowledged and then broken off", 400, "invalid_request", "POLL-18", appToken, "app", func(v *victim) any {
			return fmt.Sprintf(`{"ack":[%q]`, v.jti[0])
		}),
		poll("a number below nothing", 400, "invalid_request", "POLL-18", appToken, "app", func(v *victim) any { return object{"ack": v.jti, "maxEvents": -1} }),
		poll("without end", 413, "invalid_request", "POLL-18 JWT-09", appToken, "app", plain(said(object{"ack": manyNames(20000)}))),
	)
}

func manyNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint("jti-", i)
	}
	return names
}
