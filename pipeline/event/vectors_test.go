package event_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// TestVectors runs the subject and payload part of the interoperability
// vectors; the tokens around them belong to package set.
func TestVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/vectors.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		v := parse(t, string(line))
		profile, want := v.Get("profile").Text(), v.Get("expect").Text()
		t.Run(v.Get("name").Text(), func(t *testing.T) {
			checkVector(t, v, profile, want)
			if strict := v.Get("strict_expect").Text(); strict != "" {
				checkVector(t, v, "ssf", strict)
			}
		})
	}
}

func checkVector(t *testing.T, v strictjson.Value, profile, want string) {
	t.Helper()
	applied, err := readVector(v, profile)
	got := "accept"
	if err != nil {
		got = "reject"
	}
	req.Equal(t, v.Get("requirement").Text(), got, want)
	if want == "reject" && profile != "scim" && !strings.HasPrefix(v.Get("requirement").Text(), "LEGACY") {
		if got := requirement(err); got != v.Get("requirement").Text() {
			t.Errorf("breaks %s, want %s: %v", got, v.Get("requirement").Text(), err)
		}
	}
	if profile == "legacy" && err == nil {
		switch r := v.Get("requirement").Text(); r {
		case "LEGACY-03", "LEGACY-08", "LEGACY-14":
			if len(applied) == 0 || applied[0] != r {
				t.Errorf("applied %v, want %s", applied, r)
			}
		}
	}
}

// readVector does what a verifier does with the subject and the payloads.
func readVector(v strictjson.Value, profile string) (applied []string, err error) {
	tolerant := profile == "legacy" || profile == "okta"
	dialect := ""
	if profile == "okta" {
		dialect = "okta"
	}
	so := event.SubjectOptions{Tolerant: tolerant, Formats: []string{"https://hr.example.com/ssf/format/employee"}}
	co := event.CheckOptions{Tolerant: profile == "legacy", CredentialTypes: []string{"smartcard-badge"}}
	for uri, body := range v.Get("events").Members() {
		id := v.Get("sub_id")
		for _, name := range []string{"subject", "subjects"} {
			if tolerant && !id.Exists() {
				id = body.Get(name)
			}
		}
		s, used, err := event.ParseSubject(id, so)
		if err != nil {
			return nil, err
		}
		applied = append(applied, used...)
		typ, _ := event.Lookup(uri, dialect)
		if used, err = typ.CheckWith(body, co); err != nil {
			return nil, err
		}
		applied = append(applied, used...)
		if err := typ.CheckSubject(s, co); err != nil {
			return nil, err
		}
	}
	return applied, nil
}

func requirement(err error) string {
	var subject *event.SubjectError
	var payload *event.PayloadError
	switch {
	case errors.As(err, &subject):
		return subject.Requirement
	case errors.As(err, &payload):
		return payload.Requirement
	}
	return ""
}
