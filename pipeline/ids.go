package pipeline

import (
	"crypto/sha256"
	"encoding/base32"
	"strconv"
)

// Every id of the product is derived here, from what it stands for and nothing
// else: handling the same input again gives the same ids, so a repeat can be
// recognized anywhere. The policy revision is not part of an id, so a reload
// between two tries cannot make a second action.

// idEncoding gives 26 characters for the 16 bytes of a truncated hash.
var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// hash is the truncated SHA-256 of the parts, each ended by its length so that
// no two lists of parts collide.
func hash(parts ...string) string {
	b := make([]byte, 0, 256)
	for _, p := range parts {
		b = append(append(b, p...), 0)
		b = append(strconv.AppendInt(b, int64(len(p)), 10), 0)
	}
	sum := sha256.Sum256(b)
	return idEncoding.EncodeToString(sum[:16])
}

// SETInputID is the input id of a Security Event Token (SET-27).
func SETInputID(issuer, jti string) string { return "i-" + hash("set", issuer, jti) }

// recordInputID is the input id of a record without a token id: the position
// where the channel has a stable one, else a digest of the bytes.
func recordInputID(source, positionOrDigest string) string {
	return "i-" + hash("record", source, positionOrDigest)
}

// EventID is the id of the index-th event of an input.
func EventID(inputID string, index int) string {
	return "e-" + hash("event", inputID, strconv.Itoa(index))
}

// DecisionID is the id of the decision about an event. A shadow lane adds its
// name.
func DecisionID(eventID, lane string) string {
	id := "d-" + tail(eventID)
	if lane != "" {
		id += "-" + lane
	}
	return id
}

// ActionID is the id of an action a rule asked for.
func ActionID(eventID, rule, actionType, subjectKey, key, lane string) string {
	id := "a-" + hash("action", eventID, rule, actionType, subjectKey, key)
	if lane != "" {
		id += "-" + lane
	}
	return id
}

// TokenID is the jti of the SET by which an action reaches a stream or sink.
func TokenID(actionID, sink string) string { return hash("jti", actionID, sink) }

// StreamActionID is the id of what the product states to a stream about that
// stream; nonce tells equal statements apart.
func StreamActionID(queue, event, nonce string) string {
	return "a-" + hash("stream", queue, event, nonce)
}

func tail(id string) string {
	if len(id) > 2 && id[1] == '-' {
		return id[2:]
	}
	return id
}
