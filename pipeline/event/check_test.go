package event_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name, body  string
		field, want string // want: requirement and problem, "" for valid
	}{
		{"session-revoked", `{}`, "", ""},
		{"session-revoked", `[]`, "", "the payload must be an object, not array (SET-11)"},
		{"session-revoked", `{"unknown":{"a":[1]},"timestamp":"x","required_action":1}`, "", ""},
		{"session-revoked", `{"event_timestamp":1767224900.25}`, "", ""},
		{"session-revoked", `{"event_timestamp":1e999}`, "event_timestamp", "event_timestamp must be a number (EVT-02)"},
		{"session-revoked", `{"initiating_entity":null}`, "initiating_entity", "initiating_entity must be a string (EVT-03)"},
		{"session-revoked", `{"initiating_entity":"p\u006flicy"}`, "", ""},
		{"session-revoked", `{"reason_admin":{"en":1}}`, "reason_admin", "reason_admin must hold messages that are strings (EVT-04)"},
		{"session-revoked", `{"reason_user":{}}`, "reason_user", "reason_user must have a message in at least one language (EVT-05)"},
		{"token-claims-change", `{"claims":{"role":"x"}}`, "", ""},
		{"token-claims-change", `{"claims":[]}`, "claims", "claims must be an object (EVT-08)"},
		{"credential-change", `{"credential_type":"badge","change_type":"create"}`, "credential_type", "credential_type must be one of password, pin, x509, fido2-platform, fido2-roaming, fido-u2f, verifiable-credential, phone-voice, phone-sms, app, or a value agreed with the sender (EVT-09)"},
		{"credential-change", `{"credential_type":"pin","change_type":"create","x509_serial":7}`, "x509_serial", "x509_serial must be a string (EVT-11)"},
		{"assurance-level-change", `{"namespace":"acme","current_level":"1"}`, "namespace", "namespace must be one of RFC8176, RFC6711, ISO-IEC-29115, NIST-IAL, NIST-AAL, NIST-FAL, or a value agreed with the sender (EVT-12)"},
		{"assurance-level-change", `{"namespace":"NIST-AAL","current_level":""}`, "current_level", "current_level must not be empty (EVT-13)"},
		{"device-compliance-change", `{"previous_status":"compliant"}`, "current_status", "current_status is required (EVT-17)"},
		{"session-established", `{"amr":["pwd",1]}`, "amr", "amr must be an array of strings (EVT-18)"},
		{"risk-level-change", `{"principal":"WORKLOAD","current_level":"LOW"}`, "", ""},
		{"risk-level-change", `{"principal":"","current_level":"LOW"}`, "principal", "principal must not be empty (EVT-20)"},
		{"risk-level-change", `{"principal":"USER"}`, "current_level", "current_level is required (EVT-21)"},
		{"account-disabled", `{"reason":"left"}`, "", ""},
		{"account-disabled", `{"reason":{}}`, "reason", "reason must be a string (EVT-24)"},
		{"identifier-changed", `{"new-value":7}`, "new-value", "new-value must be a string (EVT-25)"},
		{"credential-compromise", `{}`, "credential_type", "credential_type is required (EVT-27)"},
		{"credential-compromise", `{"credential_type":"password","reason_admin":"leak"}`, "", ""},
		{"stream-updated", `{"status":"paused","reason":1}`, "reason", "reason must be a string (EVT-30)"},
		{"verification", `{"state":1}`, "state", "state must be a string (EVT-32)"},
		{"okta:user-risk-change", `{"current_level":"high","previous_level":"low","event_timestamp":1.5,"subject":{},"reason_user":{"en":"x"}}`, "event_timestamp", "event_timestamp must be an integer (OKTA-04)"},
		{"okta:session-revoked", `{"event_timestamp":1,"subject":{}}`, "reason_admin", "reason_admin or reason_user is required (OKTA-05)"},
		{"prov:delete", `{"data":{}}`, "data", "data must not be there (SCIM-05)"},
		{"posture", `{"status":"compliant","managed":"yes"}`, "managed", "managed must be true or false"},
		{"timer", `{"rule":"r","name":"n","due":1}`, "", ""},
		{"unknown", `{"anything":1}`, "", ""},
	} {
		t.Run(c.name+" "+c.body, func(t *testing.T) {
			typ, ok := event.ByName(c.name)
			if !ok {
				t.Fatal("no such type")
			}
			err := typ.Check(parse(t, c.body))
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var pe *event.PayloadError
			if !errors.As(err, &pe) {
				pe = &event.PayloadError{Problem: fmt.Sprint(err)}
			}
			req.Equal(t, brokenRule(c.want), pe.Field+": "+pe.Error(), c.field+": "+c.want)
		})
	}
}

func TestCheckWith(t *testing.T) {
	agreed := event.CheckOptions{CredentialTypes: []string{"badge"}, Namespaces: []string{"acme"}}
	tolerant := event.CheckOptions{Tolerant: true}
	for _, c := range []struct {
		name, body string
		options    event.CheckOptions
		applied    []string
		ok         bool
	}{
		{"credential-change", `{"credential_type":"badge","change_type":"create"}`, agreed, nil, true},
		{"credential-compromise", `{"credential_type":"badge"}`, agreed, nil, true},
		{"assurance-level-change", `{"namespace":"acme","current_level":"1"}`, agreed, nil, true},
		{"assurance-level-change", `{"namespace":"badge","current_level":"1"}`, agreed, nil, false},
		{"credential-change", `{"credential_type":"fido2_roaming","change_type":"create","reason_user":"x"}`, tolerant, []string{"LEGACY-08", "LEGACY-14"}, true},
		{"credential-change", `{"credential_type":"fido2_roaming","change_type":"create"}`, agreed, nil, false},
		{"credential-change", `{"credential_type":"badge_x","change_type":"create"}`, tolerant, nil, false},
		{"session-revoked", `{"reason_admin":"x"}`, tolerant, []string{"LEGACY-14"}, true},
		{"session-revoked", `{"reason_admin":7}`, tolerant, nil, false},
	} {
		typ, _ := event.ByName(c.name)
		applied, err := typ.CheckWith(parse(t, c.body), c.options)
		if (err == nil) != c.ok || !slices.Equal(applied, c.applied) {
			t.Errorf("%s %s: %v %v", c.name, c.body, applied, err)
		}
	}
}

func TestCheckSubject(t *testing.T) {
	for _, c := range []struct {
		name, subject    string
		strict, tolerant bool
	}{
		{"session-revoked", "complex:user=opaque:1", true, true},
		{"identifier-changed", "email:a@b.example", true, true},
		{"identifier-changed", "phone_number:+12065550199", true, true},
		{"identifier-changed", "opaque:1", false, false},
		{"identifier-recycled", "aliases:email:a@b.example&opaque:1", false, true},
		{"stream-updated", "email:a@b.example", false, false},
		{"verification", "opaque:st-1", true, true},
		{"okta:identifier-changed", "complex:user=email:a@b.example", true, true},
		{"prov:delete", "scim:/Users/1", true, true},
		{"prov:delete", "opaque:1", false, false},
	} {
		typ, _ := event.ByName(c.name)
		s := key(t, c.subject)
		if err := typ.CheckSubject(s, event.CheckOptions{}); (err == nil) != c.strict {
			t.Errorf("%s %s: %v", c.name, c.subject, err)
		}
		if err := typ.CheckSubject(s, event.CheckOptions{Tolerant: true}); (err == nil) != c.tolerant {
			t.Errorf("%s %s, tolerant: %v", c.name, c.subject, err)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	typ, _ := event.ByName("risk-level-change")
	body := parse(b, `{"principal":"DEVICE","current_level":"MEDIUM","previous_level":"LOW","risk_reason":"unsigned driver","event_timestamp":1767224900,"initiating_entity":"system","reason_admin":{"en":"EDR detection"}}`)
	b.ReportAllocs()
	for b.Loop() {
		if err := typ.Check(body); err != nil {
			b.Fatal(err)
		}
	}
}
