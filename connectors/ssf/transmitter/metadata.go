package transmitter

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/signalbox-dev/signalbox/connectors/ssf"
)

// specVersion is the version of the framework the metadata states (INTEROP-03).
const specVersion = "1_0"

// wellKnown is the path of the metadata: inserted between authority and path of
// the issuer, of which a slash at the end is dropped (SSF-TX-01, SSF-TX-02).
func wellKnown(issuer string) string {
	const name = "/.well-known/ssf-configuration"
	u, err := url.Parse(issuer)
	if err != nil {
		return name
	}
	return name + strings.TrimSuffix(u.EscapedPath(), "/")
}

// The paths below "/ssf/" and the name of the sink.
func (c *Config) paths(name string) (streams, status, add, remove, verify, poll string) {
	p := "/ssf/" + name
	return p + "/streams", p + "/status", p + "/subjects/add", p + "/subjects/remove", p + "/verify", p + "/poll/{stream}"
}

// Mounts lists the paths on the shared listener that a sink of that name answers
// at.
func (c *Config) Mounts(name string) []string {
	if len(c.Receivers) == 0 {
		return nil
	}
	streams, status, add, remove, verify, poll := c.paths(name)
	return []string{wellKnown(c.Issuer), streams, status, add, remove, verify, poll}
}

// metadata is the transmitter configuration metadata (SSF section 7.1). None of
// its members is empty (SSF-TX-09).
type metadata struct {
	SpecVersion     string   `json:"spec_version"`
	Issuer          string   `json:"issuer"`
	JWKS            string   `json:"jwks_uri"`
	DeliveryMethods []string `json:"delivery_methods_supported"`
	Configuration   string   `json:"configuration_endpoint"`
	Status          string   `json:"status_endpoint"`
	AddSubject      string   `json:"add_subject_endpoint"`
	RemoveSubject   string   `json:"remove_subject_endpoint"`
	Verification    string   `json:"verification_endpoint"`
	Authorization   []scheme `json:"authorization_schemes"`
	DefaultSubjects string   `json:"default_subjects"`
}

// scheme is a way to be authorized (SSF-TX-12).
type scheme struct {
	URN string `json:"spec_urn"`
}

func (h *hub) metadata() metadata {
	streams, status, add, remove, verify, _ := (*Config)(nil).paths(h.name)
	m := metadata{
		SpecVersion: specVersion, Issuer: h.issuer, JWKS: h.base + "/jwks.json",
		DeliveryMethods: []string{ssf.DeliveryPush, ssf.DeliveryPoll},
		Configuration:   h.base + streams, Status: h.base + status,
		AddSubject: h.base + add, RemoveSubject: h.base + remove, Verification: h.base + verify,
		Authorization:   []scheme{{"urn:ietf:rfc:6749"}, {"urn:ietf:rfc:6750"}}, // INTEROP-09
		DefaultSubjects: "NONE",
	}
	if h.all {
		m.DefaultSubjects = "ALL"
	}
	return m
}

// endpoints are the handlers of the transmitter by path.
func (h *hub) endpoints() map[string]http.Handler {
	streams, status, add, remove, verify, poll := (*Config)(nil).paths(h.name)
	return map[string]http.Handler{
		wellKnown(h.issuer): http.HandlerFunc(h.serveMetadata),
		streams: h.endpoint(map[string]operation{
			http.MethodPost:   {scopeManage + ".create", true, (*hub).createStream},
			http.MethodGet:    {scopeRead, false, (*hub).readStream},
			http.MethodPatch:  {scopeManage + ".update", true, (*hub).updateStream},
			http.MethodPut:    {scopeManage + ".update", true, (*hub).replaceStream},
			http.MethodDelete: {scopeManage + ".delete", false, (*hub).deleteStream},
		}),
		status: h.endpoint(map[string]operation{
			http.MethodGet:  {scopeRead, false, (*hub).readStatus},
			http.MethodPost: {scopeManage + ".status", true, (*hub).updateStatus},
		}),
		add:    h.endpoint(map[string]operation{http.MethodPost: {scopeManage + ".subjects", true, (*hub).addSubject}}),
		remove: h.endpoint(map[string]operation{http.MethodPost: {scopeManage + ".subjects", true, (*hub).removeSubject}}),
		verify: h.endpoint(map[string]operation{http.MethodPost: {scopeManage + ".verify", true, (*hub).requestVerification}}),
		poll:   h.endpoint(map[string]operation{http.MethodPost: {scopePoll, true, (*hub).poll}}),
	}
}

// serveMetadata answers anybody (SSF-TX-11): the metadata is how a receiver
// learns what it has to show.
func (h *hub) serveMetadata(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		h.refuse(w, r, &fault{status: http.StatusMethodNotAllowed, code: "invalid_request", text: "this endpoint takes GET, HEAD"})
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=300")
	write(w, answer{http.StatusOK, h.metadata()})
}

// pollURL is where a receiver comes for the SETs of a stream (SSF-TX-29).
func (h *hub) pollURL(id string) string {
	_, _, _, _, _, poll := (*Config)(nil).paths(h.name)
	return h.base + strings.Replace(poll, "{stream}", id, 1)
}
