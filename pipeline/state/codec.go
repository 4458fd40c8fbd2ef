package state

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"unicode/utf8"
)

// version is the first byte of every stored value. A later format takes the
// next number and keeps reading this one.
const version = 1

// errDamaged means that stored bytes are not what an encoder wrote.
var errDamaged = errors.New("stored value is damaged")

// encoder appends the parts of a value. Strings that recur within one value,
// such as issuers, are written once and then referred to.
type encoder struct {
	b    []byte
	seen symbols
}

// encoders are those at rest.
var encoders = sync.Pool{New: func() any { return &encoder{b: make([]byte, 0, 1<<10)} }}

func newEncoder() *encoder {
	e := encoders.Get().(*encoder)
	e.b = append(e.b[:0], version)
	return e
}

// value ends the use of the encoder. It returns what was written in memory of
// its own and no more than that needs: the store keeps it.
func (e *encoder) value() []byte {
	v := bytes.Clone(e.b)
	if cap(e.b) <= 64<<10 {
		e.seen = symbols{}
		encoders.Put(e)
	}
	return v
}

// symbols are the strings seen so far. Most values have so few that nothing is
// allocated for them.
type symbols struct {
	first [16]string
	more  []string
	n     int
}

func (s *symbols) add(v string) {
	if s.n < len(s.first) {
		s.first[s.n] = v
	} else {
		s.more = append(s.more, v)
	}
	s.n++
}

func (s *symbols) at(i int) string {
	if i < len(s.first) {
		return s.first[i]
	}
	return s.more[i-len(s.first)]
}

// find returns the place of a string, -1 if it was not seen.
func (s *symbols) find(v string) int {
	for i := range min(s.n, len(s.first)) {
		if s.first[i] == v {
			return i
		}
	}
	if i := slices.Index(s.more, v); i >= 0 {
		return i + len(s.first)
	}
	return -1
}

func (e *encoder) num(u uint64)  { e.b = binary.AppendUvarint(e.b, u) }
func (e *encoder) time(ms int64) { e.b = binary.AppendVarint(e.b, ms) }

func (e *encoder) str(s string) {
	e.num(uint64(len(s)))
	e.b = append(e.b, s...)
}

// sym writes a string that is likely to recur.
func (e *encoder) sym(s string) {
	if i := e.seen.find(s); i >= 0 {
		e.num(uint64(i)<<1 | 1)
		return
	}
	e.seen.add(s)
	e.num(uint64(len(s)) << 1)
	e.b = append(e.b, s...)
}

func (e *encoder) strs(list []string) {
	e.num(uint64(len(list)))
	for _, s := range list {
		e.str(s)
	}
}

// decoder reads what an encoder wrote. The first mistake sticks in err; all
// reads after it give zero values. Strings are parts of the one it reads, so
// they stay valid when the store's bytes do not.
type decoder struct {
	s    string
	seen symbols
	err  error
}

func newDecoder(value []byte) decoder {
	d := decoder{s: string(value)}
	if v := d.byte(); d.err == nil && v != version {
		d.err = fmt.Errorf("stored value has unknown version %d", v)
	}
	return d
}

func (d *decoder) fail() {
	if d.err == nil {
		d.err = errDamaged
	}
	d.s = ""
}

// end reports the first mistake, left-over bytes included.
func (d *decoder) end() error {
	if d.err == nil && d.s != "" {
		d.fail()
	}
	return d.err
}

func (d *decoder) byte() byte {
	if d.s == "" {
		d.fail()
		return 0
	}
	c := d.s[0]
	d.s = d.s[1:]
	return c
}

func (d *decoder) num() uint64 {
	var u uint64
	for i := 0; i < len(d.s) && i < binary.MaxVarintLen64; i++ {
		c := d.s[i]
		u |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			d.s = d.s[i+1:]
			return u
		}
	}
	d.fail()
	return 0
}

func (d *decoder) time() int64 {
	u := d.num()
	return int64(u>>1) ^ -int64(u&1)
}

func (d *decoder) take(n uint64) string {
	if n > uint64(len(d.s)) {
		d.fail()
		return ""
	}
	s := d.s[:n]
	d.s = d.s[n:]
	return s
}

func (d *decoder) str() string { return d.take(d.num()) }

func (d *decoder) sym() string {
	u := d.num()
	if u&1 == 1 {
		if u>>1 >= uint64(d.seen.n) {
			d.fail()
			return ""
		}
		return d.seen.at(int(u >> 1))
	}
	s := d.take(u >> 1)
	d.seen.add(s)
	return s
}

// count reads the length of a list whose elements take at least one byte each,
// so that damaged bytes cannot ask for more memory than they are long.
func (d *decoder) count() int {
	n := d.num()
	if n > uint64(len(d.s)) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) strs() []string {
	n := d.count()
	if n == 0 {
		return nil
	}
	list := make([]string, 0, n)
	for range n {
		list = append(list, d.str())
	}
	return list
}

// pack makes one string of several, so that a list that is rarely looked into
// costs no more than one.
func pack(list ...string) string {
	var b []byte
	for _, s := range list {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return string(b)
}

// unpack yields what pack was given, up to the first damage.
func unpack(packed string) iter.Seq[string] {
	return func(yield func(string) bool) {
		d := decoder{s: packed}
		for d.s != "" {
			if s := d.str(); d.err != nil || !yield(s) {
				return
			}
		}
	}
}

// clip bounds a stranger's text to n bytes without cutting a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
