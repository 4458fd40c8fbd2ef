package policies

import (
	"cmp"
	"io/fs"
	"maps"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// pack is a policy set as read, before compiling.
type pack struct {
	rules    []*rule // by name
	libs     map[string]*ast.Module
	lists    map[string]any
	tests    []*testFile
	cases    map[string]file   // of tests of rules, by base
	complete bool              // every rule and library could be parsed
	broken   bool              // a library could not
	sources  map[string]string // by name in results
	texts    map[string]string // by path in the set
}

// Load reads, checks and compiles a policy set: the tree of a user, which may be
// nil, over the shipped pack. It reports every problem of every file it can
// find in one run; the set is nil when one of them is an error.
func Load(fsys fs.FS, o Options) (*Set, []Problem) {
	r := &report{sources: map[string]string{}}
	p := readPack(r, fsys, o)
	p.override(r, o)
	p.checkWindows(r)
	for _, ru := range p.rules {
		checkRule(r, p, ru, o)
	}
	for _, name := range slices.Sorted(maps.Keys(p.libs)) {
		checkLibrary(r, p, p.libs[name])
	}
	for _, t := range p.tests {
		t.check(r, p)
	}
	set := compile(r, p, o)
	if r.failed() {
		set = nil
	}
	return set, r.problems()
}

// readPack parses every file and reads the headers of rules.
func readPack(r *report, fsys fs.FS, o Options) *pack {
	f := readFiles(r, fsys, o)
	p := &pack{libs: map[string]*ast.Module{}, lists: map[string]any{}, complete: true, sources: map[string]string{}, texts: map[string]string{}}
	for _, list := range sorted(f[listFile]) {
		p.keep(list)
		v, err := strictjson.Parse([]byte(list.text), strictjson.Limits{Depth: 32})
		switch {
		case err != nil:
			r.errorf(place{file: list.name}, "", "the list cannot be read: %v", err)
		case v.Kind() != strictjson.Object:
			r.errorf(place{file: list.name}, `write {"value": {}, ...}, so that data.lists.`+list.base+`[x] finds it at once`, "a list must be an object keyed by value, not %s", v.Kind())
		default:
			p.lists[list.base] = v.Any()
		}
	}
	for _, lib := range sorted(f[libraryFile]) {
		p.keep(lib)
		if m := parseModule(r, lib, "lib", ""); m != nil {
			p.libs[lib.name] = m
		} else {
			p.complete, p.broken = false, true
		}
	}
	for _, src := range sorted(f[ruleFile]) {
		p.keep(src)
		m := parseModule(r, src, "signals", "")
		if m == nil {
			p.complete = false
			continue
		}
		p.rules = append(p.rules, newRule(r, src, m))
	}
	p.cases = f[casesOfRule]
	for _, kind := range []struct {
		group string
		files map[string]file
	}{{"signals", f[testOfRule]}, {"lib", f[testOfLibrary]}} {
		for _, src := range sorted(kind.files) {
			if m := parseModule(r, src, kind.group, "_test"); m != nil {
				p.tests = append(p.tests, &testFile{file: src, module: m, cases: f[casesOfRule][src.base]})
			}
		}
	}
	return p
}

// keep notes a text that decisions depend on.
func (p *pack) keep(f file) {
	p.sources[f.name] = f.text
	p.texts[f.path] = f.text
}

// parseModule parses a file and checks that its package is the one its name
// promises.
func parseModule(r *report, f file, group, suffix string) *ast.Module {
	m, err := ast.ParseModuleWithOpts(f.name, f.text, ast.ParserOptions{
		ProcessAnnotation: true, RegoVersion: ast.RegoV1, Capabilities: capabilities(),
	})
	if err != nil {
		parseProblems(r, f.name, err)
		return nil
	}
	if m == nil {
		r.errorf(place{file: f.name}, "", "the file is empty")
		return nil
	}
	want := ast.DefaultRootRef.Append(ast.StringTerm(group)).Append(ast.StringTerm(f.base + suffix))
	if !m.Package.Path.Equal(want) {
		r.errorf(at(m.Package.Location), "write package "+group+"."+f.base+suffix, "the package of this file must be %s.%s%s", group, f.base, suffix)
	}
	return m
}

// newRule reads the METADATA of a rule and sorts its bodies into documents.
func newRule(r *report, f file, m *ast.Module) *rule {
	ru := &rule{name: f.base, file: f.name, module: m, place: at(m.Package.Location)}
	blocks := map[int]*block{}
	for _, b := range blocksOf(r, f.name, m) {
		blocks[b.row] = b
	}
	for _, a := range m.Annotations {
		b := blocks[a.Location.Row]
		if b == nil {
			continue
		}
		delete(blocks, b.row)
		switch {
		case a.Scope != "package":
			b.fields(r, b.root, "METADATA of a body", "title", "description", "related_resources")
		case ru.header != nil:
			r.errorf(place{f.name, b.row, 1, 11}, "", "a second METADATA block above the package")
		default:
			ru.header = b
			ru.readHeader(r, b)
		}
	}
	for _, b := range blocks {
		r.errorf(place{f.name, b.row, 1, 11}, "put it right above the package or a body", "a METADATA block that belongs to nothing")
	}
	if ru.header == nil {
		r.errorf(ru.place, "it says what the rule is about (on) and what it reads (needs)", "no METADATA block above the package")
		ru.needs = unsaid // one complaint is enough
	}
	ru.input = inputOf(ru)
	ru.readDocuments(r)
	return ru
}

// readDocuments finds the bodies of the four documents.
func (ru *rule) readDocuments(r *report) {
	docs := map[string]*document{}
	for _, written := range ru.module.Rules {
		name := string(written.Head.Ref()[0].Value.(ast.Var))
		if !slices.Contains(documentNames, name) {
			continue
		}
		if docs[name] == nil {
			docs[name] = &document{name: name}
		}
		d := docs[name]
		b := &body{document: name, order: len(d.bodies), written: written}
		d.bodies = append(d.bodies, b)
		if len(written.Annotations) > 0 {
			b.title = written.Annotations[0].Title
		}
		ru.checkForm(r, d, b)
	}
	for _, name := range documentNames {
		if d := docs[name]; d != nil {
			ru.documents = append(ru.documents, d)
		}
	}
	if len(ru.documents) == 0 && !r.failedIn(ru.file) {
		r.warnf(ru.place, "define actions, facts, timers or notes", "the rule does nothing")
	}
}

// checkForm holds a body to the form of its document.
func (ru *rule) checkForm(r *report, d *document, b *body) {
	head, p := b.written.Head, at(b.written.Head.Location)
	form := map[string]string{
		actionsDoc: `actions contains {"type": ..., "reason": ...} if`,
		factsDoc:   `facts.<name> := {"value": ..., "ttl": "1d"} if`,
		timersDoc:  `timers contains {"name": ..., "after": "15m"} if`,
		notesDoc:   `notes contains $"..." if`,
	}[d.name]
	set := head.Key != nil && len(head.Ref()) == 1
	object := head.Value != nil && len(head.Ref()) == 2
	switch {
	case b.written.Default || b.written.Else != nil || len(head.Args) > 0,
		d.name == factsDoc && !object, d.name != factsDoc && !set:
		r.errorf(p, "write "+form, "%s must be defined body by body", d.name)
	case b.title == "" && (d.name == actionsDoc || d.name == factsDoc):
		r.errorf(p, "put a METADATA block with a title above it: it names the branch in decisions", "this body of %s has no title", d.name)
	case b.title != "" && slices.ContainsFunc(d.bodies[:b.order], func(o *body) bool { return o.title == b.title }):
		r.errorf(p, "", "two bodies of %s have the title %q", d.name, b.title)
	}
}

// checkWindows sees to it that a window's name is given once: the input
// document is shared by all rules of an event.
func (p *pack) checkWindows(r *report) {
	taken := map[string]string{}
	for _, ru := range p.rules {
		for _, w := range ru.windows {
			if other := taken[w.Name]; other != "" {
				r.errorf(ru.windowPlace, "give it another name", "rule %q has a window %q already", other, w.Name)
			}
			taken[w.Name] = ru.name
		}
	}
}

// override applies what the configuration says about single rules.
func (p *pack) override(r *report, o Options) {
	var known []string
	for _, ru := range p.rules {
		known = append(known, ru.name)
		ru.actionTypes = o.ActionTypes
	}
	for _, name := range slices.Sorted(maps.Keys(o.Rules)) {
		change := o.Rules[name]
		fail := func(detail, summary string) {
			r.list = append(r.list, Problem{Severity: Error, Summary: summary, Detail: detail, Rule: name})
		}
		i := slices.IndexFunc(p.rules, func(ru *rule) bool { return ru.name == name })
		switch {
		case i < 0 && p.complete:
			fail(didYouMean(name, known), "there is no rule "+quote(name))
			continue
		case i < 0:
			continue
		case change.Mode != "" && !slices.Contains(modes, string(change.Mode)):
			fail(didYouMean(string(change.Mode), modes), "unknown mode "+quote(string(change.Mode)))
			continue
		case p.rules[i].mode.Lower(change.Mode) != cmp.Or(change.Mode, p.rules[i].mode):
			fail("configuration can lower a mode; to raise it change mode in "+p.rules[i].file,
				"rule "+quote(name)+" is in mode "+string(p.rules[i].mode)+" and cannot be raised to "+string(change.Mode))
			continue
		}
		ru := p.rules[i]
		ru.mode = ru.mode.Lower(change.Mode)
		if change.Limit != nil {
			ru.limit = *change.Limit
		}
		ru.disabled = change.Disabled
	}
}
