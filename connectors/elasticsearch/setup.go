package elasticsearch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline/document"
)

var _ kind.Installer = (*Config)(nil)

// Installation implements kind.Installer. What it sets up serves every namespace.
func (c *Config) Installation(env kind.Env) (kind.Installation, error) {
	x, err := c.open(env)
	if err != nil {
		return nil, err
	}
	return &installation{x: x, lifecycle: c.Lifecycle}, nil
}

// installation puts templates, policies and the final pipeline on a cluster. It
// needs the cluster's privileges manage_index_templates, manage_ilm and
// manage_ingest_pipelines, and none on indices.
type installation struct {
	x         *index
	lifecycle *Lifecycle
}

const (
	finalPipeline = "ssf-final"
	custom        = "ssf@custom" // the operator's own component
)

// artifact is one thing to put.
type artifact struct {
	name    string // for people
	path    string
	want    []byte
	lacking string // why it is not put; "" if it is
}

// abilities are what a cluster can do, as far as it matters.
type abilities struct {
	lacks     []string // of document.Substituted
	lifecycle bool
	pipeline  bool
}

// ask finds out what the cluster can do by asking it, without changing anything.
func (i *installation) ask(ctx context.Context) (can abilities, err error) {
	for _, name := range document.Substituted() {
		probe := object{"index_patterns": []string{"signalbox-probe-*"}, "priority": 9999, "template": object{"mappings": object{"properties": object{"field": object{"type": name}}}}}
		err := i.x.client.call(ctx, http.MethodPost, "/_index_template/_simulate", nil, probe, nil)
		switch e, refused := errors.AsType[*apiError](err); {
		case refused && e.Status == http.StatusBadRequest && strings.Contains(e.Reason, name):
			can.lacks = append(can.lacks, name)
		case err != nil:
			return can, need(err, "manage_index_templates")
		}
	}
	switch err := i.x.client.call(ctx, http.MethodGet, "/_ilm/policy/"+policyName(document.SetStream), nil, nil, nil); {
	case err == nil, is(err, http.StatusNotFound):
		can.lifecycle = true
	case is(err, http.StatusBadRequest), is(err, http.StatusMethodNotAllowed), is(err, http.StatusGone):
	default:
		return can, need(err, "manage_ilm")
	}
	simulated := object{"pipeline": pipelineBody(), "docs": []object{{"_source": object{"event": object{}}}}}
	switch err := i.x.client.call(ctx, http.MethodPost, "/_ingest/pipeline/_simulate", nil, simulated, nil); {
	case err == nil:
		can.pipeline = true
	case is(err, http.StatusBadRequest), is(err, http.StatusMethodNotAllowed), is(err, http.StatusNotFound), is(err, http.StatusGone):
	default:
		return can, need(err, "manage_ingest_pipelines")
	}
	return can, nil
}

// need adds the privilege that is missing to a refusal.
func need(err error, privilege string) error {
	if is(err, http.StatusForbidden) || is(err, http.StatusUnauthorized) {
		return fmt.Errorf("%w: setting up takes the cluster privilege %s, which the running product does not need", err, privilege)
	}
	return err
}

// pipelineBody notes when the cluster took a document.
func pipelineBody() object {
	return object{
		"description": "Notes when a document was taken.",
		"_meta":       object{"managed_by": managedBy, "schema": document.TemplateVersion},
		"processors":  []object{{"set": object{"field": "event.ingested", "value": "{{{_ingest.timestamp}}}", "ignore_failure": true}}},
	}
}

func policyName(stream string) string { return "logs-" + stream }

// artifacts is everything to put, each after what it needs.
func (i *installation) artifacts(can abilities) (list []artifact) {
	o := document.TemplateOptions{Lacks: can.lacks}
	pipe := artifact{name: "ingest pipeline " + finalPipeline, path: "/_ingest/pipeline/" + finalPipeline}
	pipe.want, _ = json.Marshal(pipelineBody())
	if can.pipeline {
		o.FinalPipeline = finalPipeline
	} else {
		pipe.lacking = "the cluster has no such processor; event.ingested stays empty"
	}
	list = append(list, pipe)
	o.Lifecycle = map[string]string{}
	for _, stream := range streams.Names() {
		name := policyName(stream)
		a := artifact{name: "lifecycle policy " + name, path: "/_ilm/policy/" + name, want: i.lifecycle.policyOf(stream)}
		switch {
		case !can.lifecycle:
			a.lacking = "the cluster has no lifecycle policies; indices are neither rolled over nor deleted by themselves"
		case i.lifecycle != nil && i.lifecycle.Policy != "":
			o.Lifecycle[stream] = i.lifecycle.Policy
			continue
		default:
			o.Lifecycle[stream] = name
		}
		list = append(list, a)
	}
	for _, t := range document.Templates(o) {
		what := "component template "
		if t.Index {
			what = "index template "
		}
		list = append(list, artifact{name: what + t.Name, path: "/" + t.Path(), want: t.JSON})
	}
	return list
}

// Compare implements kind.Installation.
func (i *installation) Compare(ctx context.Context) ([]kind.Part, error) {
	_, parts, err := i.compare(ctx)
	return parts, err
}

func (i *installation) compare(ctx context.Context) (list []artifact, parts []kind.Part, err error) {
	can, err := i.ask(ctx)
	if err != nil {
		return nil, nil, err
	}
	list = i.artifacts(can)
	for _, a := range list {
		p := kind.Part{Name: a.name, State: kind.Lacking, Note: a.lacking}
		if a.lacking == "" {
			if p.State, p.Changes, err = i.stand(ctx, a); err != nil {
				return nil, nil, fmt.Errorf("%s: %w", a.name, err)
			}
		}
		switch p.State {
		case kind.Foreign:
			p.Note = "its _meta.managed_by is not " + managedBy + ": it is left as it is and stands instead"
		case kind.Newer:
			p.Note = "a later version of signalbox set it up: it is left as it is"
		}
		parts = append(parts, p)
	}
	if can.lifecycle {
		err = i.checkLifecycles(ctx, parts)
	}
	return list, parts, err
}

// stand compares one artifact with what the server has.
func (i *installation) stand(ctx context.Context, a artifact) (kind.State, []string, error) {
	got, err := i.get(ctx, a.path)
	if is(err, http.StatusNotFound) {
		return kind.Missing, nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	want := a.want
	if strings.HasPrefix(a.path, "/_ilm/") {
		want = inner(want, "policy")
	}
	state, changes := compare(want, got)
	return state, changes, nil
}

// get asks for one artifact without what the server wraps it in.
func (i *installation) get(ctx context.Context, path string) ([]byte, error) {
	var answer map[string]json.RawMessage
	if err := i.x.client.call(ctx, http.MethodGet, path, nil, nil, &answer); err != nil {
		return nil, err
	}
	for _, list := range []string{"component_templates", "index_templates"} {
		raw, ok := answer[list]
		if !ok {
			continue
		}
		var found []map[string]json.RawMessage
		if err := json.Unmarshal(raw, &found); err != nil || len(found) != 1 {
			return nil, errAnswer
		}
		return found[0][strings.TrimSuffix(list, "s")], nil
	}
	name := path[strings.LastIndexByte(path, '/')+1:]
	raw, ok := answer[name]
	if !ok {
		return nil, errAnswer
	}
	if strings.HasPrefix(path, "/_ilm/") {
		raw = inner(raw, "policy")
	}
	return raw, nil
}

// inner is one member of an object, nil without it.
func inner(text []byte, name string) []byte {
	var v map[string]json.RawMessage
	if json.Unmarshal(text, &v) != nil {
		return nil
	}
	return v[name]
}

// checkLifecycles refuses policies that are not ours, but will be in force, and
// under which documents could be written twice.
func (i *installation) checkLifecycles(ctx context.Context, parts []kind.Part) error {
	var names []string
	if i.lifecycle != nil && i.lifecycle.Policy != "" {
		names = append(names, i.lifecycle.Policy)
	}
	for _, p := range parts {
		if name, ok := strings.CutPrefix(p.Name, "lifecycle policy "); ok && (p.State == kind.Foreign || p.State == kind.Newer) {
			names = append(names, name)
		}
	}
	own, err := i.get(ctx, "/_component_template/"+custom)
	if err != nil && !is(err, http.StatusNotFound) {
		return fmt.Errorf("component template %s: %w", custom, err)
	}
	if name := flatten(own)["template.settings.index.lifecycle.name"]; name != "" {
		names = append(names, name)
	}
	for _, name := range names {
		raw, err := i.get(ctx, "/_ilm/policy/"+name)
		if is(err, http.StatusNotFound) {
			return fmt.Errorf("there is no lifecycle policy %s: make it, or leave it out of the configuration and of %s", name, custom)
		}
		if err != nil {
			return fmt.Errorf("lifecycle policy %s: %w", name, err)
		}
		var p policy
		if err := json.Unmarshal(raw, &p); err != nil {
			return fmt.Errorf("lifecycle policy %s: %w", name, err)
		}
		if why := p.check(); why != "" {
			return fmt.Errorf("lifecycle policy %s would let documents be written twice: %s; change it or choose another", name, why)
		}
	}
	return nil
}

// Install implements kind.Installation.
func (i *installation) Install(ctx context.Context) ([]kind.Part, error) {
	list, parts, err := i.compare(ctx)
	if err != nil {
		return nil, err
	}
	for n, p := range parts {
		if p.State != kind.Missing && p.State != kind.Differs {
			continue
		}
		if err := i.x.client.call(ctx, http.MethodPut, list[n].path, nil, list[n].want, nil); err != nil {
			return parts[:n], fmt.Errorf("put %s: %w", p.Name, need(err, privilegeFor(list[n].path)))
		}
	}
	return parts, nil
}

func privilegeFor(path string) string {
	switch {
	case strings.HasPrefix(path, "/_ilm/"):
		return "manage_ilm"
	case strings.HasPrefix(path, "/_ingest/"):
		return "manage_ingest_pipelines"
	}
	return "manage_index_templates"
}

// runtimePrivileges are what the running product needs on its data streams.
var runtimePrivileges = []string{"auto_configure", "create_doc", "read", "view_index_metadata"}

// Status implements kind.Installation.
func (i *installation) Status(ctx context.Context) (lines []string, err error) {
	var info struct {
		Name    string `json:"cluster_name"`
		Version struct {
			Number string `json:"number"`
		} `json:"version"`
	}
	switch err := i.x.client.call(ctx, http.MethodGet, "/", nil, nil, &info); {
	case err == nil:
		lines = append(lines, fmt.Sprintf("cluster %s, Elasticsearch %s", i.x.client.clean(info.Name, 64), i.x.client.clean(info.Version.Number, 32)))
	case is(err, http.StatusForbidden):
		lines = append(lines, "the cluster does not tell these credentials its version")
	default:
		return nil, err
	}
	can, err := i.ask(ctx)
	switch {
	case is(err, http.StatusForbidden): // those of the running product, which may write
		lines = append(lines, "these credentials may not look at what is set up; those for setting up may")
	case err != nil:
		return lines, err
	default:
		lines = append(lines, can.told()...)
	}
	if i.lifecycle != nil && i.lifecycle.Policy != "" && can.lifecycle {
		lines = append(lines, "lifecycle policy "+i.lifecycle.Policy+" is not ours and used as it is")
	}
	may, err := i.privileges(ctx)
	if err != nil {
		return lines, err
	}
	lines = append(lines, may...)
	for _, stream := range streams.Names() {
		t := &target{name: i.x.streamName(stream)}
		t.backing, err = i.x.indices(ctx, t.name)
		if err == nil && len(t.backing) > 0 {
			err = i.x.ours(ctx, t.name)
		}
		switch {
		case is(err, http.StatusForbidden):
			lines = append(lines, t.name+": these credentials may not look")
		case err != nil:
			lines = append(lines, t.name+": "+err.Error())
		case len(t.backing) == 0:
			lines = append(lines, t.name+": begins with its first document")
		default:
			lines = append(lines, fmt.Sprintf("%s: %d indices, written to %s", t.name, len(t.backing), t.current()))
		}
	}
	return lines, nil
}

// told says what the cluster lacks.
func (c abilities) told() (lines []string) {
	for _, name := range c.lacks {
		lines = append(lines, name+" is not known to the cluster; its substitute is used")
	}
	if !c.lifecycle {
		lines = append(lines, "lifecycle policies are not known to the cluster: skipped; roll indices over and delete them by other means")
	}
	if !c.pipeline {
		lines = append(lines, "the final pipeline is not possible on the cluster: skipped; event.ingested stays empty")
	}
	return lines
}

// privileges asks whether the credentials would do for the running product.
func (i *installation) privileges(ctx context.Context) ([]string, error) {
	var answer struct {
		All   bool                       `json:"has_all_requested"`
		Index map[string]map[string]bool `json:"index"`
	}
	asked := object{"index": []object{{"names": []string{i.x.pattern()}, "privileges": runtimePrivileges}}}
	err := i.x.client.call(ctx, http.MethodPost, "/_security/user/_has_privileges", nil, asked, &answer)
	switch {
	case is(err, http.StatusBadRequest), is(err, http.StatusMethodNotAllowed), is(err, http.StatusNotFound):
		return []string{"the cluster asks nobody for rights"}, nil
	case err != nil:
		return nil, err
	case answer.All:
		return []string{"these credentials may write and search " + i.x.pattern()}, nil
	}
	var missing []string
	for _, p := range runtimePrivileges {
		if !answer.Index[i.x.pattern()][p] {
			missing = append(missing, p)
		}
	}
	slices.Sort(missing)
	return []string{fmt.Sprintf("these credentials lack %s on %s, which the running product needs", strings.Join(missing, ", "), i.x.pattern())}, nil
}
