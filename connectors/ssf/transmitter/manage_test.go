package transmitter

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

func TestMetadata(t *testing.T) {
	r := serve(t, nil, two())
	a := r.ask("", "GET", "/.well-known/ssf-configuration", nil)
	req.Equal(t, "SSF-TX-01 SSF-TX-03 SSF-TX-11", a.status, http.StatusOK)
	req.Equal(t, "SSF-TX-03", a.header.Get("Content-Type"), "application/json")
	m := a.json(t)
	req.Equal(t, "SSF-TX-04", m["issuer"], any(issuer))
	req.Equal(t, "INTEROP-03", m["spec_version"], any("1_0"))
	req.Equal(t, "SSF-TX-05 INTEROP-05", m["jwks_uri"], any(issuer+"/jwks.json"))
	req.Equal(t, "SSF-TX-07 INTEROP-04", fmt.Sprint(m["delivery_methods_supported"]), "[urn:ietf:rfc:8935 urn:ietf:rfc:8936]")
	req.Equal(t, "SSF-TX-08", m["default_subjects"], any("ALL"))
	for id, member := range map[string]string{
		"INTEROP-06": "configuration_endpoint", "INTEROP-07": "status_endpoint", "INTEROP-08": "verification_endpoint",
		"SSF-TX-06": "add_subject_endpoint",
	} {
		url, _ := m[member].(string)
		req.True(t, "SSF-TX-06 "+id, strings.HasPrefix(url, "https://signals.example.com/ssf/signals/"), "%s is %q", member, url)
	}
	schemes := fmt.Sprint(m["authorization_schemes"])
	req.True(t, "SSF-TX-12 INTEROP-09", strings.Contains(schemes, "spec_urn:urn:ietf:rfc:6749"), "schemes are %s", schemes)
	for name, v := range m {
		list, ok := v.([]any)
		req.True(t, "SSF-TX-09", !ok || len(list) > 0, "%s is empty", name)
	}
	req.Equal(t, "SSF-TX-14", r.ask("", "GET", "/.well-known/risc-configuration", nil).status, http.StatusNotFound)
	for method, want := range map[string]int{"HEAD": 200, "POST": 405, "DELETE": 405} {
		if a := r.ask("", method, "/.well-known/ssf-configuration", nil); a.status != want {
			t.Errorf("%s: %d, want %d", method, a.status, want)
		}
	}
}

// TestMetadataOfChoices: what the configuration may choose of the metadata stays
// within the standard.
func TestMetadataOfChoices(t *testing.T) {
	c := two()
	c.DefaultSubjects = "NONE"
	r := serve(t, nil, c)
	req.Equal(t, "SSF-TX-08", r.ask("", "GET", "/.well-known/ssf-configuration", nil).json(t)["default_subjects"], any("NONE"))
	for ids, change := range map[string]func(*Config){
		"SSF-TX-08":                      func(c *Config) { c.DefaultSubjects = "SOME" },
		"SSF-TX-05 SSF-TX-06 INTEROP-01": func(c *Config) { c.URL = "http://signals.example.com" },
		"SSF-TX-04":                      func(c *Config) { c.Issuer = "http://signals.example.com" },
	} {
		c := two()
		change(c)
		req.Equal(t, ids, len(c.Validate()), 1)
	}
}

func TestWellKnown(t *testing.T) {
	for given, want := range map[string]string{
		"https://tr.example.com":           "/.well-known/ssf-configuration",
		"https://tr.example.com/":          "/.well-known/ssf-configuration",
		"https://tr.example.com/issuer1":   "/.well-known/ssf-configuration/issuer1",
		"https://tr.example.com/issuer1/":  "/.well-known/ssf-configuration/issuer1",
		"https://tr.example.com/a/b%20c/d": "/.well-known/ssf-configuration/a/b%20c/d",
	} {
		req.Equal(t, "SSF-TX-01 SSF-TX-02", wellKnown(given), want)
	}
	c := two()
	c.Issuer += "/tenant/"
	r := serve(t, nil, c)
	a := r.ask("", "GET", "/.well-known/ssf-configuration/tenant", nil)
	req.Equal(t, "SSF-TX-02 SSF-TX-04", a.json(t)["issuer"], any(issuer+"/tenant/"))
}

// TestLife goes through the life of a stream as the standard tells it.
func TestLife(t *testing.T) {
	r := serve(t, nil, two())
	a := r.ask(appToken, "GET", base+"/streams", nil)
	req.Equal(t, "SSF-TX-33", strings.TrimSpace(a.body), "[]")

	a = r.ask(appToken, "POST", base+"/streams", object{"events_requested": []string{revoked, "urn:made:up"}, "description": "one"})
	req.Equal(t, "SSF-TX-23 INTEROP-11", a.status, http.StatusCreated)
	req.Equal(t, "SSF-TX-23", a.header.Get("Content-Type"), "application/json")
	req.Equal(t, "SSF-TX-47", a.header.Get("Cache-Control"), "no-store")
	c := a.json(t)
	id, _ := c["stream_id"].(string)
	req.True(t, "SSF-TX-19 SSF-TX-20", len(id) > 20 && !strings.ContainsFunc(id, func(x rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-._~", x)
	}), "stream id %q", id)
	req.Equal(t, "SSF-TX-04 SSF-TX-23", c["iss"], any(issuer))
	req.Equal(t, "SSF-TX-17 SSF-TX-23", c["aud"], any("https://app.example.com"))
	req.Equal(t, "SSF-TX-21 SSF-TX-22", fmt.Sprint(c["events_delivered"]), "["+revoked+"]")
	req.Equal(t, "SSF-TX-26 SSF-TX-27 INTEROP-10", fmt.Sprint(c["delivery"]), fmt.Sprint(object{
		"method": "urn:ietf:rfc:8936", "endpoint_url": issuer + base + "/poll/" + id,
	}))

	second := r.create(appToken, pushing("https://app.example.com/events", revoked, changed))
	req.True(t, "SSF-TX-24 SSF-TX-19", second != id, "two streams have id %q", id)
	one := r.ask(appToken, "GET", base+"/streams?stream_id="+second, nil)
	req.Equal(t, "SSF-TX-32 INTEROP-11", one.status, http.StatusOK)
	c = one.json(t)
	req.Equal(t, "SSF-TX-32 INTEROP-10", c["delivery"].(object)["method"], any("urn:ietf:rfc:8935"))
	if strings.Contains(one.body, "of-the-receiver") {
		t.Error("the receiver's authorization is shown")
	}
	third := r.create(appToken, object{})
	endpoints := map[any]bool{}
	for _, id := range []string{id, third} {
		endpoints[r.ask(appToken, "GET", base+"/streams?stream_id="+id, nil).json(t)["delivery"].(object)["endpoint_url"]] = true
	}
	req.Equal(t, "SSF-TX-29", len(endpoints), 2)
	a = r.ask(appToken, "GET", base+"/streams", nil)
	req.Equal(t, "SSF-TX-33", strings.Count(a.body, `"stream_id"`), 3)
	req.Equal(t, "SSF-TX-31", r.ask(appToken, "POST", base+"/streams", object{}).status, http.StatusConflict)

	r.create(hrToken, object{})
	req.Equal(t, "SSF-TX-25", r.ask(hrToken, "POST", base+"/streams", object{}).status, http.StatusConflict)
	list := r.ask(hrToken, "GET", base+"/streams", nil).body
	req.True(t, "SSF-TX-33", strings.HasPrefix(list, "[") && strings.Count(list, "stream_id") == 1, "%s is no array of one", list)

	a = r.ask(appToken, "DELETE", base+"/streams?stream_id="+id, nil)
	req.Equal(t, "SSF-TX-41 INTEROP-11", a.status, http.StatusNoContent)
	req.Equal(t, "SSF-TX-41", a.body, "")
	req.Equal(t, "SSF-TX-34", r.ask(appToken, "GET", base+"/streams?stream_id="+id, nil).status, http.StatusNotFound)
	req.Equal(t, "SSF-TX-42", r.ask(appToken, "DELETE", base+"/streams?stream_id="+id, nil).status, http.StatusNotFound)
	r.until("nothing is left of it", func() bool {
		left := false
		_ = r.line.Scan(t.Context(), lockPrefix, func(key string, _ []byte) bool { left = left || strings.Contains(key, id); return true })
		return !left
	})
	r.create(appToken, object{}) // there is room again
}

func TestUpdate(t *testing.T) {
	r := serve(t, nil, two())
	id := r.create(appToken, object{"events_requested": []string{revoked}, "description": "one"})
	with := func(o object) object {
		o["stream_id"] = id
		return o
	}
	patch := func(o object) reply { return r.ask(appToken, "PATCH", base+"/streams", with(o)) }
	put := func(o object) reply { return r.ask(appToken, "PUT", base+"/streams", with(o)) }

	want := r.ask(appToken, "GET", base+"/streams?stream_id="+id, nil).json(t)
	want["description"] = "two"
	a := patch(object{"description": "two"})
	req.Equal(t, "SSF-TX-35 SSF-TX-39", a.status, http.StatusOK)
	c := a.json(t)
	req.Equal(t, "SSF-TX-35", c, want)

	a = patch(object{"events_requested": []string{changed}, "events_delivered": []string{revoked}})
	req.Equal(t, "SSF-TX-37", a.status, http.StatusOK)
	req.Equal(t, "SSF-TX-37 SSF-TX-22", fmt.Sprint(a.json(t)["events_delivered"]), "["+changed+"]")
	req.Equal(t, "SSF-TX-37", put(object{"events_requested": []string{revoked}, "events_delivered": []string{revoked}}).status, http.StatusBadRequest)

	whole := r.ask(appToken, "GET", base+"/streams?stream_id="+id, nil).json(t)
	for method, ask := range map[string]func(object) reply{"PATCH": patch, "PUT": put} {
		same := object{}
		for k, v := range whole {
			same[k] = v
		}
		if a := ask(same); a.status != http.StatusOK {
			t.Errorf("%s of what is there: %d %s", method, a.status, a.body)
		}
		for member, value := range map[string]any{
			"iss": "https://other.example.com", "aud": "https://other.example.com", "events_supported": []string{revoked},
			"events_delivered": []string{}, "min_verification_interval": 1, "inactivity_timeout": 5,
			"delivery": object{"method": "urn:ietf:rfc:8936", "endpoint_url": "https://signals.example.com/elsewhere"},
		} {
			a := ask(object{member: value, "description": "changed"})
			ids := "SSF-TX-36"
			if member == "aud" {
				ids += " SSF-TX-40"
			}
			req.Equal(t, ids, a.status, http.StatusBadRequest)
		}
		now := r.ask(appToken, "GET", base+"/streams?stream_id="+id, nil).json(t)
		req.Equal(t, "SSF-TX-36 SSF-TX-40", fmt.Sprint(now), fmt.Sprint(whole))
	}
	a = put(object{"delivery": pushing("https://app.example.com/x")["delivery"]})
	c = a.json(t)
	req.Equal(t, "SSF-TX-38", fmt.Sprint(a.status, " ", c["description"], c["events_requested"]), "200 <nil> <nil>")
	req.Equal(t, "SSF-TX-38", c["delivery"].(object)["endpoint_url"], any("https://app.example.com/x"))
	req.Equal(t, "SSF-TX-38 SSF-TX-26", put(object{"description": "polled"}).json(t)["delivery"].(object)["method"], any("urn:ietf:rfc:8936"))
	put(object{"delivery": pushing("https://app.example.com/x")["delivery"]})
	// What waits moves to the other method.
	r.act("session-revoked", email(t, "jane@example.com"))
	if a := patch(object{"delivery": object{"method": "urn:ietf:rfc:8936"}}); a.status != http.StatusOK {
		t.Fatalf("to polling: %d %s", a.status, a.body)
	}
}

// TestRefusals: broken JSON with and without a stream, unknown and foreign
// streams for every verb, methods there are not.
func TestRefusals(t *testing.T) {
	r := serve(t, nil, two())
	mine := r.create(appToken, polling(revoked))
	gone := r.create(appToken, polling(revoked))
	r.ask(appToken, "DELETE", base+"/streams?stream_id="+gone, nil)
	before := r.ask(appToken, "GET", base+"/streams", nil).body

	type verb struct{ method, path string }
	bodied := []verb{
		{"PATCH", "/streams"}, {"PUT", "/streams"}, {"POST", "/status"}, {"POST", "/subjects/add"}, {"POST", "/subjects/remove"}, {"POST", "/verify"},
	}
	plain := []verb{{"GET", "/streams"}, {"DELETE", "/streams"}, {"GET", "/status"}}
	for _, v := range bodied {
		for _, body := range []string{`{`, `{"stream_id":"` + mine + `"`, `[]`, `"x"`, `{"stream_id":7}`, `{}`, `{"stream_id":"` + mine + `","stream_id":"` + mine + `"}`} {
			req.Equal(t, "SSF-TX-39 SSF-TX-59 SSF-TX-67 SSF-TX-69 SSF-TX-81", r.ask(appToken, v.method, base+v.path, body).status, http.StatusBadRequest)
		}
		for who, id := range map[string]string{appToken: "s-nobody", hrToken: mine} {
			a := r.ask(who, v.method, base+v.path, object{"stream_id": id, "status": "paused", "subject": object{"format": "email", "email": "a@b.example"}})
			req.Equal(t, "SSF-TX-17 SSF-TX-48", a.status, http.StatusNotFound)
		}
		if a := r.ask(appToken, v.method, base+v.path, object{"stream_id": gone}); a.status != http.StatusNotFound {
			t.Errorf("%s %s of a deleted stream: %d", v.method, v.path, a.status)
		}
		// Who does not show who he is learns nothing, whatever he writes.
		for _, body := range []any{`{`, object{"stream_id": gone}, object{"stream_id": mine}} {
			for _, token := range []string{"", "wrong-token-0123456"} {
				req.Equal(t, "SSF-TX-16 SSF-TX-31 SSF-TX-39", r.ask(token, v.method, base+v.path, body).status, http.StatusUnauthorized)
			}
		}
	}
	for _, v := range plain {
		for who, id := range map[string]string{appToken: "s-nobody", hrToken: mine, "wrong-token-0123456": gone} {
			want := http.StatusNotFound
			if who == "wrong-token-0123456" {
				want = http.StatusUnauthorized
			}
			req.Equal(t, "SSF-TX-17 SSF-TX-48 SSF-TX-34 SSF-TX-42 SSF-TX-56", r.ask(who, v.method, base+v.path+"?stream_id="+id, nil).status, want)
		}
		if v.path == "/status" || v.method == "DELETE" {
			if a := r.ask(appToken, v.method, base+v.path, nil); a.status != http.StatusBadRequest {
				t.Errorf("%s %s without a stream: %d", v.method, v.path, a.status)
			}
		}
		if a := r.ask(appToken, v.method, base+v.path+"?stream_id="+mine+"&stream_id=x", nil); a.status != http.StatusBadRequest {
			t.Errorf("%s %s of two streams: %d", v.method, v.path, a.status)
		}
	}
	for path, allow := range map[string]string{
		"/streams": "DELETE, GET, PATCH, POST, PUT", "/status": "GET, POST", "/subjects/add": "POST", "/subjects/remove": "POST",
		"/verify": "POST", "/poll/" + mine: "POST",
	} {
		a := r.ask(appToken, "TRACE", base+path, nil)
		if a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != allow {
			t.Errorf("TRACE %s: %d, allowed %q", path, a.status, a.header.Get("Allow"))
		}
	}
	for _, body := range []object{
		{"events_requested": revoked}, {"events_requested": []any{7}}, {"description": 7}, {"delivery": "push"}, {"delivery": object{}},
		{"delivery": object{"method": "urn:ietf:rfc:8935"}}, {"delivery": object{"method": "push", "endpoint_url": "https://app.example.com"}},
		{"delivery": object{"method": "urn:ietf:rfc:8935", "endpoint_url": "https://app.example.com", "authorization_header": "a\r\nX: y"}},
	} {
		req.Equal(t, "SSF-TX-31 SSF-TX-28", r.ask(appToken, "POST", base+"/streams", body).status, http.StatusBadRequest)
	}
	if a := r.ask(appToken, "POST", base+"/streams", strings.Repeat(" ", 1<<17)+"{}"); a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a long body: %d", a.status)
	}
	if after := r.ask(appToken, "GET", base+"/streams", nil).body; after != before {
		t.Errorf("refused requests changed\n%s\nto\n%s", before, after)
	}
}

func TestAuthorization(t *testing.T) {
	c := two()
	c.Receivers[0].Scopes = []string{"ssf.read"}
	c.Receivers = append(c.Receivers, Receiver{Name: "old", Audience: []string{"https://old.example.com"},
		TokenSHA256: []string{"2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"}, Scopes: []string{"ssf.manage.poll"}})
	r := serve(t, nil, c)
	a := r.ask("", "GET", base+"/streams", nil)
	req.Equal(t, "SSF-TX-16 POLL-20", a.header.Get("WWW-Authenticate"), `Bearer realm="ssf"`)
	a = r.ask("nonsense", "GET", base+"/streams", nil)
	req.Equal(t, "INTEROP-25", fmt.Sprint(a.status, " ", a.header.Get("WWW-Authenticate")), `401 Bearer realm="ssf", error="invalid_token"`)
	a = r.ask(appToken, "POST", base+"/streams", `{`)
	req.Equal(t, "INTEROP-25 INTEROP-23 SSF-TX-31", fmt.Sprint(a.status, " ", a.header.Get("WWW-Authenticate")),
		`403 Bearer realm="ssf", error="insufficient_scope", scope="ssf.manage.create"`)
	req.Equal(t, "INTEROP-23", r.ask(appToken, "GET", base+"/streams", nil).status, http.StatusOK)
	req.Equal(t, "INTEROP-23", r.ask(hrToken, "GET", base+"/streams", nil).status, http.StatusOK)
	req.Equal(t, "INTEROP-24", r.ask("", "GET", base+"/streams?access_token="+appToken, nil).status, http.StatusUnauthorized)
	// "secret" is the token of the third, by its digest; it may poll and nothing else.
	req.Equal(t, "INTEROP-23 SSF-TX-13", r.ask("secret", "GET", base+"/streams", nil).status, http.StatusForbidden)
	req.Equal(t, "SSF-TX-13", r.ask("secret", "POST", base+"/poll/x", object{}).status, http.StatusNotFound)
	req.Equal(t, "SSF-TX-13", r.ask(appToken, "POST", base+"/poll/x", object{}).status, http.StatusForbidden)
	a = r.ask("", "POST", base+"/poll/x", object{})
	req.Equal(t, "SSF-TX-13 SSF-TX-16 POLL-20", fmt.Sprint(a.status, " ", a.header.Get("WWW-Authenticate")), `401 Bearer realm="ssf"`)
	// To read is all that ssf.read permits; ssf.manage permits everything.
	for _, op := range []struct {
		method, path string
		reads        bool
	}{
		{"GET", "/streams", true}, {"GET", "/status?stream_id=x", true}, {"POST", "/streams", false}, {"PATCH", "/streams", false},
		{"PUT", "/streams", false}, {"DELETE", "/streams?stream_id=x", false}, {"POST", "/status", false}, {"POST", "/subjects/add", false},
		{"POST", "/subjects/remove", false}, {"POST", "/verify", false}, {"POST", "/poll/x", false},
	} {
		var body any
		if op.method != "GET" && op.method != "DELETE" {
			body = object{"stream_id": "x"}
		}
		for token, permitted := range map[string]bool{appToken: op.reads, hrToken: true} {
			got := r.ask(token, op.method, base+op.path, body).status
			req.True(t, "INTEROP-23 INTEROP-25", (got != http.StatusForbidden && got != http.StatusUnauthorized) == permitted, "%s %s by %s: %d", op.method, op.path, token, got)
		}
	}
}

// TestChosenEndpoint: a receiver must not point us at our own network.
func TestChosenEndpoint(t *testing.T) {
	r := serve(t, nil, two())
	for _, url := range []string{
		"http://app.example.com/", "https://127.0.0.1/", "https://localhost/", "https://10.0.0.8/", "https://169.254.169.254/latest",
		"https://[::1]/", "https://[fd00::1]/", "ftp://app.example.com/", "https://user:pass@app.example.com/", "/relative", "",
		"https://app.example.com/" + strings.Repeat("x", 3000),
	} {
		if a := r.ask(hrToken, "POST", base+"/streams", pushing(url)); a.status != http.StatusBadRequest {
			t.Errorf("%.60s: %d", url, a.status)
		}
	}
}

func TestConcurrentChanges(t *testing.T) {
	c := two()
	c.Receivers[0].MaxStreams = 5
	r := serve(t, nil, c)
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := map[int]int{}
	for i := range 20 {
		wg.Go(func() {
			a := r.ask(appToken, "POST", base+"/streams", object{"description": fmt.Sprint(i)})
			mu.Lock()
			defer mu.Unlock()
			got[a.status]++
		})
	}
	wg.Wait()
	if got[http.StatusCreated] != 5 || got[http.StatusConflict] != 15 {
		t.Errorf("answers %v", got)
	}
	var ids []string
	for _, s := range must(r.hub.Streams(t.Context())) {
		ids = append(ids, s.ID)
	}
	id := ids[0]
	for i := range 10 {
		for _, what := range []object{{"description": fmt.Sprint(i)}, {"events_requested": []string{revoked}}} {
			wg.Go(func() {
				what["stream_id"] = id
				if a := r.ask(appToken, "PATCH", base+"/streams", what); a.status != http.StatusOK {
					t.Errorf("PATCH: %d %s", a.status, a.body)
				}
			})
		}
	}
	for i := range 3 {
		wg.Go(func() {
			a := r.ask(appToken, "DELETE", base+"/streams?stream_id="+ids[1+i], nil)
			b := r.ask(appToken, "DELETE", base+"/streams?stream_id="+ids[1+i], nil)
			if a.status != http.StatusNoContent || b.status != http.StatusNotFound {
				t.Errorf("DELETE twice: %d, %d", a.status, b.status)
			}
		})
	}
	wg.Wait()
	m := r.ask(appToken, "GET", base+"/streams?stream_id="+id, nil).json(t)
	if fmt.Sprint(m["events_requested"]) != "["+revoked+"]" || m["description"] == nil {
		t.Errorf("a change was lost: %v", m)
	}
	if !slices.Contains(ids, id) || len(must(r.hub.Streams(t.Context()))) != 2 {
		t.Error("not two streams are left")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
