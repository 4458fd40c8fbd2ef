package state

import "time"

// Needs is a set of state branches, each a name of the rule contract such as
// "user.sessions" or "history.user".
type Needs uint32

// The branches of state a rule may ask for. A needed branch is always in the
// input when the event names the entity, empty when nothing is known; one not
// needed is never there.
const (
	NeedUserAccount   Needs = 1 << iota // user.account
	NeedUserSessions                    // user.sessions
	NeedUserRisk                        // user.risk
	NeedUserDevices                     // user.devices
	NeedDevice                          // device.compliance
	NeedDeviceRisk                      // device.risk
	NeedSession                         // session
	NeedHistoryUser                     // history.user, given as input.user.history
	NeedHistoryDevice                   // history.device, given as input.device.history
	NeedFactsUser                       // facts.user, given as input.user.facts
	NeedFactsDevice                     // facts.device, given as input.device.facts
)

// NeedNames maps the names of the contract to branches. It is read only.
var NeedNames = map[string]Needs{
	"user.account":      NeedUserAccount,
	"user.sessions":     NeedUserSessions,
	"user.risk":         NeedUserRisk,
	"user.devices":      NeedUserDevices,
	"device.compliance": NeedDevice,
	"device.risk":       NeedDeviceRisk,
	"session":           NeedSession,
	"history.user":      NeedHistoryUser,
	"history.device":    NeedHistoryDevice,
	"facts.user":        NeedFactsUser,
	"facts.device":      NeedFactsDevice,
}

// Has reports whether all of the branches are in the set.
func (n Needs) Has(b Needs) bool { return n&b == b }

// any reports whether at least one of the branches is in the set.
func (n Needs) any(b Needs) bool { return n&b != 0 }

// Window is a count over time that a rule declares. Events selected by the
// rule's on list are counted per key value.
type Window struct {
	Rule  string
	Name  string        // given to the rule as input.window.<name>
	Key   string        // path of the value to count by: event.body.ip_address, subject, event.issuer
	Over  time.Duration // length; 1s to 31 days
	Count string        // "events" or "distinct"
	Of    string        // with distinct: path of the values told apart
}

// Fact is something a rule wants remembered of the event's user or device.
type Fact struct {
	Rule  string        `json:"rule"`
	Name  string        `json:"name"`
	Of    string        `json:"of"`    // user or device
	Value any           `json:"value"` // anything encoding/json writes; bounded in size
	TTL   time.Duration `json:"ttl"`
}
