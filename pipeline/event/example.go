package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// QualifiedName is the shortest name by which ByName finds the type: that of a
// dialect's variant begins with its family.
func (t *Type) QualifiedName() string {
	if t.Dialect != "" {
		return t.Family + ":" + t.Name
	}
	return t.Name
}

// QualifiedNames are those of the catalogue, in its order.
func QualifiedNames() []string {
	names := make([]string, len(Types()))
	for i, t := range Types() {
		names[i] = t.QualifiedName()
	}
	return names
}

// Inside reports whether an event of the type names its subject in its payload,
// as the member subject, and nowhere else (OKTA-03, OKTA-04).
func (t *Type) Inside() bool { return t.Family == "okta" }

// Example is a payload of the type as a sender may write it now: what its
// definition requires, and of the rest what makes it worth reading. With the
// subject of the event it passes Check. Members are in alphabetical order.
func (t *Type) Example(now time.Time) []byte {
	at := now.Unix()
	text := strings.NewReplacer("$now", strconv.FormatInt(at, 10),
		"$before", strconv.FormatInt(at-3600, 10), "$later", strconv.FormatInt(at+86400, 10)).Replace(examples[t.QualifiedName()])
	members := map[string]json.RawMessage{}
	if text != "" {
		_ = json.Unmarshal([]byte(text), &members) // a constant, held against the catalogue by a test
	}
	for name, value := range map[string]string{
		"event_timestamp": strconv.FormatInt(at, 10), "initiating_entity": `"admin"`, "reason_admin": `{"en":"test of a receiver"}`,
	} {
		if slices.ContainsFunc(t.Fields, func(f Field) bool { return f.Name == name }) {
			members[name] = json.RawMessage(value)
		}
	}
	body, _ := json.Marshal(members)
	return body
}

// ExampleSubject is whom an event of the type may be about, as people write it: a
// canonical key, or a subject identifier as JSON.
func (t *Type) ExampleSubject() string {
	switch {
	case t.Family == "scim":
		return "scim:/Users/2b2f880af6674ac2"
	case t.Family == "ssf":
		return "opaque:stream-1"
	case t.Name == "device-compliance-change" || t.Name == "device-risk-change" || t.Name == "device-lost" || t.Name == "posture":
		return "opaque:device-1"
	}
	return "email:jane@example.com"
}

// PutSubject returns the payload of an event that names its subject inside, with
// the subject in the form this has there: an object without a format whose members
// are identifiers. A simple subject is the device of an event about a device, and
// the user of any other.
func (t *Type) PutSubject(body []byte, s Subject) ([]byte, error) {
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, fmt.Errorf("put subject into %s: %w", t.QualifiedName(), err)
	}
	parts := maps.Collect(s.Parts())
	if len(parts) == 0 {
		role := "user"
		if strings.HasPrefix(t.Name, "device-") {
			role = "device"
		}
		parts = map[string]Subject{role: s}
	}
	var b bytes.Buffer
	for i, name := range slices.Sorted(maps.Keys(parts)) {
		b.WriteByte("{,"[min(i, 1)])
		b.Write(strictjson.AppendString(nil, name))
		b.WriteByte(':')
		b.Write(parts[name].AppendJSON(nil))
	}
	b.WriteByte('}')
	members["subject"] = b.Bytes()
	return json.Marshal(members)
}

// examples are the members of payloads that make sense beside the common ones, by
// qualified name. $now, $before and $later stand for times.
var examples = map[string]string{
	"token-claims-change":      `{"claims":{"role":"auditor"}}`,
	"credential-change":        `{"credential_type":"fido2-roaming","change_type":"create","friendly_name":"security key of Jane"}`,
	"assurance-level-change":   `{"namespace":"NIST-AAL","current_level":"nist-aal1","previous_level":"nist-aal2","change_direction":"decrease"}`,
	"device-compliance-change": `{"previous_status":"compliant","current_status":"not-compliant"}`,
	"session-established":      `{"fp_ua":"5d41402abc4b2a76b9719d911017c592","acr":"AAL2","amr":["otp"]}`,
	"session-presented":        `{"fp_ua":"5d41402abc4b2a76b9719d911017c592"}`,
	"risk-level-change":        `{"principal":"USER","current_level":"MEDIUM","previous_level":"LOW","risk_reason":"PASSWORD_FOUND_IN_DATA_BREACH"}`,

	"account-disabled":      `{"reason":"hijacking"}`,
	"identifier-changed":    `{"new-value":"jane.doe@example.com"}`,
	"credential-compromise": `{"credential_type":"password"}`,

	"stream-updated": `{"status":"enabled","reason":"test of a receiver"}`,

	"user-risk-change":              `{"current_level":"medium","previous_level":"low"}`,
	"device-risk-change":            `{"current_level":"medium","previous_level":"low"}`,
	"ip-change":                     `{"current_ip_address":"198.51.100.7","previous_ip_address":"192.0.2.1"}`,
	"okta:device-compliance-change": `{"previous_status":"compliant","current_status":"not-compliant"}`,
	"okta:session-revoked":          `{"current_ip":"198.51.100.7","last_known_ip":"192.0.2.1"}`,
	"okta:identifier-changed":       `{"new-value":"jane.doe@example.com"}`,

	"prov:create:full":   `{"data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"jane@example.com","active":true},"version":"W/\"1\""}`,
	"prov:create:notice": `{"attributes":["userName","active"],"version":"W/\"1\""}`,
	"prov:patch:full":    `{"data":{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"title","value":"auditor"}]},"version":"W/\"2\""}`,
	"prov:patch:notice":  `{"attributes":["title"],"version":"W/\"2\""}`,
	"prov:put:full":      `{"data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"jane@example.com","title":"auditor","active":true},"version":"W/\"3\""}`,
	"prov:put:notice":    `{"attributes":["userName","title","active"],"version":"W/\"3\""}`,
	"misc:asyncresp":     `{"method":"POST","status":"201","version":"W/\"1\"","location":"https://scim.example.com/v2/Users/2b2f880af6674ac2"}`,

	"alert":              `{"alert_id":"alert-1","severity":"high","confidence":"medium","state":"new","title":"Impossible travel","reason":"sign-ins from two countries within ten minutes","techniques":["T1078"],"concepts":["impossible-travel"]}`,
	"posture":            `{"status":"not-compliant","managed":true,"encrypted":false,"sensor":"healthy","failed_checks":["disk-encryption"],"last_seen":$before}`,
	"activity":           `{"action":"sign-in","outcome":"success","source_ip":"198.51.100.7","country":"SE","amr":["otp"]}`,
	"timer":              `{"rule":"example","name":"again","due":$now}`,
	"approval":           `{"action_id":"a-0123456789abcdefghjkmnpqrs","verdict":"approved","by":"jane"}`,
	"operator-command":   `{"command":"stop-actions","by":"jane","reason":"test of a receiver"}`,
	"feed-health":        `{"source":"idp","status":"degraded","reason":"test of a receiver","since":$now,"last_seen":$before,"last_verified":$before,"keys_fetched":$before,"waiting":0,"clock_offset":0.5}`,
	"device-lost":        `{"state":"lost","lost_at":$before,"reported_by":"jane@example.com"}`,
	"identity-proofed":   `{"outcome":"success","method":"document","level":"NIST-IAL2"}`,
	"employment-change":  `{"change":"moved","effective":$later,"department":"audit","role":"auditor"}`,
	"access-request":     `{"request_id":"request-1","resource":"payroll","role":"reader","justification":"audit","until":$later,"privileged":false}`,
	"access-grant":       `{"state":"granted","resource":"payroll","role":"reader","request_id":"request-1","until":$later,"privileged":false}`,
	"checkout":           `{"checkout_id":"checkout-1","state":"out","secret":"db-admin","reason":"migration","until":$later}`,
	"privileged-session": `{"session_id":"session-1","state":"started","target":"db-1","account":"dba"}`,
	"breach-exposure":    `{"breach":"Example 2026","credential_type":"password","exposed_at":$before,"published_at":$now,"data_classes":["email addresses","passwords"]}`,
}
