package set_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
	"github.com/signalbox-dev/signalbox/pipeline/set"
)

const (
	oktaBase = "https://schemas.okta.com/secevent/okta/event-type/"
	scimBase = "urn:ietf:params:scim:event:"
)

// reading is one token under a rule set and what must come of it.
type reading struct {
	name   string
	header string // "": as usual
	claims object // changes of the usual claims
	want   string // "CODE-nn" it is refused for; else taken, with or without workarounds
}

func checkReadings(t *testing.T, rules string, readings []reading) {
	t.Helper()
	s := readSetting(t, "testdata/vectors")
	i := s.issuer(t, rules)
	i.Algorithms = nil // what the rule set accepts
	v := s.verifier(t, i)
	for _, c := range readings {
		t.Run(c.name, func(t *testing.T) {
			h := c.header
			if h == "" {
				h = header
			}
			signal, err := v.Verify(context.Background(), message(s.token(t, []byte(h), with(c.claims))))
			got := "applied " + strings.Join(signal.Applied, " ")
			var r *pipeline.RejectError
			switch {
			case errors.As(err, &r):
				got = "refused " + r.Requirement
				if r.Code != pipeline.InvalidRequest && r.Code != pipeline.InvalidKey {
					t.Errorf("code %s", r.Code)
				}
			case err != nil:
				t.Fatal(err)
			case signal.Dialect != rules:
				t.Errorf("dialect %s", signal.Dialect)
			}
			ids, want := c.want, "refused "+c.want
			if what, of, _ := strings.Cut(c.want, " "); of != "" || what == "applied" {
				ids, want = of, c.want
			}
			if of, ok := strings.CutPrefix(c.want, "takes "); ok {
				ids, want = of, taken
			}
			req.Equal(t, ids, got, want)
		})
	}
}

// taken is what a token comes to that needs no workaround, takes the same where
// that shows a requirement.
const taken = "applied "

func takes(ids string) string { return "takes " + ids }

func TestInterop(t *testing.T) {
	why := object{"en": "Rule R-114 fired"}
	revoked := func(reason any) object {
		return event1(caep+"session-revoked", object{"reason_admin": reason})
	}
	about := func(subject object) object {
		c := revoked(why)
		c["sub_id"] = subject
		return c
	}
	user := object{"format": "email", "email": "ada.obrien@example.com"}
	changed := func(body object) object {
		body["reason_admin"] = why
		return event1(caep+"credential-change", body)
	}
	readings := []reading{
		{"session revoked", "", revoked(why), takes("INTEROP-27 INTEROP-19")},
		{"without a reason", "", event1(caep+"session-revoked", object{}), "INTEROP-27"},
		{"reason for the user only", "", event1(caep+"session-revoked", object{"reason_user": why}), "INTEROP-27"},
		{"empty reason", "", revoked(object{"en": ""}), "INTEROP-27"},
		{"reason in one of two languages", "", revoked(object{"en": "", "de": "Regel R-114"}), taken},
		{"reason without a language", "", revoked("Rule R-114 fired"), "EVT-04"},
		{"reason of no language", "", revoked(object{}), "EVT-04"},
		{"credential change without a reason", "", event1(caep+"credential-change",
			object{"credential_type": "password", "change_type": "update"}), "INTEROP-28"},
		{"compliance without a reason", "", event1(caep+"device-compliance-change",
			object{"previous_status": "compliant", "current_status": "not-compliant"}), "INTEROP-29"},
		{"compliance with a reason", "", event1(caep+"device-compliance-change",
			object{"previous_status": "not-compliant", "current_status": "compliant", "reason_admin": why}), takes("INTEROP-29")},
		{"an event outside the use cases", "", event1(caep+"session-presented", object{}), taken},
		{"a namesake of another family", "", event1("https://events.example.com/session-revoked", object{}), taken},
		{"two names of one event", "", object{"events": object{
			caep + "session-revoked": object{"reason_admin": why}, "https://events.example.com/gone": object{}}}, "INTEROP-26"},
		{"two unknown events", "", object{"events": object{"https://events.example.com/a": object{}, "https://events.example.com/b": object{}}}, "INTEROP-26"},
		{"iss_sub", "", about(object{"format": "iss_sub", "iss": "https://idp.example.com", "sub": "1"}), takes("INTEROP-17")},
		{"opaque for the stream", "", object{"sub_id": object{"format": "opaque", "id": "st-4f0c9a72"}, "events": object{ssf + "verification": object{}}}, takes("INTEROP-17")},
		{"complex", "", about(object{"format": "complex", "user": user, "robot": object{"format": "opaque", "id": "r2"}}), takes("INTEROP-18")},
		{"subject in the event", "", object{"sub_id": nil, "events": object{caep + "session-revoked": object{"reason_admin": why, "subject": user}}}, "SET-16"},
		{"PS256", `{"typ":"secevent+jwt","alg":"PS256","kid":"k-2026-01"}`, revoked(why), "JWT-02"},
		{"ES256", `{"typ":"secevent+jwt","alg":"ES256","kid":"k-2026-01"}`, revoked(why), "JWT-02"},
		{"RSA of 1024 bits", `{"typ":"secevent+jwt","alg":"RS256","kid":"k-weak"}`, revoked(why), "INTEROP-20"},
		{"typ JWT", `{"typ":"JWT","alg":"RS256","kid":"k-2026-01"}`, revoked(why), "SET-01"},
	}
	for _, change := range []string{"create", "revoke", "update", "delete"} {
		for _, credential := range []string{"password", "pin", "x509", "fido2-platform", "fido2-roaming", "fido-u2f", "verifiable-credential", "phone-voice", "phone-sms", "app"} {
			readings = append(readings, reading{change + " " + credential, "", changed(object{"credential_type": credential, "change_type": change}), takes("INTEROP-28 EVT-09 EVT-10")})
		}
	}
	checkReadings(t, "interop", readings)
}

func TestSCIM(t *testing.T) {
	bo := object{"format": "scim", "uri": "/Users/8f1c22", "externalId": "emp-20"}
	says := func(change object, events object) object {
		claims := object{"sub_id": bo, "events": object{}}
		for name, body := range events {
			if !strings.Contains(name, "://") && !strings.HasPrefix(name, "urn:") {
				name = scimBase + name
			}
			claims["events"].(object)[name] = body
		}
		for name, v := range change {
			claims[name] = v
		}
		return claims
	}
	event := func(name string, body object) object { return says(nil, object{name: body}) }
	at := func(uri string) object {
		return says(object{"sub_id": object{"format": "scim", "uri": uri}}, object{"feed:add": object{}})
	}
	names := object{"attributes": []string{"userName"}}
	content := object{"data": object{"userName": "bo"}}
	response := object{"method": "PUT", "status": "200"}
	readings := []reading{
		{"subject at the top", "", event("feed:add", object{}), takes("SCIM-01 SCIM-02")},
		{"subject in the payload", "", says(object{"sub_id": nil}, object{"feed:add": object{"sub_id": bo}}), "SCIM-01"},
		{"subject in both places", "", event("feed:add", object{"sub_id": bo}), "SCIM-01"},
		{"sub", "", says(object{"sub": "8f1c22"}, object{"feed:add": object{}}), "SET-05"},
		{"no subject", "", says(object{"sub_id": nil}, object{"feed:add": object{}}), "SET-16"},
		{"subject of another format", "", says(object{"sub_id": object{"format": "email", "email": "bo@example.com"}}, object{"feed:add": object{}}), "SCIM-02"},
		{"subject without uri", "", says(object{"sub_id": object{"format": "scim", "id": "8f1c22"}}, object{"feed:add": object{}}), "SCIM-02"},
		{"path without a slash", "", at("Users/8f1c22"), takes("SCIM-02")},
		{"path with a colon", "", at("/Users/urn:8f1c22"), taken},
		{"URL", "", at("https://directory.example.com/Users/8f1c22"), "SCIM-02"},
		{"URL without scheme", "", at("//directory.example.com/Users/8f1c22"), "SCIM-02"},

		{"two of one transaction", "", says(nil, object{"feed:add": object{}, "prov:create:notice": names}), takes("SCIM-03")},
		{"three, one uncatalogued", "", says(nil, object{"feed:add": object{}, "prov:activate": object{}, "prov:rename": object{}}), taken},
		{"with an event of CAEP", "", says(nil, object{"prov:deactivate": object{}, caep + "session-revoked": object{}}), "SET-12"},
		{"one of two broken", "", says(nil, object{"feed:add": object{}, "prov:create:notice": content}), "SCIM-04"},
		{"an event of CAEP alone", "", event1(caep+"session-revoked", object{}), taken},

		{"qualified delete", "", event("prov:delete:notice", names), "SCIM-05"},
		{"delete of an odd spelling", "", event("urn:ietf:params:SCIM:event:prov:Delete:full", object{}), "SCIM-05"},
		{"delete with data", "", event("prov:delete", content), "SCIM-05"},
		{"delete with attributes", "", event("prov:delete", names), "SCIM-05"},
		{"delete and feed:remove", "", says(nil, object{"prov:delete": object{}, "feed:remove": object{}}), "SCIM-05"},
		{"deactivate and feed:remove", "", says(nil, object{"prov:deactivate": object{}, "feed:remove": object{}}), taken},
		{"a name that only begins like delete", "", event("prov:deleted", object{}), taken},

		{"answer", "", event("misc:asyncresp", response), takes("SCIM-08")},
		{"answer without txn", "", says(object{"txn": nil}, object{"misc:asyncresp": response}), "SCIM-08"},
		{"answer with empty txn", "", says(object{"txn": ""}, object{"misc:asyncresp": response}), "SCIM-08"},
		{"answer of a bulk operation", "", says(object{"txn": "req-552:0"}, object{"misc:asyncresp": response}), takes("SCIM-08")},
		{"txn is no must elsewhere", "", says(object{"txn": nil}, object{"feed:add": object{}}), takes("SCIM-12")},

		{"capitals", "", event("urn:ietf:params:SCIM:event:feed:add", object{}), "applied SCIM-11"},
		{"capitals and the rules", "", event("urn:ietf:params:SCIM:event:prov:create:full", names), "SCIM-04"},
		{"a spelling of CAEP", "", event1(caep+"risk-level-changed", object{}), taken}, // of unknown type
	}
	for _, what := range []string{"create", "put", "patch"} {
		readings = append(readings,
			reading{what, "", event("prov:"+what, content), "SCIM-04"},
			reading{what + " full", "", event("prov:"+what+":full", content), takes("SCIM-04")},
			reading{what + " full without data", "", event("prov:"+what+":full", object{}), "SCIM-04"},
			reading{what + " full with both", "", event("prov:"+what+":full", object{"data": object{}, "attributes": []string{}}), "SCIM-04"},
			reading{what + " notice", "", event("prov:"+what+":notice", names), takes("SCIM-04")},
			reading{what + " notice with data", "", event("prov:"+what+":notice", content), "SCIM-04"},
			reading{what + " notice without attributes", "", event("prov:"+what+":notice", object{}), "SCIM-04"},
		)
	}
	checkReadings(t, "scim", readings)
}

// ada is a subject as Okta writes it, with further members.
func ada(members object) object {
	s := object{"user": object{"format": "email", "email": "ada.obrien@example.com"}}
	for name, v := range members {
		s[name] = v
	}
	return s
}

// oktaBody is a payload that Okta takes, changed; nil removes a member.
func oktaBody(change object) object {
	body := object{"subject": ada(nil), "event_timestamp": 1767224900, "reason_admin": object{"en": "a"}}
	for name, v := range change {
		if body[name] = v; v == nil {
			delete(body, name)
		}
	}
	return body
}

func TestOkta(t *testing.T) {
	only := func(uri string, change object) object {
		return object{"sub_id": nil, "events": object{uri: oktaBody(change)}}
	}
	risk := func(change object) object {
		body := object{"current_level": "high", "previous_level": "low"}
		for name, v := range change {
			body[name] = v
		}
		return only(oktaBase+"user-risk-change", body)
	}
	revoked := func(change object) object { return only(caep+"session-revoked", change) }
	email := object{"format": "email", "email": "bo@example.com"}
	stream := object{"format": "opaque", "id": "st-4f0c9a72"}
	readings := []reading{
		{"risk", "", risk(nil), takes("OKTA-02 OKTA-03 OKTA-04")},
		{"without kid", `{"typ":"secevent+jwt","alg":"RS256"}`, risk(nil), "OKTA-02"},
		{"empty kid", `{"typ":"secevent+jwt","alg":"RS256","kid":""}`, risk(nil), "OKTA-02"},
		{"unknown kid", `{"typ":"secevent+jwt","alg":"RS256","kid":"k-nobody"}`, risk(nil), "KEY-03"},
		{"typ JWT", `{"typ":"JWT","alg":"RS256","kid":"k-2026-01"}`, risk(nil), "SET-01"},

		{"no subject", "", risk(object{"subject": nil}), "OKTA-04"},
		{"older name", "", risk(object{"subject": nil, "subjects": ada(nil)}), takes("OKTA-04")},
		{"both names", "", risk(object{"subjects": email}), taken},
		{"device and tenant", "", risk(object{"subject": ada(object{"device": stream, "tenant": stream})}), taken},
		{"format complex", "", risk(object{"subject": ada(object{"format": "complex"})}), taken},
		{"simple subject", "", risk(object{"subject": email}), "OKTA-04"},
		{"subject a string", "", risk(object{"subject": "ada"}), "OKTA-04"},
		{"empty subject", "", risk(object{"subject": object{}}), "SUB-16"},
		{"member without format", "", risk(object{"subject": object{"user": object{"email": "bo@example.com"}}}), "SUB-18"},
		{"member of an older format name", "", risk(object{"subject": object{"user": object{"format": "phone", "phone_number": "+4915112345678"}}}), "SUB-21"},
		{"no time", "", risk(object{"event_timestamp": nil}), "OKTA-04"},
		{"time with a fraction", "", risk(object{"event_timestamp": 1767224900.5}), "OKTA-04"},
		{"time in text", "", risk(object{"event_timestamp": "1767224900"}), "OKTA-04"},

		{"no reason", "", risk(object{"reason_admin": nil}), "OKTA-05"},
		{"reason for the user", "", risk(object{"reason_admin": nil, "reason_user": object{"en": "a"}}), takes("OKTA-05")},
		{"reason of no language", "", risk(object{"reason_admin": object{}}), "EVT-04"},
		{"session revoked without a reason", "", revoked(object{"reason_admin": nil}), "OKTA-05"},
		{"identifier changed without a reason", "", only(risc+"identifier-changed", object{"reason_admin": nil, "new-value": "bo@example.com"}), taken},

		{"level in capitals", "", risk(object{"current_level": "HIGH"}), "OKTA-06"},
		{"previous level in capitals", "", risk(object{"previous_level": "Low"}), "OKTA-06"},
		{"level of no list", "", risk(object{"current_level": "critical"}), "OKTA-06"},
		{"no previous level", "", risk(object{"previous_level": nil}), "OKTA-06"},
		{"empty previous status", "", only(caep+"device-compliance-change", object{"current_status": "compliant", "previous_status": ""}), "OKTA-04"},
		{"addresses", "", revoked(object{"current_ip": "198.51.100.7", "last_known_user_agent": "Browser/1"}), takes("OKTA-07")},
		{"address a number", "", revoked(object{"current_ip": 7}), "OKTA-07"},

		{"one of two broken", "", object{"sub_id": nil, "events": object{
			oktaBase + "user-risk-change": oktaBody(object{"current_level": "high"}), caep + "session-revoked": oktaBody(nil)}}, "OKTA-06"},
		{"uncatalogued beside", "", object{"sub_id": nil, "events": object{
			caep + "session-revoked": oktaBody(nil), oktaBase + "weather-change": object{"subject": 7}}}, taken},
		{"uncatalogued alone", "", object{"sub_id": nil, "events": object{oktaBase + "weather-change": object{}}}, taken},

		{"sub_id that stands for nothing", "", object{"sub_id": email, "events": object{caep + "session-revoked": oktaBody(nil)}}, "applied OKTA-03"},
		{"broken sub_id", "", object{"sub_id": object{"format": "email"}, "events": object{caep + "session-revoked": oktaBody(nil)}}, "SUB-02"},
		{"sub_id is no substitute where a subject is a must", "", object{"sub_id": email, "events": object{caep + "session-revoked": oktaBody(object{"subject": nil})}}, "OKTA-04"},
		{"standard event with sub_id", "", event1(caep+"session-established", object{}), taken},
		{"standard event with a subject inside", "", only(caep+"session-established", nil), taken},
		{"standard event about nobody", "", object{"sub_id": nil, "events": object{caep + "session-established": object{}}}, "OKTA-04"},
		{"verification", "", object{"sub_id": stream, "events": object{ssf + "verification": object{}}}, taken},
		{"verification of another stream", "", object{"sub_id": object{"format": "opaque", "id": "x"}, "events": object{ssf + "verification": object{}}}, "SSF-TX-80"},
		{"verification of another stream inside", "", object{"sub_id": stream, "events": object{ssf + "verification": object{"subject": object{"format": "opaque", "id": "x"}}}}, "SSF-TX-80"},
		{"time in the future", "", risk(object{"event_timestamp": 1767229999}), "applied EVT-06"},
		{"txn a number", "", object{"txn": 7, "sub_id": nil, "events": object{caep + "session-revoked": oktaBody(nil)}}, "SET-14"},
	}
	for _, level := range []string{"low", "medium", "high", "secure", "none"} {
		readings = append(readings, reading{"level " + level, "", risk(object{"current_level": level, "previous_level": level}), takes("OKTA-06")})
	}
	checkReadings(t, "okta", readings)
}

// TestOktaPage reads the shape of the example on Okta's page: an event of every
// kind in one token, about different people.
func TestOktaPage(t *testing.T) {
	s := readSetting(t, "testdata/vectors")
	v := readVectors(t, "testdata/okta")["every-kind"]
	runVector(t, s, v)

	want := []string{
		"okta:user-risk-change complex:user=iss_sub:https://idp.example.com/tenant-7|ada.obrien@example.com 1767224900",
		"okta:device-risk-change complex:device=opaque:guo-77&tenant=opaque:00o1&user=iss_sub:https://idp.example.com/tenant-7|ada.obrien@example.com 1767224901",
		"okta:ip-change complex:user=iss_sub:https://idp.example.com/tenant-7|ada.obrien@example.com 1767224902",
		"okta:device-compliance-change complex:device=opaque:guo-77&user=iss_sub:https://idp.example.com/tenant-7|ada.obrien@example.com 1767224903",
		"okta:session-revoked complex:user=email:bo.lind@example.com 1767224904",
		"okta:identifier-changed complex:user=email:cy@example.com 1767224905",
	}
	req.Equal(t, "OKTA-09 SUB-25", eventsOf(t, s, "okta", v.claims(t)), want)
}

// eventsOf is what a token comes to: type, subject and time of each event.
func eventsOf(t *testing.T, s *setting, rules string, claims []byte) (list []string) {
	t.Helper()
	v := s.verifier(t, s.issuer(t, rules))
	signal, err := v.Verify(context.Background(), message(s.token(t, []byte(header), claims)))
	if err != nil {
		t.Fatal(err)
	}
	events, err := pipeline.Statements{}.Normalize(context.Background(), signal)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		subject := "nobody"
		if !e.Subject.IsZero() {
			subject = e.Subject.Key()
		}
		list = append(list, fmt.Sprintf("%s:%s %s %d", e.Type.Family, e.Type.Name, subject, e.Time.Unix()))
	}
	return list
}

func TestEventsOfSeveralStatements(t *testing.T) {
	s := readSetting(t, "testdata/vectors")
	bo := object{"format": "scim", "uri": "/Users/8f1c22"}
	for _, c := range []struct {
		name, rules, ids string
		claims           object
		want             []string // in the order of their URIs, which is how the test writes them
	}{
		{"SCIM: one each", "scim", "SCIM-03", object{"sub_id": bo, "events": object{scimBase + "feed:add": object{}, scimBase + "prov:activate": object{}}},
			[]string{"scim:feed:add scim:/Users/8f1c22 1767225000", "scim:prov:activate scim:/Users/8f1c22 1767225000"}},
		{"SCIM: two spellings of one", "scim", "SCIM-11", object{"sub_id": bo, "events": object{"urn:ietf:params:SCIM:event:feed:add": object{}, scimBase + "feed:add": object{}}},
			[]string{"scim:feed:add scim:/Users/8f1c22 1767225000"}},
		{"SCIM: an uncatalogued one counts", "scim", "SCIM-03", object{"sub_id": bo, "events": object{scimBase + "feed:add": object{}, scimBase + "prov:rename": object{}}},
			[]string{"scim:feed:add scim:/Users/8f1c22 1767225000", "unknown:unknown scim:/Users/8f1c22 1767225000"}},
		{"SCIM: a name beside an event of CAEP", "scim", "SET-13", object{"events": object{caep + "session-revoked": object{}, "urn:x:gone": object{}}},
			[]string{"caep:session-revoked email:ada.obrien@example.com 1767225000"}},
		{"SSF: an alternative name", "ssf", "SET-13", object{"events": object{"https://events.example.com/gone": object{}, caep + "session-revoked": object{}}},
			[]string{"caep:session-revoked email:ada.obrien@example.com 1767225000"}},
		{"legacy: two spellings of one", "legacy", "LEGACY-11", object{"events": object{
			caep + "token-claims-change": object{"claims": object{"a": 1}}, caep + "token-claims-changed": object{"claims": object{"a": 1}}}},
			[]string{"caep:token-claims-change email:ada.obrien@example.com 1767225000"}},
		{"Okta: uncatalogued without and with a subject", "okta", "EVT-33", object{"sub_id": nil, "events": object{
			caep + "session-revoked": oktaBody(nil), "urn:x:a": object{}, "urn:x:b": object{"subject": ada(nil)}}},
			[]string{"okta:session-revoked complex:user=email:ada.obrien@example.com 1767224900",
				"unknown:unknown nobody 1767225000", "unknown:unknown complex:user=email:ada.obrien@example.com 1767225000"}},
		{"Okta: own before sub_id", "okta", "OKTA-04", object{"events": object{caep + "session-established": object{}, caep + "session-revoked": oktaBody(object{"subject": ada(object{"device": bo})})}},
			[]string{"caep:session-established email:ada.obrien@example.com 1767225000",
				"okta:session-revoked complex:device=scim:/Users/8f1c22&user=email:ada.obrien@example.com 1767224900"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			req.Equal(t, c.ids, eventsOf(t, s, c.rules, with(c.claims)), c.want)
		})
	}
}

// TestCriticalInsideAnEvent: no statement of a token is acted on when one of
// them cannot be processed.
func TestCriticalInsideAnEvent(t *testing.T) {
	s := readSetting(t, "testdata/vectors")
	v := s.verifier(t, s.issuer(t, "okta"))
	pool := ada(object{"workload_pool": object{"format": "opaque", "id": "p1"}})
	for subject, discarded := range map[*object]bool{&pool: true, {"user": ada(nil)["user"], "tenant": object{"format": "opaque", "id": "t"}}: false} {
		signal, err := v.Verify(context.Background(), message(s.token(t, []byte(header), with(object{"sub_id": nil, "events": object{
			caep + "session-revoked":              oktaBody(nil),
			caep + "device-compliance-change":     oktaBody(object{"subject": *subject, "current_status": "compliant", "previous_status": "compliant"}),
			"https://events.example.com/whatever": object{},
		}}))))
		if err != nil {
			t.Fatal(err)
		}
		req.Equal(t, "SUB-26", signal.Discard != "", discarded)
	}
}

func TestStatementsAreBounded(t *testing.T) {
	many := func(n int) object {
		events := object{}
		for i := range n {
			events[fmt.Sprintf("urn:x:%d", i)] = object{}
		}
		return object{"events": events}
	}
	for _, rules := range []string{"ssf", "scim", "okta", "legacy"} {
		checkReadings(t, rules, []reading{{rules + " many", "", many(64), taken}, {rules + " too many", "", many(65), "JWT-09"}})
	}
}

func TestAlgorithms(t *testing.T) {
	all := []string{"RS256", "ES256", "EdDSA"}
	for _, c := range []struct {
		rules         string
		allowed, want []string
	}{
		{"ssf", all, all}, {"scim", all, all}, {"okta", all, all}, {"legacy", all, all}, {"nobody's", all, all},
		{"interop", all, []string{"RS256"}}, {"interop", []string{"ES256"}, nil}, {"interop", nil, nil},
	} {
		ids := ""
		if c.rules == "interop" {
			ids = "INTEROP-19"
		}
		req.Equal(t, ids, fmt.Sprint(set.Algorithms(c.rules, c.allowed)), fmt.Sprint(c.want))
	}
	if all[1] != "ES256" {
		t.Errorf("the list given was changed: %v", all)
	}
}
