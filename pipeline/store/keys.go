package store

import (
	"encoding/binary"
	"errors"
	"math"
	"time"
)

// The key space of Embedded: the first byte says what a key is about. Numbers
// are big endian, so that keys sort by them.
const (
	cursorPrefix  = 'c' // name -> sequence
	statePrefix   = 'd' // key -> value
	idPrefix      = 'i' // block of sequences, id, 0, sequence -> nothing
	journalPrefix = 'j' // sequence -> time, total, data
	metaPrefix    = 'm' // format -> number
	payloadPrefix = 'p' // order -> payload of an item
	queuePrefix   = 'q' // order -> the rest of the item
	seenPrefix    = 's' // generation, markID -> digest, sequence, time
	timerPrefix   = 't' // id -> due, data
)

// format is the number of this layout. A change that older code would misread
// raises it and brings a migration from the number before.
const format = 1

var formatKey = []byte{metaPrefix, 'f', 'o', 'r', 'm', 'a', 't'}

var errDamaged = errors.New("stored value is damaged")

func stringKey(b []byte, prefix byte, s string) []byte { return append(append(b, prefix), s...) }

func numberKey(b []byte, prefix byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64(append(b, prefix), n)
}

// number reads the n of a numberKey.
func number(key []byte) uint64 { return binary.BigEndian.Uint64(key[1:]) }

func seenKey(b []byte, generation uint32, id markID) []byte {
	return append(binary.BigEndian.AppendUint32(append(b, seenPrefix), generation), id[:]...)
}

// idBlock is how many bits of a sequence its block leaves out. The ids of a
// block of records are next to each other, so that they are dropped by one
// range delete once all its records are, and Locate seeks once per block.
const idBlock = 20

// idKeyPrefix starts the keys of an id in a block. No other id has a key with
// that start and the same length.
func idKeyPrefix(b []byte, block uint64, id string) []byte {
	return append(append(numberKey(b, idPrefix, block), id...), 0)
}

// Times are stored as nanoseconds of Unix time; the zero time has a number of
// its own.

func appendTime(b []byte, t time.Time) []byte {
	n := int64(math.MinInt64)
	if !t.IsZero() {
		n = t.UnixNano()
	}
	return binary.BigEndian.AppendUint64(b, uint64(n))
}

func readTime(b []byte) time.Time {
	n := int64(binary.BigEndian.Uint64(b))
	if n == math.MinInt64 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

const markSize = 32

func appendMark(b []byte, m Mark) []byte {
	b = append(b, m.Digest[:]...)
	b = binary.BigEndian.AppendUint64(b, m.Seq)
	return appendTime(b, m.At)
}

func readMark(b []byte) (m Mark, err error) {
	if len(b) != markSize {
		return m, errDamaged
	}
	copy(m.Digest[:], b)
	m.Seq = binary.BigEndian.Uint64(b[16:])
	m.At = readTime(b[24:])
	return m, nil
}

func appendTimer(b []byte, t Timer) []byte { return append(appendTime(b, t.Due), t.Data...) }

func readTimer(id string, b []byte) (Timer, error) {
	if len(b) < 8 {
		return Timer{}, errDamaged
	}
	return Timer{ID: id, Due: readTime(b), Data: append([]byte(nil), b[8:]...)}, nil
}

// appendItem writes everything of an item but its payload.
func appendItem(b []byte, it Item) []byte {
	b = appendTime(b, it.NotBefore)
	b = appendTime(b, it.Enqueued)
	b = binary.AppendUvarint(b, uint64(max(0, it.Attempt)))
	for _, s := range []string{it.Queue, it.ID, it.Key} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return b
}

func readItem(b []byte) (it Item, err error) {
	if len(b) < 16 {
		return it, errDamaged
	}
	it.NotBefore, it.Enqueued = readTime(b), readTime(b[8:])
	b = b[16:]
	attempt, n := binary.Uvarint(b)
	if n <= 0 || attempt > math.MaxInt32 {
		return it, errDamaged
	}
	it.Attempt, b = int(attempt), b[n:]
	for _, s := range []*string{&it.Queue, &it.ID, &it.Key} {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return it, errDamaged
		}
		*s, b = string(b[n:n+int(size)]), b[n+int(size):]
	}
	return it, nil
}
