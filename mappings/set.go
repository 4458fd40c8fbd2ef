package mappings

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// shipped are the mappings that come with the program.
//
//go:embed *.hcl
var shipped embed.FS

// maxFiles bounds the mappings of a folder.
const maxFiles = 1000

// Set is the mappings of a product. It is immutable and safe for concurrent use.
type Set struct {
	byName   map[string]*Mapping
	sources  map[string][]byte // by file, for diagnostics
	revision string
}

// Options says what a set is made of.
type Options struct {
	Own  fs.FS  // folder of own mappings, nil: none
	Root string // its name in diagnostics
	Bare bool   // without the shipped ones
}

// Load compiles the shipped mappings and those of a folder; one of a name that
// is shipped replaces it. Diagnostics of files that cannot be compiled come with
// the set of those that can.
func Load(o Options) (*Set, hcl.Diagnostics) {
	s := &Set{byName: map[string]*Mapping{}, sources: map[string][]byte{}}
	var diags hcl.Diagnostics
	if !o.Bare {
		diags = append(diags, s.read(shipped, "shipped", true)...)
	}
	if o.Own != nil {
		diags = append(diags, s.read(o.Own, o.Root, false)...)
	}
	h := sha256.New()
	for _, name := range s.Names() {
		m := s.byName[name]
		fmt.Fprintf(h, "%s\x00%d\x00", name, len(s.sources[m.File]))
		h.Write(s.sources[m.File])
	}
	s.revision = hex.EncodeToString(h.Sum(nil)[:8])
	return s, diags
}

func (s *Set) read(dir fs.FS, root string, comes bool) hcl.Diagnostics {
	fail := func(name, format string, args ...any) hcl.Diagnostics {
		return hcl.Diagnostics{{
			Severity: hcl.DiagError, Summary: "cannot read mappings", Detail: fmt.Sprintf(format, args...), Subject: &hcl.Range{Filename: name},
		}}
	}
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return fail(root, "The folder %s is not there; make it, or correct mappings { dir = … }.", root)
		}
		return fail(root, "%v.", err)
	}
	var diags hcl.Diagnostics
	n := 0
	for _, e := range entries {
		if e.IsDir() || path.Ext(e.Name()) != ".hcl" || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if n++; n > maxFiles {
			return append(diags, fail(root, "More than %d mappings.", maxFiles)...)
		}
		file := path.Join(root, e.Name())
		src, err := fs.ReadFile(dir, e.Name())
		if err != nil {
			diags = append(diags, fail(file, "%v.", err)...)
			continue
		}
		s.sources[file] = src
		m, found := Parse(file, src)
		diags = append(diags, found...)
		if m != nil {
			m.Shipped = comes
			s.byName[m.Name] = m
		}
	}
	return diags
}

// Names lists the mappings, sorted.
func (s *Set) Names() []string { return slices.Sorted(maps.Keys(s.byName)) }

// Get is the mapping of a name.
func (s *Set) Get(name string) (*Mapping, bool) {
	m, ok := s.byName[name]
	return m, ok
}

// Normalizer is the mapping of a name, for the line.
func (s *Set) Normalizer(name string) (pipeline.Normalizer, bool) {
	m, ok := s.byName[name]
	return m, ok
}

// Revision is a digest of all texts.
func (s *Set) Revision() string { return s.revision }

// Source is the text of a file of the set, for showing a problem in it.
func (s *Set) Source(file string) []byte { return s.sources[file] }
