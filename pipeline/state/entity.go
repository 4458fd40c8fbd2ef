package state

import (
	"fmt"
	"slices"
)

// Bounds of what is kept in one entity.
const (
	maxKeys    = 16      // identifiers
	maxCut     = 16      // identifiers that were recycled away
	maxSources = 16      // issuers that state a risk
	maxDevices = 16      // devices of a user
	maxFlips   = 32      // times at which a device's compliance turned
	maxKey     = 1 << 10 // bytes of one identifier; longer ones are not remembered
	maxReason  = 256     // bytes of a reason
)

// entity is a user or a device as stored under its id. Parts that only the
// other role has stay empty and take no room.
type entity struct {
	keys    []string // identifiers, in the order learnt; the id is always among them
	email   string   // mail address for people, as an entity key
	emailAt int64    // when it was stated to be the present one, 0 if merely seen
	cut     []string // identifiers recycled away, never to be linked again (J-25)
	floor   int64    // the identifier was recycled then: what is older is about somebody else

	risks []standing // one per issuer, which is its by

	account standing     // users
	devices []usedDevice // users: devices named together with the user, newest last

	compliance    standing // devices
	flips         []int64  // devices: when compliance turned, oldest first
	sessionsEnded int64    // devices: all sessions on it ended then

	recent []entry // newest history, in the order it came
	older  bool    // there is more under the history key
}

// usedDevice is a device seen with a user.
type usedDevice struct {
	id   string
	last int64
}

// Parts of an encoded entity that may be missing.
const (
	hasEmail = 1 << iota
	hasCut
	hasRisks
	hasAccount
	hasDevices
	hasCompliance
	hasEnded
	hasOlder
)

func (x *entity) encode() []byte {
	var parts uint64
	for _, p := range []struct {
		there bool
		bit   uint64
	}{
		{x.email != "", hasEmail},
		{len(x.cut) > 0 || x.floor != 0, hasCut},
		{len(x.risks) > 0, hasRisks},
		{x.account.value != "", hasAccount},
		{len(x.devices) > 0, hasDevices},
		{x.compliance.value != "", hasCompliance},
		{x.sessionsEnded != 0, hasEnded},
		{x.older, hasOlder},
	} {
		if p.there {
			parts |= p.bit
		}
	}
	e := newEncoder()
	e.num(parts)
	e.num(uint64(len(x.keys)))
	for _, k := range x.keys {
		e.sym(k)
	}
	if parts&hasEmail != 0 {
		e.sym(x.email)
		e.time(x.emailAt)
	}
	if parts&hasCut != 0 {
		e.strs(x.cut)
		e.time(x.floor)
	}
	if parts&hasRisks != 0 {
		e.num(uint64(len(x.risks)))
		for i := range x.risks {
			e.standing(&x.risks[i])
		}
	}
	if parts&hasAccount != 0 {
		e.standing(&x.account)
	}
	if parts&hasDevices != 0 {
		e.num(uint64(len(x.devices)))
		for _, d := range x.devices {
			e.str(d.id)
			e.time(d.last)
		}
	}
	if parts&hasCompliance != 0 {
		e.standing(&x.compliance)
		e.num(uint64(len(x.flips)))
		for _, t := range x.flips {
			e.time(t)
		}
	}
	if parts&hasEnded != 0 {
		e.time(x.sessionsEnded)
	}
	e.entries(x.recent)
	return e.value()
}

func decodeEntity(value []byte) (*entity, error) {
	d, x := newDecoder(value), new(entity)
	parts := d.num()
	n := d.count()
	x.keys = make([]string, 0, n+1)
	for range n {
		x.keys = append(x.keys, d.sym())
	}
	if parts&hasEmail != 0 {
		x.email, x.emailAt = d.sym(), d.time()
	}
	if parts&hasCut != 0 {
		x.cut, x.floor = d.strs(), d.time()
	}
	if parts&hasRisks != 0 {
		n := d.count()
		x.risks = make([]standing, 0, n+1)
		for range n {
			x.risks = append(x.risks, d.standing())
		}
	}
	if parts&hasAccount != 0 {
		x.account = d.standing()
	}
	if parts&hasDevices != 0 {
		n := d.count()
		x.devices = make([]usedDevice, 0, n+1)
		for range n {
			x.devices = append(x.devices, usedDevice{d.str(), d.time()})
		}
	}
	if parts&hasCompliance != 0 {
		x.compliance = d.standing()
		for range d.count() {
			x.flips = append(x.flips, d.time())
		}
	}
	if parts&hasEnded != 0 {
		x.sessionsEnded = d.time()
	}
	x.recent = d.entries()
	x.older = parts&hasOlder != 0
	return x, d.end()
}

// risk returns the standing of one issuer, a new one if it never spoke. A new
// one is not yet part of the entity.
func (x *entity) risk(issuer string) *standing {
	for i := range x.risks {
		if x.risks[i].by == issuer {
			return &x.risks[i]
		}
	}
	return &standing{by: issuer}
}

// takeRisk makes an issuer's statement stand. Over the bound the issuer that
// has been silent longest is forgotten.
func (x *entity) takeRisk(level string, at int64, issuer, reason string) {
	s := x.risk(issuer)
	known := s.value != ""
	s.take(level, at, issuer, reason)
	if !known {
		x.risks = append(x.risks, *s)
	}
	x.boundRisks()
}

func (x *entity) boundRisks() {
	for len(x.risks) > maxSources {
		oldest := 0
		for i := range x.risks {
			if x.risks[i].asOf < x.risks[oldest].asOf {
				oldest = i
			}
		}
		x.risks = slices.Delete(x.risks, oldest, oldest+1)
	}
}

// levelRank orders risk levels; the highest of all sources is the entity's.
func levelRank(level string) int {
	switch level {
	case "high":
		return 3
	case "medium":
		return 2
	case "low":
		return 1
	}
	return 0
}

// highest is the risk that counts: the highest level, of equal ones the one
// that began last.
func (x *entity) highest() (s standing) {
	for i, r := range x.risks {
		a, b := levelRank(r.value), levelRank(s.value)
		if i == 0 || a > b || a == b && r.since > s.since {
			s = r
		}
	}
	return s
}

// takeCompliance makes a statement stand and remembers when the status turned.
func (x *entity) takeCompliance(status string, at int64, by, reason string) {
	if !x.compliance.late(at) && x.compliance.value != "" && x.compliance.value != status {
		x.flips = append(x.flips, at)
		if n := len(x.flips) - maxFlips; n > 0 {
			x.flips = slices.Delete(x.flips, 0, n)
		}
	}
	x.compliance.take(status, at, by, reason)
}

// uses remembers that the user was seen with the device.
func (x *entity) uses(device string, at int64) (changed bool) {
	for i := range x.devices {
		d := &x.devices[i]
		if d.id != device {
			continue
		}
		// The order only matters for who falls off first, so a use within the
		// hour is not worth a write.
		if at < d.last+3_600_000 {
			return false
		}
		used := usedDevice{device, at}
		x.devices = append(slices.Delete(x.devices, i, i+1), used)
		return true
	}
	x.devices = append(x.devices, usedDevice{device, at})
	x.boundDevices()
	return true
}

func (x *entity) boundDevices() {
	if n := len(x.devices) - maxDevices; n > 0 {
		x.devices = slices.Delete(x.devices, 0, n)
	}
}

// knows reports whether the identifier is one of the entity.
func (x *entity) knows(key string) bool { return slices.Contains(x.keys, key) }

// damaged names the key in an error about its value.
func damaged(key string, err error) error { return fmt.Errorf("state of %s: %w", key, err) }
