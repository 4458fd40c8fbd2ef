package main

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"time"
)

// play plays the story, as the README of the example does, and if it is asked to
// kills the product with SIGKILL in two of its chapters. At the end it compares
// what went in with what the application, the topic of actions and the index have.
func (s *soc) play(kills bool) {
	t := s.t
	s.write("out/feed.jwks.json", s.run("keys", "jwks", "--config", "feed/config.hcl"))
	s.start("idp.txt", "--config", "idp/config.hcl")
	s.write("out/forger.hcl", "data_dir = \"forger\"\n")
	s.await("the identity provider", func() bool { _, err := s.try("status", "--config", "idp/config.hcl"); return err == nil })
	s.run("check")
	for config, want := range map[string]string{"config.hcl": "PASS: 13/13", "idp/config.hcl": "PASS: 4/4"} {
		if out := s.run("test", "--config", config); !strings.Contains(out, want) {
			t.Errorf("tests of %s: %s", config, out)
		}
	}
	if s.setup != "" {
		running := s.env
		s.env = append(slices.Clone(running), "ELASTICSEARCH_KEY="+s.setup)
		s.run("index", "setup")
		s.env = running
	}
	s.begin()
	s.subscribe()
	s.write("out/jwks.json", s.run("keys", "jwks"))

	s.log("1-sign-ins.jsonl")
	s.found(5, "event.dataset:ssf.set event.action:session-established")
	sam := s.report("feed/config.hcl", "sam@example.com")
	s.produce("sets", sam+s.report("feed/config.hcl", "kim@example.com")+sam)
	s.produce("sets", s.report("out/forger.hcl", "break-glass@example.com"))
	s.found(1, "event.action:set-rejected")
	s.found(2, "event.action:credential-compromise")

	s.produce("crowdstrike-alerts", s.records("2-crowdstrike.jsonl"))
	s.produce("defender-alerts", s.records("3-defender.jsonl"))
	if kills {
		time.Sleep(rand.N(300 * time.Millisecond))
		s.kill()
	}
	s.found(5, "event.dataset:ssf.alert")
	s.log("4-risk.jsonl")
	if kills {
		time.Sleep(rand.N(700 * time.Millisecond))
		s.kill()
	}
	s.found(2, "event.action:risk-level-change")
	s.log("5-answers.jsonl")
	s.found(2, "event.action:session-revoked OR event.action:credential-change")

	waiting := s.run("action", "list")
	if got := len(regexp.MustCompile(`(pending_approval|held) `).FindAllString(waiting, -1)); got != 3 {
		t.Errorf("%d actions wait for a person, want 3:\n%s", got, waiting)
	}
	kim := regexp.MustCompile(`(a-\w{26}) .*kim@example.com`).FindStringSubmatch(waiting)
	s.run("action", "approve", "--comment", "seen in two feeds", kim[1])

	s.compare()
	s.ask()
}

// compare holds what went out and what the index has against the story.
func (s *soc) compare() {
	t := s.t
	want := []string{
		"account-credential-change-required for email:kim@example.com",
		"account-credential-change-required for email:sam@example.com",
		"account-disabled for email:jane@example.com",
		"session-revoked for email:jane@example.com",
		"session-revoked for email:sam@example.com",
	}
	for audience, tokens := range map[string]string{
		"https://crm.example.com": s.poll(len(want)), "https://apps.example.com": s.consume("soc-actions", len(want)),
	} {
		got := s.verify("out/taken", audience, tokens)
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s was told\n%s\nwant\n%s", audience, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	if refused := s.consume("soc-refused", 1); !strings.HasPrefix(refused, "eyJ") {
		t.Errorf("refused was %s", refused)
	}
	if calls := s.file("out/directory.jsonl"); !strings.Contains(calls, `"disable":"jane@example.com"`) {
		t.Errorf("the directory was asked %s", calls)
	}
	s.found(5, "action.status:acked action.target:apps")
	s.found(5, "action.status:acked action.target:actions")
	s.found(1, "action.status:acked action.target:directory")

	s.found(1, "action.status:superseded action.into:* user.name:sam@example.com") // the change that waited, which the alert demanded

	docs := s.documents()
	for dataset, id := range map[string][]string{
		"ssf.set": {"event.id"}, "ssf.alert": {"event.id"}, "ssf.decision": {"event.id"},
		"ssf.action": {"action.id", "action.part", "action.target", "action.stream", "action.status", "action.attempt"},
	} {
		seen := map[string]bool{}
		for _, d := range docs[dataset] {
			var key string
			for _, name := range id {
				key += text(d, name) + " "
			}
			if seen[key] {
				t.Errorf("%s has two documents of %s", dataset, key)
			}
			seen[key] = true
		}
	}
	count := map[string]int{}
	for dataset, list := range docs {
		for _, d := range list {
			switch dataset {
			case "ssf.set", "ssf.alert":
				count[dataset+" "+text(d, "event.action")]++
				if dataset == "ssf.set" && text(d, "event.action") != "set-rejected" && text(d, "set.verified") != "true" {
					t.Errorf("a token that was not verified made %v", d)
				}
			case "ssf.decision":
				count[dataset+" "+text(d, "policy.result")]++
			case "ssf.error":
				t.Errorf("an error: %v", d)
			}
		}
	}
	delete(count, "ssf.set verification") // as many as the stream was verified
	ledger := map[string]int{
		"ssf.set session-established": 5, "ssf.set credential-compromise": 2, "ssf.set set-rejected": 1, "ssf.set risk-level-change": 2,
		"ssf.set session-revoked": 1, "ssf.set credential-change": 1, "ssf.alert alert": 5,
		"ssf.decision act": 3, "ssf.decision needs_approval": 3, "ssf.decision no_action": 10,
	}
	for what := range count {
		if _, ok := ledger[what]; !ok {
			t.Errorf("%d documents of %s are too many", count[what], what)
		}
	}
	for what, n := range ledger {
		if count[what] != n {
			t.Errorf("%d documents of %s, want %d", count[what], what, n)
		}
	}
}

// ask asks what the README asks.
func (s *soc) ask() {
	t := s.t
	s.await("a second to go by without an answer", func() bool {
		return strings.Contains(s.run("ask", "unanswered-risk", "--within", "1s"), "omar@example.com")
	})
	for _, test := range []struct {
		command string
		want    []string
	}{
		{"ask user-timeline --user jane@example.com", []string{
			"session established for jane@example.com", "CrowdStrike: high alert", "revoke-session for jane@example.com acked by apps/s-",
			"user risk LOW→HIGH", "disable-account for jane@example.com acked by directory", "session revoked for jane@example.com",
		}},
		{"ask user-and-device-risk", []string{"jane@example.com, within", "laptop-7", "CrowdStrike: high alert", "user risk LOW→HIGH"}},
		{"ask top-users", []string{"jane@example.com   2        2 "}},
		{"ask waiting-actions", []string{"break-glass@example.com", "held"}},
		{"ask rejected-tokens", []string{"invalid_key", "https://feed.example.net"}},
		{"ask response-time", []string{"actions", "apps", "directory"}},
		{"timeline --since 1h --user li@example.com", []string{"no action for li@example.com", "but it is settled"}},
		{"quarantine list", []string{"invalid_key"}},
		{"export --user jane@example.com --comment test --out out/jane.tar.gz", []string{"out/jane.tar.gz"}},
		{"export verify --jwks out/jwks.json out/jane.tar.gz", []string{"Verified", "tokens sent were signed by the product's own keys"}},
		{"status", []string{"ready"}},
	} {
		out := s.run(strings.Fields(test.command)...)
		for _, w := range test.want {
			if !strings.Contains(strings.Join(strings.Fields(out), " "), strings.Join(strings.Fields(w), " ")) {
				t.Errorf("signalbox %s says nothing of %q:\n%s", test.command, w, out)
			}
		}
	}
	if out := s.run("ask", "waiting-actions"); strings.Contains(out, "sam@example.com") {
		t.Errorf("what was done otherwise waits on:\n%s", out)
	}
	jane := s.run("ask", "user-timeline", "--user", "jane@example.com")
	id := regexp.MustCompile(`(?s)disable-account for jane.*?explain (d-\w{26})`).FindStringSubmatch(jane)
	if id == nil {
		t.Fatalf("no decision to disable an account is in\n%s", jane)
	}
	for command, want := range map[string]string{
		"explain": `(?s)endpoint_and_identity fired: A high risk soon after a serious alert disables the account.*account-disabled to apps/s-\w{26} acked`,
		"chain":   "user risk LOW→HIGH for jane@example.com",
	} {
		if out := s.run(command, id[1]); !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("signalbox %s says nothing of %q:\n%s", command, want, out)
		}
	}
}
