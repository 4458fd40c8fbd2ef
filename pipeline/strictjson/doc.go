// Package strictjson reads JSON that a stranger wrote.
//
// One pass checks the text and writes a flat tape of nodes; nothing else is
// built until somebody asks for it. What a lenient reader lets through and an
// attacker needs is refused on the way: duplicate member names (SET-30),
// invalid UTF-8, lone surrogates, trailing bytes, numbers no computer should
// be asked to write out, and anything over the given Limits (JWT-09).
//
// It is for reading only. To write JSON use encoding/json, or the append
// helpers of this package where a caller builds text in a buffer.
//
// Values are immutable and safe for concurrent use; they keep the parsed bytes
// alive, which must not be modified afterwards.
package strictjson
