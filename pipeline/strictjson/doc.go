// Package strictjson reads JSON that a stranger wrote.
//
// One pass checks the text and writes a flat tape of nodes; nothing else is
// built until somebody asks for it. What a lenient reader lets through and an
// attacker needs is refused on the way: duplicate member names (SET-30),
// invalid UTF-8, lone surrogates, trailing bytes, numbers no computer should
// be asked to write out, and anything over the given Limits (JWT-09).
//
// To write JSON use encoding/json. Builder and AppendString are for where text
// is put together in a buffer, as mappings and documents are: what a Builder
// makes is held to the same Limits and can be read as a Value at once.
//
// Values are immutable and safe for concurrent use; they keep the parsed bytes
// alive, which must not be modified afterwards.
package strictjson
