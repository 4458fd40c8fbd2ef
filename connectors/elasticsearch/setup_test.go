package elasticsearch

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline/document"
)

// cluster keeps what is set up, as a server does.
type cluster struct {
	mu       sync.Mutex
	kept     map[string]string // by path
	lacks    []string          // types of mappings
	policies bool              // lifecycle policies are known
	deny     string            // path that is forbidden
	puts     int
}

func (c *cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	refuse := func(status int, kind, reason string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"error":{"type":%q,"reason":%q},"status":%d}`, kind, reason, status)
	}
	name := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	switch {
	case c.deny != "" && strings.HasPrefix(r.URL.Path, c.deny):
		refuse(http.StatusForbidden, "security_exception", "not for you")
	case strings.HasSuffix(r.URL.Path, "/_simulate"):
		for _, l := range c.lacks {
			if strings.Contains(string(body), l) {
				refuse(http.StatusBadRequest, "mapper_parsing_exception", "The mapper type ["+l+"] does not exist")
				return
			}
		}
		fmt.Fprint(w, "{}")
	case strings.HasPrefix(r.URL.Path, "/_ilm/") && !c.policies:
		refuse(http.StatusBadRequest, "", "no handler found for uri")
	case r.Method == http.MethodPut:
		c.puts++
		c.kept[r.URL.Path] = string(body)
	case c.kept[r.URL.Path] == "":
		refuse(http.StatusNotFound, "resource_not_found_exception", "no such thing")
	case strings.HasPrefix(r.URL.Path, "/_component_template/"):
		fmt.Fprintf(w, `{"component_templates":[{"name":%q,"component_template":%s}]}`, name, c.kept[r.URL.Path])
	case strings.HasPrefix(r.URL.Path, "/_index_template/"):
		fmt.Fprintf(w, `{"index_templates":[{"name":%q,"index_template":%s}]}`, name, c.kept[r.URL.Path])
	default:
		fmt.Fprintf(w, `{%q:%s}`, name, c.kept[r.URL.Path])
	}
}

func newCluster(t *testing.T, l *Lifecycle) (*cluster, kind.Installation) {
	t.Helper()
	c := &cluster{kept: map[string]string{}, policies: true}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	i, err := (&Config{Addresses: []string{server.URL}, Lifecycle: l}).Installation(kind.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return c, i
}

// states counts the parts by state.
func states(parts []kind.Part) map[kind.State]int {
	n := map[kind.State]int{}
	for _, p := range parts {
		n[p.State]++
	}
	return n
}

func TestSetup(t *testing.T) {
	c, i := newCluster(t, nil)
	parts, err := i.Compare(t.Context())
	if err != nil || states(parts)[kind.Missing] != len(parts) || c.puts != 0 {
		t.Fatalf("before: %v, %v, %d puts", states(parts), err, c.puts)
	}
	if _, err = i.Install(t.Context()); err != nil || c.puts != len(parts) {
		t.Fatalf("%d of %d parts were put, %v", c.puts, len(parts), err)
	}
	if parts, err = i.Install(t.Context()); err != nil || states(parts)[kind.Same] != len(parts) {
		t.Errorf("the second time: %v, %v", states(parts), err)
	}

	// What was changed is told line by line and put right; what is newer or
	// somebody else's is left.
	const settings, mappings, set = "/_component_template/ssf@settings", "/_component_template/ssf@mappings", "/_index_template/logs-ssf.set"
	c.kept[settings] = strings.Replace(c.kept[settings], "0-1", "0-5", 1)
	c.kept[mappings] = strings.Replace(c.kept[mappings], `"schema": 2`, `"schema": 99`, -1)
	c.kept[set] = strings.Replace(c.kept[set], `"managed_by": "signalbox"`, `"managed_by": "us"`, 1)
	foreign, newer := c.kept[set], c.kept[mappings]
	parts, err = i.Install(t.Context())
	if n := states(parts); err != nil || n[kind.Differs] != 1 || n[kind.Newer] != 1 || n[kind.Foreign] != 1 {
		t.Errorf("after changes: %v, %v", n, err)
	}
	for _, p := range parts {
		if p.State == kind.Differs && strings.Join(p.Changes, "\n") != "~ template.settings.index.auto_expand_replicas: 0-1, is 0-5" {
			t.Errorf("%s: changes are %q", p.Name, p.Changes)
		}
	}
	if !strings.Contains(c.kept[settings], "0-1") || c.kept[set] != foreign || c.kept[mappings] != newer {
		t.Error("what was to be replaced was not, or what was to be left was")
	}
}

func TestSetupLacking(t *testing.T) {
	c, i := newCluster(t, nil)
	c.policies, c.lacks = false, append(document.Substituted(), "processors")
	parts, err := i.Install(t.Context())
	if n := states(parts); err != nil || n[kind.Lacking] != 7 {
		t.Errorf("%v, %v", n, err)
	}
	for path, text := range c.kept {
		for _, bad := range []string{"constant_keyword", "match_only_text", "lifecycle", "final_pipeline"} {
			if strings.Contains(text, `"`+bad+`"`) {
				t.Errorf("%s has %s, which the cluster does not know", path, bad)
			}
		}
	}
}

func TestSetupRefusesLifecycle(t *testing.T) {
	const policy = `{"policy":{"phases":{"hot":{"actions":{"rollover":{"max_age":"1h"}}}}}}`
	c, i := newCluster(t, &Lifecycle{Policy: "fast"})
	if _, err := i.Install(t.Context()); err == nil || !strings.Contains(err.Error(), "no lifecycle policy fast") {
		t.Errorf("a policy that is not there: %v", err)
	}
	c.kept["/_ilm/policy/fast"] = policy
	if _, err := i.Install(t.Context()); err == nil || !strings.Contains(err.Error(), "max_age 1h") || c.puts != 0 {
		t.Errorf("%v, %d puts", err, c.puts)
	}
	c, i = newCluster(t, nil)
	c.kept["/_ilm/policy/fast"] = policy
	c.kept["/_component_template/ssf@custom"] = `{"template":{"settings":{"index":{"lifecycle":{"name":"fast"}}}}}`
	if _, err := i.Install(t.Context()); err == nil || c.puts != 0 {
		t.Errorf("by the operator's component: %v, %d puts", err, c.puts)
	}
}

func TestPolicyCheck(t *testing.T) {
	for text, bad := range map[string]bool{
		`{"phases":{"hot":{"actions":{"rollover":{"max_age":"1d","max_primary_shard_size":"50gb"}}}}}`: false,
		`{"phases":{"hot":{"actions":{"rollover":{"max_age":"90000s"}}}}}`:                             false,
		`{"phases":{"hot":{"actions":{"rollover":{"max_age":"23h"}}}}}`:                                true,
		`{"phases":{"hot":{"actions":{"rollover":{"max_age":"soon"}}}}}`:                               true,
		`{"phases":{"hot":{"actions":{"rollover":{"max_size":"99mb"}}}}}`:                              true,
		`{"phases":{"hot":{"actions":{"rollover":{"max_docs":1000}}}}}`:                                true,
		`{"phases":{"hot":{"actions":{"rollover":{"max_docs":100000000}}}}}`:                           false,
		`{"phases":{"delete":{"min_age":"1h","actions":{"delete":{}}}}}`:                               true,
		`{"phases":{"delete":{"min_age":"30d","actions":{"delete":{}}}}}`:                              false,
		`{"phases":{"warm":{"min_age":"1d","actions":{"downsample":{}}}}}`:                             true,
		`{"phases":{}}`: false,
	} {
		var p policy
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			t.Fatal(err)
		}
		if why := p.check(); (why != "") != bad {
			t.Errorf("%s: %q", text, why)
		}
	}
	for _, l := range []*Lifecycle{nil, {Keep: 48 * time.Hour, RolloverAge: 36 * time.Hour, RolloverSize: "100mb"}} {
		for _, s := range streams.Names() {
			var p struct{ Policy policy }
			if err := json.Unmarshal(l.policyOf(s), &p); err != nil || p.Policy.check() != "" {
				t.Errorf("our own for %s: %v, %s", s, err, p.Policy.check())
			}
		}
	}
}

func TestSetupRights(t *testing.T) {
	for path, privilege := range map[string]string{
		"/_index_template/": "manage_index_templates", "/_ilm/": "manage_ilm", "/_ingest/": "manage_ingest_pipelines",
	} {
		c, i := newCluster(t, nil)
		c.deny = path
		if _, err := i.Install(t.Context()); err == nil || !strings.Contains(err.Error(), privilege) {
			t.Errorf("without %s: %v", path, err)
		}
	}
}
