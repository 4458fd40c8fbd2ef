package doctor_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/connectors/ssf/client"
	"github.com/signalbox-dev/signalbox/connectors/ssf/doctor"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

const issuer = "https://tx.example.com"

// examine runs the doctor over a transmitter with credentials.
func examine(t *testing.T, tx *pipelinetest.Transmitter, change ...func(*doctor.Options)) doctor.Report {
	t.Helper()
	tx.Token = "management-token"
	c, err := client.New(client.Options{Transmitter: issuer, Authorization: "Bearer management-token", HTTP: tx.Client()}, kind.Env{})
	if err != nil {
		t.Fatal(err)
	}
	o := doctor.Options{Client: c, HTTP: tx.Client(), Issuer: issuer, Credentials: true, RoundTrip: true}
	for _, f := range change {
		f(&o)
	}
	return doctor.Examine(t.Context(), o)
}

// graves lists the findings of a state.
func graves(r doctor.Report, state doctor.State) (list []string) {
	for _, f := range r.Findings {
		if f.State == state {
			list = append(list, f.Requirement+" "+f.Says)
		}
	}
	return list
}

func bubble(t *testing.T, f func(t *testing.T, tx *pipelinetest.Transmitter)) {
	synctest.Test(t, func(t *testing.T) { f(t, pipelinetest.TransmitterAt(t, issuer)) })
}

// TestGoodTransmitter: nothing is found at fault, every check says something, and
// nothing is left behind.
func TestGoodTransmitter(t *testing.T) {
	bubble(t, func(t *testing.T, tx *pipelinetest.Transmitter) {
		tx.Make(map[string]any{"events_requested": []any{pipelinetest.Vocabulary()[0]}})
		r := examine(t, tx)
		if faults := graves(r, doctor.Fault); !r.OK || faults != nil {
			t.Errorf("faults %q", faults)
		}
		said := map[string]bool{}
		for _, f := range r.Findings {
			if f.State == doctor.OK {
				said[f.Check] = true
			}
			if strings.Contains(f.Says+f.Do, "management-token") {
				t.Errorf("a secret is shown: %+v", f)
			}
		}
		for _, check := range []string{"discovery", "keys", "access", "streams", "vocabulary", "verification", "clock"} {
			if !said[check] {
				t.Errorf("%s says nothing: %+v", check, r.Findings)
			}
		}
		if got := tx.Streams(); len(got) != 1 || got[0] != "stream-1" {
			t.Errorf("streams left: %q", got)
		}
		req.Equal(t, "INTEROP-16", len(tx.Asked("DELETE", "/streams")), 1)
		for _, a := range tx.Asked("POST", "/poll/stream-1") {
			t.Errorf("a stream of somebody was polled: %+v", a)
		}
	})
}

// TestFaults: each deviation is found and named.
func TestFaults(t *testing.T) {
	rsa1024, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skip("this Go makes no key so small: ", err)
	}
	small := base64.RawURLEncoding.EncodeToString(rsa1024.N.Bytes())
	for name, c := range map[string]struct {
		path, answer string
		status       int
		change       func(*pipelinetest.Transmitter)
		want         string // of a fault, a warning or a note
		fault        bool
	}{
		"other issuer": {path: "/.well-known/ssf-configuration", answer: `{"issuer":"https://tx.example.com/"}`, want: "SSF-RX-03", fault: true},
		"no keys":      {path: "/.well-known/ssf-configuration", answer: `{"issuer":"https://tx.example.com","configuration_endpoint":"https://tx.example.com/streams"}`, want: "INTEROP-05", fault: true},
		"empty array":  {path: "/.well-known/ssf-configuration", answer: `{"issuer":"https://tx.example.com","jwks_uri":"https://tx.example.com/jwks.json","critical_subject_members":[]}`, want: "SSF-TX-09", fault: true},
		"critical":     {path: "/.well-known/ssf-configuration", answer: `{"issuer":"https://tx.example.com","jwks_uri":"https://tx.example.com/jwks.json","critical_subject_members":["tenant"]}`, want: "SUB-26", fault: true},
		"keys away":    {path: "/jwks.json", status: 500, want: "KEY-01", fault: true},
		"keys no JSON": {path: "/jwks.json", answer: `<html>`, want: "KEY-01", fault: true},
		"keys empty":   {path: "/jwks.json", answer: `{"keys":[]}`, want: "KEY-01", fault: true},
		"small key":    {path: "/jwks.json", answer: `{"keys":[{"kty":"RSA","kid":"a","e":"AQAB","n":"` + small + `"}]}`, want: "INTEROP-20", fault: true},
		"forbidden":    {path: "/streams", status: 403, want: "INTEROP-24", fault: true},
		"status away":  {path: "/status", status: 500, want: "INTEROP-07"},
		"no promise":   {path: "/verify", status: 400, want: "INTEROP-08", fault: true},
		"mute":         {change: func(tx *pipelinetest.Transmitter) { tx.Mute = true }, want: "SSF-TX-76", fault: true},
		"one stream":   {change: func(tx *pipelinetest.Transmitter) { tx.OneStream = true }, want: "SSF-TX-25"},
		"clock":        {change: func(tx *pipelinetest.Transmitter) { tx.Now = func() time.Time { return time.Now().Add(-time.Hour) } }, want: "SET-26"},
		"foreign events": {change: func(tx *pipelinetest.Transmitter) {
			tx.Change("stream-1", "events_supported", []string{"https://example.com/x"})
		}, want: "EVT-33"},
		"paused": {change: func(tx *pipelinetest.Transmitter) { tx.SetStatus("stream-1", "paused") }, want: "SSF-RX-21"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, tx *pipelinetest.Transmitter) {
				tx.Make(nil)
				if c.change != nil {
					c.change(tx)
				}
				if c.path != "" {
					tx.Intercept(func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
						if r.URL.Path != c.path {
							return false
						}
						if c.status != 0 {
							w.WriteHeader(c.status)
						}
						fmt.Fprint(w, c.answer)
						return true
					})
				}
				r := examine(t, tx)
				all := fmt.Sprint(graves(r, doctor.Fault), graves(r, doctor.Warning), graves(r, doctor.Note), graves(r, doctor.Skipped))
				if !strings.Contains(all, c.want+" ") || r.OK == c.fault {
					t.Errorf("OK is %t, findings %s; want %s and fault %t", r.OK, all, c.want, c.fault)
				}
				if got := tx.Streams(); len(got) != 1 {
					t.Errorf("streams left: %q", got)
				}
			})
		})
	}
}

// TestKeysInside: a key set whose name leads to an address inside is not fetched,
// and the finding says why.
func TestKeysInside(t *testing.T) {
	tx := pipelinetest.TransmitterAt(t, issuer)
	guarded, err := outbound.Options{URL: issuer, Resolver: pipelinetest.Resolver(t, "169.254.169.254")}.Client(kind.Env{})
	if err != nil {
		t.Fatal(err)
	}
	r := examine(t, tx, func(o *doctor.Options) { o.HTTP, o.Credentials, o.RoundTrip = guarded, false, false })
	faults := fmt.Sprint(graves(r, doctor.Fault))
	req.True(t, "KEY-01", !r.OK && strings.Contains(faults, "KEY-01 the key set cannot be fetched") && strings.Contains(faults, "169.254.169.254 is not of the public internet"), "faults %s", faults)
}

// TestOpenToAnybody: an API that needs no credentials is a fault.
func TestOpenToAnybody(t *testing.T) {
	bubble(t, func(t *testing.T, tx *pipelinetest.Transmitter) {
		tx.Intercept(func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
			r.Header.Set("Authorization", "Bearer management-token")
			return false
		})
		if r := examine(t, tx); !strings.Contains(fmt.Sprint(graves(r, doctor.Fault)), "SSF-TX-16") {
			t.Errorf("findings %+v", r.Findings)
		}
	})
}

// TestWithoutCredentials: what is public is looked at, the rest is said to be
// skipped, and nothing is made.
func TestWithoutCredentials(t *testing.T) {
	bubble(t, func(t *testing.T, tx *pipelinetest.Transmitter) {
		r := examine(t, tx, func(o *doctor.Options) { o.Credentials = false })
		if !r.OK || len(graves(r, doctor.Skipped)) == 0 || len(tx.Asked("POST", "")) != 0 {
			t.Errorf("findings %+v", r.Findings)
		}
		r = examine(t, tx, func(o *doctor.Options) { o.RoundTrip = false })
		if !r.OK || len(tx.Asked("POST", "")) != 0 {
			t.Errorf("findings %+v", r.Findings)
		}
	})
}

// TestAdvice: what to do follows from why the metadata could not be had.
func TestAdvice(t *testing.T) {
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	defer srv.Close()
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		issuer string
		reach  outbound.Options
		want   string
	}{
		"another authority": {srv.URL, outbound.Options{AllowPrivate: true}, "ca_file"},
		"nobody":            {"http://127.0.0.1:1", outbound.Options{AllowPrivate: true}, "reached from here"},
		"a name of ours":    {"https://tx.example.com:" + u.Port(), outbound.Options{Resolver: pipelinetest.Resolver(t, "127.0.0.1")}, "allow_private"},
	} {
		cl, err := client.New(client.Options{Transmitter: c.issuer, Reach: c.reach}, kind.Env{})
		if err != nil {
			t.Fatal(err)
		}
		c.reach.URL = c.issuer
		public, err := c.reach.Client(kind.Env{})
		if err != nil {
			t.Fatal(err)
		}
		r := doctor.Examine(t.Context(), doctor.Options{Client: cl, HTTP: public, Issuer: c.issuer})
		if r.OK || !strings.Contains(r.Findings[0].Do, c.want) {
			t.Errorf("%s: it says %+v, want advice with %q", name, r.Findings[0], c.want)
		}
	}
}
