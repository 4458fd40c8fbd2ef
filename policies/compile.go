package policies

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/version"
)

// compile turns a checked pack into a set. Compiling goes on after errors of
// the checks, so that their findings and the compiler's come in one run.
func compile(r *report, p *pack, o Options) *Set {
	if p.broken {
		return nil // every rule that uses it would be reported
	}
	c := newCompiler(p)
	c.Compile(p.modules(p.rules...))
	if c.Failed() {
		compileProblems(r, p, c.Errors)
		// One stage of the compiler hides the findings of the next, and one rule
		// those of another: look at each rule alone as well.
		for _, ru := range p.rules {
			alone := newCompiler(p)
			if alone.Compile(p.modules(ru)); alone.Failed() {
				compileProblems(r, p, alone.Errors)
			}
		}
		return nil
	}
	for _, ru := range p.rules {
		checkShapes(r, c, ru)
	}
	s := &Set{rules: map[string]*rule{}, order: p.rules, compiler: c, options: o, sources: p.sources, revision: p.revision()}
	if err := s.prepare(p); err != nil {
		r.errorf(place{}, "", "the policies cannot be prepared: %v", err)
		return nil
	}
	for _, ru := range p.rules {
		ru.warnUnindexed(r)
	}
	return s
}

// newCompiler makes a compiler that knows each rule's own input.
func newCompiler(p *pack) *ast.Compiler {
	schemas := ast.NewSchemaSet()
	for _, ru := range p.rules {
		schemas.Put(schemaOf(ru), ru.input.schema())
	}
	return ast.NewCompiler().WithCapabilities(capabilities()).WithSchemas(schemas).
		WithUseTypeCheckAnnotations(true).WithStrict(true).SetErrorLimit(0)
}

func schemaOf(ru *rule) ast.Ref { return ast.MustParseRef("schema.rules." + ru.name) }

// modules are the modules to compile for the given rules: the libraries, and
// the rules as written with each body of a document once more as a rule of its
// own, under a name that no author can write.
func (p *pack) modules(rules ...*rule) map[string]*ast.Module {
	mods := maps.Clone(p.libs)
	for _, ru := range rules {
		m := ru.module.Copy()
		for _, a := range m.Annotations {
			if a.Scope == "package" {
				a.Schemas = []*ast.SchemaAnnotation{{Path: ast.InputRootRef, Schema: schemaOf(ru)}}
			}
		}
		for _, d := range ru.documents {
			for _, b := range d.bodies {
				hidden := b.written.Copy()
				hidden.Annotations, hidden.Module = nil, m
				name := d.name + "#" + strconv.Itoa(b.order)
				hidden.Head.Name = ast.Var(name)
				hidden.Head.Reference = append(ast.Ref{ast.VarTerm(name)}, hidden.Head.Reference[1:]...)
				b.hidden = ru.module.Package.Path.Append(ast.StringTerm(name))
				m.Rules = append(m.Rules, hidden)
			}
		}
		mods[ru.file] = m
	}
	return mods
}

// compileProblems reports what the compiler found. Steps into the input that
// lead nowhere get the words our own check uses.
func compileProblems(r *report, p *pack, list ast.Errors) {
	for _, e := range list {
		detail, ok := e.Details.(*ast.RefErrInvalidDetail)
		if !ok || e.Location == nil {
			parseProblems(r, "", ast.Errors{e})
			continue
		}
		where := e.Location
		if step := detail.Ref[detail.Pos]; step.Location != nil && step.Location.Row > 0 {
			where = step.Location
		}
		if r.has(where) {
			continue
		}
		i := slices.IndexFunc(p.rules, func(ru *rule) bool { return ru.file == e.Location.File })
		if name, isName := detail.Ref[detail.Pos].Value.(ast.String); isName && i >= 0 && detail.Ref.HasPrefix(ast.InputRootRef) {
			before := r.size()
			c := &checker{r: r, pack: p, rule: p.rules[i]}
			c.walk(p.rules[i].input, contract, detail.Ref)
			if r.size() > before {
				continue
			}
			r.errorf(at(where), "", "there is no %s.%s", detail.Ref[:detail.Pos], string(name))
			continue
		}
		var known []string
		for _, v := range detail.OneOf {
			if s, ok := v.(ast.String); ok {
				known = append(known, string(s))
			}
		}
		last := strings.Trim(detail.Ref[detail.Pos].String(), `"`)
		r.errorf(at(where), didYouMean(last, known), "%s", e.Message)
	}
}

// size is the number of problems so far.
func (r *report) size() int { return len(r.list) }

// has reports whether an error was found at the place already.
func (r *report) has(l *ast.Location) bool {
	return slices.ContainsFunc(r.list, func(p Problem) bool {
		return p.Severity == Error && p.File == l.File && p.Line == l.Row && p.Column == l.Col
	})
}

// prepare makes everything that evaluation shares: the store, the queries, the
// look-up tables of the gate and of Select.
func (s *Set) prepare(p *pack) error {
	ctx := context.Background()
	s.store = inmem.NewFromObjectWithOpts(map[string]any{"lists": p.lists}, inmem.OptReturnASTValuesOnRead(true), inmem.OptRoundTripOnWrite(false))
	txn, err := s.store.NewTransaction(ctx)
	if err != nil {
		return err
	}
	s.txn = txn
	for _, ru := range p.rules {
		s.rules[ru.name] = ru
		for _, d := range ru.documents {
			for _, b := range d.bodies {
				b.query, err = rego.New(rego.Compiler(s.compiler), rego.Store(s.store), rego.Transaction(s.txn),
					rego.ParsedQuery(ast.NewBody(ast.NewExpr(ast.NewTerm(b.hidden)))),
					rego.StrictBuiltinErrors(true), rego.GenerateJSON(keepValue)).PrepareForEval(ctx)
				if err != nil {
					return fmt.Errorf("%s of rule %s: %w", b.document, ru.name, err)
				}
			}
			d.findIndex(s.compiler, ru.module.Package.Path)
		}
	}
	s.index = newIndex(p.rules)
	return nil
}

// keepValue hands a result over as the evaluator has it.
func keepValue(t *ast.Term, _ *rego.EvalContext) (any, error) { return t.Value, nil }

// revision is a digest over everything a decision depends on.
func (p *pack) revision() string {
	h := sha256.New()
	part := func(s string) { fmt.Fprintf(h, "%d:%s", len(s), s) }
	part(version.Version)
	for _, path := range slices.Sorted(maps.Keys(p.texts)) {
		part(path)
		part(p.texts[path])
	}
	// Neither of these can fail: both are made of strings, numbers and maps.
	for _, v := range []any{capabilities(), contract.schema()} {
		text, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		part(string(text))
	}
	for _, ru := range p.rules {
		part(fmt.Sprint(ru.name, ru.mode, ru.limit, ru.disabled))
	}
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil)[:16]))
}
