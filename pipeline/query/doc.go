// Package query is the language in which documents are searched: parse, check
// against the schema of package document, canonical tree. It executes nothing;
// searchers translate the tree, and pipelinetest.TestSearcher holds them to the
// meaning given here.
//
//	event.action:session-revoked AND user.email:*@example.com
//	event.severity:>=73 NOT tags:shadow @timestamp:>now-1h
//	(impossible OR "atypical travel") set.iss:"https://idp.example.com"
//
// # Terms
//
//	field:value        the field has the value
//	field:val*e?       * is any run of characters, ? is any one character
//	field:"a value"    quotes make everything plain; a backslash does for one character
//	field:>=73         also > < <=; for dates and numbers
//	field:[a TO b]     with { or } the bound is left out, * is no bound
//	field:*            the field is there
//	word  "two words"  free text
//	*                  every document
//
// Terms are joined by AND, OR, NOT, in upper case, and parentheses. NOT binds
// tightest, then AND, then OR; terms side by side are joined by AND. An unknown
// field, a value of the wrong type and text over the bounds are errors with
// their place.
//
// # Meaning
//
//	case           ASCII letters of keywords match in either case; words of texts by Unicode lower case
//	missing field  every comparison with it is false, so NOT of one is true;
//	               null and the empty array count as missing, the empty string does not
//	many values    a term is true if any one value satisfies it alone; NOT is true if none does
//	keyword        compared whole; a pattern must cover the whole value
//	text           cut into words, runs of letters and digits; a value matches if its words
//	               stand there side by side in that order; a pattern must cover one word
//	flattened      every leaf is a keyword, numbers and booleans as written; field.path:value
//	               looks at one leaf, field:value at all of them
//	ip             an address, or a network such as 10.0.0.0/8 that holds it
//	date           in milliseconds; 2026-02-03 is the whole day in UTC: > is after its end,
//	               >= from its start, < before its start, <= up to its end;
//	               now, now-1h, now+2d (s m h d w) are relative to Options.Now
//	boolean        true or false
//	free text      any text field by words, or any keyword or flattened leaf by whole value,
//	               or an ip field if the text is an address or network
//
// # Order
//
//	order          by @timestamp, newest first, or by any field of type keyword, date, long,
//	               float, boolean or ip; asc or desc
//	compared       keywords by their bytes, numbers and dates by value, false before true,
//	               addresses as IPv6
//	missing field  last, asc or desc
//	many values    a document stands where its smallest value is when asc, its largest when desc
//	ties           by @timestamp, then event.sequence, then document id, in the same direction
//	paging         without end, by a cursor that names a place in the order
//
// # Groups
//
//	groups         one for each value of a field, as written: case matters here; of several
//	               fields one for each combination that a document has
//	missing field  a group of its own
//	many values    a document counts once in the group of each different value, so that groups
//	               may add up to more than the total
//	order          the largest first; ties by value in its order, missing last; or all by value
//	intervals      of @timestamp, by number and unit, in UTC; they begin at multiples of their
//	               length since 1970, weeks on Mondays; those without documents are left out
//	counts         exact; with more than TrackedGroups groups the answer says what is missing
//	distinct       different values as written; exact to 3,000, above it may be off by some percent
//	min, max       of numbers and dates
//	percentiles    p95: a value from the one below to the one above the rank, between them where
//	               the searcher puts it
package query
