package client

import (
	"encoding/json"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// FuzzReadPoll: what is read can be handed on, and nothing else happens.
func FuzzReadPoll(f *testing.F) {
	for _, s := range []string{`{"sets":{"a":"x.y.z"},"moreAvailable":true}`, `{"sets":{"a":1,"b":{"c":[]}}}`, `{"sets":[]}`, `{}`, `[`, `{"sets":{"a":"\ud800"}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := readPoll(b, 1<<16)
		if err != nil && len(got.Sets) > 0 {
			t.Error("an error with tokens")
		}
		seen := map[string]bool{}
		for _, s := range got.Sets {
			if s.JTI == "" || seen[s.JTI] {
				t.Errorf("name %q", s.JTI)
			}
			seen[s.JTI] = true
		}
	})
}

// FuzzReadAnswers: metadata and configurations of strangers never panic, and
// what is taken is of our issuer.
func FuzzReadAnswers(f *testing.F) {
	for _, s := range []string{`{"issuer":"https://tx.example.com","authorization_schemes":[{"spec_urn":"urn:ietf:rfc:6749"}]}`,
		`{"stream_id":"s","iss":"https://tx.example.com","aud":["a"],"delivery":{"method":"m","authorization_header":"x"},"inactivity_timeout":1e9}`} {
		f.Add([]byte(s))
	}
	c := &Client{o: Options{Transmitter: "https://tx.example.com"}}
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := c.readMetadata(b); err == nil && m.Issuer != "https://tx.example.com" {
			t.Errorf("metadata of %q", m.Issuer)
		}
		v, err := strictjson.Parse(b, limits)
		if err != nil {
			return
		}
		if s, err := c.readStream(v); err == nil && (s.Issuer != "https://tx.example.com" || s.ID == "" || !json.Valid(s.Text)) {
			t.Errorf("stream %+v", s)
		}
	})
}
