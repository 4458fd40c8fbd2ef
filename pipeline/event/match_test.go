package event_test

import (
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

func key(t *testing.T, k string) event.Subject {
	t.Helper()
	s, err := event.ParseKey(k)
	if err != nil {
		t.Fatalf("%s: %v", k, err)
	}
	return s
}

func TestMatch(t *testing.T) {
	const (
		user  = "iss_sub:https://idp.example.com|u-1"
		other = "iss_sub:https://idp.example.com|u-2"
		mail  = "email:a@b.example"
	)
	for _, c := range []struct {
		name, ids, subscription, event string
		ok, inferred                   bool
	}{
		{"identical", "MATCH-01", user, user, true, false},
		{"other value", "MATCH-01", user, other, false, false},
		{"other format", "MATCH-01", "opaque:u-1", "uri:urn:u-1", false, false},
		{"case counts", "MATCH-06", mail, "email:A@b.example", false, false},
		{"complex identical", "MATCH-02", "complex:user=" + mail + "&device=opaque:d", "complex:device=opaque:d&user=" + mail, true, false},
		{"complex differs", "MATCH-02", "complex:user=" + mail + "&device=opaque:d", "complex:user=" + mail + "&device=opaque:e", false, false},
		{"less specific event", "MATCH-03 SUB-27", "complex:user=" + mail + "&device=opaque:d", "complex:user=" + mail, true, false},
		{"more specific event", "MATCH-03", "complex:user=" + mail, "complex:user=" + mail + "&session=opaque:s", true, false},
		{"nothing in common", "MATCH-03", "complex:user=" + mail, "complex:device=opaque:d", true, false},
		{"simple in complex", "MATCH-04", mail, "complex:user=" + mail + "&device=opaque:d", true, true},
		{"simple not in complex", "MATCH-04", mail, "complex:user=email:x@b.example", false, false},
		{"complex against simple", "", "complex:user=" + mail, mail, false, false},
		{"simple in aliases", "MATCH-05", mail, "aliases:" + mail + "&opaque:1", true, true},
		{"aliases against simple", "MATCH-05", "aliases:" + mail + "&opaque:1", "opaque:1", true, true},
		{"aliases share one", "MATCH-05", "aliases:" + mail + "&opaque:1", "aliases:opaque:1&opaque:2", true, true},
		{"aliases identical", "", "aliases:" + mail + "&opaque:1", "aliases:opaque:1&" + mail, true, false},
		{"aliases share none", "MATCH-05", "aliases:" + mail + "&opaque:1", "aliases:opaque:3&opaque:2", false, false},
		{"aliases in complex", "MATCH-04 MATCH-05", mail, "complex:user=aliases:" + mail + "%26opaque:1", true, true},
		{"aliases in both complex", "MATCH-05", "complex:user=" + mail, "complex:user=aliases:" + mail + "%26opaque:1", true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			ok, inferred := event.Match(key(t, c.subscription), key(t, c.event))
			req.Equal(t, c.ids, [2]bool{ok, inferred}, [2]bool{c.ok, c.inferred})
		})
	}
	if ok, _ := event.Match(event.Subject{}, key(t, mail)); ok {
		t.Error("an absent subscription matches")
	}
	if ok, _ := event.Match(key(t, mail), event.Subject{}); ok {
		t.Error("an absent subject matches")
	}
}

func TestMatchPattern(t *testing.T) {
	for _, c := range []struct {
		pattern, subject string
		want             bool
	}{
		{"*", "opaque:1", true},
		{"*", "complex:tenant=opaque:t", true},
		{"email:*@example.com", "email:jane@example.com", true},
		{"email:*@example.com", "email:Jane@EXAMPLE.com", true},
		{"email:*@Example.com", "email:jane@example.com", true},
		{"email:*@example.com", "email:jane@example.com.evil.example", false},
		{"email:*@example.com", "account:acct:jane@example.com", false},
		{"jane@example.com", "email:jane@example.com", true},
		{"iss_sub:https://idp.example.com|*", "iss_sub:https://idp.example.com|u-1", true},
		{"iss_sub:https://idp.example.com|*", "iss_sub:https://idp.example.com.evil|u-1", false},
		{"iss_sub:*|admin-*-x", "iss_sub:i|admin-admin-y-x", true},
		{"iss_sub:https://A|u", "iss_sub:https://a|u", false},
		{"opaque:1", "opaque:12", false},
		{"opaque:*1*", "opaque:010", true},
		{"opaque:**", "opaque:x", true},
		{"opaque:1", "aliases:opaque:1&opaque:2", true},
		{"opaque:3", "aliases:opaque:1&opaque:2", false},
		{"email:*", "complex:user=email:a@b&device=opaque:d", true},
		{"opaque:d", "complex:user=email:a@b&device=opaque:d", true},
		{"opaque:s", "complex:user=aliases:opaque:s%26opaque:2", true},
		{"opaque:t", "complex:user=email:a@b&tenant=opaque:t", true},
		{"email:a@b", "complex:principal=email:a@b", true},
		{"email:c@b", "complex:principal=email:a@b", false},
		{"", "opaque:1", false},
	} {
		if got := event.MatchPattern(c.pattern, key(t, c.subject)); got != c.want {
			t.Errorf("%s against %s: %v", c.pattern, c.subject, got)
		}
	}
	if event.MatchPattern("*", event.Subject{}) || event.MatchAll([]string{"*"}, event.Subject{}) {
		t.Error("an absent subject matches")
	}
}

func TestMatchAll(t *testing.T) {
	for _, c := range []struct {
		patterns []string
		subject  string
		want     bool
	}{
		{[]string{"email:*@a.example"}, "email:x@a.example", true},
		{nil, "email:x@a.example", false},
		{[]string{"email:*@a.example"}, "aliases:email:x@a.example&email:victim@b.example", false},
		{[]string{"email:*@a.example", "email:*@b.example"}, "aliases:email:x@a.example&email:x@b.example", true},
		{[]string{"email:*@a.example"}, "complex:session=email:x@a.example&user=email:victim@b.example", false},
		{[]string{"email:*@a.example"}, "complex:session=opaque:s&user=email:x@a.example", true},
		{[]string{"opaque:d-*"}, "complex:device=opaque:d-1", true},
		{[]string{"opaque:d-*"}, "complex:device=opaque:d-1&session=opaque:s", false},
		{[]string{"opaque:*"}, "complex:tenant=opaque:t", false},
		{[]string{"*"}, "complex:tenant=opaque:t", true},
	} {
		req.Equal(t, "MATCH-07", event.MatchAll(c.patterns, key(t, c.subject)), c.want)
	}
}

func TestCheckPattern(t *testing.T) {
	for _, p := range []string{"*", "email:*@example.com", "jane@example.com", "*@example.com", "iss_sub:https://a|*", "ip-addresses:192.0.2.*", "https%3A//hr.example.com/e:*"} {
		if err := event.CheckPattern(p, "https://hr.example.com/e"); err != nil {
			t.Error(err)
		}
	}
	for _, p := range []string{"", "x", ":", "email:", "emial:a@b", "complex:user=email:*", "aliases:*", "https://hr.example.com/e:*"} {
		if err := event.CheckPattern(p, "https://hr.example.com/e"); err == nil {
			t.Errorf("%q passes", p)
		}
	}
}
