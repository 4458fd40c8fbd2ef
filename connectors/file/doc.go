// Package file reads messages from files and writes deliveries to them, one per
// line, so that examples, tests and hand-overs need no server.
//
// # Source
//
// A line is a compact Security Event Token, or JSON when it begins with "{" or
// "[". Files are read in the order of their names; with follow, lines and files
// added later are read too, and a file that was exchanged or cut is read from
// its beginning. A last line without a line break counts, unless it may still
// grow. Empty lines are skipped. A line that is too long is handed on cut and
// marked, so that it is refused and recorded with its place like any other bad
// message.
//
// The position is kept in memory and moves when the outcome of a batch is
// durable. After a restart everything is offered again: the seen marks of the
// store make that harmless.
//
// # Sink
//
// Each delivery becomes one line of JSON, synchronized to the disk before the
// batch is reported as taken. The promise is at least once: a crash between
// writing and reporting can repeat a line, and who reads the file recognizes
// that by its id. The sink does so itself for the lines at the end of the file.
// A call of an action becomes a line with what it would have asked, for trying
// out what actuators will be told.
package file
