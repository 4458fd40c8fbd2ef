package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/connectors/ssf/client"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// soon is when the end of a certificate is worth a warning.
const soon = 14 * 24 * time.Hour

// discovery reads the metadata; false if nothing can be looked at without.
func (e *examination) discovery(ctx context.Context) bool {
	m, err := e.Client.Discover(ctx)
	if err != nil {
		e.say("discovery", Fault, "SSF-RX-03", advice(err), "%s", err)
		e.elsewhere(ctx)
		return false
	}
	e.meta = m
	e.say("discovery", OK, "", "", "metadata at %s, version %s", m.URL, m.SpecVersion)
	e.transport(ctx)
	if media, _, err := mime.ParseMediaType(m.ContentType); err != nil || media != ssf.MediaTypeJSON {
		e.say("discovery", Warning, "SSF-TX-03", "", "the metadata has the content type %q in place of application/json", m.ContentType)
	}
	if !known(m.SpecVersion) {
		e.say("discovery", Warning, "INTEROP-03", "Expect shapes of drafts; rules = \"legacy\" in the issuer's block reads them.", "it follows %s, which is older than 1_0", m.SpecVersion)
	}
	for _, w := range []struct {
		missing         bool
		state           State
		requirement, do string
		what            string
	}{
		{m.JWKS == "", Fault, "INTEROP-05", "Ask for the key set and configure it as jwks or jwks_file.", "jwks_uri is missing: nothing it signs can be verified by what it publishes"},
		{len(m.DeliveryMethods) == 0, Warning, "INTEROP-04", "", "delivery_methods_supported is missing"},
		{m.ConfigurationEndpoint == "", Fault, "INTEROP-06", "Streams must be set up by hand; use a push block without transmitter.", "configuration_endpoint is missing: no stream can be made"},
		{m.StatusEndpoint == "", Warning, "INTEROP-07", "", "status_endpoint is missing: a paused stream looks like a quiet one"},
		{m.VerificationEndpoint == "", Warning, "INTEROP-08", "", "verification_endpoint is missing: a dead stream looks like a quiet one"},
		{!slices.Contains(m.Schemes, "urn:ietf:rfc:6749"), Warning, "INTEROP-09", "", "authorization_schemes does not name OAuth 2.0 (urn:ietf:rfc:6749)"},
	} {
		if w.missing {
			e.say("discovery", w.state, w.requirement, w.do, "%s", w.what)
		}
	}
	if d := m.DefaultSubjects; d != "" && d != "ALL" && d != "NONE" {
		e.say("discovery", Warning, "SSF-TX-08", "", "default_subjects is %q, neither ALL nor NONE", d)
	} else if d == "NONE" {
		e.say("discovery", Note, "SSF-TX-71", "List subjects in the block stream, or nothing comes.", "no subject is in a stream until it is added")
	}
	for name, v := range m.Text.Members() {
		if v.Kind() == strictjson.Array && v.Len() == 0 {
			e.say("discovery", Warning, "SSF-TX-09", "", "%s is an empty array, which is to be left out", name)
		}
	}
	for _, name := range m.CriticalMembers {
		if !slices.Contains([]string{"user", "device", "session"}, name) {
			e.say("discovery", Warning, "SUB-26", "Add it to critical_members of the issuer's block.", "subject member %q is critical and not understood: such events are discarded", name)
		}
	}
	return true
}

// advice is what to do about metadata that cannot be had.
func advice(err error) string {
	refused, answered := errors.AsType[*client.Error](err)
	switch {
	case errors.Is(err, client.ErrMixUp), answered && refused.Status == http.StatusNotFound:
		return "Ask for the issuer exactly as the transmitter writes it, a final slash included."
	case errors.Is(err, outbound.ErrAddress):
		return "If an address inside your network is meant, permit it: allow_private = true, or --allow-private."
	case answered && refused.Status == 0:
		return "Check that it runs, that it is reached from here, and that its certificate is trusted: ca_file, or --ca-file."
	}
	return ""
}

// known reports whether a version is 1_0 or later; what is older has a suffix.
func known(version string) bool { return version == "1_0" || version == "1_1" }

// elsewhere looks for the metadata where old transmitters have it.
func (e *examination) elsewhere(ctx context.Context) {
	for _, name := range client.WellKnowns[1:] {
		at, err := client.MetadataURL(e.Issuer, name)
		if err != nil {
			return
		}
		if status, _, _, err := e.get(ctx, at); err == nil && status == http.StatusOK {
			e.say("discovery", Note, "SSF-RX-05", fmt.Sprintf("Try well_known = %q, or --well-known %s.", name, name), "there is a document at %s", at)
		}
	}
	at := strings.TrimSuffix(e.Issuer, "/") + "/.well-known/" + client.WellKnowns[0]
	if right, err := client.MetadataURL(e.Issuer, client.WellKnowns[0]); err == nil && right != at {
		if status, _, _, err := e.get(ctx, at); err == nil && status == http.StatusOK {
			e.say("discovery", Warning, "SSF-TX-01", "Its operator must publish it at "+right+".", "there is a document at %s: the name goes between host and path", at)
		}
	}
}

const mostBytes = 512 << 10

// get fetches what is public.
func (e *examination) get(ctx context.Context, at string) (status int, body []byte, state *tls.ConnectionState, err error) {
	ctx, cancel := context.WithTimeout(ctx, client.DefaultTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return 0, nil, nil, err
	}
	req.Header.Set("Accept", "application/json, application/jwk-set+json")
	req.Header.Set("User-Agent", "signalbox")
	resp, err := e.HTTP.Do(req)
	if err != nil {
		return 0, nil, nil, outbound.Cause(err)
	}
	defer resp.Body.Close()
	body, err = outbound.Read(resp, mostBytes)
	return resp.StatusCode, body, resp.TLS, err
}

// transport looks at the connection.
func (e *examination) transport(ctx context.Context) {
	_, _, state, err := e.get(ctx, e.meta.URL)
	switch {
	case err != nil:
		e.say("tls", Warning, "INTEROP-01", "", "a second connection failed: %s", err)
		return
	case state == nil:
		e.say("tls", Warning, "INTEROP-01", "Plain http is for trying things out on one machine.", "the connection is not encrypted")
		return
	}
	what := tls.VersionName(state.Version) + ", " + tls.CipherSuiteName(state.CipherSuite)
	if len(state.PeerCertificates) > 0 {
		end := state.PeerCertificates[0].NotAfter
		if left := end.Sub(e.Now()); left < soon {
			e.say("tls", Warning, "INTEROP-02", "", "the certificate ends on %s", end.UTC().Format("2006-01-02"))
		}
		what += ", certificate until " + end.UTC().Format("2006-01-02")
	}
	e.say("tls", OK, "", "", "%s", what)
}

// clock compares the clocks.
func (e *examination) clock() {
	d, ok := e.Client.Offset()
	switch {
	case !ok:
		e.say("clock", Note, "", "", "its answers carry no Date: the clocks cannot be compared")
	case d > time.Minute || d < -time.Minute:
		e.say("clock", Warning, "SET-26", "Set one of the two clocks; tokens from the future are refused.", "its clock is %s ahead of ours", d.Round(time.Second))
	default:
		e.say("clock", OK, "", "", "the clocks agree")
	}
}
