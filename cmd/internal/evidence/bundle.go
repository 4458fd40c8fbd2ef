// Package evidence writes what the product knows of a case into one file that
// an outsider can check without the product, and checks it.
//
// A bundle is a gzipped tar: documents, original tokens received and sent, the
// inputs decisions were made on, the public keys the tokens were verified with,
// the rules, and a manifest with the SHA-256 of every file, signed by the
// product's key. It collects nothing itself and knows no index and no journal.
//
// It holds no secret of the product. It does hold what the tokens and documents
// say of people: it is as confidential as they are.
package evidence

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
)

// Bounds of a bundle.
const (
	MaxDocuments = 20_000
	MaxBytes     = 64 << 20 // all files together
	maxFiles     = 2000
	maxManifest  = 4 << 20
)

// tokenType is the typ of the manifest's signature, so that no other token of
// the product can stand for one.
const tokenType = "signalbox-evidence+jws"

const format = 1

// The files of every bundle. Rules are in policies/.
const (
	manifestFile  = "manifest.json"
	signatureFile = "manifest.jws"
	documentsFile = "documents.ndjson"
	tokensFile    = "tokens.ndjson"
	decisionsFile = "decisions.ndjson"
	keysFile      = "keys.json"
	readmeFile    = "README.txt"
)

// names are the names a bundle's files may have.
var names = regexp.MustCompile(`^(manifest\.json|manifest\.jws|documents\.ndjson|tokens\.ndjson|decisions\.ndjson|keys\.json|README\.txt|policies/[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}/[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99})$`)

// Manifest says what is in a bundle and how it came to be.
type Manifest struct {
	Format    int       `json:"format"`
	Made      time.Time `json:"made"`
	By        string    `json:"by"`
	Comment   string    `json:"comment,omitempty"`
	Version   string    `json:"version"` // of the product
	Node      string    `json:"node,omitempty"`
	Asked     Asked     `json:"asked"`
	Documents int       `json:"documents"`
	Tokens    int       `json:"tokens"`
	Decisions int       `json:"decisions"`
	// LeftOut says what was left out on request.
	LeftOut []string `json:"left_out,omitempty"`
	// Gaps are journal records that are kept no more, by sequence.
	Gaps []uint64 `json:"gaps,omitempty"`
	// Partial says why documents may be missing, "" when none are.
	Partial string `json:"partial,omitempty"`
	Policy  Policy `json:"policy"`
	Files   []File `json:"files"`
}

// Asked is what the bundle is about.
type Asked struct {
	Kind  string    `json:"kind"` // user, device, session, chain or query
	Value string    `json:"value"`
	From  time.Time `json:"from,omitzero"`
	To    time.Time `json:"to,omitzero"`
}

// Policy is the rules in use when the bundle was made, and those that decided.
type Policy struct {
	Revision string         `json:"revision"`
	Decided  map[string]int `json:"decided_by"` // decisions by revision
}

// File is one file of a bundle.
type File struct {
	Name   string `json:"name"`
	Size   int    `json:"size"`
	SHA256 string `json:"sha256"`
}

// Token is a message as received, or a token as sent.
type Token struct {
	Seq       uint64           `json:"seq"` // journal record
	Direction string           `json:"direction"`
	ID        string           `json:"id,omitempty"` // input id, or action id
	Verdict   pipeline.Verdict `json:"verdict,omitempty"`
	Assurance string           `json:"assurance,omitempty"`
	Issuer    string           `json:"issuer,omitempty"`
	JTI       string           `json:"jti,omitempty"`
	Received  time.Time        `json:"received,omitzero"`
	SHA256    string           `json:"sha256"` // of the whole message
	Text      string           `json:"text,omitempty"`
	Bytes     []byte           `json:"bytes,omitempty"` // instead of Text, when that is no UTF-8
}

// The directions of a Token.
const (
	Received = "received"
	Sent     = "sent"
)

// SentToken is the compact token by which an action left.
func SentToken(seq uint64, action, jti, text string) Token {
	sum := sha256.Sum256([]byte(text))
	return Token{Seq: seq, Direction: Sent, ID: action, JTI: jti, SHA256: hex.EncodeToString(sum[:]), Text: text}
}

func (t *Token) raw() []byte {
	if t.Bytes != nil {
		return t.Bytes
	}
	return []byte(t.Text)
}

// Decision is a decision with the input it was made on.
type Decision struct {
	Seq   uint64 `json:"seq"`
	Event string `json:"event"`
	pipeline.DecisionPart
}

// Keys are public keys.
type Keys struct {
	// Issuers are the keys that tokens of an issuer were verified with.
	Issuers map[string][]pipeline.VerifiedKey `json:"issuers"`
	Own     json.RawMessage                   `json:"own"` // the product's own, as a JWK Set
}

// Content is what a bundle is made of.
type Content struct {
	Documents []json.RawMessage
	Tokens    []Token
	Decisions []Decision
	Keys      Keys
	Rules     map[string]string // by folder and file
}

// Write makes a bundle. It fills in what the manifest counts and lists.
func Write(w io.Writer, m *Manifest, c *Content, signer *jose.Signer) error {
	m.Format, m.Documents, m.Tokens, m.Decisions = format, len(c.Documents), len(c.Tokens), len(c.Decisions)
	m.Policy.Decided = map[string]int{}
	for _, d := range c.Decisions {
		m.Policy.Decided[d.Revision]++
	}
	files := map[string][]byte{readmeFile: []byte(readme)}
	var err error
	if files[documentsFile], err = lines(c.Documents); err != nil {
		return err
	}
	if files[tokensFile], err = lines(c.Tokens); err != nil {
		return err
	}
	if files[decisionsFile], err = lines(c.Decisions); err != nil {
		return err
	}
	if files[keysFile], err = json.MarshalIndent(c.Keys, "", "  "); err != nil {
		return err
	}
	for name, text := range c.Rules {
		files["policies/"+name] = []byte(text)
	}
	m.Files = nil
	total := 0
	for name, text := range files {
		if !names.MatchString(name) {
			return fmt.Errorf("write evidence: %q cannot be the name of a file in it", name)
		}
		sum := sha256.Sum256(text)
		m.Files = append(m.Files, File{name, len(text), hex.EncodeToString(sum[:])})
		total += len(text)
	}
	if total > MaxBytes || len(files) > maxFiles-2 {
		return fmt.Errorf("write evidence: %s in %d files is more than a bundle holds (%s): choose a shorter time, or leave originals out", pipeline.Bytes(int64(total)), len(files), pipeline.Bytes(MaxBytes))
	}
	slices.SortFunc(m.Files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	if files[manifestFile], err = json.MarshalIndent(m, "", "  "); err != nil {
		return err
	}
	if files[signatureFile], err = signer.As(tokenType, "").Sign(files[manifestFile]); err != nil {
		return fmt.Errorf("write evidence: %w", err)
	}
	return pack(w, files, m.Made)
}

// lines writes one JSON value a line.
func lines[T any](list []T) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for i := range list {
		if err := enc.Encode(list[i]); err != nil {
			return nil, fmt.Errorf("write evidence: %w", err)
		}
	}
	return b.Bytes(), nil
}

// pack writes the files, those to read first in front.
func pack(w io.Writer, files map[string][]byte, made time.Time) error {
	var order []string
	for name := range files {
		order = append(order, name)
	}
	first := []string{readmeFile, manifestFile, signatureFile}
	slices.SortFunc(order, func(a, b string) int {
		x, y := slices.Index(first, a), slices.Index(first, b)
		if x < 0 {
			x = len(first)
		}
		if y < 0 {
			y = len(first)
		}
		return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
	})
	z := gzip.NewWriter(w)
	t := tar.NewWriter(z)
	for _, name := range order {
		if err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(files[name])), ModTime: made.Truncate(time.Second), Format: tar.FormatUSTAR}); err != nil {
			return fmt.Errorf("write evidence: %w", err)
		}
		if _, err := t.Write(files[name]); err != nil {
			return fmt.Errorf("write evidence: %w", err)
		}
	}
	if err := t.Close(); err != nil {
		return fmt.Errorf("write evidence: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("write evidence: %w", err)
	}
	return nil
}

const readme = `This is evidence exported by signalbox. Check it, offline, with

  signalbox export verify FILE

manifest.json     what was asked for, by whom, when, and the SHA-256 of every file
manifest.jws      the same, signed by the key of the product (compact JWS)
documents.ndjson  what the product recorded, one document a line, the oldest first
tokens.ndjson     messages as received and tokens as sent
decisions.ndjson  decisions, with the input they were made on
keys.json         public keys: those received tokens were verified with, and when
                  each was first seen; and the product's own
policies/         the rules in use when this was exported

What a check proves and what it cannot prove, it says itself.
`
