package event

const (
	caepBase = "https://schemas.openid.net/secevent/caep/event-type/"
	riscBase = "https://schemas.openid.net/secevent/risc/event-type/"
	ssfBase  = "https://schemas.openid.net/secevent/ssf/event-type/"
	sseBase  = "https://schemas.openid.net/secevent/sse/event-type/" // before SSF had its name (LEGACY-10)
	oktaBase = "https://schemas.okta.com/secevent/okta/event-type/"
)

// The members every CAEP event may have (EVT-01).
var (
	eventTimestamp   = of(Number, "event_timestamp", "EVT-02", "when it happened, seconds since the epoch")
	initiatingEntity = oneOf("initiating_entity", "EVT-03", "what set the event off", "admin", "user", "policy", "system")
	reasonAdmin      = of(Messages, "reason_admin", "EVT-04", "message for logs and audit, per language")
	reasonUser       = of(Messages, "reason_user", "EVT-05", "message for the user, per language")
)

// credentialType is shared by what changes and what compromises a credential.
func credentialType(requirement string) Field {
	return oneOf("credential_type", requirement, "kind of credential",
		"password", "pin", "x509", "fido2-platform", "fido2-roaming", "fido-u2f",
		"verifiable-credential", "phone-voice", "phone-sms", "app").must().agreed()
}

func caepTypes() []*Type {
	status := func(name, requirement, doc string) Field {
		return oneOf(name, requirement, doc, "compliant", "not-compliant").must()
	}
	risk := func(name, doc string) Field { return oneOf(name, "EVT-21", doc, "LOW", "MEDIUM", "HIGH") }
	types := []*Type{
		{Name: "session-revoked", Spec: "CAEP 3.1", Concepts: []string{"session-revoked"},
			Doc: "Sessions ended: the one named, or all that match the given members of the subject."},
		{Name: "token-claims-change", Spec: "CAEP 3.2", Aliases: []string{caepBase + "token-claims-changed"},
			Doc: "Claims in tokens already issued have new values.",
			Fields: []Field{
				{Name: "claims", Kind: Object, Required: true, NonEmpty: true, Requirement: "EVT-08", Doc: "changed claims with their new values"},
			}},
		{Name: "credential-change", Spec: "CAEP 3.3", Concepts: []string{"credential-change"},
			Doc: "A credential was created, changed, revoked or deleted.",
			Fields: []Field{
				credentialType("EVT-09"),
				oneOf("change_type", "EVT-10", "what happened to the credential", "create", "revoke", "update", "delete").must(),
				text("friendly_name", "EVT-11", "name of the credential for people"),
				text("x509_issuer", "EVT-11", "issuer of the certificate"),
				text("x509_serial", "EVT-11", "serial number of the certificate"),
				text("fido2_aaguid", "EVT-11", "attestation GUID of the authenticator"),
			},
			byValue: mfaChange("fido2-platform", "fido2-roaming", "fido-u2f", "phone-voice", "phone-sms", "app")},
		{Name: "assurance-level-change", Spec: "CAEP 3.4",
			Doc: "The assurance of an authentication or identity rose or fell.",
			Fields: []Field{
				oneOf("namespace", "EVT-12", "vocabulary of the levels",
					"RFC8176", "RFC6711", "ISO-IEC-29115", "NIST-IAL", "NIST-AAL", "NIST-FAL").must().agreed(),
				text("current_level", "EVT-13", "level now").must(),
				text("previous_level", "EVT-15", "level before; absent means not known"),
				oneOf("change_direction", "EVT-14", "whether it rose or fell", "increase", "decrease"),
			}},
		{Name: "device-compliance-change", Spec: "CAEP 3.5", Concepts: []string{"device-compliance"},
			Doc: "A device began or ceased to comply with its policy.",
			Fields: []Field{
				status("previous_status", "EVT-16", "compliance before"),
				status("current_status", "EVT-17", "compliance now"),
			}},
		{Name: "session-established", Spec: "CAEP 3.6",
			Doc: "A session began.",
			Fields: []Field{
				text("fp_ua", "EVT-18", "fingerprint of the user agent"),
				text("acr", "EVT-18", "authentication context class"),
				of(Strings, "amr", "EVT-18", "authentication methods"),
				text("ext_id", "EVT-18", "id that ties the session to a broader one"),
			}},
		{Name: "session-presented", Spec: "CAEP 3.7",
			Doc: "A session was seen in use.",
			Fields: []Field{
				text("fp_ua", "EVT-19", "fingerprint of the user agent"),
				text("ext_id", "EVT-19", "id that ties the session to a broader one"),
			}},
		{Name: "risk-level-change", Spec: "CAEP 3.8", Aliases: []string{caepBase + "risk-level-changed"},
			Doc: "The risk of a user, device, session or other principal changed.",
			Fields: []Field{
				oneOf("principal", "EVT-20", "kind of principal the risk is about",
					"USER", "DEVICE", "SESSION", "TENANT", "ORG_UNIT", "GROUP").must().open(),
				risk("current_level", "risk now").must(),
				risk("previous_level", "risk before; absent means not known"),
				text("risk_reason", "EVT-22", "why"),
			},
			byValue: []valueConcepts{
				{"principal", "USER", []string{"user-risk"}},
				{"principal", "DEVICE", []string{"device-risk"}},
				{"principal", "SESSION", []string{"session-risk"}},
			}},
	}
	for _, t := range types {
		t.URI, t.Family, t.Status = caepBase+t.Name, "caep", "final"
		t.Fields = append(t.Fields, eventTimestamp, initiatingEntity, reasonAdmin, reasonUser)
	}
	return types
}

// mfaChange gives the concept to changes of credentials that serve as a
// further factor.
func mfaChange(credentials ...string) []valueConcepts {
	var list []valueConcepts
	for _, c := range credentials {
		list = append(list, valueConcepts{"credential_type", c, []string{"mfa-change"}})
	}
	return list
}

func riscTypes() []*Type {
	identifier := []string{"email", "phone_number"}
	untyped := func(f Field) Field { f.Kind = MessagesOrText; return f }
	types := []*Type{
		{Name: "account-credential-change-required", Spec: "RISC 2.1", Doc: "The account was required to change a credential."},
		{Name: "account-purged", Spec: "RISC 2.2", Doc: "The account was deleted for good."},
		{Name: "account-disabled", Spec: "RISC 2.3", Concepts: []string{"account-disabled"},
			Doc:    "The account was disabled and may be enabled again.",
			Fields: []Field{oneOf("reason", "EVT-24", "why it was disabled", "hijacking", "bulk-account").open()}},
		{Name: "account-enabled", Spec: "RISC 2.4", Doc: "The account was enabled again."},
		{Name: "identifier-changed", Spec: "RISC 2.5", SubjectFormats: identifier,
			Doc:    "The identifier in the subject was replaced by another.",
			Fields: []Field{text("new-value", "EVT-25", "the new identifier")}},
		{Name: "identifier-recycled", Spec: "RISC 2.6", SubjectFormats: identifier,
			Doc: "The identifier in the subject now belongs to somebody else."},
		{Name: "credential-compromise", Spec: "RISC 2.7", Concepts: []string{"credential-compromise"},
			Doc: "A credential of the account is known to others.",
			Fields: []Field{
				credentialType("EVT-27"), eventTimestamp, untyped(reasonAdmin), untyped(reasonUser),
			}},
		{Name: "opt-in", Spec: "RISC 2.8.1", Doc: "The account takes part in the exchange (EVT-28)."},
		{Name: "opt-out-initiated", Spec: "RISC 2.8.2", Doc: "The account asked to leave the exchange; events still flow for a while."},
		{Name: "opt-out-cancelled", Spec: "RISC 2.8.3", Doc: "The account withdrew its request to leave the exchange."},
		{Name: "opt-out-effective", Spec: "RISC 2.8.4", Doc: "The account has left the exchange."},
		{Name: "recovery-activated", Spec: "RISC 2.9", Doc: "Recovery of the account was started."},
		{Name: "recovery-information-changed", Spec: "RISC 2.10", Doc: "An address or number for recovery was added or removed."},
		{Name: "sessions-revoked", Spec: "RISC 2.11", Status: "deprecated", Concepts: []string{"session-revoked"},
			Doc: "All sessions of the account ended; read, never written (EVT-29)."},
	}
	for _, t := range types {
		t.URI, t.Family = riscBase+t.Name, "risc"
		if t.Status == "" {
			t.Status = "final"
		}
	}
	return types
}

func ssfTypes() []*Type {
	types := []*Type{
		{Name: "verification", Spec: "SSF 8.1.4.1",
			Doc:    "The stream works; sent on request or unasked.",
			Fields: []Field{text("state", "EVT-32", "echo of the receiver's request")}},
		{Name: "stream-updated", Spec: "SSF 8.1.5",
			Doc: "The transmitter changed the status of the stream.",
			Fields: []Field{
				oneOf("status", "EVT-30", "new status", "enabled", "paused", "disabled").must(),
				text("reason", "EVT-30", "short explanation"),
			}},
	}
	for _, t := range types {
		t.URI, t.Family, t.Status = ssfBase+t.Name, "ssf", "final"
		t.Aliases = []string{sseBase + t.Name}
		t.SubjectFormats = []string{"opaque"}
	}
	return types
}

// oktaTypes are the events Okta defines and its variants of standard ones. All
// carry the subject inside the event (OKTA-04).
func oktaTypes() []*Type {
	level := func(name, doc string) Field {
		return oneOf(name, "OKTA-06", doc, "low", "medium", "high", "secure", "none").must()
	}
	status := func(name, doc string) Field {
		return oneOf(name, "OKTA-04", doc, "compliant", "not-compliant").must()
	}
	risk := []Field{level("current_level", "risk now"), level("previous_level", "risk before")}
	timestamp := of(Integer, "event_timestamp", "OKTA-04", eventTimestamp.Doc).must()
	subject := of(Object, "subject", "OKTA-04", "who the event is about").must()
	subject.Aliases = []string{"subjects"}

	types := []*Type{
		{Name: "device-risk-change", Fields: risk, Concepts: []string{"device-risk"}, Doc: "The risk of a device changed."},
		{Name: "user-risk-change", Fields: risk, Concepts: []string{"user-risk"}, Doc: "The risk of a user changed."},
		{Name: "ip-change", Doc: "The address within a session changed.",
			Fields: []Field{
				text("current_ip_address", "OKTA-04", "address now").must(),
				text("previous_ip_address", "OKTA-04", "address before").must(),
			}},
		{Name: "device-compliance-change", URI: caepBase + "device-compliance-change", Concepts: []string{"device-compliance"},
			Doc:    "A device began or ceased to comply with its policy.",
			Fields: []Field{status("current_status", "compliance now"), status("previous_status", "compliance before")}},
		{Name: "session-revoked", URI: caepBase + "session-revoked", Concepts: []string{"session-revoked"},
			Doc: "Sessions of the subject ended.",
			Fields: []Field{
				text("current_ip", "OKTA-07", "address of the session now"),
				text("current_user_agent", "OKTA-07", "user agent now"),
				text("last_known_ip", "OKTA-07", "last known address"),
				text("last_known_user_agent", "OKTA-07", "last known user agent"),
			}},
		{Name: "identifier-changed", URI: riscBase + "identifier-changed",
			Doc:    "An identifier of the subject was replaced by another.",
			Fields: []Field{text("new-value", "EVT-25", "the new identifier")}},
	}
	for _, t := range types {
		t.Family, t.Status, t.Spec = "okta", "vendor", "Okta SSF SET API"
		if t.URI == "" {
			t.URI = oktaBase + t.Name
		} else {
			t.Dialect, t.Status = "okta", "vendor-variant"
		}
		t.SubjectFormats = []string{"complex-without-format"}
		fields := append([]Field{}, t.Fields...)
		fields = append(fields, timestamp, subject)
		if t.Name != "identifier-changed" {
			fields = append(fields, initiatingEntity, reasonAdmin, reasonUser)
			t.anyOf = []string{"reason_admin", "reason_user"}
		}
		t.Fields = fields
	}
	return types
}
