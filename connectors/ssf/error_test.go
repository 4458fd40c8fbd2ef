package ssf_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

func TestFromReject(t *testing.T) {
	for code, want := range map[string]string{
		pipeline.InvalidRequest:       "invalid_request",
		pipeline.InvalidKey:           "invalid_key",
		pipeline.InvalidIssuer:        "invalid_issuer",
		pipeline.InvalidAudience:      "invalid_audience",
		pipeline.AuthenticationFailed: "authentication_failed",
		pipeline.AccessDenied:         "access_denied",
		pipeline.InvalidState:         "invalid_state",
		pipeline.Unmapped:             "invalid_request", // ours: means nothing outside
		"":                            "invalid_request",
		"Invalid_Key":                 "invalid_request",
	} {
		e := ssf.FromReject(&pipeline.RejectError{Code: code, Description: "d", Requirement: "SET-05"})
		req.Equal(t, "PUSH-03", e, ssf.Error{Code: want, Description: "d"})
	}
}

func TestErrorJSON(t *testing.T) {
	e := ssf.Error{Code: "invalid_request", Description: `a "quote" and é`}
	got := string(e.AppendJSON(nil))
	const want = `{"err":"invalid_request","description":"a \"quote\" and é"}`
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if back, ok := ssf.ParseError([]byte(got)); !ok || back != e {
		t.Errorf("read back %+v, %t", back, ok)
	}
}

func TestParseError(t *testing.T) {
	for text, want := range map[string]struct {
		code string
		ok   bool
	}{
		`{"err":"invalid_key"}`:                         {"invalid_key", true},
		`{"err":"invalid_key","description":7}`:         {"invalid_key", true},
		` {"description":"x","err":"custom","more":{}}`: {"custom", true},
		`{"err":7}`:                          {},
		`{"description":"x"}`:                {},
		`["err"]`:                            {},
		`{"err":"a","err":"b"}`:              {},
		`{"err":"a"} trailing`:               {},
		``:                                   {},
		`<html>400 Bad Request</html>`:       {},
		strings.Repeat(`[`, 100000):          {},
		`{"err":"a","x":"` + "\xff" + `"}`:   {},
		`{"err":"` + "bad\\u0000code" + `"}`: {"bad?code", true},
	} {
		e, ok := ssf.ParseError([]byte(text))
		if ok != want.ok || e.Code != want.code {
			t.Errorf("ParseError(%.60q) = %+v, %t; want %q, %t", text, e, ok, want.code, want.ok)
		}
	}
}

func FuzzParseError(f *testing.F) {
	f.Add([]byte(`{"err":"invalid_key","description":"expired"}`))
	f.Add([]byte(`{"err":"` + strings.Repeat("x", 1000) + `"}`))
	f.Add([]byte("\xff{"))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, ok := ssf.ParseError(b)
		if !ok && e != (ssf.Error{}) {
			t.Errorf("not ok, and yet %+v", e)
		}
		for _, s := range []string{e.Code, e.Description} {
			if len(s) > 1000 || !utf8.ValidString(s) || strings.ContainsAny(s, "\r\n\x00\x1b") {
				t.Errorf("unfit to show: %q", s)
			}
		}
	})
}
