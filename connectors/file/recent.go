package file

// recent is a set of the keys added last. The zero value is empty.
type recent struct {
	keys map[string]bool
	ring []string
	next int
}

const maxRecent = 8192

func (r *recent) has(key string) bool { return r.keys[key] }

func (r *recent) add(key string) {
	if r.keys[key] {
		return
	}
	if r.keys == nil {
		r.keys = make(map[string]bool)
	}
	if len(r.ring) < maxRecent {
		r.ring = append(r.ring, key)
	} else {
		delete(r.keys, r.ring[r.next])
		r.ring[r.next] = key
		r.next = (r.next + 1) % maxRecent
	}
	r.keys[key] = true
}
