package kind

import "context"

// Installer is the configuration of an index on a server where something must
// be set up before the first document.
type Installer interface {
	// Installation makes what sets it up. It connects to nothing yet.
	Installation(env Env) (Installation, error)
}

// Installation is what an index needs on its server. Its methods may be called
// again and again; the errors say what to do.
type Installation interface {
	// Compare says how every part stands. It changes nothing.
	Compare(ctx context.Context) ([]Part, error)

	// Install puts what is missing or differs, in an order in which each part
	// finds what it needs, and says how every part stood before. What is newer,
	// or belongs to somebody else, is left. After an error the parts before it
	// are in place.
	Install(ctx context.Context) ([]Part, error)

	// Status says more of the server than Compare: lines for people.
	Status(ctx context.Context) ([]string, error)
}

// Part is one thing that is set up.
type Part struct {
	Name    string   `json:"name"`              // such as "component template ssf@settings"
	State   State    `json:"state"`             //
	Changes []string `json:"changes,omitempty"` // what differs, a line each
	Note    string   `json:"note,omitempty"`    // why it is as it is
}

// State is how a part stands.
type State string

// The states.
const (
	Same    State = "same"
	Missing State = "missing"
	Differs State = "differs"
	Newer   State = "newer"   // set up by a later version of the product
	Foreign State = "foreign" // somebody else's under this name, which stands instead
	Lacking State = "lacking" // the server does not know such things
)
